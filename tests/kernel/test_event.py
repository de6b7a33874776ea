"""Events are declared once; the envelope is fixed from the first day."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pilotbase.kernel.actor import Actor
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
