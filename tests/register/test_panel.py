"""You be the panel: cases in the committed order, no hint before the decision, the truth after."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pilotbase.assess.rules import levels
from pilotbase.trial.evidence import RESOLUTION
from pilotbase.trial.rules.reading import read_part
from tests.register.conftest import Reader
from tests.register.making import Json, Made, parts_of

Report = Callable[..., str]
TOLD = "#play-after[data-state='told']"
MADE: Json = {"candidates": ("logistic", "scripted")}
RECALL, BRIER, GAP = 0, 1, 2  # places in the list of criteria and parts


@pytest.fixture
def page(reader: Reader, report: Report) -> Any:
    opened = reader.open(report(**MADE))
    opened.wait_for_selector("#play")
    return opened


def choose(page: Any, candidate: int, criterion: int) -> None:
    page.select_option("#play-candidate", index=candidate)
    page.select_option("#play-criterion", index=criterion)


def show(page: Any, ones: int = 0, tens: int = 0) -> None:
    for _ in range(tens):
        page.click("[data-show='10']")
    for _ in range(ones):
        page.click("[data-show='1']")


def decide(page: Any, word: str) -> str:
    page.click(f"[data-decide='{word}']")
    page.wait_for_selector(TOLD)
    text: str = page.inner_text("#play-after")
    return text


def ruled(candidate: str, criterion: int, count: int) -> Any:
    """What the base's rule says of the first items, by the code that judges."""
    part = parts_of(candidate, Made(**MADE))[criterion][0]
    fails = part.x_fails and part.x_fails[:count]
    seen = replace(part, x=part.x[:count], x_fails=fails, y=part.y[:count])
    meets, of_fails = levels(0.05, 2, 3)
    return read_part(seen, meets, "sequential", alpha_fails=of_fails)


def test_cases_come_in_the_committed_order(page: Any, dossier: Callable[..., Json]) -> None:
    made = dossier(**MADE)
    choose(page, 0, BRIER)
    show(page, tens=1)
    names = re.findall(r"(patient \d+):", page.inner_text("#play-latest"))
    assert names == made["order"]["names"][:10]
    show(page, ones=1)
    assert page.inner_text("#play-latest").startswith(made["order"]["names"][10])
    values = made["evidence"]["logistic"]["criteria"][1]["parts"][0]["x"]
    good = sum(v <= 0.2 * RESOLUTION for v in values[:11])
    assert f"11 of 300 seen: {good} good, {11 - good} bad." in page.inner_text("#play-sofar")
    assert f"{sum(values[:11]) / 11 / RESOLUTION:.3f}" in page.inner_text("#play-sofar")
    assert page.locator("#play-tiles .tile").count() == 11


def test_the_claim_is_shown_and_no_verdict_before_the_decision(page: Any) -> None:
    choose(page, 0, RECALL)
    assert page.inner_text("#play-offer") == (
        "Public Health Lab claims 90.0%. Needed: at least 70%."
    )
    show(page, tens=3)
    text = page.inner_text("#play")
    assert not re.search(r"meets|fails|undecided", text)
    assert not page.is_visible("#play-after")
    choose(page, 1, RECALL)
    assert "claims nothing about this" in page.inner_text("#play-offer")
    assert "(stand-in)" in page.inner_text("#play-candidate")


@pytest.mark.parametrize(
    ("candidate", "number", "criterion", "tens", "word"),
    [("logistic", 0, BRIER, 1, "go"), ("scripted", 1, BRIER, 6, "no-go")],
)
def test_what_the_rule_said_then_and_at_the_end(
    page: Any, candidate: str, number: int, criterion: int, tens: int, word: str
) -> None:
    choose(page, number, criterion)
    show(page, tens=tens)
    text = decide(page, word)
    then, end = ruled(candidate, criterion, 10 * tens), ruled(candidate, criterion, 300)
    words = {"meets": "it meets", "fails": "it fails", "undecided": "undecided"}
    since = f" (since case {then.units})" if then.decided_at and then.units < 10 * tens else ""
    assert f"The base's rule at that moment\n{words[then.verdict]}{since}\n" in text
    assert f"{words[end.verdict]}, after {end.units} of 300" in text
    assert f"{word}, after {10 * tens} cases" in text


def test_the_stopping_habit_is_tried_beside_the_rule(page: Any) -> None:
    choose(page, 0, BRIER)
    show(page, ones=5)
    text = decide(page, "go")
    assert "from case 5 on and every case" in text and "simulated trials" in text
    rows = page.locator(".habit tbody tr")
    assert rows.count() == 3
    mine, base = (
        float(rows.nth(0).locator("td b").nth(k).inner_text().rstrip("%")) for k in (0, 1)
    )
    assert base <= 2.5 < mine
    assert "errs" in text or "luck" in text or "careful" in text
    assert rows.nth(0).locator("svg.dots circle:not(.empty)").count() == round(mine) + round(base)
    page.click("[data-restart]")
    assert page.inner_text("#play-sofar") == "None of 300 seen yet."
    assert not page.is_visible("#play-after")


def test_waiting_and_comparing_groups_are_told_plainly(page: Any) -> None:
    choose(page, 0, RECALL)
    show(page, ones=2)
    assert "Waiting lets nothing bad through" in decide(page, "wait")
    choose(page, 0, GAP)
    assert "sex 1 − sex 2" in page.inner_text("#play-criterion")
    show(page, tens=2)
    assert "good" not in page.inner_text("#play-sofar")
    assert "the page does not simulate" in decide(page, "go")


def test_nothing_is_stored_or_sent(page: Any, reader: Reader) -> None:
    show(page, tens=8)
    decide(page, "go")
    assert page.context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert {url.split(":")[0] for url in reader.asked} == {"file"} and len(reader.asked) == 1
    assert reader.said == []
