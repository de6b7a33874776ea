"""A base that changed its key before, between and after the signatures of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.register.conftest import SMALL, Reader
from tests.register.test_altered import broken, turned, with_block

Report = Callable[..., str]
ROTATED = {**SMALL, "rotated": True}


def test_older_signatures_hold(reader: Reader, report: Report) -> None:
    html = report(**ROTATED)
    page = reader.open(html)
    assert page.locator("#status.holds").count() == 1
    assert "rotation of the base's key" in page.text_content("#checks")
    assert html.count('<code class="long">') >= 3, "the keys in force before are named"
    assert reader.said == []


def without_one(record: Any) -> None:
    del record["rotations"][0]


def without_any(record: Any) -> None:
    record["rotations"] = []


def statement(record: Any) -> None:
    entry = record["rotations"][1]
    said = json.loads(entry["text"])
    said["body"]["statement"] = said["body"]["statement"].replace("— ", "— x", 1)
    entry["text"] = json.dumps(said)


def another(record: Any) -> None:
    entry = record["rotations"][0]
    said = json.loads(entry["text"])
    said["body"]["new"] = said["body"]["new"][:-9] + turned(said["body"]["new"][-9])
    entry["text"] = json.dumps(said)


def moved(record: Any) -> None:
    """As if the new key had been in force when the plan was signed."""
    record["rotations"][0]["index"] = 0


def none(record: Any) -> None:
    record["rotations"][0]["text"] = "null"


@pytest.mark.parametrize("change", [without_one, without_any, statement, another, moved, none])
def test_a_change_is_named(reader: Reader, report: Report, change: Callable[[Any], None]) -> None:
    said = broken(reader, with_block(report(**ROTATED), "record", change))
    named = ("rotation of the base", "base's signature", "signatory's signature", "key_rotated")
    assert any(place in said for place in named)
