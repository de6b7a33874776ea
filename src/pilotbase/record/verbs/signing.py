"""Checkpoint: sign the state of the record; rotate the key that signs it."""

from __future__ import annotations

from dataclasses import dataclass

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb


@dataclass(frozen=True)
class CheckpointRequest:
    final: bool = asked(
        "Sign nothing; give the newest checkpoint that enough witnesses have cosigned.",
        "不作新签署; 给出已获足够见证人共同签署的最新检查点。",
        default=False,
    )


@dataclass(frozen=True)
class CheckpointResponse:
    """A signed note of size and root: who keeps one elsewhere will notice if the log goes back.

    ``final`` says whether the home's policy calls it final, ``witnesses`` who has cosigned it.
    """

    checkpoint: str
    size: int
    root: str
    vkey: str
    final: bool = True
    witnesses: tuple[str, ...] = ()
    policy: str | None = None


@verb(
    "record.checkpoint",
    summary=Text(
        "Sign the size and root of the record, for others to keep.",
        "签署记录的大小与根哈希, 供他人留存。",
    ),
    changes=True,
    roles=("case officer", "signatory"),
)
def checkpoint(context: Context, request: CheckpointRequest) -> CheckpointResponse:
    from pilotbase.record import cosigned
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        known = cosigned.read_policy(record.home)
        if request.final:
            found = cosigned.newest_final(record, known)
            if found is None:
                raise _none_final()
        else:
            found = cosigned.standing(record, record.checkpoint(), known)
        key = record.chain().at(found.checkpoint.size)
    return CheckpointResponse(
        checkpoint=found.note,
        size=found.checkpoint.size,
        root=found.checkpoint.root.hex(),
        vkey=key.encode(),
        final=found.final,
        witnesses=tuple(witness.name for witness in found.witnesses),
        policy=known.quorum if known else None,
    )


@dataclass(frozen=True)
class RotateKeyRequest:
    reason: str = asked(
        "Why the key is changed; recorded.", "更换密钥的原因, 将记入记录。", default=""
    )


@dataclass(frozen=True)
class RotateKeyResponse:
    """The key that signs from now on, the one before it, and the entry that records the change."""

    vkey: str
    old: str
    index: int


@verb(
    "record.rotate-key",
    summary=Text(
        "Hand over to a new signing key; what the old one signed stays good.",
        "更换签名密钥; 旧密钥已签署的内容仍然有效。",
    ),
    changes=True,
    roles=("signatory",),
)
def rotate_key(context: Context, request: RotateKeyRequest) -> RotateKeyResponse:
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        entry = record.rotate_key(request.reason, context.actor("signatory"))
        record.checkpoint()
        return RotateKeyResponse(record.vkey, entry.envelope["body"]["old"], entry.index)


def _none_final() -> RecordError:
    return RecordError(
        "record.none_final",
        Text(
            "no checkpoint has the cosignatures that the policy asks for",
            "尚无检查点获得策略所要求的见证签名",
        ),
        next_step=Text(
            "`pilotbase record request` asks a witness, `pilotbase record accept` takes its word.",
            "用 `pilotbase record request` 请求见证, 用 `pilotbase record accept` 接收答复。",
        ),
    )
