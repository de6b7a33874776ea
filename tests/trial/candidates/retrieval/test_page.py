"""The page on answers that cite gives the figures that come out, in both languages."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from pilotbase.catalog.datasets import description_questions, descriptions
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.candidates.retrieval.agent import Retrieval
from pilotbase.trial.candidates.retrieval.lookup import Lookup
from pilotbase.trial.evaluators import metric_named
from pilotbase.trial.reply import Citation, Question, Reply

DOCS = Path(__file__).parents[4] / "docs"
METRICS = ("recall_at_k", "answers_on_scope", "refusal", "answer_included")


def asked(model: Any) -> dict[str, float]:
    """Means of the metrics over the 600 questions, and of recall by language, refusal by kind."""
    frame = descriptions.load().frame
    model.read(frame[["passage", "text"]].to_dict("records"))
    passages = dict(zip(frame["passage"], frame["text"], strict=True))
    found: dict[str, list[float]] = {}
    for row in description_questions.load().frame.itertuples():
        said = model.answer(row.question, {})
        cites = tuple(Citation(cite["passage"], cite["quote"]) for cite in said["cites"])
        reply = Reply(said["text"], said["refused"], cites, tuple(said["retrieved"]))
        question = Question(
            row.question,
            tuple(row.answer.split(" | ")) if row.scope else (),
            bool(row.scope),
            tuple(row.sources.split()) if row.scope else (),
            row.language,
            passages,
        )
        for name in METRICS:
            metric = metric_named(name)
            if (metric.counted == "on_scope") is bool(row.scope) and metric.mark is not None:
                mark = metric.mark(question, (reply,), Criterion(metric=name, at_least=0.9, k=3))
                for part in ("", row.language, row.kind):
                    found.setdefault(f"{name} {part}".strip(), []).append(mark)
    return {name: sum(marks) / len(marks) for name, marks in found.items()}


@pytest.fixture(scope="module")
def figures() -> tuple[dict[str, float], dict[str, float]]:
    return asked(Lookup()), asked(Retrieval())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figures_are_those_measured(
    figures: tuple[dict[str, float], dict[str, float]], language: str
) -> None:
    page = (DOCS / language / "cited-answers.md").read_text(encoding="utf-8")
    lookup, agent = figures
    recall = ("recall_at_k", "recall_at_k en", "recall_at_k zh")
    expected = [
        [*(lookup[name] for name in recall), *(agent[name] for name in recall)],
        [lookup["answers_on_scope"], agent["answers_on_scope"]],
        [lookup["refusal"], agent["refusal"], agent["refusal near"]],
        [lookup["answer_included"], agent["answer_included"]],
    ]
    rows = [line for line in page.splitlines() if line.startswith("|") and " %" in line]
    found = [[int(number) for number in re.findall(r"(\d+) %", row)] for row in rows]
    assert found == [[round(100 * figure) for figure in row] for row in expected]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_defaults_are_the_code_s(language: str) -> None:
    page = (DOCS / language / "cited-answers.md").read_text(encoding="utf-8")
    for name, parameter in inspect.signature(Retrieval).parameters.items():
        (row,) = [line for line in page.splitlines() if re.match(rf"\| [^|]*`{name}`", line)]
        assert str(parameter.default) in row
