"""The text of metrics, against a strict reader of its format."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.serve.rules.exposition import Family, Histogram, Sample, exposition, merged
from tests.serve.telemetry.scrape import read

texts = st.text(st.characters(exclude_categories=("Cs",)))


@given(about=texts, value=texts, number=st.floats(min_value=0, allow_nan=False))
def test_whatever_a_label_holds_is_read_again(about: str, value: str, number: float) -> None:
    page = exposition([Family("a_total", "counter", about, [Sample({"b": value}, number)])])
    assert read(page)["a_total"].samples == {("", (("b", value),)): number}


@given(st.lists(st.floats(0, 20), max_size=30))
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    one = Histogram([1.0, 2.5, 10.0])
    for value in values:
        one.observe(value)
    page = exposition([Family("s", "histogram", "S.", one.samples({"f": "x"}))])
    found = read(page)["s"].samples
    for bound in (1.0, 2.5, 10.0):
        labels = (("f", "x"), ("le", repr(bound)))
        assert found["_bucket", labels] == sum(value <= bound for value in values)
    assert found["_count", (("f", "x"),)] == len(values)


def test_processes_are_told_together() -> None:
    pages = [[Family("a", "gauge", "A.", [Sample({"gateway": name}, 1)])] for name in "xy"]
    assert exposition(merged(pages)) == (
        '# HELP a A.\n# TYPE a gauge\na{gateway="x"} 1\na{gateway="y"} 1\n'
    )


@pytest.mark.parametrize("name, label", [("a-b", "c"), ("a", "c-d"), ("a", "__c"), ("1a", "c")])
def test_names_that_are_none(name: str, label: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        Family(name, "gauge", "", [Sample({label: ""}, 0)])
