"""Checkpoints (c2sp.org/tlog-checkpoint): size and root of a log at one moment, as a note's text.

::

    <origin>
    <tree size in decimal>
    <base64 of the root hash>

The log's origin is also the name of the key that signs it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.rules import note
from pilotbase.record.rules.merkle import HASH_SIZE, SIZE_MAX
from pilotbase.record.rules.rotation import KeyChain

_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Origin, number of leaves and 32-byte root hash of a log.

    ``extensions`` are further non-empty lines: opaque, advised against, and kept as they are.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode())
        return "".join(f"{line}\n" for line in (*lines, *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint of a note's text.

        Raises:
            RecordError: ``checkpoint.malformed``.
        """
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < 3 or not text.endswith("\n") or not all(lines):
            raise _malformed()
        size, root = lines[1], note.exact_base64(lines[2])
        if not _SIZE.fullmatch(size) or int(size) > SIZE_MAX:
            raise _malformed()
        if root is None or len(root) != HASH_SIZE:
            raise _malformed()
        return cls(lines[0], int(size), root, tuple(lines[3:]))


def sign_checkpoint(checkpoint: Checkpoint, key: note.SigningKey) -> str:
    """The signed note of a checkpoint."""
    return note.sign(checkpoint.text(), [key])


def verify_checkpoint(signed: str | bytes, key: note.VerifierKey | KeyChain) -> Checkpoint:
    """The checkpoint of a note that its log's key has signed; of a chain, the key for its size.

    Raises:
        RecordError: not a note, not signed by the key, not a checkpoint, or of another log.
    """
    known = key.known if isinstance(key, KeyChain) else [key]
    verified = note.verify(signed, known)
    checkpoint = Checkpoint.parse(verified.text)
    if checkpoint.origin != known[0].name:
        raise _other_log(checkpoint.origin, known[0].name)
    due = key.at(checkpoint.size) if isinstance(key, KeyChain) else key
    if due.key_id not in {signature.key_id for signature in verified.signatures}:
        raise RecordError(
            "checkpoint.retired_key",
            Text(
                "the checkpoint is signed with a key that is not the log's key for this size",
                "签署该检查点的密钥不是日志在此大小时的有效密钥",
            ),
            where=checkpoint.origin,
            next_step=Text(
                "Get a checkpoint that the log's present key has signed.",
                "请取得由日志现行密钥签署的检查点。",
            ),
        )
    return checkpoint


def _other_log(origin: str, name: str) -> RecordError:
    return RecordError(
        "checkpoint.other_log",
        Text(
            f"the checkpoint is of the log {origin!r}, the key of {name!r}",
            f"检查点属于日志 {origin!r}, 密钥属于 {name!r}",
        ),
        where=origin,
        next_step=Text(
            "Use the key of that log or the checkpoint of this one.",
            "请使用该日志的密钥, 或本日志的检查点。",
        ),
    )


def is_checkpoint(text: str) -> bool:
    """Whether a text could be read as a checkpoint; nothing else may be signed with a log's key."""
    try:
        Checkpoint.parse(text)
    except RecordError:
        return False
    return True


def _malformed() -> RecordError:
    return RecordError(
        "checkpoint.malformed",
        Text(
            "this is no checkpoint: origin, size and base64 root, a line each",
            "这不是检查点: 应为来源、大小、base64 根哈希各一行",
        ),
        next_step=Text("Get the checkpoint again from its log.", "请从日志重新获取检查点。"),
    )
