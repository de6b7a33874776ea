"""Whether the usage journals are what the record says of them: links, roots, sums and prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.stores import store_of
from pilotbase.record.views import catch_up
from pilotbase.serve.call import Tariff, Usage
from pilotbase.serve.metering.reconcile import ENDED
from pilotbase.serve.metering.segments import Reading, Summed, is_blank, journals, segments
from pilotbase.serve.metering.views import JOURNALS
from pilotbase.serve.rules.frames import FIRST_LINK, Broken, Terms, decode
from pilotbase.serve.rules.price import due
from pilotbase.serve.rules.usage_id import of_sequence

_ERRORS = (
    msgspec.DecodeError,
    msgspec.ValidationError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault: in which journal and segment, at which record from 0 and byte (-1: the whole)."""

    gateway: str
    number: int
    at: int
    offset: int
    message: Text


@dataclass
class Verified:
    """What was found; ``ok`` where nothing is wrong. Sums are of what was settled, in nano-units.

    ``elsewhere``: journals that the record knows and that may be on another machine, which has the
    same record in PostgreSQL.
    """

    journals: int = 0
    segments: int = 0
    sealed: int = 0
    records: int = 0
    intents: int = 0
    settled: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    elsewhere: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings


class _Journal:
    """One journal on its way through its segments."""

    def __init__(self, gateway: str, said: Mapping[str, Any] | None, ended: bool) -> None:
        self.gateway, self.said, self.ended = gateway, said or {"segments": []}, ended
        self.known = said is not None
        self.link, self.root = FIRST_LINK, ""
        self.tariffs = dict[int, Tariff]()
        self.open = dict[int, tuple[int, int, str]]()

    def segment(self, path: Path, number: int, found: Verified) -> Iterator[Finding]:
        """Check one segment; the first bad record ends it."""
        whole = (self.gateway, number, -1, -1)
        try:
            reading = Reading(path)
        except Broken:
            yield Finding(self.gateway, number, 0, 0, NO_HEADER)
            return
        if (reading.gateway, reading.number, reading.before) != (self.gateway, number, self.link):
            yield Finding(*whole, NOT_NEXT)
        summed, at = Summed(), 0
        for frame in reading.frames():
            try:
                summed.take([frame.payload], [frame.leaf])
                self._follow(decode(frame.payload))
            except _ERRORS as error:
                said = NOT_RIGHT.format(why=str(error)[:200])
                yield Finding(self.gateway, number, at, frame.offset, said)
                return
            at += 1
        found.records += at
        found.intents += summed.intents
        found.settled += summed.settled
        found.sums.update(summed.sums)
        sealed = self._sealed(number)
        short = sealed is not None and at < sealed["records"]
        if short or (reading.rest and (sealed is not None or self.ended)):
            yield Finding(self.gateway, number, at, reading.size, BROKEN)
        if sealed is not None:
            found.sealed += 1
            yield from self._compare(number, at, reading, summed, sealed)
        elif self.ended:
            yield Finding(*whole, NOT_SEALED)
        self.link = reading.link

    def _sealed(self, number: int) -> Mapping[str, Any] | None:
        every = self.said["segments"]
        return next((one for one in every if one["number"] == number), None)

    def _compare(
        self, number: int, at: int, reading: Reading, summed: Summed, sealed: Mapping[str, Any]
    ) -> Iterator[Finding]:
        root = summed.root().hex()
        sums = {currency: str(nano) for currency, nano in summed.sums.items()}
        mine = (root, at, self.root, reading.link.hex(), sums)
        names = ("root", "records", "previous", "link", "sums")
        for name, value in zip(names, mine, strict=True):
            if sealed[name] != value and not reading.rest and at >= sealed["records"]:
                said = DIFFERENT.format(name=name)
                yield Finding(self.gateway, number, -1, -1, said)
        self.root = sealed["root"]

    def _follow(self, said: list[Any]) -> None:
        """Recompute what a record says from those before it. Raises ValueError."""
        word, number, *rest = said
        if word == "terms":
            self.tariffs[number] = msgspec.convert(rest[0], Terms).tariff
        elif word == "intent":
            if number in self.open:
                raise ValueError(f"the call {number} begins twice")
            name = rest[4] if len(rest) > 4 else of_sequence(self.gateway, number)
            self.open[number] = rest[1], rest[2], name
        elif word == "settle":
            if number not in self.open:
                raise ValueError(f"the call {number} is settled without having begun, or twice")
            terms, reserved, _ = self.open.pop(number)
            outcome, currency, nano, tokens_in, tokens_out, cases, *_ = rest
            tariff = self.tariffs[terms]
            usage = Usage(tokens_in, tokens_out, cases)
            if (tariff.currency, due(tariff, usage, outcome, reserved)) != (currency, nano):
                raise ValueError(f"the call {number} does not come to {nano} nano-{currency}")

    def late(self, found: Verified) -> Iterator[Finding]:
        """What the record has settled of its calls: begun here, not ended here, rightly priced."""
        left = {name: (terms, reserved) for terms, reserved, name in self.open.values()}
        for usage_id, said in self.said.get("late", {}).items():
            nano, why = int(said["nano"]), ""
            if usage_id not in left:
                why = "it is not begun here, or settled here"
            else:
                terms, reserved = left[usage_id]
                tariff = self.tariffs[terms]
                used = Usage(said["input_tokens"], said["output_tokens"], said["cases"])
                comes_to = due(tariff, used, said["outcome"], reserved)
                if (tariff.currency, comes_to) != (said["currency"], nano):
                    why = f"it does not come to {nano} nano-{said['currency']}"
            if why:
                message = NOT_LATE.format(usage=usage_id, why=why)
                yield Finding(self.gateway, 0, -1, -1, message)
            found.settled += 1
            found.sums[said["currency"]] += nano


def verify(record: Record) -> Verified:
    """Check every journal of the home against itself and against the record.

    Raises:
        HomeError, RecordError, OSError.
    """
    found, state = Verified(), catch_up(record, [JOURNALS])[JOURNALS.name]
    there = {folder.name: folder for folder in journals(record.home)}
    shared = store_of(record.home) is not None
    for gateway, said in state.items():
        if gateway in there or said["ended"] == 0:
            continue
        if shared:
            found.elsewhere.append(gateway)
        else:
            found.findings.append(Finding(gateway, 0, -1, -1, MISSING))
    for gateway, folder in there.items():
        said = state.get(gateway)
        found.journals += 1
        journal = _Journal(gateway, said, (folder / ENDED).exists())
        paths = segments(folder)
        if paths and not journal.ended and is_blank(paths[-1]):
            paths.pop()
        for number, path in enumerate(paths, 1):
            found.segments += 1
            found.findings += journal.segment(path, number, found)
        promised = max((one["number"] for one in journal.said["segments"]), default=0)
        for number in range(len(paths) + 1, promised + 1):
            found.findings.append(Finding(gateway, number, -1, -1, GONE))
        found.findings += journal.late(found)
    return found


NO_HEADER = Text("its first record cannot be read", "首条记录无法读取")
NOT_NEXT = Text("it does not follow on the segment before", "与前一分段不相衔接")
NOT_RIGHT = Text("this record is not right: {why}", "该记录有误: {why}")
BROKEN = Text(
    "from here on the records do not follow on each other: changed or cut",
    "自此处起记录不相衔接: 已被改动或截断",
)
NOT_LATE = Text("{usage} was settled in the record: {why}", "{usage} 在记录中结算有误: {why}")
NOT_SEALED = Text("it is complete and not sealed in the record", "已完成但未在记录中封存")
DIFFERENT = Text("its {name} is not what was sealed", "其 {name} 与封存时不一致")
MISSING = Text("the record knows this journal, and it is not here", "记录中有此日志, 但此处没有")
GONE = Text("this segment was sealed and is gone", "该分段曾被封存, 现已缺失")
