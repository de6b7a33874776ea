"""The reference pages: each word of the grammar in both languages, and an example that reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pilotbase.scenario.draft import Known
from pilotbase.scenario.read import scenario_of
from pilotbase.scenario.schema import json_schema

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {language: DOCS / language / "scenario-file.md" for language in ("en", "zh")}
# Section of the schema → heading of the page, in both languages.
HEADINGS = {
    "Scenario": ("The file", "文件"),
    "Bilingual": ("A text in both languages", "双语文本"),
    "Owner": ("owner", "owner"),
    "Data": ("data", "data"),
    "Documents": ("documents", "documents"),
    "Judge": ("judges", "judges"),
    "Decisions": ("decisions", "decisions"),
    "Group": ("groups", "groups"),
    "Split": ("split", "split"),
    "Criterion": ("acceptance", "acceptance"),
    "Under": ("under", "under"),
    "Plan": ("plan", "plan"),
    "Budget": ("budget", "budget"),
    "Candidate": ("candidates", "candidates"),
    "Sandbox": ("sandbox", "sandbox"),
    "Step": ("steps", "steps"),
    "Chat": ("chat", "chat"),
    "Infer": ("infer", "infer"),
    "Mcp": ("mcp", "mcp"),
    "Key": ("key", "key"),
    "Price": ("price", "price"),
    "Cutoff": ("cutoff", "cutoff"),
    "Claim": ("claims", "claims"),
}


def tables(page: str) -> dict[str, dict[str, bool]]:
    """Heading → words of its table, and whether the page says the word is required."""
    found: dict[str, dict[str, bool]] = {}
    for part in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|", part, flags=re.MULTILINE)
        found[part.split("\n", 1)[0].strip()] = {word: not left.strip() for word, left in rows}
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_word_is_explained_and_rightly_called_required(language: str) -> None:
    said = tables(PAGES[language].read_text(encoding="utf-8"))
    sections = {"Scenario": json_schema(), **json_schema()["$defs"]}
    assert set(sections) == set(HEADINGS)
    for name, section in sections.items():
        heading = HEADINGS[name][language == "zh"]
        required = set(section.get("required", ()))
        assert said[heading] == {word: word in required for word in section["properties"]}, name


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_worked_example_reads(language: str, known: Known) -> None:
    (example,) = re.findall(
        r"^```yaml\n(.*?)^```", PAGES[language].read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    file = scenario_of(example, Path("example.yaml"), known=known)
    assert file.scenario.id == "follow-up-calls"
    assert [candidate.id for candidate in file.scenario.candidates] == ["simple", "without-sex"]
