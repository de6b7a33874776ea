"""Reports of sealed, of reported and of synthetic data verify themselves, and say what they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pilotbase import Base
from pilotbase.catalog.verbs import SealedAddRequest, sealed_add
from pilotbase.kernel.time import fixed_clock
from tests.desk import test_reported
from tests.desk.data import test_synthesis
from tests.desk.questions import SECRET, write, write_questions
from tests.register.conftest import Reader


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The reports as text, by kind: made before a browser is open."""
    folder: Path = tmp_path_factory.mktemp("pages")
    here = Base(folder / "home", clock=fixed_clock("2026-11-21T08:00:00Z"))
    file = write_questions(folder / "owner")
    sealed_add(here.context, SealedAddRequest(file, "kept", 1, "City archive"))
    made = {}
    runs = {
        "sealed": write(folder / "sealed"),
        "used up": write(folder / "again", acceptance=[{"metric": "exact_match", "at_least": 0.5}]),
        "reported": test_reported.scenario(folder / "reported", 0.8),
    }
    for kind, scenario in runs.items():
        report = here.run(scenario, trust=True).report
        assert report is not None
        made[kind] = report.read_text("utf-8")
    synthetic = test_synthesis.trial(folder / "synthetic", csv="data.csv")
    made["synthetic"] = synthetic["report"].read_text("utf-8")
    return made


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("sealed", "exposure 1 of 1. This was the last exposure"),
        ("used up", "exposure 2 of 1. The set is used up: fresh units are needed."),
        ("reported", "reported by Inspect 0.3.285, not tried here"),
        ("synthetic", "10 of 120 rows are synthetic: nothing is shown of observed ones."),
    ],
)
def test_the_page_holds_and_says_what_its_data_are(
    pages: Mapping[str, str], reader: Reader, kind: str, words: str
) -> None:
    page = reader.open(pages[kind])
    assert page.inner_text("#alarm") == ""
    assert "all" in page.inner_text("#status") and "hold" in page.inner_text("#status")
    assert words in page.inner_text("main")
    assert (SECRET in pages[kind]) is False
    assert reader.said == []
