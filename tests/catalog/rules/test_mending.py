"""What stands in for faulty words lets the rest be checked, and leaves it as it is."""

from __future__ import annotations

import doctest

import pytest
from pydantic import ValidationError

from pilotbase.catalog.rules import mending
from pilotbase.catalog.rules.mending import mended
from pilotbase.register.sheet import WHOLE, FilingSheet
from pilotbase.scenario.finding import Path
from pilotbase.scenario.grammar import strictly

PLACES: list[Path] = [
    *((word,) for word in FilingSheet.model_fields if word in WHOLE),
    ("facts", "personal_data"),
    ("ip", "funding"),
    ("conditions", 0, "by"),
    ("conditions", 0),
    ("parts", 0, "name"),
]


def test_the_examples() -> None:
    assert doctest.testmod(mending).failed == 0


def test_a_whole_sheet_has_no_fault() -> None:
    assert strictly(FilingSheet, WHOLE)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_any_fault_is_mended_where_it_is_and_nowhere_else(place: Path) -> None:
    said = mended({**WHOLE, "price": "7 CNY"}, [], WHOLE)
    inner = said
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = {"never": "right"}
    with pytest.raises(ValidationError):
        strictly(FilingSheet, said)
    made = strictly(FilingSheet, mended(said, [place], WHOLE))
    assert made.price == ("0 CNY" if place == ("price",) else "7 CNY")
