"""The key of `pilotbase up`: made on the spot, ended with it, or by the next one if it was killed.

While it runs it holds a lock; beside it lies the id of its key. An id whose lock is free is of a
process that is gone: the text of a key is shown to nobody before both are there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pilotbase.catalog.adding import add_list
from pilotbase.catalog.parties.mandates import Wanted, create_key, revoke_key
from pilotbase.catalog.parties.registry import registry
from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.home import only_one, storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record

OPERATOR = "local-operator"
SCOPES = ("serve.call.*", "operate.*")
ENDED = "`pilotbase up` has ended"
KILLED = "`pilotbase up` was killed before it could end it"
PARTY = f"""\
catalog: 1
parties:
  - id: {OPERATOR}
    kind: person
    name: {{en: Whoever runs this machine, zh: 本机操作者}}
"""
FOLDER = "up"
LEFT = Text(
    "The key {key} of an earlier `pilotbase up`, which was killed, still held; it is revoked now.",
    "此前被强行终止的 `pilotbase up` 留下的密钥 {key} 仍然有效, 现已撤销。",
)


@dataclass(frozen=True)
class OwnKey:
    """Its text, which is shown and kept nowhere, and its end."""

    text: str
    until: str


@contextmanager
def own_key(context: Context, term: str) -> Iterator[OwnKey]:
    """A new key, good until the body ends.

    Raises:
        InputError: a term that is none. RecordError: nothing was ever tried here.
    """
    with open_record(context, create=False) as record:
        _end_left(record, context)
    note = context.home / FOLDER / f"{context.entropy(8).hex()}.key"
    lock = note.with_suffix(".lock")
    try:
        with only_one(lock):
            with open_record(context, create=False) as record:
                id_, key = _made(record, context, term)
            try:
                with storage_errors(note):
                    write_whole(note, id_.encode())
                yield key
            finally:
                with open_record(context, create=False) as record:
                    revoke_key(record, context, id_, ENDED)
                note.unlink(missing_ok=True)
    finally:
        lock.unlink(missing_ok=True)


def _made(record: Record, context: Context, term: str) -> tuple[str, OwnKey]:
    if OPERATOR not in registry(record).book.parties:
        with tempfile.TemporaryDirectory() as folder:
            sheet = Path(folder, "party.yaml")
            sheet.write_text(PARTY, "utf-8")
            add_list(record, context, sheet)
    entry, text = create_key(record, context, OPERATOR, Wanted(SCOPES, until=term))
    return entry.body["key"], OwnKey(text, entry.body["until"])


def _end_left(record: Record, context: Context) -> None:
    """Revoke the keys of those that were killed, and say so."""
    for note in sorted((record.home / FOLDER).glob("*.key")):
        lock = note.with_suffix(".lock")
        with suppress(HomeError), only_one(lock):  # another one is running, or ends it just now
            id_ = note.read_text("utf-8", "replace") if note.exists() else ""
            key = registry(record).keys.get(id_)
            if key is not None and key.ended is None and key.until > context.clock():
                revoke_key(record, context, id_, KILLED)
                context.remark(LEFT.format(key=id_))
            note.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
