"""Events are declared once; the envelope is fixed from the first day."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.canonical import plain
from pilotbase.kernel.event import (
    Draft,
    Duty,
    Entry,
    declared_duties,
    declared_kinds,
    declared_terms,
    envelope,
    event,
    upgrader,
)
from pilotbase.kernel.text import Text

OFFICER = Actor("Li Wen", "case officer")


@event("test.happened/1")
@dataclass(frozen=True)
class Happened:
    """Something happened in a test."""

    what: str


@event("test.renamed/2")
@dataclass(frozen=True)
class Renamed:
    """The newest shape of a kind that had another one."""

    name: str


@upgrader("test.renamed/1", "test.renamed/2")
def _renamed(body: dict[str, object]) -> dict[str, object]:
    return {"name": body["title"]}


def test_the_envelope_is_golden() -> None:
    draft = Draft(Happened("x"), OFFICER, "pilot:1", key="k")
    data = envelope(draft, counter=3, at="2026-11-21T08:00:00.000Z", commitments={})
    assert data == (
        b'{"about":"pilot:1","at":"2026-11-21T08:00:00.000Z","body":{"what":"x"},'
        b'"by":{"name":"Li Wen","role":"case officer","single_operator":true},"count":3,'
        b'"key":"k","kind":"test.happened/1","v":1,"vault":{}}'
    )


@event("test.anything/1")
@dataclass(frozen=True)
class Anything:
    """An event whose fields may hold whatever JSON can, and whose names need care."""

    b: object
    a: object
    é: object
    z9: object = "100% {x}"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.tuples(values, values, values), st.text(), st.text(min_size=1), st.booleans())
def test_an_envelope_is_the_canonical_form_of_what_it_says(
    three: tuple[object, object, object], about: str, key: str, sealed: bool
) -> None:
    commitments = {"é": {"commitment": "sha256:0", "size": 3}} if sealed else {}
    at = "2026-11-21T08:00:00.000Z"
    bodies = {"x": b"1", "é": b"2"} if sealed else {}
    happened, by = Anything(*three), OFFICER.as_dict()
    body = {name: plain(getattr(happened, name)) for name in ("a", "b", "é", "z9")}
    kind = "test.anything/1"
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in bodies.items()}
    said = rfc8785.dumps([kind, about, body, digests])
    for given_key in (key, ""):
        draft = Draft(happened, OFFICER, about, bodies, given_key)
        whole = {
            "v": 1, "kind": kind, "count": 7, "at": at, "by": by, "about": about, "body": body,
            "key": given_key or hashlib.sha256(said).hexdigest(), "vault": commitments,
        }  # fmt: skip
        made = envelope(draft, counter=7, at=at, commitments=commitments)
        assert made == rfc8785.dumps(whole)  # type: ignore[arg-type]


def test_the_same_fact_has_the_same_key_and_another_fact_another() -> None:
    one = Draft(Happened("x"), OFFICER, "pilot:1", {"evidence": b"1"})
    same = Draft(Happened("x"), Actor("other", "finance"), "pilot:1", {"evidence": b"1"})
    others = [
        Draft(Happened("y"), OFFICER, "pilot:1", {"evidence": b"1"}),
        Draft(Happened("x"), OFFICER, "pilot:2", {"evidence": b"1"}),
        Draft(Happened("x"), OFFICER, "pilot:1", {"evidence": b"2"}),
    ]
    assert one.idempotency_key() == same.idempotency_key()
    assert len({one.idempotency_key(), *(d.idempotency_key() for d in others)}) == 4


def test_an_old_shape_reads_as_the_new_one() -> None:
    data = b'{"about":"","body":{"title":"x"},"kind":"test.renamed/1"}'
    assert Entry(0, data).body == {"name": "x"}


def test_a_kind_is_declared_once_well_formed_and_documented() -> None:
    with pytest.raises(ValueError, match="twice"):
        event("test.happened/1")(Renamed)
    with pytest.raises(ValueError, match="no event kind"):
        event("happened")
    with pytest.raises(ValueError, match="docstring"):
        event("test.silent/1")(type("Silent", (), {}))
    with pytest.raises(TypeError, match="not declared"):
        _ = Draft(object(), OFFICER).kind


def test_terms_and_duties_are_declared_with_the_kind() -> None:
    duty = Duty("answer", "P1M", Text("answer", "答复"))

    @event("test.asked/1", retention={"letter": "P2Y", "": ""}, opens=(duty,))
    @dataclass(frozen=True)
    class Asked:
        """Something was asked."""

    @event("test.answered/1", closes=("answer",))
    @dataclass(frozen=True)
    class Answered:
        """It was answered."""

    assert declared_terms()["test.asked/1"] == {"letter": "P2Y"}
    assert "test.answered/1" not in declared_terms()
    assert declared_duties()["test.asked/1"] == ((duty,), ())
    assert declared_duties()["test.answered/1"] == ((), ("answer",))
    with pytest.raises(ValueError, match="ISO 8601"):
        event("test.kept/1", retention="two years")


def test_every_declared_kind_is_documented() -> None:
    assert all(cls.__doc__ for cls in declared_kinds().values())
