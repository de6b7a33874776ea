"""Figures and charts: what is printed, and where marks stand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.register.documents.charts import (
    Axis,
    Drawn,
    Mark,
    axis_around,
    interval_chart,
    shares_chart,
)
from pilotbase.register.documents.figures import at, fixed, kind_of, printed, step
from pilotbase.register.documents.words import covered
from pilotbase.trial.rules import injections, wording

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "how", "text"),
    [
        (0.831, "percent", "83.1%"),
        (0.0625, "percent", "6.3%"),  # a tie goes away from zero, as in JavaScript
        (-0.0004, "percent", "0.0%"),
        (-0.108, "percent", "−10.8%"),
        (0.07, "percent-bound", "7%"),
        (0.985, "percent-bound", "98.5%"),
        (0.5, "number-bound", "0.5"),
        (0.6278, "number", "0.628"),
        (1234.5, "number", "1,235"),
        (1234567, "count", "1,234,567"),
        (3.0, "evalue", "20.1"),
        (20.0, "evalue", "> 1,000,000"),
        ("inf", "evalue", "∞"),
        ("-inf", "evalue", "< 0.01"),
        (0.00001, "pvalue", "< 0.0001"),
        (0.05, "inverse", "20"),
        (None, "percent", "–"),
        ("2026-11-21T08:09:10.000Z", "moment", "2026-11-21 08:09 UTC"),
    ],
)
def test_figures_read_as_people_write_them(value: object, how: str, text: str) -> None:
    assert printed(value, how) == text


@given(NUMBERS, st.integers(0, 6))
def test_fixed_is_the_nearest_and_never_a_negative_zero(value: float, digits: int) -> None:
    text = fixed(value, digits)
    assert abs(float(text) - value) <= 0.5 * 10.0**-digits * (1 + 1e-9) + 1e-9
    assert not text.startswith("-0") or float(text) != 0.0


@pytest.mark.parametrize(
    ("criterion", "how"),
    [
        ({"metric": "recall"}, "percent"),
        ({"metric": "recall", "ratio_by": "sex"}, "number"),
        ({"metric": "recall", "gap_by": "sex"}, "percent"),
        ({"metric": "accuracy", "against": "majority", "as": "ratio"}, "number"),
        ({"metric": "accuracy", "against": "majority", "as": "difference"}, "percent"),
        ({"metric": "mae"}, "number"),
    ],
)
def test_shares_are_percentages_and_errors_keep_their_unit(
    criterion: dict[str, str], how: str
) -> None:
    assert kind_of(criterion) == how


@given(st.text(max_size=8), st.integers())
def test_a_path_leads_back_to_its_value(key: str, value: int) -> None:
    assert at({"a": [{key: value}]}, f"a/0/{step(key)}") == value


def test_a_path_that_leads_nowhere_gives_nothing() -> None:
    assert at({"a": [1]}, "a/1") is None and at({"a": 1}, "a/b/c") is None


@given(st.lists(NUMBERS, min_size=1, max_size=6))
def test_an_axis_shows_every_value_and_has_ticks_inside(values: list[float]) -> None:
    axis = axis_around(values)
    assert axis.low < min(values) and max(values) < axis.high
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)
    assert 2 <= len(axis.ticks) <= 8


def test_an_axis_stays_within_what_is_possible() -> None:
    axis = axis_around([0.01, 0.99, math.inf], least=0.0, most=1.0)
    assert (axis.low, axis.high) == (0.0, 1.0)
    assert axis.place(math.inf) == 100.0 and axis.place(-5.0) == 0.0


def drawn(**differences: object) -> Drawn:
    usual = {
        "direction": "at_least",
        "bounds": [Mark(0.7, "v/threshold")],
        "interval": (Mark(0.75, "v/interval/0"), Mark(0.95, "v/interval/1")),
        "estimate": Mark(0.85, "v/estimate"),
        "verdict": "meets",
        "label": "words",
    }
    return Drawn(**{**usual, **differences})  # type: ignore[arg-type]


AXIS = Axis(0.5, 1.0, (0.5, 0.75, 1.0))


def test_the_chart_shades_the_good_side_and_marks_proven_figures() -> None:
    svg = interval_chart(AXIS, drawn())
    assert '<rect class="good" y="0" height="34" x="40.00%" width="60.00%">' in svg
    assert 'data-x1="v/interval/0"' in svg and 'x2="90.00%"' in svg
    assert 'x="70.00%"' in svg and 'class="is-meets"' in svg
    assert 'role="img" aria-labelledby="words"' in svg
    below = interval_chart(AXIS, drawn(direction="at_most"))
    assert 'x="0.00%" width="40.00%"' in below
    band = [Mark(0.6, ""), Mark(0.9, "")]
    assert 'x="20.00%" width="60.00%"' in interval_chart(
        AXIS, drawn(direction="between", bounds=band)
    )
    assert "good" not in interval_chart(AXIS, drawn(direction="none"))


def test_shapes_differ_so_that_colour_is_never_alone() -> None:
    shapes = {interval_chart(AXIS, drawn(verdict=v)) for v in ("meets", "fails", "undecided")}
    kinds = {next(k for k in ('r="6.5"', "M-6", 'r="5.5"', 'width="12"') if k in s) for s in shapes}
    assert len(kinds) == 3


def test_hostile_paths_and_labels_are_escaped() -> None:
    svg = interval_chart(AXIS, drawn(label='"><script>'))
    assert "<script>" not in svg and "&#34;&gt;" in svg


def test_shares_fill_the_bar() -> None:
    svg = shares_chart([("meets", Mark(0.25, "")), ("fails", Mark(0.75, ""))], label="l")
    assert 'x="0.00%" width="25.00%"' in svg and 'x="25.00%" width="75.00%"' in svg


def test_a_report_says_what_its_perturbations_cover() -> None:
    under = [{"typos": 0.1}, {"injection": "documents"}, {"typos": 0.3}, {"noise": 1.0}, None]
    said = covered([{"metric": "m", "under": one} for one in under])
    assert said == [wording.COVERS["typos"], injections.COVERS]
    assert covered([{"metric": "m"}]) == []
