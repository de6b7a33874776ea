"""Only expressions whose cost is known beforehand are taken."""

from __future__ import annotations

import re
import time

import pytest

from pilotbase.serve.rules.bounded import bounds_of


@pytest.mark.parametrize(
    ("form", "longest"),
    [(r"\bfoo.{0,40}bar\b", 46), (r"[a-z]{2,3}(?:-\d{1,4})?", 8), (r"机密|秘密级", 3), (r"a?b", 2)],
)
def test_what_has_an_end_is_taken(form: str, longest: int) -> None:
    assert bounds_of(form).longest == longest


@pytest.mark.parametrize(
    "form",
    [
        "(a+)+b", "a*", "(a|a){40}", "(a|aa){30}b", "(x)\\1", "(?=a)b", "(?<!a)b", "^a", "a$", "(",
        "", "a?", "(?i)a", "a{0,600}", "[a-z]{300}[a-z]{300}", "(?>a)", "a" * 1001,
        "(?:a{0,30}){0,10}b", "(?:" * 200 + "a" + ")" * 200 + "*",
    ],
)  # fmt: skip
def test_what_could_run_away_is_refused(form: str) -> None:
    with pytest.raises(ValueError):
        bounds_of(form)


def test_the_dearest_that_is_taken_is_quick() -> None:
    form = r"(?:a{0,8}){0,2}b"
    assert bounds_of(form).ways == 91
    begun = time.process_time()
    assert re.search(form, "a" * 20_000) is None
    assert time.process_time() - begun < 2.0
