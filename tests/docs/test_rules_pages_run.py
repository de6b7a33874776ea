"""Every worked example on a rules page is run and says what the page says, in both languages."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("*/rules/*.md"))
FENCED = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def example_blocks(page: Path) -> list[str]:
    blocks = FENCED.findall(page.read_text(encoding="utf-8"))
    return [block for block in blocks if block.lstrip().startswith(">>>")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_examples_of_a_page_hold(page: Path):
    blocks = example_blocks(page)
    assert blocks, f"{page.name} shows no worked example"
    names: dict[str, object] = {}
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for number, block in enumerate(blocks, 1):
        test = doctest.DocTestParser().get_doctest(
            block, names, f"{page.name}, block {number}", str(page), None
        )
        runner.run(test, out=said.append, clear_globs=False)
        names = test.globs
    failed, attempted = runner.summarize(verbose=False)
    assert attempted > 0 and failed == 0, "".join(said)


def test_each_page_stands_in_both_languages():
    pages = {language: {p.name for p in (DOCS / language / "rules").glob("*.md")}
             for language in ("en", "zh")}  # fmt: skip
    assert pages["en"] == pages["zh"] and pages["en"]
