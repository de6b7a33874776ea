"""The pages on candidates: their program, their plug-in and their limits are the code's own."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pilotbase.scenario.offer import Candidate, Sandbox
from pilotbase.trial.candidates.command import Launch, Session
from pilotbase.trial.candidates.messages import LINE_BYTES_MAX, PROTOCOL, read_reply
from pilotbase.trial.program import ENDINGS_MAX
from pilotbase.trial.reply import Citation
from pilotbase.trial.units import LOOK_UNITS
from pilotbase.trial.workers import FLOOR_SECONDS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(params=["en", "zh"])
def page(request: pytest.FixtureRequest) -> str:
    return (DOCS / request.param / "candidates.md").read_text(encoding="utf-8")


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_python_object_conforms_as_the_page_says(page: str):
    names: dict[str, Any] = {}
    exec("\n".join(blocks(page, "python")[:2]), names)  # the page's own example
    assert names["Threshold"]().column == "size"


def test_the_program_speaks_the_protocol(page: str, tmp_path: Path):
    script = tmp_path / "program.py"
    script.write_text(blocks(page, "python")[2], encoding="utf-8")
    launch = Launch((sys.executable, str(script)), tmp_path, 20.0)
    session = Session(launch, {"task": "detection"}, time.monotonic)
    assert session.learns
    session.fit(2, [{"features": {"age": n}, "target": n % 2} for n in (30, 41)])
    assert session.ask({"features": {"age": 41.0}})[0]["score"] == 0.41
    assert session.ask({"features": {"age": None}})[0]["score"] == 0.5
    session.close()


def test_the_object_that_answers_questions_does_as_the_page_says(page: str):
    names: dict[str, Any] = {}
    (written,) = (code for code in blocks(page, "python") if "class Quotes" in code)
    exec(written, names)  # the page's own example
    quotes = names["Quotes"]()
    quotes.read([{"passage": "p1", "text": "442 rows in all"}])
    said = read_reply(quotes.answer("How many rows", {}))
    assert said.text == "442 rows in all" and said.citations == (Citation("p1", said.text),)
    assert said.retrieved == ("p1",) and not said.refused
    assert read_reply(quotes.answer("Weather?", {})).refused


def test_the_estimator_is_good_grammar(page: str):
    (written,) = YAML(typ="safe").load(blocks(page, "yaml")[0])["candidates"]
    assert Candidate.model_validate(written).cutoff is not None


def test_the_sandbox_is_good_grammar_and_says_the_limits_that_are_left_out(page: str):
    (written,) = YAML(typ="safe").load(blocks(page, "yaml")[-1])["candidates"]
    limits = Candidate.model_validate(written).sandbox
    assert limits is not None and limits == Sandbox(files=("weights.bin",))


def test_the_limits_are_the_codes_own(page: str):
    assert (LOOK_UNITS, ENDINGS_MAX, FLOOR_SECONDS) == (25, 5, 30.0)
    assert LINE_BYTES_MAX == 1 << 20 and "1 MiB" in page
    assert f'"protocol": {PROTOCOL}' in page
    for said in ("25", "30", "五" if "五" in page else "five"):
        assert said in page
