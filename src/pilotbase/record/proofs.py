"""Making proof files from a record."""

from __future__ import annotations

from typing import Any

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Entry
from pilotbase.kernel.text import Text
from pilotbase.record.cosignatures import gathered
from pilotbase.record.cosigned import newest_final, read_policy
from pilotbase.record.opened import Record
from pilotbase.record.rotation import rotations
from pilotbase.record.rules.checkpoint import verify_checkpoint
from pilotbase.record.rules.merkle import node_count
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.proof import consistency_file, proof_file
from pilotbase.record.rules.tlog_proof import TlogProof


def prove(record: Record, index: int) -> dict[str, Any]:
    """The proof file of an entry, under a checkpoint that has it, with its cosignatures.

    That is the newest that the home's policy calls final, else the newest, else a new one.

    Raises:
        RecordError: there is no such entry; or a checkpoint has to be made and the key is lost.
    """
    entry, note, size, key, statements = _proven(record, index)
    proof = record.inclusion(index, size)
    return proof_file(index, entry.data, proof, note, key.encode(), statements)


def prove_as_tlog(record: Record, index: int) -> str:
    """The same proof as `prove` gives, in the text form of c2sp.org/tlog-proof."""
    entry, note, size, _, _ = _proven(record, index)
    proof = tuple(record.inclusion(index, size))
    return TlogProof(index, entry.data, proof, note).encode()


def prove_consistency(record: Record, size: int, held: str | None = None) -> dict[str, Any]:
    """The proof file that the newest checkpoint extends the one of ``size`` entries.

    Args:
        held: that checkpoint, as someone else has kept it; else it is looked up in the log.

    Raises:
        RecordError: no checkpoint was made at that size, or the log does not extend it.
    """
    later, chain = record.checkpoint(), record.chain()
    earlier = held or next((note for at, note in record.log.checkpoints() if at == size), None)
    if earlier is None:
        raise _no_checkpoint(record, size)
    one, two = verify_checkpoint(earlier, chain), verify_checkpoint(later, chain)
    if one.size > two.size or record.root(one.size) != one.root:
        raise RecordError(
            "record.not_extended",
            Text("the log does not extend this checkpoint", "日志与该检查点不衔接"),
            next_step=Text("Run `pilotbase record verify`.", "请运行 `pilotbase record verify`。"),
        )
    proof, statements = record.consistency(one.size, two.size), _statements(record)
    return consistency_file(earlier, later, proof, chain.newest.encode(), statements)


def index_of(record: Record, leaf: bytes) -> int:
    """The index of the entry with this leaf hash, SHA-256(0x00 || entry); reads all hashes once.

    Raises:
        RecordError: no entry has it.
    """
    index, due = 0, 0
    for number, found in record.log.all_nodes():
        if number != due:
            continue
        if found == leaf:
            return index
        index += 1
        due = node_count(index)
    raise RecordError(
        "record.no_such_hash",
        Text("no entry has this leaf hash", "没有条目具有该叶哈希"),
        where=leaf.hex(),
        next_step=Text(
            "A leaf hash is SHA-256 of a zero byte and the entry's bytes.",
            "叶哈希为 SHA-256(零字节 ‖ 条目内容)。",
        ),
    )


def _proven(record: Record, index: int) -> tuple[Entry, str, int, VerifierKey, list[str]]:
    """Entry, note and size of a checkpoint that has it, its key, and what leads to that key."""
    entry, known = record.entry(index), read_policy(record.home)
    last = record.log.last_checkpoint()
    final = newest_final(record, known) if known is not None else None
    if final is not None and final.checkpoint.size > index:
        note = final.note
    else:
        note = last[1] if last is not None and last[0] > index else record.checkpoint()
    chain = record.chain()
    size = verify_checkpoint(note, chain).size
    return entry, gathered(record.home, note, size), size, chain.at(size), _statements(record)


def _statements(record: Record) -> list[str]:
    return [str(body["statement"]) for _, body in rotations(record.log)]


def _no_checkpoint(record: Record, size: int) -> RecordError:
    made = ", ".join(str(at) for at, _ in record.log.checkpoints())
    return RecordError(
        "record.no_checkpoint",
        Text(f"no checkpoint was made of {size} entries", f"没有大小为 {size} 的检查点"),
        where=str(record.home),
        next_step=Text(
            f"There are checkpoints of {made}; or give a checkpoint that was kept, as a file.",
            f"已有检查点的大小: {made}; 也可用文件给出另行保存的检查点。",
        ),
    )
