"""The page on parties and keys, and that on filing: what they show works as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from pilotbase.catalog.sheet import read_sheet
from pilotbase.faces.cli.call import invoke
from pilotbase.main import commands, declared_verbs
from pilotbase.register.sheet import FilingSheet

DOCS = Path(__file__).parents[3] / "docs"
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@LANGUAGES
def test_the_list_and_its_commands_work(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (DOCS / language / "parties-and-keys.md").read_text("utf-8")
    (listed,), (script,) = blocks(page, "yaml"), blocks(page, "sh")
    (tmp_path / "list.yaml").write_text(listed, "utf-8")
    monkeypatch.chdir(tmp_path)
    command = commands(invoke)
    for line in script.splitlines():
        words = [*shlex.split(line)[1:], "--home", str(tmp_path / "home"), "--lang", language]
        found = CliRunner().invoke(command, words)
        assert found.exit_code == 0, found.output
    assert "bot" in found.output and "serve.call" in found.output


@LANGUAGES
def test_the_filing_sheet_reads(language: str, tmp_path: Path) -> None:
    page = (DOCS / language / "filing.md").read_text("utf-8")
    (sheet,) = blocks(page, "yaml")
    (tmp_path / "sheet.yaml").write_text(sheet, "utf-8")
    assert read_sheet(tmp_path / "sheet.yaml", FilingSheet).said.principal == "library"
    known = {f"pilotbase {verb.name.replace('.', ' ')}" for verb in declared_verbs()}
    for line in "".join(blocks(page, "sh")).splitlines():
        assert " ".join(line.split()[:3]) in known
