"""The report of a trial of agents verifies itself, and notices another principal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pilotbase.scenario.packs
from pilotbase import Base
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.time import fixed_clock
from pilotbase.register.documents.report import render_report
from tests.register.conftest import Reader

EXERCISE = Path(pilotbase.scenario.packs.__file__).parent / "exercises" / "service-desk.yaml"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    home = tmp_path_factory.mktemp("agents")
    run = Base(home, clock=fixed_clock("2026-11-21T08:00:00Z")).run(EXERCISE)
    assert run.report is not None
    return run.report.with_suffix(".json").read_text(encoding="utf-8")


def test_the_report_of_agents_verifies_itself(written: str, reader: Reader) -> None:
    page = reader.open(render_report(json.loads(written)))
    assert page.inner_text("#alarm") == "" and reader.said == []
    assert "acts for Lin Yue" in page.inner_text("#candidates")


def test_another_principal_is_noticed(written: str) -> None:
    papers = json.loads(written)
    papers["scenario"]["candidates"][0]["acts_for"] = "Somebody else"
    with pytest.raises(RecordError, match="scenario in the dossier differs"):
        render_report(papers)
