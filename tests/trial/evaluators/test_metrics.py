"""The built-in metrics as declarations: named, told in two languages, found by entry point."""

from __future__ import annotations

import importlib
import math
import pkgutil
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotbase.kernel import plugins
from pilotbase.kernel.errors import PluginError
from pilotbase.kernel.text import Text
from pilotbase.scenario.rules.metrics import NEEDS, TASKS
from pilotbase.scenario.schema import Criterion
from pilotbase.trial import evaluators
from pilotbase.trial.evaluators import Metric, dimension_of, metric_named
from pilotbase.trial.evaluators.conformance import CRITERION, broken_promises

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


def test_each_file_is_one_entry_point() -> None:
    declared = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["entry-points"]
    expected = {name: f"pilotbase.trial.evaluators.{name}:METRIC" for name in FILES}
    assert declared["pilotbase.evaluators"] == expected


@pytest.mark.parametrize("name", FILES)
def test_a_metric_is_named_and_explained(name: str) -> None:
    """That it keeps its promises is asked of all that is installed: see tests/testing."""
    metric = FILES[name]
    assert metric.name == name
    for text in (metric.title, metric.definition):
        assert text.en != text.zh and any("\u4e00" <= letter <= "\u9fff" for letter in text.zh)
    high = math.inf if metric.over_prevalence else metric.scale(CRITERION)
    assert metric.shown_range(CRITERION) == (0.0, high)


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


class TestConformance:
    """A metric that breaks a promise is told so, in both languages."""

    @staticmethod
    def said(**broken: Any) -> str:
        base = FILES[broken.pop("of", "accuracy")]
        texts = broken_promises(replace(base, **broken))
        assert all(text.zh for text in texts)
        return "; ".join(text.en for text in texts)

    def test_declarations(self) -> None:
        assert "both languages" in self.said(title=Text("Accuracy", ""))
        assert "no task" in self.said(tasks=())
        assert "counted='pairs'" in self.said(counted="pairs")
        assert "needs='cap'" in self.said(capped=True)
        assert "needs positives" in self.said(counted="positives")

    def test_values(self) -> None:
        def value(result: Any) -> str:
            return self.said(value=lambda cases, said, criterion: result(said), pass_fail=False)

        assert "not float64" in value(lambda said: said.latency_ms > 3)
        assert "not float64" in value(lambda said: np.zeros(3))
        assert "outside 0 to 1" in value(lambda said: np.full(8, 1.5))
        assert "depends on other rows" in value(lambda said: np.linspace(0, 1, 8))
        rng = np.random.default_rng(0)
        assert "asked twice" in value(lambda said: rng.random(8))
        half = self.said(value=lambda cases, said, criterion: np.full(8, 0.5))
        assert "neither 0 nor 1" in half

    def test_marks(self) -> None:
        def marked(result: Any, **more: Any) -> str:
            return self.said(of="refusal", mark=result, **more)

        assert "raises KeyError" in marked(lambda asked, replies, criterion: {}["x"])
        assert "not float" in marked(lambda asked, replies, criterion: 1)
        assert "outside 0 to 1" in marked(lambda asked, replies, criterion: 1.5)
        assert "neither 0 nor 1" in marked(lambda asked, replies, criterion: 0.5)
        rng = np.random.default_rng(0)
        twice = marked(lambda asked, replies, criterion: rng.random(), pass_fail=False)
        assert "asked twice" in twice

        def changing(asked: Any, replies: Any, criterion: Any) -> float:
            asked.passages["new"] = ""
            return 1.0

        assert "changes the question" in marked(changing)

    def test_declarations_in_words(self) -> None:
        assert "either value or mark" in self.said(of="refusal", mark=None)
        assert "joint goes with mark" in self.said(joint=True)
        assert "questions in words" in self.said(of="refusal", tasks=("detection",))
        assert "questions in words" in self.said(counted="on_scope")

    def test_pairs(self) -> None:
        def backwards(positive: Any, negative: Any) -> Any:
            return np.asarray(positive < negative, np.float64)

        assert "has to be the worst" in self.said(of="auc", compare=backwards)
        doubled = self.said(of="auc", compare=lambda p, n: 2.0 * (p > n))
        assert "outside 0 to 1" in doubled


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
