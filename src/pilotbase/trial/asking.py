"""What all candidates of one trial share while they are asked, and what each has answered."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from pilotbase.scenario.schema import Scenario
from pilotbase.trial.budget import Purse
from pilotbase.trial.candidates.answer import place
from pilotbase.trial.cases import Cases, Ints, Predictions
from pilotbase.trial.executor import Executor
from pilotbase.trial.journal import Finished, Journal
from pilotbase.trial.judges import Bench
from pilotbase.trial.marking import Wanted
from pilotbase.trial.people import People
from pilotbase.trial.respondent import Exchanges, Respondent
from pilotbase.trial.versions import Versions


@dataclass
class Answered:
    """All that a candidate answered.

    Attributes:
        predictions: to the cases as they are.
        under: to the perturbed cases, one a perturbation, in the order they were asked for.
        drops: permutation importance: by column, the drop of the primary score in each fit.
        warnings: what libraries warned of, in short lines.
        decided: whether it was stopped because everything about it was decided.
        cut: what part of the budget ended it: "units", "money", "minutes", or "".
    """

    predictions: Predictions
    under: tuple[Predictions, ...] = ()
    drops: dict[str, list[float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    decided: bool = False
    cut: str = ""

    @classmethod
    def empty(cls, cases: Cases, versions: int, marks: Iterable[Wanted] = ()) -> Answered:
        all_ = [Predictions.empty(cases) for _ in range(versions)]
        for wanted in marks:
            for key in wanted.keys:
                all_[wanted.version].marks[key] = np.full(cases.rows, np.nan)
        first, *others = all_
        return cls(first, tuple(others))

    @property
    def versions(self) -> tuple[Predictions, ...]:
        return (self.predictions, *self.under)

    def add(self, rows: Ints, finished: Finished) -> None:
        """Put a finished part in its place."""
        for predictions, block in zip(self.versions, finished.blocks, strict=True):
            place(predictions, rows, block)
        for column, drop in finished.drops.items():
            self.drops.setdefault(column, []).append(drop)
        for warning in finished.warnings:
            if warning not in self.warnings:
                self.warnings.append(warning)


Decided = Callable[[str, Answered], bool]
Task = Callable[[], Coroutine[Any, Any, None]]


@dataclass
class Asking:
    """What every step of one call of `run.answer_all` needs.

    Attributes:
        planned: units that are asked, in committed order.
        question: names in the journal what is asked.
        repeats: how often each version of a case is asked.
        marks: what criteria of language want of each answer.
        bench: the judges. people: what people have said, and what waits for them.
        purse: money that answers priced by themselves are paid from.
        advance: told how many rows are done.
        respondents: candidates that are asked case by case, for ending them.
    """

    cases: Cases
    scenario: Scenario
    planned: Ints
    versions: Versions
    repeats: tuple[int, ...]
    marks: tuple[Wanted, ...]
    journal: Journal
    question: str
    exchanges: Exchanges
    bench: Bench
    people: People
    purse: Purse
    workers: Executor
    limiter: anyio.CapacityLimiter
    decided: Decided
    clock: Callable[[], float]
    folder: Path
    trust: bool
    importance: bool
    advance: Callable[[int], None]
    respondents: list[Respondent] = field(default_factory=list)

    async def aclose(self) -> None:
        """End every candidate that is asked case by case, also when the trial was cancelled."""
        with anyio.CancelScope(shield=True):
            for respondent in self.respondents:
                await respondent.aclose()
            await self.bench.aclose()
