"""The profile's rules by themselves: guesses, quality, near-duplicates, words of charts."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.catalog.croissant.archives import RATIO_MAX
from pilotbase.catalog.croissant.json_text import BYTES_MAX, DEPTH_MAX, VALUES_MAX
from pilotbase.catalog.profile.columns import SMALL_GROUP, VALUES_LOOKED_AT
from pilotbase.catalog.profile.encoding import FAULTS_MAX
from pilotbase.catalog.profile.rules.near import CELLS_MAX, near_duplicates
from pilotbase.catalog.profile.rules.quality import ColumnCounts, parts, score
from pilotbase.catalog.profile.rules.sensitive import IDENTIFYING, KINDS, guess, hidden

MODULES = (
    "croissant.adding", "croissant.archives", "croissant.write", "profile.drawing",
    "profile.rules.near", "profile.rules.quality", "profile.rules.sensitive",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"pilotbase.catalog.{name}"))
    assert found.attempted and not found.failed


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Patient Name", "person-name"), ("患者姓名", "person-name"), ("姓名", "person-name"),
        ("e-mail", "email"), ("手机号码", "phone"), ("dateOfBirth", "birth-date"),
        ("出生年月", "birth-date"), ("Ethnicity", "origin"), ("民族", "origin"),
        ("政治面貌", "political"), ("latitude", "location"), ("diagnosis", "health"),
        ("username", None), ("race_time", None), ("bmi", None), ("target", None),
    ],
)  # fmt: skip
def test_names_are_read_as_whole_words(name: str, kind: str | None) -> None:
    found = guess(name, [], numbers=False)
    assert (found.kind if found else None) == kind


def test_values_speak_before_names_and_chance_does_not() -> None:
    ids = ["11010519491231002X", "x", "y"]
    found = guess("code", ids, numbers=False)
    assert found is not None and (found.kind, found.share) == ("identity-number", 0.333)
    numbers = [f"{4_000_000_000_000_000 + n}" for n in range(200)]
    assert guess("n", numbers, numbers=True) is None  # one in ten has the check digit by chance
    assert KINDS.keys() >= IDENTIFYING and not hidden(["none", "health"]) and hidden(["phone"])


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1))
def test_parts_are_shares_and_a_fault_more_never_raises_the_score(
    rows: int, said: list[tuple[int, int]]
) -> None:
    columns = [ColumnCounts(min(m, rows), min(o, rows - min(m, rows)), 2) for m, o in said]
    found = parts(rows, 0, columns)
    assert all(0 <= share <= 1 for share in found.values())
    assert 0 <= score(found) <= 100
    if rows > 1:
        assert score(parts(rows, 1, columns)) <= score(found)


@given(st.lists(st.lists(st.integers(0, 2), min_size=5, max_size=5), min_size=1, max_size=12))
def test_near_duplicates_are_those_of_brute_force(rows: list[list[int]]) -> None:
    cells = np.array([[v * 7 + 1000 * at for at, v in enumerate(row)] for row in rows], np.uint64)
    random = np.random.default_rng(1).integers(0, 2**63, 6000).astype(np.uint64)
    varying = [at for at in range(5) if len({row[at] for row in rows}) > 1]
    found = near_duplicates(random[cells])
    if len(varying) < 4:
        assert found is None
        return
    first = [n for n, row in enumerate(rows) if row not in rows[:n]]
    near = [n for n in first
            if any(sum(a != b for a, b in zip(rows[n], rows[m], strict=True)) == 1
                   for m in first if m < n)]  # fmt: skip
    assert found == len(rows) - len(first) + len(near)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pages_say_the_code_s_own_limits(language: str) -> None:
    docs = Path(__file__).parents[3] / "docs" / language
    rules = (docs / "rules" / "data-quality.md").read_text("utf-8")
    assert f"{CELLS_MAX:,}" in rules and f"{VALUES_LOOKED_AT:,}" in rules
    assert all(f"| `{kind}` | " in rules for kind in KINDS)
    page = (docs / "describe-data.md").read_text("utf-8")
    for limit in (SMALL_GROUP, FAULTS_MAX, RATIO_MAX, DEPTH_MAX, VALUES_MAX, BYTES_MAX // 2**20):
        assert re.search(rf"\b{limit:,}(?![0-9,]*[0-9])", page), limit
