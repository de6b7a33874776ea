"""Refusing to go on with a log that does not extend what its base has signed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.ports import LogReader
from pilotbase.record.rules import merkle
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.rotation import KeyChain


def refuse_fork(log: LogReader, chain: KeyChain, beside: Iterable[str], where: str) -> None:
    """Refuse a log that lacks what its newest checkpoint, or one beside it, was signed for.

    Raises:
        RecordError: ``record.put_back``.
    """
    last, signed = log.last_checkpoint(), list[Checkpoint]()
    for text in beside:
        # A copy that nobody signed proves nothing; it is for the audit to report.
        with suppress(RecordError):
            signed.append(verify_checkpoint(text, chain))
    if last is not None:
        try:
            signed.append(verify_checkpoint(last[1], chain))
        except RecordError as error:
            raise put_back(where) from error
    for made in signed:
        if made.size > log.size():
            raise put_back(where)
        (root,) = merkle.hash_ranges([(0, made.size)], log.nodes)
        if root != made.root:
            raise put_back(where)


def put_back(where: str) -> RecordError:
    """The error for a log that is older than what was signed, or another."""
    return RecordError(
        "record.put_back",
        Text(
            "the log does not extend a checkpoint that this base has signed; "
            "it was put back to an older state or changed",
            "日志与本基地已签署的检查点不衔接; 可能被换回旧版本或被改动",
        ),
        where=where,
        next_step=Text(
            "Put the newest backup of the whole home back. Nothing was written.",
            "请恢复整个主目录的最新备份。未写入任何内容。",
        ),
    )
