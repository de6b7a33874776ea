"""Tables on a narrow terminal: amounts and headings stay whole, or every row becomes a block."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from pilotbase.faces.cli.show_usage import LIMITS, USED
from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import LANGUAGES, Language, Text

USAGE = ("travel-mode-forest", 12, 0, 345, 1000, 12, "0.00 CNY", "0.00 CNY")
LIMIT = ("key:1a2b3c4d5e6f", "P1D", "1.00 CNY", "0.05 CNY", "2026-11-22T00:00:00Z", "reviewer-li")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [40, 60, 76, 80, 90, 120])
def test_no_heading_and_no_amount_is_broken(language: Language, width: int) -> None:
    for heads, row in (((Text("service", "服务"), *USED), USAGE), (LIMITS, LIMIT)):
        out = StringIO()
        said = [head.in_language(language) for head in heads]
        table(Console(file=out, width=width), said, [row])
        text = out.getvalue()
        blocks = "─" not in text
        words = said[1:] if blocks else [word for head in said for word in head.split()]
        for word in (*words, *(str(cell) for cell in row)):
            assert word in text, (word, width)
