"""The descriptions as passages, and the questions on them, hold what they promise each other.

Another version of scikit-learn or statsmodels may move or change a text. Then these tests name the
passages and questions that it concerns.
"""

from __future__ import annotations

import re
from collections import Counter

import pandas as pd
import pytest

from pilotbase.catalog.datasets import description_questions, descriptions
from pilotbase.catalog.rules.passages import WORDS_MAX
from pilotbase.catalog.table import content_digest, plain_frame


@pytest.fixture(scope="module")
def passages() -> dict[str, str]:
    frame = descriptions.load().frame
    return dict(zip(frame["passage"], frame["text"], strict=True))


@pytest.fixture(scope="module")
def questions() -> pd.DataFrame:
    return description_questions.load().frame


def holds(text: str, answer: str) -> bool:
    """Whether the answer stands in the text as whole words; case and spaces do not count."""
    words = " ".join(answer.casefold().split())
    said = " ".join(text.casefold().split())
    return re.search(rf"(?<![a-z0-9]){re.escape(words)}(?![a-z0-9])", said) is not None


def test_every_passage_that_a_question_names_exists_and_holds_an_accepted_answer(
    passages: dict[str, str], questions: pd.DataFrame
) -> None:
    wrong = []
    for row in questions[questions["scope"] == 1].itertuples():
        for name in row.sources.split():
            if name not in passages:
                wrong.append(f"no passage {name}: {row.question}")
            elif not any(holds(passages[name], answer) for answer in row.answer.split(" | ")):
                wrong.append(f"{name} does not say {row.answer!r}: {row.question}")
    assert wrong == []


def test_on_scope_questions_have_answers_and_sources_and_the_others_have_none(
    questions: pd.DataFrame,
) -> None:
    on, off = (questions[questions["scope"] == scope] for scope in (1, 0))
    assert len(on) == len(off) == 300
    assert on[["answer", "sources"]].notna().all(axis=None)
    assert off[["answer", "sources"]].isna().all(axis=None)
    assert set(on["kind"]) == {"fact"}
    assert Counter(off["kind"]) == {"far": 150, "near": 75, "request": 75}


def test_topics_are_clusters_of_two_and_both_languages_weigh_the_same(
    questions: pd.DataFrame,
) -> None:
    assert set(Counter(questions["topic"]).values()) == {2}
    assert questions["topic"].nunique() == 300
    assert (questions.groupby("topic")["scope"].nunique() == 1).all()
    assert Counter(questions["language"]) == {"en": 300, "zh": 300}
    chinese = questions["question"].str.contains("[一-鿿]")
    assert (chinese == (questions["language"] == "zh")).all()
    assert questions["question"].is_unique


def test_passages_are_short_named_in_order_and_never_empty(passages: dict[str, str]) -> None:
    counted: Counter[str] = Counter()
    for name, text in passages.items():
        document, _, number = name.rpartition("-")
        counted[document] += 1
        assert int(number) == counted[document]
        title, *lines = text.split("\n")
        assert title and lines and all(line == line.strip() != "" for line in lines)
        assert sum(len(line.split()) for line in lines) <= WORDS_MAX or len(lines) == 1
    assert sum(name.startswith("sklearn-") for name in counted) == 14
    assert sum(name.startswith("statsmodels-") for name in counted) == 29
    assert sum(name.startswith("pilotbase-") for name in counted) == 6


def test_the_digest_is_the_same_on_every_load() -> None:
    first, second = (
        content_digest(plain_frame(descriptions.load().frame, "descriptions")) for _ in range(2)
    )
    assert first == second
