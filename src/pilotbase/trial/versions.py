"""What a candidate is shown: the cases as they are, then under each declared perturbation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Under
from pilotbase.trial.candidates.naming import nearest
from pilotbase.trial.cases import Cases, Floats, Labels
from pilotbase.trial.endpoints.port import Case
from pilotbase.trial.perturb import perturbed_features, perturbed_series
from pilotbase.trial.reply import BETWEEN, Question
from pilotbase.trial.rules.encoding import source_of
from pilotbase.trial.wordings import Wording, worded


@dataclass(frozen=True)
class Versions:
    """All versions of a question, the one without a perturbation first.

    Attributes:
        features: (rows, columns) per version.
        series: (rows,) the target as history per version; for rolling forecasts only.
        wordings: questions and documents per version; for tasks of language only.
    """

    cases: Cases
    features: tuple[pd.DataFrame, ...]
    series: tuple[Floats, ...] = ()
    wordings: tuple[Wording, ...] = ()

    @property
    def count(self) -> int:
        return len(self.features)

    @cached_property
    def passages(self) -> tuple[Mapping[str, str], ...]:
        """The different sets of documents that some version shows."""
        found: list[Mapping[str, str]] = []
        for wording in self.wordings:
            if not any(wording.passages is known for known in found):
                found.append(wording.passages)
        return tuple(found)

    def documents_of(self, version: int) -> int:
        """Which of `passages` a version shows."""
        if not self.wordings:
            return 0
        shown = self.wordings[version].passages
        return next(i for i, known in enumerate(self.passages) if known is shown)

    def case(self, row: int, version: int, repeat: int = 0) -> Case:
        """One case as it is asked."""
        features = dict(zip(self._names, self._columns[version](row), strict=True))
        case = Case(features, repeat=repeat, row=row, version=version)
        if self.wordings:
            return replace(case, question=self._question(row, version, features))
        if not self.series:
            return case
        cases = self.cases
        assert cases.time is not None
        past = cases.time <= cases.time[row] - cases.horizon
        in_time = np.argsort(cases.time[past], kind="stable")
        history = self.series[version][past][in_time].tolist()
        return replace(case, history=history, horizon=cases.horizon)

    @cached_property
    def _names(self) -> list[str]:
        return [str(name) for name in self.features[0].columns]

    @cached_property
    def _columns(self) -> list[Any]:
        """Per version, the values of a row; arrays, because frames are slow by the row."""
        if self.wordings:
            shared = [self.features[0][name].to_numpy() for name in self.features[0].columns]
            return [lambda row: [plain(column[row]) for column in shared]] * self.count
        return [_row_of(version.to_numpy()) for version in self.features]

    def _question(self, row: int, version: int, features: Mapping[str, Any]) -> Question:
        language, wording = self.cases.language, self.wordings[version]
        assert language is not None
        expected = str(self.cases.target[row])
        scope = int(language.scope[row])
        return Question(
            text=str(wording.question[row]),
            expected=tuple(expected.split(BETWEEN)) if expected else (),
            on_scope=None if scope < 0 else bool(scope),
            sources=tuple(str(language.sources[row]).split()),
            language=str(language.code[row]),
            passages=wording.passages,
            columns=features,
            injections=wording.injections_of(row),
            refusals=language.refusals,
        )


def _row_of(values: Labels) -> Any:
    return lambda row: values[row].tolist()


def plain(value: Any) -> Any:
    """NumPy's scalars as Python's; what is missing as None."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and np.isnan(value) else value


def versions_of(cases: Cases, under: Sequence[Under], seed: int) -> Versions:
    """All cases as they are, then under each perturbation; shared by all candidates."""
    if cases.language is not None:
        wordings = tuple(worded(cases, one, seed) for one in (None, *under))
        return Versions(cases, (cases.features,) * len(wordings), wordings=wordings)
    features = (cases.features, *(perturbed_features(cases, one, seed) for one in under))
    if cases.split != "rolling":
        return Versions(cases, features)
    past = (cases.target.astype(np.float64), *(perturbed_series(cases, one, seed) for one in under))
    return Versions(cases, features, past)


def shown_to(candidate: Candidate, versions: Versions) -> Versions:
    """The candidate's own columns in every version.

    Raises:
        CandidateError: a column that is no feature, or a barred one that the plan does not bar.
    """
    cases = versions.cases
    names = _columns(cases, candidate)
    barred = cases.barred[_expanded(cases.barred, candidate.uses_barred, candidate, "uses_barred")]
    if cases.language is not None:
        features = (pd.concat([cases.features[names], barred], axis=1),) * versions.count
    else:
        features = tuple(pd.concat([w[names], barred], axis=1) for w in versions.features)
    return replace(versions, features=features)


def _columns(cases: Cases, candidate: Candidate) -> list[str]:
    names = list(cases.features.columns)
    if candidate.columns is not None:
        names = _expanded(cases.features, candidate.columns, candidate, "columns")
    dropped = set(_expanded(cases.features, candidate.drop, candidate, "drop"))
    return [name for name in names if name not in dropped]


def _expanded(
    frame: pd.DataFrame, columns: Sequence[str], candidate: Candidate, where: str
) -> list[str]:
    """The features that come from the table's columns, in the frame's order."""
    sources = {source_of(name) for name in frame.columns}
    for column in columns:
        if column not in sources:
            near = nearest(column, sorted(sources)) if sources else "-"
            raise CandidateError(
                "candidate.unknown_column",
                Text(f"{column!r} is no column it may name here", f"此处不能使用列 {column!r}"),
                where=f"{candidate.id}.{where}",
                next_step=Text(f"Perhaps: {near}.", f"可能是: {near}。"),
            )
    return [name for name in frame.columns if source_of(name) in columns]
