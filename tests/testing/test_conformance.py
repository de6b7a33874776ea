"""The conformance checks pass what conforms and name what does not."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase import testing
from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.errors import PluginError
from pilotbase.kernel.plugins import names
from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators.accuracy import METRIC as ACCURACY
from pilotbase.trial.evaluators.auc import METRIC as AUC

INSTALLED = [
    (group, name)
    for group in ("pilotbase.evaluators", "pilotbase.datasets", "pilotbase.packs")
    for name in names(group)
]


@pytest.mark.parametrize(("group", "name"), INSTALLED)
def test_everything_that_is_installed_conforms(group: str, name: str):
    testing.check_plugin(group, name)


@pytest.mark.parametrize("name", ["document_lookup", "document_retrieval"])
def test_the_installed_answerers_conform(name: str):
    testing.check_plugin("pilotbase.candidates", name, task="answer")


class Answerer:
    """Answers whatever it is given."""

    def __init__(self, said: Any) -> None:
        self.said = said

    def answer(self, question: str, columns: Any) -> Any:
        return self.said


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"text": ""}, "neither text nor data nor a refusal"),
        ({"text": "a", "cites": [{"passage": "b-9"}]}, "'b-9', which is no passage"),
        ({"text": "a", "retrieved": 3}, "retrieved is no list"),
        ({"text": float("nan")}, "Out of range float values"),
        (None, "text is no text"),
    ],
)
def test_what_an_answerer_gets_wrong_is_named(said: Any, wrong: str):
    error = refusal(testing.check_candidate, Answerer, task="answer", parameters={"said": said})
    assert wrong in error.message.en
    testing.check_candidate(Answerer, task="answer", parameters={"said": "just a text"})


def test_something_is_installed():
    assert {group for group, _ in INSTALLED} == {
        "pilotbase.evaluators",
        "pilotbase.datasets",
        "pilotbase.packs",
    }


def refusal(check: Any, *arguments: Any, **options: Any) -> PluginError:
    with pytest.raises(PluginError) as caught:
        check(*arguments, **options)
    assert caught.value.code == "plugin.not_conformant" and caught.value.message.zh
    return caught.value


def counter(values: Any) -> Any:
    return lambda cases, predictions, criterion: values(cases, predictions)


def spoil(cases: Any, predictions: Any) -> Any:
    predictions.status[:] = 3
    return np.ones(cases.rows)


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (object(), "not a Metric"),
        (replace(ACCURACY, title=Text("x", "")), "title is not said in both languages"),
        (replace(ACCURACY, tasks=("guessing",)), "are not tasks"),
        (replace(ACCURACY, value=counter(lambda c, p: np.full(c.rows, 7.0))), "outside [0, 1]"),
        (replace(ACCURACY, value=counter(lambda c, p: np.full(c.rows, 0.5))), "values between"),
        (replace(ACCURACY, value=counter(lambda c, p: np.ones(3))), "not (rows,) floats"),
        (replace(ACCURACY, value=counter(lambda c, p: 1 / 0)), "raise ZeroDivisionError"),
        (
            replace(ACCURACY, value=counter(lambda c, p: np.random.rand(c.rows).round())),
            "two results",
        ),
        (replace(ACCURACY, value=counter(spoil)), "changes the predictions"),
        (replace(AUC, compare=None), "has no compare"),
    ],
)
def test_evaluators_that_do_not_conform(metric: Any, said: str):
    assert said in refusal(testing.check_evaluator, metric).message.en


class Good:
    def __init__(self, kind: str = "red", answer: Any = None) -> None:
        self.answer = kind if answer is None else answer

    def fit(self, features: Any, target: Any) -> None:
        assert len(features) == len(target)

    def predict(self, features: Any, **more: Any) -> Any:
        return self.answer


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("classification", "red"),
        ("classification", {"probability": {"red": 1.0}}),
        ("detection", np.float64(0.5)),
        ("detection", True),
        ("regression", np.float32(2)),
        ("forecast", {"value": 1, "lower": 0, "upper": 2}),
    ],
)
def test_candidates_that_conform(task: Any, answer: Any):
    testing.check_candidate(Good, task=task, parameters={"answer": answer})


@pytest.mark.parametrize(
    ("task", "answer", "said"),
    [
        ("classification", "green", "unknown class 'green'"),
        ("detection", 7j, "TypeError"),
        ("detection", math.nan, "ValueError"),
        ("regression", "much", "no number"),
        ("forecast", {"lower": 1}, "no value"),
    ],
)
def test_candidates_that_do_not_conform(task: Any, answer: Any, said: str):
    error = refusal(testing.check_candidate, Good, task=task, parameters={"answer": answer})
    assert said in error.message.en


def test_a_candidate_that_raises_is_told():
    error = refusal(testing.check_candidate, Good, task="detection", parameters={"no": 1})
    assert "TypeError" in error.message.en


def loaded(**fields: Any) -> Loaded:
    good = {
        "frame": pd.DataFrame({"x": [1, 2]}),
        "about": Text("a", "b"),
        "source": "here",
        "licence": Text("c", "d"),
    }
    return Loaded(**{**good, **fields})


def test_a_dataset_that_conforms():
    testing.check_dataset(loaded)


@pytest.mark.parametrize(
    ("loader", "said"),
    [
        (lambda: pd.DataFrame(), "does not return Loaded"),
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: loaded(about=Text("a", " ")), "about is not said"),
        (lambda: loaded(source=" "), "source is empty"),
        (lambda: loaded(frame=pd.DataFrame({"x": []})), "no rows"),
        (lambda: loaded(frame=pd.DataFrame({"x": [object()]})), "more than numbers"),
        (lambda: loaded(frame=pd.DataFrame({"x": np.random.rand(3)})), "two tables"),
    ],
)
def test_datasets_that_do_not_conform(loader: Any, said: str):
    assert said in refusal(testing.check_dataset, loader).message.en


def test_packs_that_do_not_conform(tmp_path: Path):
    module = ModuleType("my_pack")
    module.__file__ = str(tmp_path / "__init__.py")
    assert "no scenario files" in refusal(testing.check_pack, module).message.en
    (tmp_path / "one.yaml").write_text("pilotbase: 1\nid: x\n")
    error = refusal(testing.check_pack, module)
    assert error.message.en.startswith("one.yaml") and "fault" in error.message.en
