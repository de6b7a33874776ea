"""Self-contained proof that an entry is in a log, to be verified with nothing but a public key.

A proof file is a JSON object::

    {"format": "pilotbase-proof/1",
     "index": 3,                        which entry
     "entry": "{...}",                  its exact bytes, as text
     "proof": ["<hex>", ...],           inclusion proof (RFC 9162, 2.1.3), from the leaf upwards
     "checkpoint": "...",               signed note (c2sp.org/tlog-checkpoint)
     "vkey": "name+id+key"}             whose signature it is said to be

The vkey in the file is for looking up the right key; it proves nothing about whose key it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.merkle import leaf_hash, verify_inclusion
from pilotbase.record.rules.note import VerifierKey

FORMAT = "pilotbase-proof/1"
_FIELDS = {"format", "index", "entry", "proof", "checkpoint", "vkey"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a proof shows, or in `problem` why it shows nothing.

    `trusted` tells whether the key came from the reader; with the file's own key a proof shows only
    that the file agrees with itself.
    """

    problem: Text | None
    trusted: bool
    vkey: str
    index: int = -1
    entry: Any = None
    checkpoint: Checkpoint | None = None

    @property
    def ok(self) -> bool:
        return self.problem is None


def proof_file(
    index: int, entry: bytes, proof: Sequence[bytes], checkpoint: str, vkey: str
) -> dict[str, Any]:
    """The JSON object of a proof."""
    return {
        "format": FORMAT,
        "index": index,
        "entry": entry.decode(),
        "proof": [node.hex() for node in proof],
        "checkpoint": checkpoint,
        "vkey": vkey,
    }


def check(document: object, key: VerifierKey | None = None) -> Checked:
    """Verify a proof file's JSON with the key, or with the key in it; never raises."""
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        return Checked(_NOT_A_PROOF, key is not None, "")
    if document["format"] != FORMAT or not isinstance(document["checkpoint"], str):
        return Checked(_NOT_A_PROOF, key is not None, "")
    try:
        known = key or VerifierKey.parse(str(document["vkey"]))
        checkpoint = verify_checkpoint(document["checkpoint"], known)
    except RecordError as error:
        return Checked(error.message, key is not None, str(document["vkey"]))
    index, data, proof = document["index"], _bytes(document["entry"]), _path(document["proof"])
    seen = Checked(_NOT_INCLUDED, key is not None, known.encode())
    if data is None or proof is None:
        return seen
    if not verify_inclusion(leaf_hash(data), index, checkpoint.size, proof, checkpoint.root):
        return seen
    try:
        entry = decode(data)
    except (ValueError, RecursionError):
        return Checked(_UNREADABLE, key is not None, known.encode())
    return Checked(None, key is not None, known.encode(), index, entry, checkpoint)


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
    f"this is no proof file of the format {FORMAT}", f"这不是 {FORMAT} 格式的证明文件"
)
_NOT_INCLUDED = Text(
    "the entry is not in the log that was signed: entry, index or proof was changed",
    "该记录不在已签署的日志中: 内容、序号或证明被改动",
)
_UNREADABLE = Text("the entry is in the log but is not JSON", "该记录在日志中, 但不是 JSON")
