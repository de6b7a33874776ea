"""The layout: layers respect arcs, nothing overlaps, the same input gives the same picture."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.provenance.layers import layered

NAMES = [f"n{number}" for number in range(9)]
ARCS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20)


@settings(max_examples=60, deadline=None)
@given(ARCS)
def test_arcs_lead_down_and_nothing_overlaps(arcs: list[tuple[str, str]]) -> None:
    arcs = [arc for arc in arcs if arc[0] != arc[1]]
    placed = layered(NAMES, arcs)
    for source, target in arcs:
        assert placed.layer[source] != placed.layer[target]
        ends = [level for _, level in placed.paths[source, target]]
        assert sorted({ends[0], ends[-1]}) == sorted({placed.layer[source], placed.layer[target]})
    acyclic = [arc for arc in arcs if arc[0] < arc[1]]
    for source, target in acyclic:
        again = layered(NAMES, acyclic)
        assert again.layer[source] < again.layer[target]
        break
    for row in set(placed.layer.values()):
        places = sorted(placed.place[n] for n in NAMES if placed.layer[n] == row)
        assert all(b - a >= 0.999 for a, b in pairwise(places))
    assert placed == layered(NAMES, arcs)


def test_a_source_stands_right_above_what_it_leads_to() -> None:
    chain = [("a", "b"), ("b", "c"), ("c", "d"), ("x", "d")]
    assert layered(["a", "b", "c", "d", "x"], chain).layer["x"] == 2


def test_nothing_at_all() -> None:
    assert layered([], []).layer == {}
