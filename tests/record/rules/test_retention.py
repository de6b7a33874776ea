"""Which term a body has, and when it is past."""

from __future__ import annotations

from typing import Any

import pytest

from pilotbase.kernel.event import declared_terms
from pilotbase.kernel.time import stamp
from pilotbase.record.rules.retention import term_of, terms_of

AT = "2026-11-21T08:00:00.000Z"


def until(terms: Any, name: str, kind: str = "a.b/1") -> str | None:
    found = term_of(terms, kind, name, AT)
    return stamp(found.until) if found else None


def test_the_closest_pattern_decides() -> None:
    terms = {"a.b/1": {"*": "P3Y", "evidence:*": "P2Y", "evidence:x": "P1Y"}}
    assert until(terms, "note") == "2029-11-22T00:00:00.000Z"
    assert until(terms, "evidence:y") == "2028-11-22T00:00:00.000Z"
    assert until(terms, "evidence:x") == "2027-11-22T00:00:00.000Z"
    assert until(terms, "note", "a.c/1") is None and until({"a.b/1": {"x": "P1Y"}}, "y") is None


def test_the_bases_own_terms_go_first() -> None:
    terms = terms_of(
        {"a.b/1": {"*": "P1Y"}, "a.c/1": {"*": "P1Y"}}, {"a.b/1": "forever", "a.d/1": {"x": "P1D"}}
    )
    assert until(terms, "x") is None and until(terms, "x", "a.c/1") is not None
    assert until(terms, "x", "a.d/1") == "2026-11-23T00:00:00.000Z"


@pytest.mark.parametrize("own", [{"a.b/1": "long"}, {"a.b/1": 3}, {"a.b/1": {"x": ["P1Y"]}}])
def test_what_is_no_term_is_named(own: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"a\.b/1"):
        terms_of({}, own)


def test_a_time_that_is_none() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        term_of({"a.b/1": {"*": "P1Y"}}, "a.b/1", "x", "yesterday")


def test_words_have_a_term_and_integers_have_none() -> None:
    """What may be about people is not kept for good; what verdicts rest on has no term."""
    import pilotbase.desk.events  # noqa: F401

    terms = declared_terms()
    assert terms["pilot.answers_kept/1"] == terms["rating.given/1"] == {"*": "P2Y"}
    assert "pilot.evaluated/2" not in terms and "pilot.judged/1" not in terms
