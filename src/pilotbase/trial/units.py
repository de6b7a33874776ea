"""Asked case by case: many cases at once, settled in committed order.

The evidence reads only the contiguous finished prefix. Fed in the order of completion, a candidate
whose wrong answers are slow would look better than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import anyio
import numpy as np

from pilotbase.scenario.offer import Candidate
from pilotbase.trial.asking import Answered, Asking, Task
from pilotbase.trial.candidates.answer import blank, fault
from pilotbase.trial.candidates.messages import BadReply, read_answer, read_reply
from pilotbase.trial.cases import OK, OUTAGE, Ints, Predictions
from pilotbase.trial.endpoints.port import Case
from pilotbase.trial.journal import Finished, Kept, Place
from pilotbase.trial.judging import judged
from pilotbase.trial.reply import Reply
from pilotbase.trial.respondent import Outage, Respondent, Stopped
from pilotbase.trial.respondents import respondent_of
from pilotbase.trial.versions import Versions, shown_to

LOOK_UNITS = 25
LOOK_SHARE = 0.1
AHEAD = 4
PURSE_SECONDS = 0.02  # between two looks into a purse while others are under way
"""Cases asked ahead of the first unfinished one, in multiples of those under way at once: more
would only wait in memory."""


async def prepared_units(
    asking: Asking, candidate: Candidate, wanted: Ints, answered: Answered
) -> Task:
    """Check that the candidate can be asked what is not answered yet, and return it as a task.

    Args:
        wanted: units in committed order, as many as the budget lets it be asked.

    Raises:
        CandidateError, PluginError: it cannot be asked.
    """
    versions = shown_to(candidate, asking.versions)
    respondent = respondent_of(asking, candidate, versions)
    asking.respondents.append(respondent)
    rows = int((asking.cases.scored & np.isin(asking.cases.unit, wanted)).sum())
    if asking.journal.count(asking.question, candidate.id) < rows * sum(asking.repeats):
        await respondent.open()
    questioning = _Questioning(asking, candidate, respondent, versions, answered)
    return partial(questioning.ask, _in_order(asking, wanted))


def _in_order(asking: Asking, units: Ints) -> Ints:
    """A rolling forecast is asked in time, whatever the committed order: asked otherwise, a
    program would have seen the future of some of its origins."""
    cases = asking.cases
    if cases.split != "rolling":
        return units
    rows = np.flatnonzero(cases.scored & np.isin(cases.unit, units))
    in_time = rows[np.argsort(cases.fold[rows], kind="stable")]
    return np.array(list(dict.fromkeys(cases.unit[in_time].tolist())), np.int64)


def looks(units: int) -> frozenset[int]:
    """After how many units it is asked whether all is decided: every `LOOK_UNITS`, later every
    `LOOK_SHARE` of what is there. The tests stay valid however often one looks."""
    found, at = set(), 0
    while at < units:
        at += max(LOOK_UNITS, int(at * LOOK_SHARE))
        found.add(at)
    return frozenset({min(one, units) for one in found})


@dataclass
class _Questioning:
    """One candidate being asked.

    Attributes:
        settled: how many units are in their place, in order.
        waiting: finished units whose turn has not come, by position.
    """

    asking: Asking
    candidate: Candidate
    respondent: Respondent
    versions: Versions
    answered: Answered
    settled: int = 0
    waiting: dict[int, tuple[Ints, Finished]] = field(default_factory=dict)

    async def ask(self, units: Ints) -> None:
        """Ask about units in the order given, until all are answered or all is decided."""
        self._units = units
        self._rows = rows_of(self.asking, units)
        in_time = self.asking.cases.split == "rolling"
        self._looks = frozenset({len(units)}) if in_time else looks(len(units))
        self._taken = 0
        self._moved = anyio.Condition()
        try:
            with anyio.CancelScope() as self._scope:
                await self._read_back()
                async with anyio.create_task_group() as group:
                    for _ in range(min(self.respondent.concurrency, len(units))):
                        group.start_soon(self._work)
        finally:  # also when time is up in the middle
            if not self.answered.decided:
                for rows, finished in self.waiting.values():
                    self.answered.add(rows, finished)
        await self.respondent.aclose()

    async def _read_back(self) -> None:
        """Settle what an earlier start of this run has answered, before anyone is asked again."""
        while self._taken < len(self._units) and self._all_kept(self._rows[self._taken]):
            position = self._taken
            self._taken += 1
            self.waiting[position] = self._rows[position], await self._answers(self._rows[position])
            await self._settle()
            await anyio.sleep(0)

    def _all_kept(self, rows: Ints) -> bool:
        journal, question = self.asking.journal, self.asking.question
        return all(
            journal.said(question, self.candidate.id, Place(row, version, repeat)) is not None
            for row in rows.tolist()
            for version, repeats in enumerate(self.asking.repeats)
            for repeat in range(repeats)
        )

    async def _work(self) -> None:
        ahead = AHEAD * self.respondent.concurrency
        # Money is set aside before a unit is taken: what it cannot pay is the end of the order.
        while self._taken < len(self._units) and await self._affordable():
            try:
                if self._taken == len(self._units) or not await self._one(ahead):
                    return
            finally:
                self.asking.purse.settle(self.candidate.id)

    async def _one(self, ahead: int) -> bool:
        """Ask about the next unit, at most so many ahead of what is settled; False at the end."""
        position = self._taken
        self._taken += 1
        async with self._moved:
            while position - self.settled >= ahead:
                await self._moved.wait()
        rows = self._rows[position]
        try:
            self.waiting[position] = rows, await self._answers(rows)
        except Stopped:
            return False
        await self._settle()
        return True

    async def _affordable(self) -> bool:
        """Wait until there is money for one more case; False when there will be none."""
        purse = self.asking.purse
        while not purse.take(self.candidate.id):
            if self._taken == len(self._units):
                return False
            if purse.empty:
                self.answered.cut = "money"
                return False
            await anyio.sleep(PURSE_SECONDS)
        return True

    async def _settle(self) -> None:
        while self.settled in self.waiting:
            rows, finished = self.waiting.pop(self.settled)
            self.answered.add(rows, finished)
            self.asking.advance(len(rows))
            self.settled += 1
            enough = self.settled in self._looks
            if enough and self.asking.decided(self.candidate.id, self.answered):
                self.answered.decided = True
                self._scope.cancel()
                return
        async with self._moved:
            self._moved.notify_all()

    async def _answers(self, rows: Ints) -> Finished:
        """One block a version with the answers to some rows, and their marks."""
        blocks: list[Predictions] = []
        warnings: list[str] = []
        for version, repeats in enumerate(self.asking.repeats):
            block = blank(len(rows), self.asking.cases.classes)
            wanted = [one for one in self.asking.marks if one.version == version]
            block.marks = {key: np.full(len(rows), np.nan) for one in wanted for key in one.keys}
            for place, row in enumerate(rows.tolist()):
                try:
                    kept = [await self._kept(Place(row, version, n)) for n in range(repeats)]
                except Outage as error:
                    block.status[place] = OUTAGE
                    block.problems.append((place, f"outage: {error}"))
                else:
                    self._put(block, place, row, version, kept)
                    said = await judged(
                        self.asking,
                        self.candidate.id,
                        self._case(row, version),
                        block,
                        place,
                        kept[0],
                    )
                    warnings += [one for one in said if one not in warnings]
            blocks.append(block)
        return Finished(blocks, warnings=warnings)

    def _case(self, row: int, version: int) -> Case:
        return self.versions.case(row, version)

    async def _kept(self, place: Place) -> Kept:
        """The answer to one case, from the journal or from the candidate."""
        journal, question = self.asking.journal, self.asking.question
        kept = journal.said(question, self.candidate.id, place)
        if kept is None:
            case = self.versions.case(place.row, place.version, place.repeat)
            kept = await self.respondent.answer(case, self.asking.exchanges.send)
            journal.keep(question, self.candidate.id, place, kept)
            self.asking.purse.pay(kept.cost)
        return kept

    def _put(
        self, block: Predictions, place: int, row: int, version: int, kept: Sequence[Kept]
    ) -> None:
        """What was said about one row, into its place; whatever is wrong is a fault of this row."""
        first = kept[0]
        block.latency_ms[place] = first.taken_ms
        block.cost[place] = np.nan if first.cost is None else first.cost
        cases = self.asking.cases
        if cases.language is not None:
            self._mark(block, place, row, version, kept)
        elif first.fields is None:
            fault(block, place, first.reason)
        else:
            cutoff = self.candidate.cutoff
            cut = 0.5 if cutoff is None or cutoff.score is None else cutoff.score
            read_answer(block, place, first.fields, task=cases.task, classes=cases.classes, cut=cut)

    def _mark(
        self, block: Predictions, place: int, row: int, version: int, kept: Sequence[Kept]
    ) -> None:
        replies: list[Reply | None] = []
        reasons = []
        for one in kept:
            try:
                if one.fields is None:
                    raise BadReply(one.reason)
                replies.append(read_reply(one.fields))
            except BadReply as error:
                replies.append(None)
                reasons.append(str(error))
        if not any(replies):
            fault(block, place, reasons[0])
        else:  # a repeat that is missing counts as its worst in the mean over the repeats
            block.status[place] = OK
            block.problems += [(place, reason) for reason in reasons]
        question = self.versions.case(row, version).question
        assert question is not None
        for wanted in self.asking.marks:
            if wanted.version == version:
                block.marks[wanted.key][place] = wanted.of(question, replies)


def rows_of(asking: Asking, units: Ints) -> list[Ints]:
    """The scored rows of each unit, in the table's order."""
    cases = asking.cases
    scored = np.flatnonzero(cases.scored)
    by_unit = scored[np.argsort(cases.unit[scored], kind="stable")]
    starts = np.searchsorted(cases.unit[by_unit], units)
    ends = np.searchsorted(cases.unit[by_unit], units, side="right")
    return [by_unit[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
