"""The page for authors of evaluators runs as it stands, in both languages."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_write_an_evaluator(language: str) -> None:
    page = DOCS / language / "write-an-evaluator.md"
    result = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert result.attempted > 5 and result.failed == 0
