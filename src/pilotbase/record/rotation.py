"""Rotating the base's key in its home, so that a kill at any moment leaves one key in force.

The new secret lies beside the old one, under its own name, before the rotation is recorded; the
record decides which of the two is in force, and whoever signs next puts the files in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.text import Text
from pilotbase.record import keys
from pilotbase.record.events import KEY_ROTATED, KeyRotated
from pilotbase.record.ports import LogReader
from pilotbase.record.rules.note import SigningKey, VerifierKey
from pilotbase.record.rules.rotation import KeyChain, statement


def rotations(log: LogReader) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Index and body of each recorded rotation, in order; an entry that is none says nothing."""
    for row in log.rows(0, None, kind=KEY_ROTATED):
        try:
            body = decode(row.data)["body"]
        except (ValueError, TypeError, KeyError):
            body = {}
        yield row.index, body if isinstance(body, dict) else {}


def chain(log: LogReader, key: VerifierKey) -> KeyChain:
    """The keys of the log, of which ``key`` is one.

    Raises:
        RecordError: a recorded rotation does not hold, or the key is of another log.
    """
    return KeyChain.of(key, rotations(log))


def finish(home: Path, log: LogReader) -> None:
    """Put a recorded rotation's new key into force, when a kill kept that from being done.

    To be called under the log's lock, as `introduce`.
    """
    keys.remove_parts(home)
    waiting = keys.waiting(home)
    recorded = [str(body.get("new")) for _, body in rotations(log)] if waiting else []
    for path in waiting:
        key = keys.read(path)
        if recorded and key.verifier.encode() == recorded[-1]:
            # This removes what else waits: rotations that were begun and never recorded.
            keys.promote(home, key)
            return


def introduce(home: Path, old: SigningKey, seed: bytes, reason: str, by: Actor) -> Draft:
    """The event of a rotation to a new key; its secret is in the home before this returns."""
    new = SigningKey(old.name, seed)
    keys.keep_waiting(home, new)
    happened = KeyRotated(old.verifier.encode(), new.verifier.encode(), statement(old, new), reason)
    # One key has one successor, even when two processes rotate at once.
    return Draft(happened, by, f"key:{old.name}", key=f"{KEY_ROTATED}:{old.verifier.encode()}")


def won(entry: Entry, draft: Draft) -> None:
    """Raises RecordError when another process has rotated the same key at the same time."""
    if entry.envelope["body"]["new"] != draft.happened.new:
        raise RecordError(
            "rotation.at_once",
            Text("another process has just rotated this key", "另一进程刚刚更换了该密钥"),
            next_step=Text(
                "The key is rotated. Rotate again only if you want to.",
                "密钥已更换。如确有需要, 可再次更换。",
            ),
        )
