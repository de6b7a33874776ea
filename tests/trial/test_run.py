"""All candidates' answers: order, budget, early stop, perturbations, the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog.table import Table
from pilotbase.kernel.errors import BudgetError, CandidateError, HomeError, PluginError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.scenario.schema import Scenario, Under
from pilotbase.trial.asking import Answered
from pilotbase.trial.cases import FAULT, OK, OUTAGE, PENDING, Cases
from pilotbase.trial.journal import Finished, Journal, packed
from pilotbase.trial.question import cases_of, holdout_of
from pilotbase.trial.run import answer_all
from pilotbase.trial.workers import Workers

Program = Callable[..., tuple[str, ...]]
TREE = {"id": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"}
NAIVE = {"id": "naive", "estimator": "sklearn.naive_bayes.GaussianNB"}


class Trial:
    """One scenario on one table, tried as often as a test likes."""

    def __init__(self, scenario: Scenario, cases: Cases, folder: Path, workers: Workers) -> None:
        self.scenario, self.cases = scenario, cases
        self._folder, self._workers = folder, workers
        self.advanced = 0

    def run(
        self, journal: Journal, order: Sequence[int] | None = None, **options: Any
    ) -> dict[str, Answered]:
        self.advanced = 0
        context = Context(self._folder, progress=self)
        return answer_all(
            self.cases,
            self.scenario,
            range(self.cases.units) if order is None else order,
            journal=journal,
            context=context,
            folder=self._folder,
            workers=self._workers,
            **{"trust": True, **options},
        )

    @contextmanager
    def task(self, label: Text, total: int) -> Iterator[Callable[[int], None]]:
        def advance(done: int) -> None:
            self.advanced += done

        yield advance
        self.total = total


@pytest.fixture
def trial(
    scenario: Callable[..., Scenario],
    table: Callable[[pd.DataFrame], Table],
    kinds: pd.DataFrame,
    tmp_path: Path,
    workers: Workers,
) -> Callable[..., Trial]:
    def made(frame: pd.DataFrame = kinds, **fields: Any) -> Trial:
        asked = scenario(**fields)
        return Trial(asked, cases_of(asked, table(frame)), tmp_path, workers)

    return made


def detection(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(sick=(frame["size"] > 6).astype(np.int64)).drop(columns="kind")


def asked_places(log: Path) -> list[float]:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line["asked"] for line in lines if "asked" in line]


def bytes_of(answered: dict[str, Answered]) -> dict[str, bytes]:
    """All that decides, without the times that were measured."""
    for one in answered.values():
        for predictions in one.versions:
            predictions.latency_ms[:] = 0.0
    return {
        name: packed(
            Finished(
                one.versions, {k: float(np.mean(v)) for k, v in one.drops.items()}, one.warnings
            )
        )
        for name, one in answered.items()
    }


def test_estimators_answer_every_fold_and_every_version(
    trial: Callable[..., Trial], journal: Journal
):
    tried = trial(candidates=[TREE, NAIVE])
    under = [Under(noise=0.1), Under(missing=0.5), Under(shift=50.0)]
    answered = tried.run(journal, under=under, importance=True)
    tree, naive = answered["tree"], answered["naive"]
    for one in (tree, naive):
        assert (one.predictions.status == OK).all()
        assert (one.predictions.label == tried.cases.target).mean() > 0.7
        assert len(one.under) == 3 and not one.cut and not one.decided
    assert (tree.under[1].status == OK).all()  # a tree takes missing values, Bayes does not
    assert (naive.under[1].status == FAULT).any()
    assert (tree.under[2].label == "large").all()
    assert set(tree.drops) == {"place", "size"} and len(tree.drops["size"]) == 3
    assert np.mean(tree.drops["size"]) > 0.2
    assert tried.advanced == tried.total == 60


def test_two_runs_give_the_same_bytes(trial: Callable[..., Trial], tmp_path: Path):
    tried = trial(
        candidates=[
            TREE,
            {
                "id": "forest",
                "estimator": "sklearn.ensemble.RandomForestClassifier",
                "parameters": {"n_estimators": 5},
            },
        ],
        plan={"seed": 5},
    )
    found = []
    for home in ("one", "two"):
        with Journal(tmp_path / home / "r.db", "sha256:p") as journal:
            found.append(bytes_of(tried.run(journal, under=[Under(noise=1.0)], importance=True)))
    assert found[0] == found[1]


def test_what_is_finished_is_read_back_and_not_asked_again(
    trial: Callable[..., Trial],
    journal: Journal,
    program: Program,
    kinds: pd.DataFrame,
    tmp_path: Path,
):
    log = tmp_path / "log"
    candidates = [
        {"id": "logit", "estimator": "sklearn.linear_model.LogisticRegression"},
        {"id": "shell", "command": program("ok", -1, log)},
    ]
    fields = {"task": "detection", "target": "sick", "candidates": candidates}
    tried = trial(detection(kinds), **fields)
    first = tried.run(journal)
    assert len(asked_places(log)) == 30
    with Workers(size=1) as none_started:
        tried._workers = none_started
        second = tried.run(journal)
        assert not none_started._idle
    assert len(asked_places(log)) == 30
    for name in first:
        assert packed(Finished(first[name].versions)) == packed(Finished(second[name].versions))


def test_a_perturbation_more_is_another_question(trial: Callable[..., Trial], journal: Journal):
    tried = trial()
    tried.run(journal)
    again = tried.run(journal, under=[Under(shift=1.0)])
    assert (again["tree"].under[0].status == OK).all()


def test_a_program_is_asked_in_committed_order_until_it_is_decided(
    trial: Callable[..., Trial],
    journal: Journal,
    program: Program,
    kinds: pd.DataFrame,
    tmp_path: Path,
):
    log = tmp_path / "log"
    frame = detection(
        pd.concat([kinds, kinds, kinds], ignore_index=True).assign(place=np.arange(90))
    )
    tried = trial(
        frame,
        task="detection",
        target="sick",
        candidates=[{"id": "shell", "command": program("ok", -1, log)}],
    )
    order = np.random.default_rng(1).permutation(90)
    seen = []

    def decided(candidate: str, answered: Answered) -> bool:
        seen.append(int((answered.predictions.status == OK).sum()))
        return seen[-1] >= 50

    answered = tried.run(journal, order, decided=decided)["shell"]
    assert seen == [25, 50]
    assert asked_places(log) == order[:50].tolist()
    assert answered.decided and not answered.cut
    assert np.flatnonzero(answered.predictions.status == OK).tolist() == sorted(order[:50].tolist())
    assert (answered.predictions.status == PENDING).sum() == 40
    assert answered.predictions.score[order[0]] == 0.5 + order[0] / 1000
    # Again, from the journal: the same decisions, nothing asked.
    seen.clear()
    tried.run(journal, order, decided=decided)
    assert seen == [25, 50] and len(asked_places(log)) == 50


def test_a_unit_counts_with_all_its_rows(
    trial: Callable[..., Trial],
    journal: Journal,
    program: Program,
    kinds: pd.DataFrame,
    tmp_path: Path,
):
    frame = detection(kinds).assign(who=np.arange(30) // 3)
    log = tmp_path / "log"
    tried = trial(
        frame,
        task="detection",
        target="sick",
        unit="who",
        plan={"cap": 4},
        candidates=[{"id": "shell", "command": program("ok", -1, log)}, {**TREE, "id": "tree"}],
    )
    order = [7, 2, 9, 0, 1, 3, 4, 5, 6, 8]
    answered = tried.run(journal, order)
    expected = np.isin(frame["who"], order[:4])
    for one in answered.values():
        assert ((one.predictions.status == OK) == expected).all()
        assert (one.predictions.status[~expected] == PENDING).all()
    assert asked_places(log)[:6] == [21, 22, 23, 6, 7, 8]


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("crash", "program ended: exit code 3: ValueError: out of ideas"),
        ("text", "not JSON"),
        ("no-field", "neither label nor score"),
        ("nan", "NaN is not a finite number"),
        ("string", "score is no number: 'high'"),
        ("error", "error: no such thing"),
        ("refuse", "refused: not my field"),
        ("flood", "program ended: a line of more than 1048576 bytes"),
    ],
)
def test_what_a_program_does_wrong_is_one_units_fault(
    trial: Callable[..., Trial],
    journal: Journal,
    program: Program,
    kinds: pd.DataFrame,
    mode: str,
    reason: str,
):
    tried = trial(
        detection(kinds),
        task="detection",
        target="sick",
        candidates=[{"id": "shell", "command": program(mode, 11)}],
    )
    said = tried.run(journal)["shell"].predictions
    assert np.flatnonzero(said.status == FAULT).tolist() == [11]
    assert (np.delete(said.status, 11) == OK).all()
    assert said.problems == [(11, reason)]
    assert np.isnan(said.score[11])


def test_a_program_that_hangs_is_ended_and_started_again(
    trial: Callable[..., Trial], journal: Journal, program: Program, kinds: pd.DataFrame
):
    plan = {"budget": {"unit_seconds": 0.7}}
    tried = trial(
        detection(kinds),
        task="detection",
        target="sick",
        plan=plan,
        candidates=[{"id": "shell", "command": program("hang", 3)}],
    )
    said = tried.run(journal)["shell"].predictions
    assert said.problems == [(3, "program ended: no answer within 0.7 s")]
    assert (np.delete(said.status, 3) == OK).all()
    assert (said.latency_ms[said.status == OK] > 0).all()


def test_a_program_that_keeps_ending_is_given_up(
    trial: Callable[..., Trial], journal: Journal, program: Program, kinds: pd.DataFrame
):
    frame = detection(kinds).assign(place=1)
    tried = trial(
        frame,
        task="detection",
        target="sick",
        candidates=[{"id": "shell", "command": program("crash", 1)}],
    )
    said = tried.run(journal)["shell"].predictions
    assert (said.status == FAULT).all()
    reasons = [reason for _, reason in said.problems]
    assert [r.startswith("program ended") for r in reasons[:5]] == [True] * 5
    assert reasons[5] == "given up after its program ended 5 times"


def test_a_program_that_learns_never_holds_a_target_it_is_asked_for(
    trial: Callable[..., Trial],
    journal: Journal,
    program: Program,
    kinds: pd.DataFrame,
    tmp_path: Path,
):
    logs = tmp_path / "log"
    tried = trial(
        detection(kinds),
        task="detection",
        target="sick",
        candidates=[{"id": "shell", "command": program("learn", -1, logs)}],
    )
    said = tried.run(journal)["shell"].predictions
    assert (said.status == OK).all()
    learnt = [
        json.loads(line)["learnt"] for line in logs.read_text().splitlines() if "learnt" in line
    ]
    folds = [np.flatnonzero(tried.cases.fold != fold).tolist() for fold in range(3)]
    assert sorted(learnt) == sorted(folds)


def test_a_fit_that_crashes_is_a_fault_of_its_fold(
    trial: Callable[..., Trial], journal: Journal, program: Program, kinds: pd.DataFrame
):
    tried = trial(
        detection(kinds),
        task="detection",
        target="sick",
        candidates=[{"id": "shell", "command": program("learn-crash")}],
    )
    said = tried.run(journal)["shell"].predictions
    assert (said.status == FAULT).all()
    assert said.problems[0][1] == "fit failed: exit code 4"


def test_blocks_in_time_are_learnt_from_the_past_only(
    trial: Callable[..., Trial],
    journal: Journal,
    program: Program,
    kinds: pd.DataFrame,
    tmp_path: Path,
):
    log = tmp_path / "log"
    frame = detection(kinds).assign(day=np.arange(30), year=np.arange(30) // 10)
    split = {"by": "time", "column": "day", "block": "year"}
    tried = trial(
        frame,
        task="detection",
        target="sick",
        split=split,
        candidates=[{"id": "shell", "command": program("learn", -1, log)}],
    )
    said = tried.run(journal)["shell"].predictions
    assert said.status.tolist() == [PENDING] * 10 + [OK] * 20
    learnt = [
        json.loads(line)["learnt"] for line in log.read_text().splitlines() if "learnt" in line
    ]
    assert sorted(map(max, learnt)) == [9, 19]


def test_a_rolling_program_sees_the_past_of_each_origin_in_time(
    trial: Callable[..., Trial], journal: Journal, program: Program, tmp_path: Path
):
    log = tmp_path / "log"
    frame = pd.DataFrame({"place": np.arange(12), "y": np.arange(12) * 2.0, "t": np.arange(12)})
    frame.loc[9, "y"] = np.nan
    split = {"by": "rolling", "column": "t", "origins": 4, "horizon": 2}
    tried = trial(
        frame,
        task="forecast",
        target="y",
        split=split,
        candidates=[{"id": "shell", "command": program("forecast", -1, log)}],
    )
    said = tried.run(journal, order=list(range(11, -1, -1)))["shell"].predictions
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["asked"] for line in lines] == [7, 8, 10, 11]
    assert [line["history"] for line in lines] == [
        [2.0 * n for n in range(6)],
        [2.0 * n for n in range(7)],
        [2.0 * n for n in range(9)],
        [*(2.0 * n for n in range(9)), None],
    ]
    assert said.value[[7, 8, 10]].tolist() == [10.0, 12.0, 16.0]
    assert said.status[11] == FAULT  # it handed on the gap
    assert said.status[:7].tolist() == [PENDING] * 7


def test_a_rolling_regression_learns_from_the_past_only(
    trial: Callable[..., Trial], journal: Journal
):
    frame = pd.DataFrame({"t": np.arange(20), "lag": np.arange(20.0), "y": np.arange(20.0) ** 2})
    nearest = {
        "id": "nearest",
        "estimator": "sklearn.neighbors.KNeighborsRegressor",
        "parameters": {"n_neighbors": 1},
        "refit_every": 3,
    }
    split = {"by": "rolling", "column": "t", "origins": 6, "horizon": 2}
    tried = trial(frame, task="forecast", target="y", split=split, candidates=[nearest])
    said = tried.run(journal)["nearest"].predictions
    # Fits at origins 14 and 17 know the series up to 12 and 15: the nearest case is the last known.
    assert said.value[14:].tolist() == [144.0] * 3 + [225.0] * 3


def test_a_series_model_forecasts_and_its_history_can_be_perturbed(
    trial: Callable[..., Trial], journal: Journal
):
    frame = pd.DataFrame({"t": np.arange(40), "y": np.arange(40) * 1.0 + np.sin(np.arange(40))})
    model = {
        "id": "holt",
        "estimator": "statsmodels.tsa.holtwinters.ExponentialSmoothing",
        "parameters": {"trend": "add"},
        "refit_every": 4,
    }
    split = {"by": "rolling", "column": "t", "origins": 8}
    tried = trial(frame, task="forecast", target="y", features=[], split=split, candidates=[model])
    answered = tried.run(journal, under=[Under(shift=5.0)])["holt"]
    assert (answered.predictions.status[32:] == OK).all()
    error = answered.predictions.value[32:] - frame["y"][32:]
    assert np.abs(error).max() < 2
    moved = answered.under[0].value[32:] - answered.predictions.value[32:]
    assert moved == pytest.approx(np.full(8, 5.0), abs=0.5)


def test_crashing_estimators_are_faults_and_do_not_touch_the_others(
    trial: Callable[..., Trial], journal: Journal
):
    dies = {"id": "dies", "estimator": "troublemakers.Dies"}
    answered = trial(candidates=[dies, TREE], split={"by": "random", "folds": 2}).run(journal)
    said = answered["dies"].predictions
    assert (said.status == FAULT).all()
    assert said.problems[0][1] == "the process running it ended (exit code 7)"
    assert (answered["tree"].predictions.status == OK).all()


def test_no_worker_is_an_outage_that_is_not_kept(
    trial: Callable[..., Trial], journal: Journal, monkeypatch: pytest.MonkeyPatch
):
    tried = trial()
    working = tried._workers
    with Workers(size=1) as broken, monkeypatch.context() as patch:
        patch.setattr("pilotbase.trial.workers.sys.executable", "/no/such/python")
        tried._workers = broken
        said = tried.run(journal)["tree"].predictions
    assert (said.status == OUTAGE).all()
    assert said.problems[0][1].startswith("outage: a worker process could not start")
    tried._workers = working
    assert (tried.run(journal)["tree"].predictions.status == OK).all()


def test_a_budget_of_units_and_money_is_an_outage_beyond_it(
    trial: Callable[..., Trial], journal: Journal
):
    tree = {**TREE, "cost_per_unit": "0.50 CNY"}
    naive = {**NAIVE, "cost_per_unit": "0.10 CNY"}
    budget = {"money": "4.00 CNY"}
    order = list(range(29, -1, -1))
    answered = trial(candidates=[tree, naive], plan={"budget": budget}).run(journal, order)
    spent = sum(one.predictions.cost.sum() for one in answered.values())
    assert spent <= 400
    asked = (answered["tree"].predictions.status == OK).sum()
    assert asked == 6 and answered["tree"].cut == "money"
    assert answered["tree"].predictions.status.tolist() == [OUTAGE] * 24 + [OK] * 6
    assert "budget cut: money" in [reason for _, reason in answered["tree"].predictions.problems]
    few = trial(candidates=[tree, naive], plan={"budget": {"units": 7}}).run(journal, order)
    assert [(one.predictions.status == OK).sum() for one in few.values()] == [4, 3]
    assert {one.cut for one in few.values()} == {"units"}


def test_time_that_is_up_cuts_the_rest_and_stays_up(
    trial: Callable[..., Trial],
    journal: Journal,
    program: Program,
    kinds: pd.DataFrame,
    tmp_path: Path,
):
    log = tmp_path / "log"
    tried = trial(
        detection(kinds),
        task="detection",
        target="sick",
        plan={"budget": {"minutes": 0.008}},
        candidates=[{"id": "shell", "command": program("slow", -1, log)}],
    )
    answered = tried.run(journal)["shell"]
    done = (answered.predictions.status == OK).sum()
    assert answered.cut == "minutes" and 0 < done < 30
    assert (answered.predictions.status == OUTAGE).sum() == 30 - done
    asked = len(asked_places(log))
    assert journal.seconds >= 0.4
    again = tried.run(journal)["shell"]  # the time is the run's, not the start's
    assert again.cut == "minutes" and len(asked_places(log)) <= asked + 1


def test_a_holdout_is_read_by_one_frozen_fit(
    trial: Callable[..., Trial],
    journal: Journal,
    program: Program,
    kinds: pd.DataFrame,
    tmp_path: Path,
):
    log = tmp_path / "log"
    split = {"by": "random", "folds": 3, "holdout": 0.2}
    tried = trial(
        detection(kinds),
        task="detection",
        target="sick",
        split=split,
        candidates=[{"id": "shell", "command": program("learn", -1, log)}],
    )
    held = holdout_of(tried.cases, tried.scenario)
    assert held is not None
    tried.cases = held
    said = tried.run(journal)["shell"].predictions
    assert ((said.status == OK) == held.scored).all()
    learnt = [
        json.loads(line)["learnt"] for line in log.read_text().splitlines() if "learnt" in line
    ]
    assert len(learnt) == 1 and not set(learnt[0]) & set(np.flatnonzero(held.scored).tolist())


def test_columns_of_a_candidate(trial: Callable[..., Trial], journal: Journal, kinds: pd.DataFrame):
    frame = kinds.assign(code=kinds["size"])
    tried = trial(
        frame,
        barred=["code"],
        candidates=[
            {**TREE, "columns": ["place"]},
            {**TREE, "id": "dropping", "drop": ["size"]},
            {**TREE, "id": "barred", "columns": ["place"], "uses_barred": ["code"]},
        ],
    )
    answered = tried.run(journal, importance=True)
    assert set(answered["tree"].drops) == set(answered["dropping"].drops) == {"place"}
    assert set(answered["barred"].drops) == {"place", "code"}
    right = {k: (v.predictions.label == tried.cases.target).mean() for k, v in answered.items()}
    assert right["barred"] > 0.9 > right["tree"] == right["dropping"]


@pytest.mark.parametrize(
    ("candidate", "error", "code"),
    [
        (
            {"estimator": "sklearn.tree.DecisionTreClassifier"},
            CandidateError,
            "candidate.unknown_class",
        ),
        ({**TREE, "parameters": {"depth": 2}}, CandidateError, "candidate.unknown_parameter"),
        ({"estimator": "sklearn.linear_model.Ridge"}, CandidateError, "candidate.wrong_kind"),
        ({**TREE, "columns": ["sizes"]}, CandidateError, "candidate.unknown_column"),
        ({**TREE, "uses_barred": ["size"]}, CandidateError, "candidate.unknown_column"),
        (
            {"estimator": "statsmodels.tsa.arima.model.ARIMA"},
            CandidateError,
            "candidate.needs_series",
        ),
        ({"plugin": "no-such"}, PluginError, "plugin.unknown"),
        ({"command": ["no-such-program-anywhere"]}, CandidateError, "candidate.cannot_start"),
        ({"callable": "no_such_module:f"}, CandidateError, "candidate.cannot_start"),
        (
            {"callable": "x:f", "cutoff": {"called_share": 0.3}},
            CandidateError,
            "candidate.called_share",
        ),
        ({**TREE, "cost_per_unit": "two CNY"}, BudgetError, "budget.amount"),
    ],
)
def test_what_cannot_start_is_said_before_anything_is_asked(
    trial: Callable[..., Trial], journal: Journal, candidate: Any, error: type, code: str
):
    tried = trial(candidates=[TREE, {**candidate, "id": "broken"}])
    with pytest.raises(error) as caught:
        tried.run(journal)
    assert caught.value.code == code
    assert "broken" in caught.value.where
    assert tried.advanced == 0


@pytest.mark.parametrize("candidate", [{"command": ["true"]}, {"callable": "os:getcwd"}])
def test_code_needs_trust(trial: Callable[..., Trial], journal: Journal, candidate: Any):
    with pytest.raises(CandidateError) as caught:
        trial(candidates=[{**candidate, "id": "code"}]).run(journal, trust=False)
    assert caught.value.code == "candidate.untrusted" and "--trust" in caught.value.next_step.en


def test_currencies_are_not_mixed(trial: Callable[..., Trial], journal: Journal):
    tried = trial(
        candidates=[{**TREE, "cost_per_unit": "1 EUR"}], plan={"budget": {"money": "1.00 CNY"}}
    )
    with pytest.raises(BudgetError) as caught:
        tried.run(journal)
    assert caught.value.code == "budget.currency"


CALLABLE = '''
"""A callable as a provider would write it, and some that go wrong."""
import math


class Threshold:
    def __init__(self, column="size", flaw=""):
        self.column, self.flaw = column, flaw

    def fit(self, features, target):
        high = [row[self.column] for row, kind in zip(features, target) if kind == 1]
        self.bound = min(high)

    def predict(self, features):
        if self.flaw == "raise":
            raise RuntimeError("no idea")
        if self.flaw == "nan":
            return math.nan
        print("a candidate may print what it likes")
        return {"label": features[self.column] >= self.bound, "score": features[self.column] / 13}


def last_value(add=0.0):
    class Last:
        def predict(self, features, history, horizon):
            return {"value": history[-1] + add * horizon}
    return Last()
'''


def test_a_python_callable(
    trial: Callable[..., Trial], journal: Journal, kinds: pd.DataFrame, tmp_path: Path
):
    (tmp_path / "mine.py").write_text(CALLABLE)
    flaws = [
        {"id": f"{flaw or 'good'}", "callable": "mine:Threshold", "parameters": {"flaw": flaw}}
        for flaw in ("", "raise", "nan")
    ]
    tried = trial(
        detection(kinds),
        task="detection",
        target="sick",
        candidates=flaws,
        split={"by": "random", "folds": 2},
    )
    answered = tried.run(journal)
    good = answered["good"].predictions
    assert (good.status == OK).all() and (good.label == tried.cases.target).mean() >= 0.9
    for flaw, reason in (("raise", "error: RuntimeError: no idea"), ("nan", "error: ValueError")):
        said = answered[flaw].predictions
        assert (said.status == FAULT).all() and said.problems[0][1].startswith(reason)


def test_a_rolling_callable(trial: Callable[..., Trial], journal: Journal, tmp_path: Path):
    (tmp_path / "mine.py").write_text(CALLABLE)
    frame = pd.DataFrame({"t": np.arange(10), "y": np.arange(10.0)})
    split = {"by": "rolling", "column": "t", "origins": 3, "horizon": 2}
    last = {"id": "last", "callable": "mine:last_value", "parameters": {"add": 1.0}}
    tried = trial(frame, task="forecast", target="y", features=[], split=split, candidates=[last])
    assert tried.run(journal)["last"].predictions.value[7:].tolist() == [7.0, 8.0, 9.0]


def test_an_installed_plugin(
    trial: Callable[..., Trial],
    journal: Journal,
    kinds: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    from pilotbase.kernel import plugins

    site = tmp_path / "site"
    info = site / "example-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "example_plugin.py").write_text(CALLABLE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
    entry = "[pilotbase.candidates]\nthreshold = example_plugin:Threshold\n"
    (info / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(str(site))
    plugins._installed.cache_clear()
    try:
        tried = trial(
            detection(kinds),
            task="detection",
            target="sick",
            candidates=[{"id": "mine", "plugin": "threshold"}],
        )
        said = tried.run(journal, trust=False)["mine"].predictions
    finally:
        plugins._installed.cache_clear()
    assert (said.status == OK).all() and (said.label == tried.cases.target).mean() > 0.9


def test_a_full_disk_loses_nothing_and_the_run_goes_on(
    trial: Callable[..., Trial],
    journal: Journal,
    program: Program,
    kinds: pd.DataFrame,
    tmp_path: Path,
):
    log = tmp_path / "log"
    tried = trial(
        detection(kinds),
        task="detection",
        target="sick",
        candidates=[{"id": "shell", "command": program("ok", -1, log)}],
    )
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(HomeError) as caught:
        tried.run(journal)
    assert caught.value.code == "home.disk_full"
    asked = asked_places(log)
    assert 1 < len(asked) < 30
    journal._db.execute("PRAGMA max_page_count=10000")
    said = tried.run(journal)["shell"].predictions
    assert (said.status == OK).all()
    assert asked_places(log) == [*asked, *range(len(asked) - 1, 30)]  # the unkept one, once more


def test_a_program_is_asked_about_perturbed_cases_too(
    trial: Callable[..., Trial], journal: Journal, program: Program, kinds: pd.DataFrame
):
    tried = trial(
        detection(kinds),
        task="detection",
        target="sick",
        candidates=[{"id": "shell", "command": program("ok")}],
    )
    moved = [Under(shift=100.0, columns=("place",)), Under(missing=0.5, columns=("place",))]
    answered = tried.run(journal, under=moved)["shell"]
    place = np.arange(30)
    assert answered.predictions.score == pytest.approx(0.5 + place / 1000)
    assert answered.under[0].score == pytest.approx(0.6 + place / 1000)
    gone = answered.under[1].score[1:] == 0.5
    assert 0 < gone.sum() < 29


def test_the_questions_digest_keeps_answers_apart(trial: Callable[..., Trial], journal: Journal):
    tried = trial()
    tried.run(journal)
    tried.cases = replace(tried.cases, digest="sha256:other")
    before = journal.seconds
    tried.run(journal)
    assert journal.seconds > before
