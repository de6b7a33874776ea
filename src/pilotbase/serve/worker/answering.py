"""Candidates that answer: fitted estimators, series models, programs; each as the trial ran it.

Which rows a fit has learnt from is said with every answer (`Answering.fit`): of a verdict about
*future cases* it is the very fit that was judged; where several fits were judged crosswise, none of
them is the service, and it is fitted once more on all rows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.text import Text
from pilotbase.serve.rules.tensors import SERIES
from pilotbase.serve.rules.unfit import Unfit
from pilotbase.serve.worker.columns import Case, Columns, number_of
from pilotbase.serve.worker.proof import Proven
from pilotbase.serve.worker.unusable import own_words, unusable
from pilotbase.trial.candidates.callable import launch_of
from pilotbase.trial.candidates.command import Gone, Session
from pilotbase.trial.candidates.estimator import FoldJob, answers, cutoff_of
from pilotbase.trial.candidates.forecast import WindowJob, estimated, forecasts
from pilotbase.trial.candidates.messages import BadReply
from pilotbase.trial.candidates.recipe import fitted
from pilotbase.trial.cases import OK, Cases, Floats, Ints, Predictions
from pilotbase.trial.jobs import is_series_model, known_rows, recipe_of, series_recipe_of
from pilotbase.trial.rules.encoding import is_indicator, source_of

QUESTION = "What is in these documents?"
HISTORY_MAX = 10_000
Fields = dict[str, Any]


class Answering(Protocol):
    """A candidate that is ready. One thread at a time.

    Attributes:
        columns: what a case holds. datatypes: of their tensors. optional: those whose value may be
            missing. fit: what it has learnt from, in words. task: of the scenario.
        example: a case to try it with: of each column the middle or most frequent value.
    """

    task: str
    columns: tuple[str, ...]
    datatypes: Mapping[str, str]
    optional: tuple[str, ...]
    fit: str
    example: Mapping[str, Any]

    def answer(self, cases: Sequence[Case]) -> list[Fields]:
        """One answer a case. Raises Unfit."""
        ...

    def check(self, cases: Sequence[Case]) -> None:
        """Read cases and answer none; in any thread, also while another answers. Raises Unfit."""
        ...


def answering_of(proven: Proven) -> Answering:
    """The candidate, fitted or taught.

    Raises:
        RunError: it cannot be served by the base. CandidateError, PluginError: it does not start.
    """
    candidate = proven.candidate
    if candidate.estimator is not None:
        return SeriesModel(proven) if is_series_model(candidate) else Estimator(proven)
    if (candidate.plugin or candidate.callable or candidate.command) and proven.cases.task != "act":
        return Program(proven)
    raise RunError(
        "serve.no_worker",
        Text("the base cannot run this candidate itself", "基地无法自行运行该候选方案"),
        where=candidate.id,
        next_step=Text(
            "Name its endpoint in an arrangement: `pilotbase gateway offer SHEET`.",
            "请在安排表中写明其端点: `pilotbase gateway offer 表格`。",
        ),
    )


def lessons_of(proven: Proven) -> tuple[Ints, str]:
    """The rows to learn from, and in words which they are."""
    cases, deciding = proven.cases, proven.deciding
    known = known_rows(cases)
    if deciding is not cases:
        rows = deciding.training_rows(0)
        rows = rows[known[rows]]
        held = int(deciding.scored.sum())
        return rows, f"the fit that was judged: {len(rows)} rows, the {held} judged ones held out"
    rows = np.flatnonzero(known)
    fits = len(set(cases.fold[cases.scored].tolist()))
    judged = "one fit on a part of them was" if fits == 1 else f"{fits} fits on parts of them were"
    return rows, f"a refit on all {len(rows)} rows; {judged} judged"


class Estimator:
    """A scikit-learn candidate."""

    def __init__(self, proven: Proven) -> None:
        self._cases, self.task = proven.cases, proven.cases.task
        seed = proven.scenario.plan.seed
        self._recipe = recipe_of(proven.candidate, self._cases, seed=seed, trust=False)
        features = proven.versions.features[0]
        self._columns = Columns(features)
        self.columns, self.optional = self._columns.names, self._columns.optional
        self.datatypes: Mapping[str, str] = self._columns.datatypes
        self.example: Mapping[str, Any] = example_of(features)
        rows, self.fit = lessons_of(proven)
        units = tuple(self._cases.unit_ids[unit] for unit in self._cases.unit[rows])
        train, target = features.to_numpy()[rows], self._cases.target[rows]
        self._model = fitted(self._recipe, train, target)
        self._cut = cutoff_of(FoldJob(self._recipe, train, target, units, ()), self._model)

    def check(self, cases: Sequence[Case]) -> None:
        self._rows(cases)

    def _rows(self, cases: Sequence[Case]) -> list[list[float]]:
        many = len(cases) > 1
        return [self._columns.row(case, many * at) for at, case in enumerate(cases, 1)]

    def answer(self, cases: Sequence[Case]) -> list[Fields]:
        rows = np.array(self._rows(cases), np.float64)
        block = answers(self._recipe, self._model, rows.reshape(len(cases), -1), self._cut)
        return fields_of(block, self._cases)


class SeriesModel:
    """A statsmodels candidate: forecasts the recorded series, and what has come since."""

    def __init__(self, proven: Proven) -> None:
        cases = self._cases = proven.cases
        assert cases.time is not None
        self.task = cases.task
        self.columns: tuple[str, ...] = (SERIES,)
        self.datatypes: Mapping[str, str] = {SERIES: "FP64"}
        self.optional: tuple[str, ...] = ()
        self.example: Mapping[str, Any] = {"history": []}
        seed = proven.scenario.plan.seed
        self._recipe = series_recipe_of(proven.candidate, seed=seed, trust=False)
        order = np.argsort(cases.time, kind="stable")
        self._series = proven.versions.series[0][order]
        last = cases.names[int(order[-1])]
        steps = f"{cases.horizon} step{'s' if cases.horizon > 1 else ''}"
        self.fit = (
            f"a refit on the whole series, {len(self._series)} values up to {last}; "
            f"`history` holds the values since; the forecast is {steps} ahead"
        )
        self._parameters = estimated(self._recipe, self._series)

    def check(self, cases: Sequence[Case]) -> None:
        for case in cases:
            self._known(case)

    def answer(self, cases: Sequence[Case]) -> list[Fields]:
        return [self._one(case) for case in cases]

    def _known(self, case: Case) -> list[float]:
        _only(case, self.columns)
        return _since(case, self._series)

    def _one(self, case: Case) -> Fields:
        known = self._known(case)
        series = np.concatenate([self._series, np.array(known, np.float64)])
        job = WindowJob(
            self._recipe, (series,), len(self._series), (len(series),), self._cases.horizon
        )
        return fields_of(forecasts(job, series, self._parameters), self._cases)[0]


class Program:
    """A plug-in, or a program that an arrangement names a folder for; one session."""

    def __init__(self, proven: Proven) -> None:
        self._proven, self._cases = proven, proven.cases
        self.task = proven.cases.task
        features = proven.versions.features[0]
        words = self._cases.language is not None
        self._columns = Columns(features)
        self.columns: tuple[str, ...] = ("question",) if words else self._columns.names
        self.datatypes: Mapping[str, str] = (
            {"question": "BYTES"} if words else self._columns.datatypes
        )
        self.optional = () if words else self._columns.optional
        self._series: Floats | None = None
        if proven.versions.series and self._cases.time is not None:
            self._series = proven.versions.series[0][np.argsort(self._cases.time, kind="stable")]
            self.columns = (*self.columns, SERIES)
            self.datatypes = {**self.datatypes, SERIES: "FP64"}
        asked: Fields = {"question": QUESTION}
        series: Fields = {SERIES: []} if self._series is not None else {}
        self.example: Mapping[str, Any] = asked if words else {**example_of(features), **series}
        self.fit = "nothing is learnt"
        self._session = self._started()

    def _started(self) -> Session:
        proven, cases = self._proven, self._cases
        seconds = proven.scenario.plan.budget.unit_seconds
        launch = launch_of(proven.candidate, proven.folder, seconds, trust=False)
        hello = {
            "task": cases.task, "classes": list(cases.classes), "columns": self._shown(),
            "rolling": cases.split == "rolling", "season": cases.season,
            "seed": proven.scenario.plan.seed, "parameters": dict(proven.candidate.parameters),
        }  # fmt: skip
        session = Session(launch, hello, time.monotonic)
        if proven.versions.passages:
            session.read(proven.versions.passages[0])
            self.fit = f"{len(proven.versions.passages[0])} passages were read"
        if session.learns and cases.split not in ("rolling", "frozen"):
            rows, self.fit = lessons_of(proven)
            lessons = (
                {
                    "features": proven.versions.case(int(row), 0).features,
                    "target": cases.target[row],
                }
                for row in rows
            )
            session.fit(len(rows), lessons)
        return session

    def check(self, cases: Sequence[Case]) -> None:
        self._all_asked(cases)

    def answer(self, cases: Sequence[Case]) -> list[Fields]:
        return [self._one(one) for one in self._all_asked(cases)]

    def _all_asked(self, cases: Sequence[Case]) -> list[Fields]:
        """Whatever is wrong is told before any is answered."""
        many = len(cases) > 1
        return [self._asked(case, many * at) for at, case in enumerate(cases, 1)]

    def _one(self, asked: Fields) -> Fields:
        try:
            reply, _ = self._session.ask(asked)
        except BadReply as error:
            raise unusable(str(error)) from error
        except Gone as error:
            self._session.close()
            self._session = self._started()
            # What it wrote before it ended may be of others' calls.
            raise Unfit("the candidate's program ended at this case",
                        "候选方案的程序在处理该案例时结束") from error  # fmt: skip
        if "error" in reply:
            raise own_words(str(reply["error"]))
        return {name: value for name, value in reply.items() if name != "id"}

    def _shown(self) -> list[str]:
        """Its columns as the trial showed them: the question, or features in numbers."""
        return ["question"] if self._cases.language is not None else [*self._columns.features]

    def _asked(self, case: Case, number: int) -> Fields:
        if self._cases.language is None:
            features = {name: one for name, one in case.items() if name != SERIES}
            row = self._columns.row(features if self._series is not None else case, number)
            asked: Fields = {"features": dict(zip(self._columns.features, row, strict=True))}
            if self._series is None:
                return asked
            since = [*self._series.tolist(), *_since(case, self._series)]
            return {**asked, "history": since, "horizon": self._cases.horizon}
        question = case.get("question")
        if not isinstance(question, str) or not question.strip():
            raise Unfit("no question is asked", "没有提出问题")
        return {"question": question, "columns": {}}


def _only(case: Case, columns: tuple[str, ...]) -> None:
    """Raises Unfit where a case holds something else, or less."""
    if lacking := [name for name in columns if name not in case]:
        raise Unfit(f"missing: {', '.join(lacking)}", f"缺少列: {'、'.join(lacking)}")
    if unknown := sorted(case.keys() - set(columns)):
        raise Unfit(f"no such column: {unknown[0][:60]}", f"没有这样的列: {unknown[0][:60]}")


def _since(case: Case, recorded: Floats) -> list[float]:
    """The values that have come since the recorded series; an empty list says that none has.

    Raises:
        Unfit: no list of numbers; a missing value where the recorded series has none.
    """
    since = case.get(SERIES)
    if not isinstance(since, list) or len(since) > HISTORY_MAX:
        raise Unfit(f"`{SERIES}` is a list of at most {HISTORY_MAX} numbers",
                    f"`{SERIES}` 须为至多 {HISTORY_MAX} 个数值的列表")  # fmt: skip
    gaps = bool(np.isnan(recorded).any())
    found = [math.nan if one is None and gaps else number_of(one) for one in since]
    for at, one in enumerate(found):
        if one is None:
            said = str(since[at])[:40]
            raise Unfit(f"value {at + 1} of `{SERIES}` is {said!r}, which is no number",
                        f"`{SERIES}` 的第 {at + 1} 个值 {said!r} 不是数值")  # fmt: skip
    return [one for one in found if one is not None]


def example_of(features: pd.DataFrame) -> Fields:
    """A case made of many: nobody's own."""
    found: Fields = {}
    best: dict[str, float] = {}
    for name in map(str, features.columns):
        column = features[name].to_numpy(np.float64)
        known = column[~np.isnan(column)]
        source = source_of(name)
        if not is_indicator(name):
            found[source] = round(float(np.median(known)), 4) if len(known) else None
        elif len(known) and known.mean() > best.get(source, -1.0):
            found[source], best[source] = name.partition("=")[2], float(known.mean())
    return found


def fields_of(block: Predictions, cases: Cases) -> list[Fields]:
    """A block's rows as the fields that its task has. Raises Unfit: a row that has no answer."""
    found = []
    for row in range(len(block.status)):
        if block.status[row] != OK:
            said = next((what for at, what in block.problems if at == row), "no answer")
            told = unusable(said)
            raise Unfit(f"case {row + 1}: {told.en}", f"第 {row + 1} 个案例: {told.zh}")
        found.append(_fields(block, cases, row))
    return found


def _fields(block: Predictions, cases: Cases, row: int) -> Fields:
    if cases.task == "classification":
        fields: Fields = {"label": str(block.label[row])}
        shares = block.probability[row] if block.probability is not None else None
        if shares is not None and np.isfinite(shares).all():
            fields["probability"] = dict(zip(cases.classes, shares.tolist(), strict=True))
        return fields
    if cases.task == "detection":
        return {"label": int(block.label[row]), "score": float(block.score[row])}
    found = {name: float(getattr(block, name)[row]) for name in ("value", "lower", "upper")}
    return {name: value for name, value in found.items() if math.isfinite(value)}
