"""Proof files: what a stranger needs to check a claim about the log, and the check itself.

A proof of inclusion is a JSON object::

    {"format": "pilotbase-proof/1",
     "index": 3,                        which entry
     "entry": "{...}",                  its exact bytes, as text
     "proof": ["<hex>", ...],           inclusion proof (RFC 9162, 2.1.3), from the leaf upwards
     "checkpoint": "...",               signed note (c2sp.org/tlog-checkpoint)
     "vkey": "name+id+key"}             whose signature it is said to be

and one of consistency, that a log only grew between two checkpoints::

    {"format": "pilotbase-consistency/1",
     "from": "...", "to": "...",        two signed notes
     "proof": ["<hex>", ...],           consistency proof (RFC 9162, 2.1.4)
     "vkey": "name+id+key"}

Either may hold ``"rotations"``: the statements (see `pilotbase.record.rules.rotation`) that lead
from an older key of the log to the one that signed, for readers who know only the older one.

The vkey in the file is for looking up the right key; it proves nothing about whose key it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.rules import tlog_proof
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.merkle import leaf_hash, verify_consistency, verify_inclusion
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.rotation import ROTATIONS_MAX, follow

FORMAT = "pilotbase-proof/1"
CONSISTENCY = "pilotbase-consistency/1"
_FIELDS = {
    FORMAT: {"format", "index", "entry", "proof", "checkpoint", "vkey"},
    CONSISTENCY: {"format", "from", "to", "proof", "vkey"},
}
_ROTATIONS = "rotations"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a proof shows, or in `problem` why it shows nothing.

    `trusted` tells whether the key came from the reader; with the file's own key a proof shows only
    that the file agrees with itself. `note` is the signed note of `checkpoint`; `earlier` is the
    checkpoint that it extends, in a proof of consistency.
    """

    problem: Text | None
    trusted: bool
    vkey: str
    index: int = -1
    entry: Any = None
    checkpoint: Checkpoint | None = None
    note: str = ""
    earlier: Checkpoint | None = None

    @property
    def ok(self) -> bool:
        return self.problem is None


def proof_file(
    index: int,
    entry: bytes,
    proof: Sequence[bytes],
    checkpoint: str,
    vkey: str,
    rotations: Sequence[str] = (),
) -> dict[str, Any]:
    """The JSON object of a proof of inclusion."""
    said = {
        "format": FORMAT,
        "index": index,
        "entry": entry.decode(),
        "proof": [node.hex() for node in proof],
        "checkpoint": checkpoint,
        "vkey": vkey,
    }
    return {**said, _ROTATIONS: list(rotations)} if rotations else said


def consistency_file(
    earlier: str, later: str, proof: Sequence[bytes], vkey: str, rotations: Sequence[str] = ()
) -> dict[str, Any]:
    """The JSON object of a proof of consistency."""
    nodes = [node.hex() for node in proof]
    said = {"format": CONSISTENCY, "from": earlier, "to": later, "proof": nodes, "vkey": vkey}
    return {**said, _ROTATIONS: list(rotations)} if rotations else said


def check(document: object, key: VerifierKey | None = None) -> Checked:
    """Verify a proof file's JSON with the key, or with the key in it; never raises."""
    unsaid = Checked(_NOT_A_PROOF, key is not None, "")
    if not isinstance(document, dict) or not isinstance(document.get("format"), str):
        return unsaid
    fields, statements = _FIELDS.get(document["format"]), document.get(_ROTATIONS, [])
    if fields is None or document.keys() - {_ROTATIONS} != fields or not _are_notes(statements):
        return unsaid
    said = str(document["vkey"])
    try:
        keys = follow(key or VerifierKey.parse(said), statements)
        signer = next((known for known in keys if known.encode() == said), keys[0])
        unsaid = replace(unsaid, problem=_NOT_INCLUDED, vkey=signer.encode())
        if document["format"] == FORMAT:
            return _inclusion(document, signer, unsaid)
        return _consistency(document, keys, unsaid)
    except RecordError as error:
        return replace(unsaid, problem=error.message, vkey=unsaid.vkey or said)


def check_text(text: str, key: VerifierKey) -> Checked:
    """Verify a proof in the form of c2sp.org/tlog-proof with the key of its log; never raises."""
    proof, unsaid = tlog_proof.parse(text), Checked(_NOT_A_PROOF, True, key.encode())
    if proof is None:
        return unsaid
    if proof.entry is None:
        return replace(unsaid, problem=_NO_ENTRY)
    try:
        checkpoint = verify_checkpoint(proof.checkpoint, key)
    except RecordError as error:
        return replace(unsaid, problem=error.message)
    unsaid = replace(unsaid, note=proof.checkpoint)
    return _included(proof.entry, proof.index, list(proof.proof), checkpoint, unsaid)


def check_note(text: str, key: VerifierKey) -> Checked:
    """Verify a checkpoint by itself; never raises."""
    try:
        checkpoint = verify_checkpoint(text, key)
    except RecordError as error:
        return Checked(error.message, True, key.encode())
    return Checked(None, True, key.encode(), checkpoint=checkpoint, note=text)


def _inclusion(document: dict[str, Any], key: VerifierKey, unsaid: Checked) -> Checked:
    note, index = document["checkpoint"], document["index"]
    if not isinstance(note, str):
        return replace(unsaid, problem=_NOT_A_PROOF)
    checkpoint = verify_checkpoint(note, key)
    data, proof = _bytes(document["entry"]), _path(document["proof"])
    if data is None or proof is None:
        return unsaid
    return _included(data, index, proof, checkpoint, replace(unsaid, note=note))


def _included(
    data: bytes, index: int, proof: list[bytes], checkpoint: Checkpoint, unsaid: Checked
) -> Checked:
    if not verify_inclusion(leaf_hash(data), index, checkpoint.size, proof, checkpoint.root):
        return replace(unsaid, problem=_NOT_INCLUDED)
    try:
        entry = decode(data)
    except (ValueError, RecursionError):
        return replace(unsaid, problem=_UNREADABLE)
    return replace(unsaid, problem=None, index=index, entry=entry, checkpoint=checkpoint)


def _consistency(document: dict[str, Any], keys: list[VerifierKey], unsaid: Checked) -> Checked:
    proof = _path(document["proof"])
    if proof is None or not _are_notes([document["from"], document["to"]]):
        return replace(unsaid, problem=_NOT_A_PROOF)
    earlier = _signed(document["from"], keys)
    later = _signed(document["to"], keys)
    if not verify_consistency(earlier.size, later.size, proof, earlier.root, later.root):
        return replace(unsaid, problem=_NOT_CONSISTENT)
    return replace(unsaid, problem=None, checkpoint=later, note=document["to"], earlier=earlier)


def _signed(note: str, keys: list[VerifierKey]) -> Checkpoint:
    """The checkpoint that one of the keys has signed. Raises RecordError when none has."""
    for key in keys[1:]:
        try:
            return verify_checkpoint(note, key)
        except RecordError:
            continue
    return verify_checkpoint(note, keys[0])


def _are_notes(notes: object) -> bool:
    if not isinstance(notes, list) or len(notes) > ROTATIONS_MAX:
        return False
    return all(isinstance(note, str) for note in notes)


def _bytes(entry: object) -> bytes | None:
    try:
        return entry.encode() if isinstance(entry, str) else None
    except UnicodeEncodeError:
        return None


def _path(proof: object) -> list[bytes] | None:
    try:
        return [bytes.fromhex(node) for node in proof] if isinstance(proof, list) else None
    except (ValueError, TypeError):
        return None


_NOT_A_PROOF = Text(
    f"this is no proof file of the format {FORMAT}, {CONSISTENCY} or {tlog_proof.HEAD}",
    f"这不是 {FORMAT}、{CONSISTENCY} 或 {tlog_proof.HEAD} 格式的证明文件",
)
_NOT_INCLUDED = Text(
    "the entry is not in the log that was signed: entry, index or proof was changed",
    "该记录不在已签署的日志中: 内容、序号或证明被改动",
)
_NOT_CONSISTENT = Text(
    "the later checkpoint is not shown to extend the earlier one: a fork, or a changed proof",
    "未能证明后一检查点与前一检查点衔接: 日志分叉, 或证明被改动",
)
_UNREADABLE = Text("the entry is in the log but is not JSON", "该记录在日志中, 但不是 JSON")
_NO_ENTRY = Text(
    "the proof file does not hold the entry (its line `extra`)", "证明文件未附条目内容 (`extra` 行)"
)
