"""The page on provenance: its sheet is read, and its commands are there, in both languages."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pilotbase.catalog.sheet import read_sheet
from pilotbase.desk.data.label_sheet import LabelSheet
from pilotbase.main import declared_verbs

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sheet_and_commands_of_the_page(language: str, tmp_path: Path) -> None:
    page = (DOCS / language / "provenance.md").read_text("utf-8")
    (sheet,) = re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)
    (tmp_path / "sheet.yaml").write_text(sheet, "utf-8")
    assert read_sheet(tmp_path / "sheet.yaml", LabelSheet).said.id == "tone"
    known = {verb.name for verb in declared_verbs()}
    shown = [
        shlex.split(line)[1:]
        for block in re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)
        for line in block.splitlines()
    ]
    named = {".".join(words[:n]) for words in shown for n in (2, 3)} & known
    assert {"catalog.add", "catalog.bom", "catalog.label.finish"} <= named and len(named) == 8
