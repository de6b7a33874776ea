"""The guard on the page ``write-a-guard`` does what the page says, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pilotbase.serve.ports import Seen
from tests.serve.guards.making import route

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_example_works(language: str) -> None:
    page = (DOCS / language / "write-a-guard.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)
    guard, seen = names["make"]({}), Seen(route({}), "request")
    assert guard.look("STOP THAT", seen).flags == ("shouting",)
    assert guard.look("please stop", seen).flags == ()
    with pytest.raises(ValueError):
        names["make"]({"shaer": 1})
