"""The table of odds in the documentation is what the bench computes."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from pilotbase.trial.rules.sequential import bernoulli_evalue

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("verdict_rules", ROOT / "bench/verdict_rules.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figures(text: str) -> list[list[str]]:
    rows = [line for line in text.splitlines() if re.match(r"\| 0\.\d \|", line)]
    return [[cell.strip() for i, cell in enumerate(row.split("|")[1:-1]) if i != 1] for row in rows]


def test_both_pages_show_the_computed_table(bench):
    computed = figures(bench.table(bench.rows()))
    assert len(computed) == 8
    for language in ("en", "zh"):
        page = (ROOT / f"docs/{language}/rules/odds.md").read_text(encoding="utf-8")
        assert figures(page) == computed


def test_the_bench_agrees_with_the_library_on_its_own_rule(bench, monkeypatch):
    monkeypatch.setattr(bench, "CAP", 250)

    def as_answers(n: int, threshold: float):
        passed, mark = np.arange(n + 1), 1 / bench.ALPHA
        meets = bernoulli_evalue(passed, n, threshold, alternative="greater") >= mark
        fails = bernoulli_evalue(passed, n, threshold, alternative="less") >= mark
        return np.where(meets, 1, np.where(fails, -1, 0))

    slow, quick = bench.exact(as_answers, 0.8, 0.85), bench.ours(0.8, 0.85)
    assert slow == {key: pytest.approx(value, abs=1e-9) for key, value in quick.items()}
