"""Stable matching: cases of the literature, and the theorems as properties on small markets."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.kernel.errors import InputError
from pilotbase.match.rules.numbers import numbers_of
from pilotbase.match.rules.stable import (
    blocking_pairs,
    deferred_acceptance,
    faults_of_matching,
    receiver_optimal,
)

Prefs = dict[Any, list[Any]]


@st.composite
def markets(draw: st.DrawFn, most: int = 4) -> tuple[Prefs, Prefs, dict[Any, int]]:
    """Small markets with partial strict lists and places from 0."""
    proposers = [f"a{i}" for i in range(draw(st.integers(0, most)))]
    receivers = [f"x{i}" for i in range(draw(st.integers(0, 3)))]

    def lists(owners: list[str], others: list[str]) -> Prefs:
        return {
            owner: draw(st.permutations(others))[: draw(st.integers(0, len(others)))]
            for owner in owners
        }

    places = {name: draw(st.integers(0, 2)) for name in receivers}
    return lists(proposers, receivers), lists(receivers, proposers), places


def partner(matching: Prefs) -> dict[Any, Any]:
    return {proposer: receiver for receiver, held in matching.items() for proposer in held}


def every_stable(ours: Prefs, theirs: Prefs, places: dict[Any, int]) -> list[Prefs]:
    """All stable matchings, by trying every assignment."""
    found = []
    for chosen in itertools.product(*([None, *listed] for listed in ours.values())):
        made: Prefs = {receiver: [] for receiver in theirs}
        for proposer, receiver in zip(ours, chosen, strict=True):
            if receiver is not None:
                made[receiver].append(proposer)
        if not faults_of_matching(made, ours, theirs, places) and not blocked(
            made, ours, theirs, places
        ):
            found.append(made)
    return found


def blocked(
    made: Prefs, ours: Prefs, theirs: Prefs, places: dict[Any, int]
) -> set[tuple[Any, Any]]:
    """Blocking pairs by the definition, one pair at a time."""
    has, found = partner(made), set()
    for proposer, listed in ours.items():
        better = listed[: listed.index(has[proposer])] if has.get(proposer) in listed else listed
        for receiver in better:
            order = theirs.get(receiver, [])
            if proposer not in order or not places[receiver]:
                continue
            held = made[receiver]
            if len(held) < places[receiver] or any(
                order.index(proposer) < order.index(one) for one in held
            ):
                found.add((proposer, receiver))
    return found


def test_gale_and_shapley_1962_example_1() -> None:
    men = {"a": ["A", "B", "C"], "b": ["B", "C", "A"], "c": ["C", "A", "B"]}
    women = {"A": ["b", "c", "a"], "B": ["c", "a", "b"], "C": ["a", "b", "c"]}
    assert deferred_acceptance(men, women) == {"A": ["a"], "B": ["b"], "C": ["c"]}
    assert receiver_optimal(men, women) == {"A": ["b"], "B": ["c"], "C": ["a"]}


def test_roth_and_sotomayor_1990_example_2_17() -> None:
    """Ten stable matchings of four and four; both ends of the lattice."""
    men = {1: [1, 2, 3, 4], 2: [2, 1, 4, 3], 3: [3, 4, 1, 2], 4: [4, 3, 2, 1]}
    women = {1: [4, 3, 2, 1], 2: [3, 4, 1, 2], 3: [2, 1, 4, 3], 4: [1, 2, 3, 4]}
    assert partner(deferred_acceptance(men, women)) == {1: 1, 2: 2, 3: 3, 4: 4}
    assert partner(receiver_optimal(men, women)) == {4: 1, 3: 2, 2: 3, 1: 4}
    assert len(every_stable(men, women, dict.fromkeys(women, 1))) == 10


@settings(deadline=None)
@given(markets())
def test_it_is_stable_and_best_for_proposers(market: tuple[Prefs, Prefs, dict[Any, int]]) -> None:
    ours, theirs, _ = market
    made = deferred_acceptance(*market)
    assert list(made) == list(theirs)
    assert not faults_of_matching(made, *market) and not blocking_pairs(made, *market)
    stable, mine = every_stable(*market), partner(made)
    assert stable
    for other in map(partner, stable):
        for proposer, listed in ours.items():
            if proposer in other:
                assert listed.index(mine[proposer]) <= listed.index(other[proposer])


@settings(deadline=None)
@given(markets())
def test_the_other_side_has_its_best_too(market: tuple[Prefs, Prefs, dict[Any, int]]) -> None:
    ours, theirs, _ = market
    best, made = receiver_optimal(*market), deferred_acceptance(*market)
    assert not faults_of_matching(best, *market) and not blocking_pairs(best, *market)
    for other in every_stable(*market):
        for receiver, order in theirs.items():
            places = sorted(map(order.index, best[receiver]))
            others = sorted(map(order.index, other[receiver]))
            assert all(a <= b for a, b in zip(places, others, strict=True))
    worst, mine = partner(best), partner(made)
    assert all(ours[one].index(mine[one]) <= ours[one].index(worst[one]) for one in mine)


@settings(deadline=None)
@given(markets())
def test_rural_hospitals(market: tuple[Prefs, Prefs, dict[Any, int]]) -> None:
    """In every stable matching the same are matched, every receiver holds as many, and one with
    places left holds the same ones."""
    _, _, places = market
    made = deferred_acceptance(*market)
    for other in every_stable(*market):
        assert set(partner(other)) == set(partner(made))
        for receiver, held in other.items():
            assert len(held) == len(made[receiver])
            if len(held) < places[receiver]:
                assert set(held) == set(made[receiver])


@settings(deadline=None)
@given(markets(3), st.data())
def test_no_proposer_gains_by_another_list(
    market: tuple[Prefs, Prefs, dict[Any, int]], data: st.DataObject
) -> None:
    ours, theirs, places = market
    if not ours:
        return
    liar = data.draw(st.sampled_from(sorted(ours)))
    truth = ours[liar]
    honest = partner(deferred_acceptance(*market)).get(liar)
    best = truth.index(honest) if honest in truth else len(truth)
    for length in range(len(theirs) + 1):
        for lie in itertools.permutations(theirs, length):
            got = partner(deferred_acceptance({**ours, liar: list(lie)}, theirs, places)).get(liar)
            assert got is None or got not in truth or truth.index(got) >= best


@settings(deadline=None)
@given(markets())
def test_more_places_hurt_no_proposer(market: tuple[Prefs, Prefs, dict[Any, int]]) -> None:
    ours, theirs, places = market
    before = partner(deferred_acceptance(*market))
    for receiver in theirs:
        more = {**places, receiver: places[receiver] + 1}
        after = partner(deferred_acceptance(ours, theirs, more))
        assert all(ours[one].index(after[one]) <= ours[one].index(before[one]) for one in before)


@settings(deadline=None)
@given(markets(), st.data())
def test_blocking_pairs_are_those_of_the_definition(
    market: tuple[Prefs, Prefs, dict[Any, int]], data: st.DataObject
) -> None:
    ours, theirs, places = market
    made: Prefs = {receiver: [] for receiver in theirs}
    for proposer, listed in ours.items():
        choice = data.draw(st.sampled_from([None, *listed]))
        mutual = choice is not None and proposer in theirs[choice]
        if mutual and len(made[choice]) < places[choice]:
            made[choice].append(proposer)
    assert set(blocking_pairs(made, *market)) == blocked(made, *market)


@pytest.mark.parametrize("places", [1, 7, 40])
@pytest.mark.parametrize("made_of", [str, int])
def test_rounds_and_single_proposals_agree(places: int, made_of: type, monkeypatch: Any) -> None:
    """Thousands take the rounds of arrays; all of it one by one gives the same."""
    chance = random.Random(places)
    names = [made_of(number) for number in range(1_000, 4_000)]
    receivers = [made_of(number) for number in range(90)]
    ours = {name: [made_of(one) for one in chance.sample(range(90), 8)] for name in names}
    theirs: Prefs = {receiver: [] for receiver in receivers}
    for name, listed in ours.items():
        for receiver in listed:
            theirs[receiver].append(name)
    for listed in theirs.values():
        chance.shuffle(listed)
    room = dict.fromkeys(receivers, places)
    made = deferred_acceptance(ours, theirs, room)
    assert not blocking_pairs(made, ours, theirs, room)
    assert not faults_of_matching(made, ours, theirs, room)
    for few in (10**9, 0):
        monkeypatch.setattr("pilotbase.match.rules.stable.FEW", few)
        assert deferred_acceptance(ours, theirs, room) == made


def test_who_has_no_list_takes_no_part() -> None:
    made = deferred_acceptance({"a": ["gone", "x"]}, {"x": ["withdrawn", "a"]}, {"x": 1})
    assert made == {"x": ["a"]}
    assert deferred_acceptance({}, {"x": ["a"]}) == {"x": []}
    assert deferred_acceptance({"a": ["x"]}, {}) == {}


@pytest.mark.parametrize(
    ("ours", "theirs", "places", "code", "named"),
    [
        ({"a": ["x", "x"]}, {"x": ["a"]}, {"x": 1}, "match.listed_twice", "a"),
        ({"a": ["x"]}, {"x": ["a", "a"]}, {"x": 1}, "match.listed_twice", "x"),
        ({"a": ["x"]}, {"x": ["a"]}, {}, "match.capacity", "x"),
        ({"a": ["x"]}, {"x": ["a"]}, {"x": -1}, "match.capacity", "x"),
        ({"a": ["x"]}, {"x": ["a"]}, {"x": 1.5}, "match.capacity", "x"),
        ({"a": ["x"]}, {"x": ["a"]}, {"x": True}, "match.capacity", "x"),
    ],
)
def test_what_is_refused(ours: Prefs, theirs: Prefs, places: Any, code: str, named: str) -> None:
    with pytest.raises(InputError) as caught:
        deferred_acceptance(ours, theirs, places)
    assert caught.value.code == code and caught.value.where == named


ids = st.one_of(st.integers(-(2**70), 2**70), st.text(max_size=2), st.integers(0, 40))


@settings(deadline=None)
@given(st.lists(ids, unique=True, max_size=8), st.lists(st.lists(ids, max_size=6), max_size=6))
def test_numbers_are_those_of_a_dictionary(names: list[Any], lists: list[list[Any]]) -> None:
    known = {name: at for at, name in enumerate(names)}
    expected = [known.get(one, -1) for listed in lists for one in listed]
    found = numbers_of(lists, names)
    assert found.dtype == np.int32 and found.tolist() == expected


def test_far_apart_numbers_are_found_by_searching() -> None:
    names = [0, 2**40, -(2**50)]
    copies = [[int(str(name)) for name in names], [5]]
    assert numbers_of(copies, names).tolist() == [0, 1, 2, -1]
