"""The page on rights and terms: its list, its policy and its commands work as they stand."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from pilotbase.faces.cli.call import invoke
from pilotbase.main import commands

DOCS = Path(__file__).parents[3] / "docs"


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_commands_of_the_page_work(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (DOCS / language / "rights-and-terms.md").read_text("utf-8")
    (listed,), (policy,) = blocks(page, "yaml"), blocks(page, "json")
    (tmp_path / "list.yaml").write_text(listed, "utf-8")
    (tmp_path / "terms.json").write_text(policy, "utf-8")
    monkeypatch.chdir(tmp_path)
    command, said, id_ = commands(invoke), "", ""
    common = ["--home", str(tmp_path / "home"), "--lang", language]
    for line in "".join(blocks(page, "sh")).splitlines():
        words = [id_ if word == "ID" else word for word in shlex.split(line)[1:]]
        found = CliRunner().invoke(command, [*words, *common])
        assert found.exit_code == 0, (line, found.output)
        said += found.output
        if words[:3] == ["catalog", "rights", "apply"]:
            id_ = found.output.partition(":")[0]
    assert "permission-0" in said and "hold-" in said
    out = CliRunner().invoke(command, ["catalog", "terms", "show", "readings", "--json", *common])
    assert json.loads(out.output)["uses"] == {"uni": {"read": 1}}
