"""Erasing bodies from the vault, for a reason and on a ground that the log keeps.

The log says so first and the bytes go second: what a crash leaves behind is a recorded erasure that
is not finished, which the audit names and the same command finishes; never a loss without a reason.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft, Entry, declared_terms
from pilotbase.kernel.home import only_one, storage_errors
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.record.events import Erased
from pilotbase.record.opened import LOG, VAULT, Record
from pilotbase.record.rules.erasure import ERASED, erased_by
from pilotbase.record.rules.retention import Terms, term_of, terms_of

LOCK = "vault.lock"
"""Held while bodies are erased or a backup is made: a backup has the bodies of all its entries."""
OWN_TERMS = "retention.toml"
BATCH = 1000
ID_SIZE_MIN = 6


@dataclass(frozen=True, slots=True)
class Body:
    """A body as the log names it, the term it is past (empty if none), and whether it is kept."""

    entry: int
    kind: str
    about: str
    name: str
    commitment: str
    size: int
    kept: bool
    term: str = ""

    def named(self) -> Mapping[str, Any]:
        return {"entry": self.entry, "name": self.name, "commitment": self.commitment}


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure did: the entries that record it, what it destroyed, and what was gone."""

    recorded: tuple[int, ...]
    erased: tuple[Body, ...]
    gone_before: int


def bodies_of(record: Record, entries: Iterable[Entry]) -> Iterator[Body]:
    """The bodies that entries commit to, in order."""
    for entry in entries:
        for name, said in entry.envelope["vault"].items():
            commitment, size = str(said["commitment"]), int(said["size"])
            kept = record.vault.keeps(commitment)
            yield Body(entry.index, entry.kind, entry.about, name, commitment, size, kept)


def recorded_erasures(record: Record) -> set[str]:
    """The commitments of all bodies whose erasure the log records."""
    return {c for entry in record.entries(kind=ERASED) for c in erased_by(entry.data)}


def erase(
    record: Record, bodies: Iterable[Body], *, by: Actor, reason: str, ground: str
) -> Erasure:
    """Record the erasure of these bodies and destroy them; finishes one that was interrupted.

    A body that is neither kept nor recorded as erased is lost: it stays a fault of the record and
    is not made an erasure afterwards.

    Raises:
        HomeError: a backup or another erasure is under way, or a reader keeps old pages alive.
    """
    with only_one(record.home / LOCK):
        wanted = list(bodies)
        recorded = recorded_erasures(record)
        kept = [body for body in wanted if body.kept]
        new = [body for body in kept if body.commitment not in recorded]
        drafts = [
            Draft(Erased(tuple(b.named() for b in part), reason, ground), by, _subject(part))
            for part in _parts(new)
        ]
        indexes = tuple(entry.index for entry in record.append_many(drafts)) if drafts else ()
        record.vault.erase([body.commitment for body in kept])
        return Erasure(indexes, tuple(kept), len(wanted) - len(kept))


def expired(record: Record, at: datetime, terms: Terms) -> Iterator[Body]:
    """The kept bodies whose term is past at a moment, in the order of the log."""
    for kind in terms:
        for entry in record.entries(kind=kind):
            for body in bodies_of(record, [entry]):
                term = None
                # A time that cannot be read is for the audit to report; nothing is erased by it.
                with suppress(ValueError, OverflowError):
                    term = term_of(terms, kind, body.name, str(entry.envelope["at"]))
                if body.kept and term is not None and term.until <= at:
                    fields = (body.entry, body.kind, body.about, body.name, body.commitment)
                    yield Body(*fields, body.size, True, term.term)


def expire(record: Record, at: datetime, *, by: Actor, ground: str) -> Erasure:
    """Erase what is past its term at a moment; one recorded erasure a term and kind."""
    past: dict[tuple[str, str], list[Body]] = {}
    for body in expired(record, at, terms_in_force(record)):
        past.setdefault((body.kind, body.term), []).append(body)
    done = [
        erase(record, bodies, by=by, reason=f"the term {term} of {kind} has ended", ground=ground)
        for (kind, term), bodies in past.items()
    ]
    recorded = tuple(index for one in done for index in one.recorded)
    return Erasure(recorded, tuple(body for one in done for body in one.erased), 0)


def terms_in_force(record: Record) -> Terms:
    """The declared terms and those of the home's `OWN_TERMS`.

    Raises:
        InputError: the file is not as `rules.retention` describes.
    """
    path = record.home / OWN_TERMS
    with storage_errors(path):
        text = path.read_text("utf-8", "replace") if path.exists() else ""
    try:
        return terms_of(declared_terms(), tomllib.loads(text))
    except ValueError as error:
        raise InputError(
            "vault.bad_terms",
            Text(f"the terms cannot be read: {error}", f"无法读取保存期限: {error}"),
            where=str(path),
            next_step=Text(
                'Write a line a kind, like "pilot.submitted/1" = "P10Y".',
                '每类一行, 如 "pilot.submitted/1" = "P10Y"。',
            ),
        ) from error


def until(record: Record, body: Body, terms: Terms) -> str | None:
    """The end of a body's term, None when it has none."""
    with suppress(ValueError, OverflowError):
        at = str(record.entry(body.entry).envelope["at"])
        term = term_of(terms, body.kind, body.name, at)
        return stamp(term.until) if term else None
    return None


def mentions(home: Path, subjects: Iterable[str]) -> Iterator[Path]:
    """Files of the home, other than the record's own, whose name or bytes mention a subject."""
    ids = [subject.rpartition(":")[2].encode() for subject in subjects]
    # An id this short would be found by chance.
    ids = [name for name in ids if len(name) >= ID_SIZE_MIN]
    for path in sorted(home.rglob("*")) if ids else []:
        # A view says nothing but what the log says.
        own = path.parent == home and path.name.startswith((LOG, VAULT, LOCK))
        own = own or path.parent == home / "views"
        if path.is_file() and not own and _mentions(path, ids):
            yield path


def _mentions(path: Path, ids: list[bytes]) -> bool:
    if any(name in os.fsencode(path.name) for name in ids):
        return True
    longest = max(map(len, ids))
    with storage_errors(path), path.open("rb") as file:
        end = b""
        while chunk := file.read(2**20):
            if any(name in end + chunk for name in ids):
                return True
            end = chunk[-longest:]
    return False


def _parts(bodies: list[Body]) -> Iterator[list[Body]]:
    # An entry has a size that every reader takes; more bodies than this are several entries.
    for start in range(0, len(bodies), BATCH):
        yield bodies[start : start + BATCH]


def _subject(bodies: list[Body]) -> str:
    subjects = {body.about for body in bodies}
    return subjects.pop() if len(subjects) == 1 else ""
