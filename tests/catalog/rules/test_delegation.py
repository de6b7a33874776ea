"""Chains of delegation: what may be given, what holds when, and that nothing ever widens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.rules import delegation as rules
from pilotbase.catalog.rules.delegation import (
    Book,
    Chain,
    Delegation,
    Party,
    Refusal,
    chain_of,
    faults_of_delegation,
)
from pilotbase.catalog.rules.scopes import beyond, covers, is_scope

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)
PARTIES = {
    "li": Party("li", "person"),
    "library": Party("library", "body", "li"),
    **{f"a{n}": Party(f"a{n}", "agent") for n in range(12)},
}


def link(id_: str, giver: str, taker: str, **changes: object) -> Delegation:
    made = Delegation(id_, giver, taker, ("serve.*",), NOW, NOW + 30 * DAY, further=5)
    return replace(made, **changes)  # type: ignore[arg-type]


def book(*links: Delegation, **parties: Party) -> Book:
    return Book({**PARTIES, **parties}, {one.id: one for one in links})


def codes(book: Book, new: Delegation, at: datetime = NOW) -> list[str]:
    return [fault.code for fault in faults_of_delegation(book, new, at)]


def test_a_chain_ends_at_the_person_who_answers_for_the_body() -> None:
    d1, d2 = link("d1", "library", "a1"), link("d2", "a1", "a2", under="d1", further=4)
    found = chain_of(book(d1, d2), "a2", "d2")
    assert isinstance(found, Chain) and found.refusal(NOW) is None
    assert (found.principal, found.person) == ("library", "li")
    assert [one.id for one in found.links] == ["d2", "d1"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"giver": "a1"}, "delegation.agent_principal"),
        ({"giver": "nobody"}, "party.unknown"),
        ({"taker": "nobody"}, "party.unknown"),
        ({"taker": "library"}, "delegation.circular"),
        ({"scopes": ()}, "scope.none"),
        ({"scopes": ("Serve",)}, "scope.malformed"),
        ({"until": NOW}, "delegation.no_time"),
        ({"since": NOW + 31 * DAY}, "delegation.no_time"),
        ({"further": 8}, "delegation.further"),
        ({"further": -1}, "delegation.further"),
        ({"under": "d9"}, "delegation.unknown"),
    ],
)
def test_what_cannot_be_given(changes: dict[str, object], code: str) -> None:
    made = replace(link("new", "library", "a1"), **changes)  # type: ignore[arg-type]
    assert code in codes(book(), made)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": ("serve.call", "record.*")}, "delegation.widening"),
        ({"scopes": ("*",)}, "delegation.widening"),
        ({"until": NOW + 31 * DAY}, "delegation.outlives"),
        ({"further": 5}, "delegation.not_further"),
        ({"taker": "library"}, "delegation.circular"),
        ({"taker": "a1"}, "delegation.circular"),
        ({"giver": "a2"}, "delegation.not_yours"),
    ],
)
def test_what_cannot_be_passed_on(changes: dict[str, object], code: str) -> None:
    new = link("new", "a1", "a3", under="d1", further=4)
    made = replace(new, **changes)  # type: ignore[arg-type]
    assert code in codes(book(link("d1", "library", "a1")), made)


def test_all_reasons_come_at_once() -> None:
    new = link("new", "a1", "a2", under="d1", scopes=("*",), until=NOW + 99 * DAY, further=7)
    assert codes(book(link("d1", "library", "a1")), new) == [
        "delegation.widening",
        "delegation.outlives",
        "delegation.not_further",
    ]


def test_depth_and_breadth_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    links = [link("d0", "library", "a0", further=7)]
    for n in range(1, 8):
        links.append(link(f"d{n}", f"a{n - 1}", f"a{n}", under=f"d{n - 1}", further=7 - n))
    whole = book(*links)
    assert isinstance(chain_of(whole, "a7", "d7"), Chain)
    assert "delegation.too_deep" in codes(whole, link("x", "a7", "a8", under="d7", further=0))
    monkeypatch.setattr(rules, "BREADTH_MAX", 2)
    wide = book(link("d1", "library", "a1"), link("d2", "library", "a2"))
    assert codes(wide, link("d3", "library", "a3")) == ["delegation.too_broad"]
    ended = book(link("d1", "library", "a1", ended=NOW), link("d2", "library", "a2"))
    assert codes(ended, link("d3", "library", "a3")) == []


def test_a_circle_that_somehow_got_in_is_refused() -> None:
    d1, d2 = link("d1", "a2", "a1", under="d2"), link("d2", "a1", "a2", under="d1")
    assert isinstance(chain_of(book(d1, d2), "a1", "d1"), Refusal)


def test_nobody_answers_once_the_person_is_erased() -> None:
    gone = book(link("d1", "library", "a1"), li=Party("li", "person", gone=True))
    found = chain_of(gone, "a1", "d1")
    assert isinstance(found, Refusal) and found.code == "delegation.nobody"


@pytest.mark.parametrize(
    ("days", "ended", "code"),
    [
        (-1, None, "delegation.not_yet"),
        (30, None, "delegation.expired"),
        (9, 10, None),
        (10, 10, "delegation.revoked"),
    ],
)
def test_when_a_chain_holds(days: int, ended: int | None, code: str | None) -> None:
    one = link("d1", "library", "a1", ended=None if ended is None else NOW + ended * DAY)
    chain = chain_of(book(one), "a1", "d1")
    assert isinstance(chain, Chain)
    refusal = chain.refusal(NOW + days * DAY)
    assert (refusal.code if refusal else None) == code
    assert refusal is None or (refusal.message.en and refusal.message.zh)


# Properties of whatever is given, one after the other, where the rules allow it.

WORDS = st.lists(st.sampled_from("ab*"), min_size=1, max_size=3).map(".".join)
Step = tuple[str, str, tuple[str, ...], int, int, int]
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(["li", "library", "a0", "a1", "a2", "a3"]),
        st.sampled_from(["a0", "a1", "a2", "a3", "li"]),
        st.lists(WORDS, max_size=2).map(tuple),
        st.integers(-1, 9),
        st.integers(0, 8),
        st.integers(0, 40),
    ),
    max_size=25,
)


def grown(steps: list[Step]) -> Book:
    links: dict[str, Delegation] = {}
    for number, (giver, taker, scopes, under, further, days) in enumerate(steps):
        above = f"d{under}" if f"d{under}" in links else ""
        until = NOW + days * DAY
        new = Delegation(f"d{number}", giver, taker, scopes, NOW, until, above, further)
        if not faults_of_delegation(Book(PARTIES, links), new, NOW):
            links[new.id] = new
    return Book(PARTIES, links)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_every_chain_ends_at_a_person_and_only_narrows(steps: list[Step]) -> None:
    made = grown(steps)
    for one in made.delegations.values():
        chain = chain_of(made, one.taker, one.id)
        assert isinstance(chain, Chain)
        assert made.parties[chain.person].kind == "person"
        assert made.parties[chain.principal].kind != "agent"
        assert len(chain.links) <= rules.DEPTH_MAX
        for below, above in zip(chain.links, chain.links[1:], strict=False):
            assert not beyond(above.scopes, below.scopes) and below.until <= above.until
            assert below.giver == above.taker and below.further < above.further
        takers = [link.taker for link in chain.links]
        assert len({*takers, chain.principal}) == len(takers) + 1


@settings(max_examples=150, deadline=None)
@given(STEPS, st.integers(0, 24), st.integers(0, 41))
def test_a_revocation_cuts_everything_below_and_nothing_else(
    steps: list[Step], number: int, days: int
) -> None:
    made, at = grown(steps), NOW + days * DAY
    cut = made.delegations.get(f"d{number}")
    if cut is None:
        return
    after = Book(made.parties, {**made.delegations, cut.id: replace(cut, ended=at)})
    for one in made.delegations.values():
        before, now = chain_of(made, one.taker, one.id), chain_of(after, one.taker, one.id)
        assert isinstance(before, Chain) and isinstance(now, Chain)
        rests = cut.id in [link.id for link in before.links]
        assert (now.refusal(at) is None) == (before.refusal(at) is None and not rests)
        earlier = at - timedelta(seconds=1)
        assert (now.refusal(earlier) is None) == (before.refusal(earlier) is None)


@given(WORDS, WORDS, WORDS)
def test_covering_is_an_order(a: str, b: str, c: str) -> None:
    assert not is_scope(a) or covers(a, a)
    assert not (covers(a, b) and covers(b, c)) or covers(a, c)


@given(st.text(max_size=30))
def test_any_text_is_a_scope_or_not(text: str) -> None:
    assert is_scope(text) in (True, False)
