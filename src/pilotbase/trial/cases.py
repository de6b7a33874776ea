"""What is asked and what was answered: the two tables that every evaluator reads.

Both have one line per row of the prepared data, in the order of `prepare`. A *unit* (person, item,
device) may own several rows; evidence counts units, never rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Labels = NDArray[Any]

# Status of a row's answer. Whose fault a missing answer is decides how it counts (methods, "Whose
# fault"): FAULT is the candidate's and a wrong unit in both tests; OUTAGE is the base's own and
# counts as the worst value in the test for *meets* and the best in the test for *fails*.
PENDING, OK, FAULT, OUTAGE = 0, 1, 2, 3


@dataclass(frozen=True)
class Language:
    """Cases in words: one entry per row.

    Attributes:
        question: (rows,) what is asked.
        scope: (rows,) 1 where the documents hold the answer, 0 where not, -1 where unknown.
        sources: (rows,) ids of the passages that hold it, blanks between.
        code: (rows,) "en", "zh" or "".
        passages: id → text of the documents.
        refusals: the sentences by which a candidate may refuse.
        reported: column → (rows,) scores that another tool reports; NaN where it has none.
    """

    question: Labels
    scope: NDArray[np.int8]
    sources: Labels
    code: Labels
    passages: Mapping[str, str]
    refusals: tuple[str, ...] = ()
    reported: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Cases:
    """The frozen question.

    Attributes:
        task: classification, detection, regression or forecast.
        features: (rows, columns) what candidates may see; barred columns are not in it.
        barred: (rows, columns) the barred columns, for the leak check alone.
        target: (rows,) class labels (str) for classification; 0/1 int for detection; float else.
            NaN where a forecast's target is missing (never scored).
        classes: the labels of a classification, sorted.
        unit: (rows,) number of the unit that owns the row, 0 … units-1 by first appearance.
        unit_ids: a stable printable id per unit; what the committed order hashes.
        names: (rows,) how a reader calls the case.
        groups: per grouping, (rows,) the value as text; "" where unknown to the data.
        scored: (rows,) whether the row is scored at all.
        fold: (rows,) the fit that scores the row, -1 for rows that are never scored. Random or
            unit: the fold. Time: the block's number. Rolling: the origin's number.
        time: (rows,) rank of the row in time, or None.
        season: steps in a season (for the seasonal naive baseline), 1 if none.
        horizon: steps ahead of a rolling forecast.
        split: how folds were made: random, unit, time, rolling; frozen: one fold, no lessons.
        digest: sha256 of features, barred, target, units, groups and folds in canonical form.
        language: what the cases are in words; None for tables of numbers and classes.
    """

    task: str
    features: pd.DataFrame
    barred: pd.DataFrame
    target: Labels
    classes: tuple[str, ...]
    unit: Ints
    unit_ids: Sequence[str]
    names: Sequence[str]
    groups: Mapping[str, Labels]
    scored: NDArray[np.bool_]
    fold: Ints
    split: str
    time: Ints | None = None
    season: int = 1
    horizon: int = 1
    digest: str = ""
    language: Language | None = None

    @property
    def rows(self) -> int:
        return len(self.target)

    @property
    def units(self) -> int:
        return len(self.unit_ids)

    def training_rows(self, fold: int) -> Ints:
        """Rows that the fit which scores ``fold`` may learn from."""
        if self.split == "frozen":
            return np.zeros(0, np.int64)
        if self.split in ("random", "unit"):
            keep = self.fold != fold
        elif self.split == "time":
            keep = self.fold < fold  # the first block has number -1: it is only learnt from
        else:
            raise ValueError("a rolling forecast learns from the series up to each origin")
        return np.flatnonzero(keep)


@dataclass
class Predictions:
    """A candidate's answers; arrays of length ``rows``, filled as units finish.

    Attributes:
        status: PENDING, OK, FAULT or OUTAGE per row.
        label: (rows,) predicted class (str) or 0/1 call; unused for numbers.
        score: (rows,) probability or score of the positive class; NaN where none.
        probability: (rows, classes) class probabilities of a classification, or None.
        value: (rows,) predicted number.
        lower, upper: (rows,) the candidate's own 95 % band; NaN where none.
        latency_ms: (rows,) time to the answer; NaN where not measured one by one.
        cost: (rows,) cost in minor units of money.
        marks: by `mark_key`, (rows,) what metrics of language gave each case; NaN where none yet.
        problems: first few faults in words: (row, what happened).
    """

    status: NDArray[np.uint8]
    label: Labels
    score: Floats
    value: Floats
    lower: Floats
    upper: Floats
    latency_ms: Floats
    cost: Floats
    probability: Floats | None = None
    problems: list[tuple[int, str]] = field(default_factory=list)
    marks: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def empty(cls, cases: Cases) -> Predictions:
        """All pending."""
        n = cases.rows

        def unknown() -> Floats:
            return np.full(n, np.nan)

        probability = np.full((n, len(cases.classes)), np.nan) if cases.classes else None
        label: Labels = np.full(n, "", dtype=object) if cases.classes else np.zeros(n, np.int64)
        return cls(
            np.zeros(n, np.uint8), label, unknown(), unknown(), unknown(), unknown(), unknown(),
            np.zeros(n), probability,
        )  # fmt: skip
