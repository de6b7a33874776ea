"""Whether the usage journals are what the record says of them: links, roots, sums and prices.

What the record says is read from the log's entries, and each is proven to be in the tree that is
stored and in the one that was signed last (see `told`).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pilotbase.kernel.event import Entry
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.stores import store_of
from pilotbase.serve.call import Tariff, Usage
from pilotbase.serve.metering import findings as said_of
from pilotbase.serve.metering.cached import Cached, kept
from pilotbase.serve.metering.claims import Claims
from pilotbase.serve.metering.findings import Finding
from pilotbase.serve.metering.reconcile import ENDED
from pilotbase.serve.metering.recount import ledger_faults
from pilotbase.serve.metering.segments import (
    FOLDER,
    Reading,
    Summed,
    begun_to_make,
    journals,
    name_of,
    segments,
)
from pilotbase.serve.metering.told import SEALED, Standing, entries, is_in, standing
from pilotbase.serve.metering.usage import FILE
from pilotbase.serve.metering.views import fold_journals, named
from pilotbase.serve.rules.frames import FIRST_LINK, Broken, Numbers, Terms, decode
from pilotbase.serve.rules.price import due
from pilotbase.serve.rules.unfit import Unfit
from pilotbase.serve.rules.usage_id import of_sequence

_ERRORS = (
    msgspec.DecodeError,
    msgspec.ValidationError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
)


@dataclass
class Verified:
    """What was found; ``ok`` where nothing is wrong. Sums are of what was settled, in nano-units.

    Attributes:
        decided: what people said that unsettled calls come to. reserved: what is charged of calls
            that are not settled and of which nobody has said so; with both of them the sums are
            what `usage` says. partial: something is missing from the numbers, or may be.
        proven: the record's entries about journals that are in the stored tree. signed: up to which
            size of the log the newest checkpoint goes. unsigned: the entries behind it.
        elsewhere: journals that the record knows and that may be on another machine, which has the
            same record in PostgreSQL.
    """

    journals: int = 0
    segments: int = 0
    sealed: int = 0
    records: int = 0
    intents: int = 0
    settled: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    decided: Counter[str] = field(default_factory=Counter)
    reserved: Counter[str] = field(default_factory=Counter)
    partial: bool = False
    proven: int = 0
    signed: int = 0
    unsigned: list[int] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings


class _Journal:
    """One journal on its way through its segments."""

    def __init__(
        self,
        gateway: str,
        said: Mapping[str, Any] | None,
        ended: bool,
        claims: Claims | None,
        cache: sqlite3.Connection | None,
    ) -> None:
        self.gateway, self.said = gateway, said or {"segments": [], "ended": None}
        self.known, self.claims, self.cache = said is not None, claims, cache
        self.ended = ended or self.said["ended"] is not None
        self.link, self.root = FIRST_LINK, ""
        self.tariffs = dict[int, Tariff]()
        self.stated = dict[int, Terms]()
        self.open = dict[int, tuple[int, int, str]]()
        self.begun = set[str]()
        self.numbers = Numbers()
        self.lost = False
        """Records of it are missing: what begins in them cannot be known further on."""
        self.gaps = False
        """Calls are missing, and no records are seen to be."""

    def missing(self, number: int) -> None:
        """A segment is not there: go on behind it, where the record knows how it ended."""
        sealed, self.lost = self._sealed(number), True
        if sealed is not None:
            self.link, self.root = bytes.fromhex(sealed["link"]), sealed["root"]

    def segment(self, path: Path, number: int, found: Verified) -> Iterator[Finding]:
        """Check one segment; the first bad record ends it."""
        try:
            reading = Reading(path)
        except Broken:
            self.lost = True
            yield Finding(self.gateway, number, 0, 0, said_of.NO_HEADER)
            return
        if (reading.gateway, reading.number, reading.before) != (self.gateway, number, self.link):
            yield Finding(self.gateway, number, message=said_of.NOT_NEXT)
        summed, sealed = Summed(), self._sealed(number)
        cached = Cached(self.cache, self.gateway, number)
        bad = yield from self._records(reading, number, summed, cached)
        found.records += summed.records
        found.intents += summed.intents
        found.settled += summed.settled
        found.sums.update(summed.sums)
        if sealed is not None:
            found.sealed += 1
        if sealed is None and self.ended:
            yield Finding(self.gateway, number, message=said_of.NOT_SEALED)
        elif sealed is not None and not bad:
            for message in said_of.differences(reading, summed, self.root, sealed):
                found.partial = True
                yield Finding(self.gateway, number, message=message)
        if not bad and cached.differs(reading.size):
            yield Finding(self.gateway, number, message=said_of.CACHE.format(file=FILE))
        self.root = sealed["root"] if sealed else ""
        self.link = bytes.fromhex(sealed["link"]) if sealed else reading.link

    def _records(
        self, reading: Reading, number: int, summed: Summed, cached: Cached
    ) -> Generator[Finding, None, bool]:
        """Follow a segment's records; whether one of them is bad, which is where it ends."""
        for frame in reading.frames():
            at = summed.records
            try:
                summed.take([frame.payload], [frame.leaf])
                said = decode(frame.payload)
                self._follow(said)
                claimed = self._claimed(said)
                cached.take(said)
            except _ERRORS as error:
                self.lost = True
                yield Finding(self.gateway, number, at, frame.offset, said_of.not_right(error))
                return True
            for message in claimed:
                yield Finding(self.gateway, number, at, frame.offset, message)
            if reading.format > 1 and (gap := self._gap(said)):
                yield Finding(self.gateway, number, at, frame.offset, gap)
        complete = self.ended or self._sealed(number) is not None
        if reading.damage is not None or (reading.rest and complete):
            self.lost = True
            message = said_of.damaged(reading.damage)
            yield Finding(self.gateway, number, summed.records, reading.size, message)
            return True
        return False

    def _gap(self, said: Sequence[Any]) -> Text | None:
        """Numbers of calls that are missing, where not whole records are."""
        try:
            self.numbers.take(said)
        except ValueError as error:
            self.gaps = True
            return None if self.lost else said_of.not_right(error)
        return None

    def _claimed(self, said: Sequence[Any]) -> Sequence[Text]:
        """What terms say otherwise than the record; each once in a journal."""
        if self.claims is None or said[0] != "terms":
            return ()
        terms = msgspec.convert(said[2], Terms)
        if self.stated.get(said[1]) == terms:
            return ()
        self.stated[said[1]] = terms
        return [said_of.NOT_CLAIMED.format(why=why) for why in self.claims.faults(terms)]

    def _sealed(self, number: int) -> Mapping[str, Any] | None:
        every = self.said["segments"]
        return next((one for one in every if one["number"] == number), None)

    def _follow(self, said: list[Any]) -> None:
        """Recompute what a record says from those before it. Raises Unfit."""
        word, number, *rest = said
        if word == "terms":
            self.tariffs[number] = msgspec.convert(rest[0], Terms).tariff
        elif word == "intent":
            if number in self.open:
                raise Unfit(f"the call {number} begins twice", f"第 {number} 号调用开始了两次")
            if rest[1] not in self.tariffs:
                if self.lost:
                    return
                raise Unfit(f"the call {number} names terms that do not stand before it: {rest[1]}",
                            f"第 {number} 号调用所用的条款此前没有出现: {rest[1]}")  # fmt: skip
            name = rest[4] if len(rest) > 4 else of_sequence(self.gateway, number)
            self.open[number] = rest[1], rest[2], name
            self.begun.add(name)
        elif word == "settle":
            if number not in self.open:
                if self.lost:
                    return
                raise Unfit(f"the call {number} is settled without having begun, or twice",
                            f"第 {number} 号调用未开始即结算, 或结算了两次")  # fmt: skip
            terms, reserved, _ = self.open.pop(number)
            outcome, currency, nano, tokens_in, tokens_out, cases, *_ = rest
            tariff = self.tariffs[terms]
            usage = Usage(tokens_in, tokens_out, cases)
            if (tariff.currency, due(tariff, usage, outcome, reserved)) != (currency, nano):
                raise Unfit(f"the call {number} does not come to {nano} nano-{currency}",
                            f"第 {number} 号调用的费用并非 {nano} 纳 {currency}")  # fmt: skip

    def late(self, found: Verified) -> Iterator[Finding]:
        """What the record has settled of its calls: not ended here too, and rightly priced."""
        left = {name: (terms, reserved) for terms, reserved, name in self.open.values()}
        for usage_id, said in self.said.get("late", {}).items():
            nano, why = int(said["nano"]), None
            if usage_id not in left:
                begun = usage_id in self.begun
                why = said_of.SETTLED_HERE if begun and not self.lost else None
            else:
                terms, reserved = left[usage_id]
                tariff = self.tariffs[terms]
                used = Usage(said["input_tokens"], said["output_tokens"], said["cases"])
                comes_to = due(tariff, used, said["outcome"], reserved)
                if (tariff.currency, comes_to) != (said["currency"], nano):
                    why = said_of.OTHER_CHARGE.format(nano=nano, currency=said["currency"])
            if why is not None:
                message = said_of.NOT_LATE.format(usage=usage_id, why=why)
                yield Finding(self.gateway, message=message)
            found.settled += 1
            found.sums[said["currency"]] += nano
        self._charged(left, found)

    def _charged(self, left: Mapping[str, tuple[int, int]], found: Verified) -> None:
        """What calls come to that have no end here, nor in the record."""
        decided = self.said.get("reconciled", {})
        for usage_id in left.keys() - self.said.get("late", {}).keys():
            terms, reserved = left[usage_id]
            if (tariff := self.tariffs.get(terms)) is None:
                continue  # it stands in records that are missing
            if usage_id in decided:
                found.decided[tariff.currency] += int(decided[usage_id])
            else:
                found.reserved[tariff.currency] += reserved

    def named(self) -> Iterator[Finding]:
        """What the record says of calls that do not stand here; where records are damaged, that is
        named already."""
        for usage_id in () if self.lost else sorted(named(self.said) - self.begun):
            self.gaps = True
            yield Finding(self.gateway, message=said_of.NOT_BEGUN.format(usage=usage_id))


def verify(record: Record, *, claims: bool = False) -> Verified:
    """Check every journal of the home against itself and against the record.

    Args:
        claims: hold keys, filings and tariffs against the record's too (see `claims`), and the
            ledger's counters and the cache of usage against the journals.

    Raises:
        HomeError, RecordError, OSError.
    """
    found, claimed = Verified(), Claims(record) if claims else None
    # Before the record is read: what is complete by then is sealed there.
    there = {folder: (folder / ENDED).exists() for folder in journals(record.home)}
    state = _told(record, found)
    for gateway, said in state.items():
        folder = record.home / FOLDER / gateway
        if folder in there or said["ended"] == 0:
            continue
        if (folder / name_of(1)).exists():
            there[folder] = False
        elif store_of(record.home) is not None:
            found.elsewhere.append(gateway)
        else:
            found.partial = True
            found.findings.append(Finding(gateway, message=said_of.MISSING))
    with kept(record) if claims else nullcontext() as cache:
        for folder, ended in there.items():
            said = state.get(folder.name)
            journal = _Journal(folder.name, said, ended, claimed, cache)
            found.journals += 1
            found.findings += _journal(journal, folder, found)
    if claims:
        found.findings += [Finding("", message=one) for one in ledger_faults(record)]
    return found


def _journal(journal: _Journal, folder: Path, found: Verified) -> Iterator[Finding]:
    """Check all segments of a journal, and that all are there."""
    paths, calls = segments(folder), found.intents
    if not journal.ended and begun_to_make(paths, known=journal.known):
        paths.pop()
    there = {path.name: path for path in paths}
    promised = [one["number"] for one in journal.said["segments"]]
    last = max(*promised, journal.said["ended"] or 0, len(paths), 0)
    for number in range(1, last + 1):
        path = there.get(name_of(number))
        if path is None:
            journal.missing(number)
            yield Finding(journal.gateway, number, message=said_of.GONE)
            continue
        found.segments += 1
        yield from journal.segment(path, number, found)
    if not journal.known and found.intents > calls:
        yield Finding(journal.gateway, message=said_of.UNKNOWN)
    yield from journal.late(found)
    yield from journal.named()
    found.partial = found.partial or journal.lost or journal.gaps


def _told(record: Record, found: Verified) -> dict[str, Any]:
    """What the log says of journals; each entry is proven, and counted as signed or not."""
    stands, state, counts = standing(record), dict[str, Any](), Counter[str]()
    if stands.why is not None:
        why = said_of.BAD_CHECKPOINT.format(why=stands.why.message)
        found.findings.append(Finding("", message=why))
    signed = stands.signed
    if signed is not None and not _has(record, stands):
        other = said_of.OTHER_TREE.format(size=signed.size)
        found.findings.append(Finding("", message=other))
        signed = None
    found.signed = signed.size if signed else 0
    for entry in entries(record):
        if entry.index >= stands.size:
            break
        fold_journals(state, entry)
        found.findings += _proven(record, entry, stands, counts[entry.kind], found)
        counts[entry.kind] = entry.envelope["count"] + 1
    return state


def _has(record: Record, stands: Standing) -> bool:
    """Whether the log has what was signed."""
    signed = stands.signed
    if signed is None or signed.size > stands.size:
        return signed is None
    return record.root(signed.size) == signed.root


def _proven(
    record: Record, entry: Entry, stands: Standing, due_count: int, found: Verified
) -> Iterator[Finding]:
    gateway, number = entry.body["gateway"], None
    if entry.kind == SEALED:
        number = entry.body["number"]
    if entry.envelope["count"] != due_count:
        said = said_of.NO_ENTRY.format(
            kind=entry.kind, before=due_count - 1, count=entry.envelope["count"]
        )
        yield Finding(gateway, number, message=said)
    if entry.index >= found.signed:
        found.unsigned.append(entry.index)
    if not is_in(record, entry, stands.size, stands.root):
        yield Finding(gateway, number, message=said_of.NOT_STORED.format(entry=entry.index))
        return
    signed = stands.signed
    under = signed is not None and entry.index < found.signed
    if signed is not None and under and not is_in(record, entry, signed.size, signed.root):
        message = said_of.NOT_SIGNED.format(entry=entry.index, size=signed.size)
        yield Finding(gateway, number, message=message)
        return
    found.proven += 1
