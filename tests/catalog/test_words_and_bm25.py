"""Terms of two languages, and the ranking function by its formula."""

from __future__ import annotations

import csv
import doctest
import math
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.catalog.rules.retrieval import bm25, words
from pilotbase.catalog.rules.retrieval.bm25 import Index

DOCUMENTS = [["rain", "wind"], ["rain", "rain", "sun"], ["sun"]]


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(words).failed == doctest.testmod(bm25).failed == 0


def test_a_score_is_what_the_formula_gives_by_hand() -> None:
    # N = 3, "rain" in 2: w = ln(1 + 1.5/2.5); lengths 2, 3, 1 with mean 2; k1 = 1.2, b = 0.75.
    weight = math.log(1.6)
    first = weight * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 2 / 2))
    second = weight * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2))
    scores = Index(DOCUMENTS).scores({"rain": 1.0})
    assert scores == pytest.approx({0: first, 1: second}, rel=1e-12)
    assert scores[0] == pytest.approx(0.4700036, abs=1e-7)


def test_without_k1_a_repeated_term_counts_once_and_length_does_not_count() -> None:
    scores = Index(DOCUMENTS, k1=0.0, b=0.0).scores({"rain": 1.0})
    assert scores[0] == scores[1] == pytest.approx(math.log(1.6))


def test_a_term_in_no_document_weighs_most_and_finds_nothing() -> None:
    index = Index(DOCUMENTS)
    assert index.weight("snow") == pytest.approx(math.log(8))
    assert index.weight("snow") > index.weight("wind") > index.weight("rain") > 0
    assert index.scores({"snow": 1.0}) == {} and not index.holds("snow")
    assert Index([]).scores({"rain": 1.0}) == {}


@pytest.mark.parametrize(("k1", "b"), [(-0.1, 0.5), (1.2, 1.1), (1.2, -0.1), (math.nan, 0.5)])
def test_parameters_out_of_range_are_refused(k1: float, b: float) -> None:
    with pytest.raises(ValueError, match="k1 must be"):
        Index(DOCUMENTS, k1=k1, b=b)


TERMS = st.lists(st.sampled_from("abcd"), max_size=8)


@given(st.lists(TERMS, min_size=1, max_size=6), st.floats(0, 3), st.floats(0, 1))
def test_scores_are_bounded_and_one_more_hit_never_costs(
    documents: list[list[str]], k1: float, b: float
) -> None:
    index = Index(documents, k1=k1, b=b)
    query = {"a": 1.0, "b": 1.0}
    bound = sum(index.weight(term) for term in query) * (k1 + 1)
    scores = index.scores(query)
    assert all(0 < score <= bound + 1e-9 for score in scores.values())
    assert set(scores) == {i for i, held in enumerate(documents) if {"a", "b"} & set(held)}
    for place, score in index.scores({"a": 1.0}).items():
        assert score <= scores[place] + 1e-12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BMI, s6 and 10_folds", ["bmi", "s6", "10", "fold"]),
        ("20,190 rows at 83.06", ["20,190", "row", "83.06"]),
        ("ＣＯ２ measured", ["co2", "measur"]),
        ("海", ["海"]),
        ("", []),
    ],
)
def test_terms_of_odd_texts(text: str, expected: list[str]) -> None:
    assert words.terms(text) == expected


@given(st.text(max_size=60))
def test_any_text_has_terms_and_a_subject(text: str) -> None:
    assert all(words.terms(text)) and all(all(group) for group in words.subject(text))


def test_chinese_reads_the_longest_word_first_and_keeps_what_it_does_not_know() -> None:
    assert words.subject("失业率是多少?") == [("unemplo", "rate")]
    assert words.subject("蝴蝶多少只") == [("蝴蝶",)]
    assert words.subject("请问什么是什么?") == []


def test_english_words_bring_their_synonyms() -> None:
    assert words.subject("Which photos?") == [("photo", "pictur", "imag")]


@pytest.mark.parametrize("name", ["glossary.csv", "synonyms.csv"])
def test_tables_have_each_word_once_and_something_for_it(name: str) -> None:
    path = files("pilotbase.catalog.rules.retrieval").joinpath(name)
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:]
    assert all(len(row) == 2 and all(row) for row in rows)
    assert len({row[0] for row in rows}) == len(rows)
    assert not {row[0] for row in rows if not row[0].isascii()} & words.empty()
