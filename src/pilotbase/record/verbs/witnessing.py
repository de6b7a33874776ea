"""Witness another base's record, and have one's own witnessed; requests travel as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb


@dataclass(frozen=True)
class WitnessRequest:
    request: Path | None = asked(
        "A request that another base made with `record request`.",
        "另一基地用 `record request` 生成的请求。",
        default=None,
        word=True,
    )
    out: Path | None = asked(
        "Write the cosignature to this file.", "将见证签名写入此文件。", default=None, short="-o"
    )
    log: str = asked(
        "Cosign this log from now on: its verifier key, as you got it from its base.",
        "自此为该日志作见证: 其验证密钥, 应从该基地取得。",
        default="",
    )
    name: str = asked(
        "The witness's name, when its key has yet to be made.",
        "见证人的名称, 仅在首次生成密钥时使用。",
        default="",
    )


@dataclass(frozen=True)
class WitnessResponse:
    """The cosignature line, None without a request; and the key that others verify it with."""

    cosignature: str | None
    vkey: str
    log: str


@verb(
    "record.witness",
    summary=Text(
        "Cosign another base's checkpoint, if its log has only grown.",
        "在日志只增不改的前提下, 为另一基地的检查点作见证签名。",
    ),
    changes=True,
    roles=("signatory", "regulator"),
)
def witness(context: Context, request: WitnessRequest) -> WitnessResponse:
    from pilotbase.kernel.home import storage_errors, write_whole
    from pilotbase.record.inputs import read_text
    from pilotbase.record.rules.witnessing import Refused, origin_of
    from pilotbase.record.witness import Witness, refusal

    text = read_text(request.request) if request.request is not None else None
    with Witness(context, request.name) as own:
        log = own.know(request.log).name if request.log else ""
        line, vkey = None, own.verifier.encode()
        if text is not None:
            log = origin_of(text.partition("\n\n")[2])
            try:
                line = own.add_checkpoint(text)
            except Refused as error:
                raise refusal(error, log) from error
    if line is not None and request.out is not None:
        with storage_errors(request.out):
            write_whole(request.out, line.encode())
    return WitnessResponse(line, vkey, log)


@dataclass(frozen=True)
class AskRequest:
    witness: str = asked(
        "The witness, by its name in the policy or of its key.",
        "见证人: 策略中的名称或其密钥的名称。",
    )
    out: Path | None = asked(
        "Write the request to this file.", "将请求写入此文件。", default=None, short="-o"
    )
    old: int | None = asked(
        "The size that the witness cosigned last, if it said another than is known here.",
        "见证人上次签署的大小; 仅当其答复与此处所知不同时给出。",
        default=None,
    )


@dataclass(frozen=True)
class AskResponse:
    """What the witness is to be given: the newest checkpoint and the proof that it only grew."""

    request: str
    old: int
    size: int


@verb(
    "record.request",
    summary=Text(
        "Make the request that a witness cosign the newest checkpoint.",
        "生成请求, 请见证人为最新检查点共同签名。",
    ),
    changes=True,
    roles=("case officer", "signatory"),
)
def request(context: Context, request: AskRequest) -> AskResponse:
    from pilotbase.kernel.home import storage_errors, write_whole
    from pilotbase.record.cosigned import ask
    from pilotbase.record.opened import open_record

    if request.old is not None and request.old < 0:
        raise InputError(
            "record.bad_size", Text("a size is 0 or more", "大小不能为负"), where="--old"
        )
    with open_record(context, create=False) as record:
        made = ask(record, request.witness, request.old)
        size = int(made.checkpoint.split("\n")[1])
    if request.out is not None:
        with storage_errors(request.out):
            write_whole(request.out, made.encode().encode())
    return AskResponse(made.encode(), made.old, size)


@dataclass(frozen=True)
class AcceptRequest:
    cosignature: Path = asked("A witness's answer.", "见证人的答复。")


@dataclass(frozen=True)
class AcceptResponse:
    """The checkpoint with the cosignatures it has now, and whether they are enough."""

    checkpoint: str
    size: int
    witnesses: tuple[str, ...]
    final: bool


@verb(
    "record.accept",
    summary=Text(
        "Take in a witness's cosignature, once it is verified.",
        "核验并收存见证人的签名。",
    ),
    changes=True,
    roles=("case officer", "signatory"),
)
def accept(context: Context, request: AcceptRequest) -> AcceptResponse:
    from pilotbase.record import cosigned
    from pilotbase.record.inputs import read_text
    from pilotbase.record.opened import open_record

    lines = read_text(request.cosignature)
    with open_record(context, create=False) as record:
        found = cosigned.accept(record, lines)
    names = tuple(witness.name for witness in found.witnesses)
    return AcceptResponse(found.note, found.checkpoint.size, names, found.final)
