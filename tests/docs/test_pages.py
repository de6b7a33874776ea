"""Pages exist in both languages, links lead somewhere, and the README says what is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Toured

ROOT = Path(__file__).parents[2]
PAGES = sorted(p for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_every_page_exists_in_both_languages() -> None:
    pages = {
        language: {
            str(p.relative_to(ROOT / "docs" / language))
            for p in PAGES
            if p.is_relative_to(ROOT / "docs" / language)
        }
        for language in ("en", "zh")
    }
    assert pages["en"] == pages["zh"] and len(pages["en"]) >= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readme_says_what_the_tour_finds(toured: Toured, name: str) -> None:
    words = (
        {"go": "go", "no-go": "no-go"} if name == "README.md" else {"go": "通过", "no-go": "不通过"}
    )
    text = (ROOT / name).read_text("utf-8")
    for run in toured.runs:
        row = next(line for line in text.splitlines() if line.startswith(f"| {run.item} |"))
        said = re.findall(r"\*\*([^*]+)\*\*", row)
        found = [words[c["verdict"]] for c in run.candidates]
        # "all three no-go" and the like are said once for all candidates
        assert said == found or (len(said) == 1 and set(found) == set(said)), run.scenario
        assert ("–" in row.split("|")[4]) == (run.chosen is None)
