"""Receipts of calls: what one says, how many are signed at once, and how one is checked. Pure.

A receipt is canonical JSON (RFC 8785). Many are the leaves of one Merkle tree (RFC 9162, 2.1),
whose root and size are signed as a DSSE envelope; each travels with its path to that root. Whoever
has the base's public key can check one with nothing else at hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.canonical import decode, encode
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.rules import dsse, merkle
from pilotbase.record.rules.note import VerifierKey

RECEIPT, FILE, ROOT = "pilotbase/receipt/1", "pilotbase/receipt-file/1", "pilotbase/receipts/1"
TYPE = "application/vnd.pilotbase.receipts+json"
_PARTS = {"format", "receipt", "index", "size", "proof", "signed"}
NO_RECEIPT = Text("this is no receipt of a call", "这不是调用回执")
NOT_SIGNED = Text("the base's key has not signed this", "未由基地密钥签名")
ALTERED = Text(
    "the receipt is not among those that were signed: it was altered, or is of another batch",
    "该回执不在已签名之列: 内容被改动, 或不属于该批次",
)


@dataclass(frozen=True)
class Checked:
    """What a check found: the receipt, where ``problem`` is None."""

    problem: Text | None
    receipt: Mapping[str, Any] | None = None


def root_body(root: bytes, size: int, at: str) -> bytes:
    """What is signed for a batch."""
    return encode({"format": ROOT, "root": root.hex(), "size": size, "at": at})


def file_of(
    receipt: bytes, index: int, leaves: Sequence[bytes], signed: Mapping[str, Any]
) -> dict[str, Any]:
    """A receipt as it is handed out.

    Args:
        leaves: the leaf hashes of its batch.
    """
    proof = merkle.inclusion_proof(leaves, index)
    return {
        "format": FILE,
        "receipt": receipt.decode(),
        "index": index,
        "size": len(leaves),
        "proof": [step.hex() for step in proof],
        "signed": dict(signed),
    }


def check(document: Any, key: VerifierKey) -> Checked:
    """Check a receipt with the base's key; never raises.

    >>> check({"format": "something else"}, None).problem.en   # doctest: +SKIP
    'this is no receipt of a call'
    """
    if not isinstance(document, dict) or document.keys() != _PARTS or document["format"] != FILE:
        return Checked(NO_RECEIPT)
    try:
        kind, body = dsse.opened(json.dumps(document["signed"]), key)
    except (RecordError, ValueError, TypeError, RecursionError):
        return Checked(NOT_SIGNED)
    try:
        said = decode(body)
        if kind != TYPE or said["format"] != ROOT or said["size"] != document["size"]:
            return Checked(ALTERED)
        if type(document["index"]) is not int or not isinstance(document["proof"], list):
            return Checked(ALTERED)
        data = document["receipt"].encode()
        proof = [bytes.fromhex(step) for step in document["proof"]]
        leaf, root = merkle.leaf_hash(data), bytes.fromhex(said["root"])
        if not merkle.verify_inclusion(leaf, document["index"], said["size"], proof, root):
            return Checked(ALTERED)
        receipt = decode(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Checked(ALTERED)
    if not isinstance(receipt, dict) or receipt.get("format") != RECEIPT:
        return Checked(NO_RECEIPT)
    return Checked(None, receipt)
