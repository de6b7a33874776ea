"""YAML: what a value is (core schema of YAML 1.2.2) and what is said of broken syntax."""

from __future__ import annotations

import math
import re

import pytest

from pilotbase.scenario.finding import Unreadable
from pilotbase.scenario.tree import scalar, tree_of

# YAML 1.2.2, section 10.3.2, tag resolution; the rest is text.
SCALARS = [
    ("", None), ("~", None), ("null", None), ("NULL", None), ("true", True), ("False", False),
    ("0", 0), ("-12", -12), ("+3", 3), ("0o17", 15), ("0xfF", 255), ("012", 12),
    ("1.5", 1.5), (".5", 0.5), ("-1e3", -1000.0), ("1.", 1.0), (".inf", math.inf),
    ("-.INF", -math.inf), ("no", "no"), ("yes", "yes"), ("on", "on"), ("tRue", "tRue"),
    ("2024-01-01", "2024-01-01"), ("12:30:00", "12:30:00"), ("1_000", "1_000"), ("0b1", "0b1"),
    ("1e", "1e"), ("٣", "٣"), ("A4.3", "A4.3"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_unquoted_words_are_read_by_the_core_schema(text: str, value: object) -> None:
    read = scalar(text)
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize("text", [".nan", ".NaN", "1e400", "-1e400", "1" * 41])
def test_numbers_that_no_record_can_hold_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        scalar(text)


def test_quoted_words_are_text_and_words_before_a_colon_too() -> None:
    tree = tree_of("a: '1'\n1: \"true\"\ntrue: |\n  x\n  y\n~: >\n  p\n  q\n")
    assert tree.data == {"a": "1", "1": "true", "true": "x\ny\n", "~": "p q\n"}


SYNTAX = [
    ("a: b: c\n", (1, 5), "colon"),
    ('a: "open\n', (1, 4), "quotation"),
    ("a: 'it's'\n", (1, 8), "ended"),
    ("a: [1, 2\nb: 1\n", (2, 2), "bracket"),
    ("a: {b: 1\n", (2, 1), "bracket"),
    ("a: 1\n  b: 2\n", (2, 4), "colon"),
    ("a:\n  - b\n c: 1\n", (3, 2), "indented"),
    ("\ta: 1\n", (1, 1), "tab"),
    ("a: @b\n", (1, 4), "character"),
    ('a: "\\q"\n', (1, 6), "backslash"),
    ("a\nb\nc: 1\n", (3, 2), "colon"),
    ("a:\n  b: 1\n  c\n", (3, 3), "colon"),
]


@pytest.mark.parametrize(("text", "place", "word"), SYNTAX)
def test_broken_syntax_has_its_place_and_plain_words(
    text: str, place: tuple[int, int], word: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        tree_of(text)
    finding = caught.value.finding
    assert finding.code == "scenario.syntax"
    assert (word in finding.message.en, caught.value.place) == (True, place)
    assert finding.message.zh and finding.expected is not None
