"""Proofs in the text form of c2sp.org/tlog-proof (version 1), for readers that know that form.

::

    c2sp.org/tlog-proof@v1
    extra <base64 of the entry>
    index <index>
    <inclusion proof, a base64 hash a line>
                                              (an empty line)
    <checkpoint, a signed note with all its signatures>

The form leaves open what ``extra`` holds; here it is the entry, so that the file stands by itself.
It is trusted no further than that its leaf hash is proved. There is no key in the file.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pilotbase.record.rules.merkle import HASH_SIZE
from pilotbase.record.rules.note import exact_base64

HEAD = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
PROOF_LINES_MAX = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Index, entry where there is one, inclusion proof, and the checkpoint's note."""

    index: int
    entry: bytes | None
    proof: tuple[bytes, ...]
    checkpoint: str

    def encode(self) -> str:
        extra = "" if self.entry is None else f"extra {_base64(self.entry)}\n"
        hashes = "".join(f"{_base64(node)}\n" for node in self.proof)
        return f"{HEAD}\n{extra}index {self.index}\n{hashes}\n{self.checkpoint}"


def parse(text: str) -> TlogProof | None:
    """The proof of a text; None for what is no such proof. Nothing is verified yet."""
    head, _, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != HEAD or not checkpoint:
        return None
    entry: bytes | None = None
    if len(lines) > 1 and lines[1].startswith("extra "):
        entry = exact_base64(lines.pop(1).removeprefix("extra "))
        if entry is None:
            return None
    said = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    hashes = _hashes(lines[2:])
    if said is None or hashes is None:
        return None
    return TlogProof(int(said[1]), entry, hashes, checkpoint)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...] | None:
    nodes = [exact_base64(line) for line in lines]
    whole = tuple(node for node in nodes if node is not None and len(node) == HASH_SIZE)
    return whole if len(whole) == len(nodes) <= PROOF_LINES_MAX else None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
