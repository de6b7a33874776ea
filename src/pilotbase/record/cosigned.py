"""The base's side of witnessing: the trust policy of the home, and the cosignatures gathered.

``policy`` (c2sp.org/tlog-policy) says which witnesses count and how many are enough; without the
file none are needed. `cosignatures` keeps what was gathered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.record.cosignatures import gathered, keep
from pilotbase.record.opened import Record
from pilotbase.record.rules import note, policy
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.cosignature import CosignerKey
from pilotbase.record.rules.policy import Policy
from pilotbase.record.rules.witnessing import Request

POLICY = "policy"
POLICY_SIZE_MAX = 2**20


@dataclass(frozen=True, slots=True)
class Standing:
    """A checkpoint with the signatures it has, who has cosigned it, and whether that is enough."""

    note: str
    checkpoint: Checkpoint
    witnesses: tuple[CosignerKey, ...]
    final: bool


def read_policy(home: Path) -> Policy | None:
    """The home's policy, None when there is none. Raises InputError when it is malformed."""
    path = home / POLICY
    with storage_errors(path):
        if not path.exists():
            return None
        with path.open("rb") as file:
            return policy.parse(file.read(POLICY_SIZE_MAX))


def standing(record: Record, signed: str, known: Policy | None) -> Standing:
    """How a checkpoint of this base stands with its witnesses."""
    checkpoint = verify_checkpoint(signed, record.chain())
    signed = gathered(record.home, signed, checkpoint.size)
    witnesses = who_cosigned(signed, known.witnesses.values()) if known else ()
    return Standing(signed, checkpoint, witnesses, known is None or known.final(witnesses))


def who_cosigned(signed: str, witnesses: Iterable[CosignerKey]) -> tuple[CosignerKey, ...]:
    """The witnesses whose cosignatures are there and hold."""
    keys = list(witnesses)
    try:
        found = {(s.name, s.key_id) for s in note.verify(signed, keys).signatures}
    except RecordError as error:
        if error.code == "note.unsigned":
            return ()
        raise
    return tuple(key for key in keys if (key.name, key.key_id) in found)


def newest_final(record: Record, known: Policy | None) -> Standing | None:
    """The newest checkpoint that the policy calls final; without a policy the newest one."""
    for _, signed in reversed(list(record.log.checkpoints())):
        found = standing(record, signed, known)
        if found.final:
            return found
    return None


def ask(record: Record, witness: str, old: int | None) -> Request:
    """A request that a witness cosign the newest checkpoint.

    Args:
        witness: its name in the policy or of its key, to find what it has cosigned last.
        old: the size it has cosigned last, as its own answer said; overrides what is known here.
    """
    signed = record.checkpoint()
    checkpoint = verify_checkpoint(signed, record.chain())
    old = _last(record, witness) if old is None else old
    if not 0 <= old <= checkpoint.size:
        raise RecordError(
            "witness.ahead",
            Text(
                f"the witness has seen {old} entries, this log has {checkpoint.size}",
                f"见证人已见过 {old} 条, 本日志只有 {checkpoint.size} 条",
            ),
            where=witness,
            next_step=Text("Run `pilotbase record verify`.", "请运行 `pilotbase record verify`。"),
        )
    proof = tuple(record.consistency(old, checkpoint.size))
    return Request(old, proof, signed)


def accept(record: Record, lines: str) -> Standing:
    """Keep a witness's cosignatures of a checkpoint of this base, once they are verified.

    Raises:
        RecordError: no policy, no signature line, or none that holds for a checkpoint made here.
    """
    known = read_policy(record.home)
    if known is None:
        raise _not_accepted(
            Text(f"the home has no file {POLICY!r}", f"主目录中没有文件 {POLICY!r}")
        )
    for size, signed in reversed(list(record.log.checkpoints())):
        kept = gathered(record.home, signed, size)
        try:
            new = note.verify(signed + lines, known.witnesses.values()).signatures
        except RecordError as error:
            if error.code == "note.malformed":
                raise
            continue
        mine = {(s.name, s.key_id) for s in new}
        earlier = [s for s in note.parse(kept).signatures if (s.name, s.key_id) not in mine]
        keep(record.home, size, note.Note(note.parse(signed).text, (*earlier, *new)))
        return standing(record, signed, known)
    raise _not_accepted(
        Text(
            "no witness of the policy has signed a checkpoint of this base here",
            "其中没有策略所列见证人对本基地检查点的签名",
        )
    )


def _last(record: Record, witness: str) -> int:
    known = read_policy(record.home)
    keys = known.witnesses if known else {}
    wanted = [key for name, key in keys.items() if witness in (name, key.name)]
    for size, signed in reversed(list(record.log.checkpoints())):
        if who_cosigned(gathered(record.home, signed, size), wanted):
            return size
    return 0


def _not_accepted(message: Text) -> RecordError:
    return RecordError(
        "witness.not_accepted",
        message,
        next_step=Text(
            "Put the witness's key into the policy (c2sp.org/tlog-policy), ask it with "
            "`pilotbase record request`, and give its answer here.",
            "请将见证人的密钥写入策略 (c2sp.org/tlog-policy), 用 `pilotbase record request` "
            "请求签名, 再将其答复交到此处。",
        ),
    )
