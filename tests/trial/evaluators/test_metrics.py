"""The built-in metrics as declarations: named, told in two languages, found by entry point."""

from __future__ import annotations

import importlib
import math
import pkgutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase.kernel import plugins
from pilotbase.kernel.errors import PluginError
from pilotbase.scenario.rules.metrics import NEEDS, TASKS
from pilotbase.scenario.schema import Criterion
from pilotbase.trial import evaluators
from pilotbase.trial.cases import Cases, Predictions
from pilotbase.trial.evaluators import Metric, dimension_of, metric_named

FILES = {
    module.name: found
    for module in pkgutil.iter_modules(evaluators.__path__)
    if isinstance(
        found := getattr(
            importlib.import_module(f"pilotbase.trial.evaluators.{module.name}"), "METRIC", None
        ),
        Metric,
    )
}
PROJECT = Path(__file__).parents[3] / "pyproject.toml"
CRITERION = Criterion(metric="any", at_least=0.5, cap=2.0, limit=10.0)


def cases(task: str, target: Any, classes: tuple[str, ...] = ()) -> Cases:
    n = len(target)
    return Cases(
        task=task,
        features=pd.DataFrame(index=range(n)),
        barred=pd.DataFrame(index=range(n)),
        target=np.asarray(target, dtype=object if classes else None),
        classes=classes,
        unit=np.arange(n),
        unit_ids=[str(i) for i in range(n)],
        names=[str(i) for i in range(n)],
        groups={},
        scored=np.ones(n, bool),
        fold=np.zeros(n, np.int64),
        split="random",
    )


def test_each_file_is_one_entry_point() -> None:
    declared = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["entry-points"]
    expected = {name: f"pilotbase.trial.evaluators.{name}:METRIC" for name in FILES}
    assert declared["pilotbase.evaluators"] == expected


@pytest.mark.parametrize("name", FILES)
def test_a_metric_says_what_it_is(name: str) -> None:
    metric = FILES[name]
    assert metric.name == name and metric.tasks
    for text in (metric.title, metric.definition):
        assert text.en and text.zh and text.en != text.zh
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text.zh)
    assert (metric.compare is not None) == (metric.counted == "pairs")
    assert (metric.needs == "cap") == metric.capped
    low, high = metric.shown_range(CRITERION)
    assert low == 0.0 and high == (math.inf if metric.over_prevalence else metric.scale(CRITERION))


@pytest.mark.parametrize("name", FILES)
def test_the_scenario_checker_knows_the_same(name: str) -> None:
    metric = FILES[name]
    assert NEEDS.get(name) == metric.needs
    known = TASKS.get(name, evaluators.metric.EVERY_TASK)
    assert set(metric.tasks) <= set(known)


@pytest.mark.parametrize("name", FILES)
def test_shown_and_claimed_are_inverse(name: str) -> None:
    for mean in (0.0, 0.09, 0.5, 1.0):
        shown = FILES[name].shown(mean, CRITERION)
        assert FILES[name].claimed(shown, CRITERION) == pytest.approx(mean)


@pytest.mark.parametrize(("name", "task"), [(n, t) for n, m in FILES.items() for t in m.tasks])
def test_values_lie_in_the_unit_interval_or_are_missing(name: str, task: str) -> None:
    metric = FILES[name]
    rng = np.random.default_rng(1)
    odd = np.array([0.0, 1.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 0.5])
    classes = ("a", "b") if task == "classification" else ()
    target = {
        "classification": ["a", "b"] * 4, "detection": [0, 1] * 4,
    }.get(task, [0.0, np.nan, -1e308, 1e308, 2.0, 3.0, 4.0, 5.0])  # fmt: skip
    asked = cases(task, target, classes)
    said = Predictions.empty(asked)
    said.score[:] = said.value[:] = said.lower[:] = said.cost[:] = said.latency_ms[:] = odd
    said.upper[:] = rng.permutation(odd)
    if said.probability is not None:
        said.probability[:] = np.stack([odd, 1 - np.where(np.isfinite(odd), odd, 0)], axis=1)
    value = metric.value(asked, said, CRITERION)
    assert value.shape == (8,) and value.dtype == np.float64
    if metric.compare is None:
        assert np.all(np.isnan(value) | ((value >= 0) & (value <= 1)))
    else:
        value = np.where(np.isnan(value), 0.0, value)
        pairs = metric.compare(value, value[::-1])
        assert np.all((pairs >= 0) & (pairs <= 1))


@pytest.mark.parametrize("name", [n for n, m in FILES.items() if m.pass_fail])
def test_pass_fail_is_zero_or_one(name: str) -> None:
    task = FILES[name].tasks[-1]
    asked = cases(task, [0, 1, 0, 1] if task == "detection" else [0.0, 1.0, 2.0, 3.0])
    said = Predictions.empty(asked)
    said.lower[:], said.upper[:], said.latency_ms[:] = -1.0, 1.0, [1.0, 20.0, 3.0, 40.0]
    said.label[:2] = 1
    assert set(FILES[name].value(asked, said, CRITERION).tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("name", [n for n, m in FILES.items() if m.compare is not None])
def test_a_missing_answer_is_the_worst_of_a_pair(name: str) -> None:
    compare = FILES[name].compare
    assert compare is not None
    numbers = np.array([-1e9, 0.0, 0.5, 1.0, 1e9])
    low, high = np.full(5, -np.inf), np.full(5, np.inf)
    for other in (numbers, numbers[::-1]):
        assert np.all(compare(low, other) <= compare(numbers, other))
        assert np.all(compare(other, high) <= compare(other, numbers))
        assert np.all(compare(high, other) >= compare(numbers, other))
        assert np.all(compare(other, low) >= compare(other, numbers))


def test_what_a_criterion_is_about() -> None:
    brier = FILES["brier"]
    for more, expected in (
        ({}, "quality"),
        ({"gap_by": "sex"}, "fairness"),
        ({"worst_of": "sex", "under": {"noise": 1.0}}, "fairness"),
        ({"under": {"missing": 0.1}}, "robustness"),
    ):
        criterion = Criterion.model_validate({"metric": "brier", "at_most": 0.2, **more})
        assert dimension_of(brier, criterion) == expected
    assert FILES["calibration"].dimension == "calibration"
    assert FILES["latency"].dimension == FILES["cost"].dimension == "efficiency"


class TestByName:
    """Through real entry points of a package that is installed for the test alone."""

    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        info = tmp_path / "ours-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ours\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            "[pilotbase.evaluators]\nours = ours_metric:METRIC\nwrong = ours_metric:NOT_ONE\n"
            "misnamed = ours_metric:METRIC\n"
        )
        (tmp_path / "ours_metric.py").write_text(
            "from dataclasses import replace\n"
            "from pilotbase.trial.evaluators.accuracy import METRIC as _ACCURACY\n"
            "METRIC = replace(_ACCURACY, name='ours')\nNOT_ONE = 3\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        plugins._installed.cache_clear()
        yield
        plugins._installed.cache_clear()

    def test_a_metric_of_ones_own(self) -> None:
        assert metric_named("ours").name == "ours"

    @pytest.mark.parametrize("name", ["wrong", "misnamed"])
    def test_what_is_no_metric_is_refused(self, name: str) -> None:
        with pytest.raises(PluginError) as caught:
            metric_named(name)
        assert caught.value.code == "plugin.not_conformant"
        assert name in caught.value.message.zh and "entry point" in caught.value.next_step.en

    def test_an_unknown_one_is_named(self) -> None:
        with pytest.raises(PluginError) as caught:
            metric_named("no_such_metric")
        assert caught.value.code == "plugin.unknown" and "ours" in caught.value.next_step.en
