"""Judges: what they are sent, what they may reply, and whose fault it is when they fail."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase import Base
from pilotbase.desk import verbs
from pilotbase.desk.verbs import RateRequest
from pilotbase.kernel.errors import RunError
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.endpoints.port import Endpoint, Misspoken, Request, Response
from pilotbase.trial.judges import PluginJudge, prompt_for, read_mark
from pilotbase.trial.odds import planned_odds
from pilotbase.trial.overlap import word_overlap
from pilotbase.trial.people import Item, People
from pilotbase.trial.reply import Citation, Question, Reply
from pilotbase.trial.respondent import Outage
from tests.desk.asking import write
from tests.trial.endpoints.servers import MODEL, Call, completion, http, says, serving
from tests.trial.test_odds import cases

ITEM = Item("Right.", "Which?", "en", ("Paris",), (), "Paris.", False)


async def no_network(endpoint: Endpoint, request: Request) -> Response:
    raise AssertionError("a plug-in sends nothing")


def marked(function: Callable[[Mapping[str, Any]], Any], seconds: float = 5.0) -> Any:
    judge = PluginJudge("p", function, seconds)
    return anyio.run(judge.mark, ITEM, no_network)


@given(st.text())
def test_an_answer_cannot_leave_its_place_in_the_prompt(answer: str) -> None:
    item = Item.of("Right.", Question("Which?"), Reply(answer))
    lines = prompt_for(item).splitlines()
    fence = lines[0].split()[-1].rstrip(".")
    begins = [line for line in lines if line.endswith(fence) and line.startswith("BEGIN")]
    assert [line.split()[1] for line in begins] == [
        "rubric", "question", "expected", "passages", "refused", "answer"
    ]  # fmt: skip
    said = lines[lines.index(f"BEGIN answer {fence}") + 1]
    assert json.loads(said) == item.answer and lines[-2] == f"END answer {fence}"


def test_an_item_shows_the_cited_passages_and_nothing_of_the_candidate() -> None:
    question = Question("Which?", expected=("a", "b"), passages={"p1": "one", "p2": "two"})
    reply = Reply("It is a.", citations=(Citation("p2", "two"), Citation("p9")))
    item = Item.of("Right.", question, reply)
    assert item.passages == ({"id": "p2", "text": "two", "quote": "two"},)
    assert item.id == Item.of("Right.", question, reply).id
    assert item.id != Item.of("Wrong.", question, reply).id
    assert Item.of("r", question, Reply(data={"a": 1})).answer == '{\n "a": 1\n}'
    assert Item.of("r", question, Reply("\ud800")).answer == "?"


@pytest.mark.parametrize(
    "said", [None, [], "1", {}, {"mark": "1"}, {"mark": True}, {"mark": 1.2}, {"mark": -0.1},
             {"mark": float("nan")}, {"mark": None}],
)  # fmt: skip
def test_what_is_no_mark_is_refused(said: Any) -> None:
    with pytest.raises(Misspoken):
        read_mark(said)


def test_a_plugin_gives_a_number_or_an_object_and_may_fail() -> None:
    assert marked(lambda item: 0.25).fields == {"mark": 0.25, "why": ""}
    assert marked(lambda item: {"mark": 1, "why": "so"}).fields == {"mark": 1.0, "why": "so"}
    assert marked(lambda item: 7).fields is None
    assert "ZeroDivisionError" in marked(lambda item: 1 / 0).reason
    with pytest.raises(Outage):
        marked(lambda item: __import__("time").sleep(0.3), seconds=0.05)


def test_word_overlap() -> None:
    assert (
        word_overlap({"answer": "it is paris", "expected": ["Paris"], "refused": False})["mark"]
        == 1.0
    )
    assert word_overlap({"answer": "共一百五十行", "expected": ["150 行", "一百五十行"],
                         "refused": False})["mark"] == 1.0  # fmt: skip
    assert word_overlap({"answer": "", "expected": [], "refused": True})["mark"] == 1.0


def test_the_same_answer_is_put_to_people_once_and_waits_for_who_needs_it() -> None:
    people = People(marks={})
    assert np.isnan(people.mark(ITEM, 5, "a", "k")) and np.isnan(people.mark(ITEM, 3, "b", "k"))
    assert people.queue[ITEM.id].place == 3
    assert people.waiting({("b", "k")}) == [ITEM.id] and people.waiting({("c", "k")}) == []
    people.marks = {ITEM.id: 0.5}
    assert people.mark(ITEM, 5, "a", "k") == 0.5 and people.waiting({("b", "k")}) == []


def chat(url: str) -> dict[str, Any]:
    return {"url": url, "model": MODEL, "concurrency": 2, "retries": 0, "private": True}


def run_with(url: str, folder: Path, **changes: Any) -> tuple[Base, Path, RunError | None]:
    base = Base(folder / "home")
    file = write(folder, 30, judges={"model": {"chat": chat(url)}}, **changes)
    try:
        base.run(file, trust=True)
    except RunError as error:
        return base, file, error
    return base, file, None


CRITERION = {
    "metric": "judged", "rubric": "Right.", "judge": "model", "audit": 3, "at_least": 0.5,
}  # fmt: skip


def rated(base: Base, folder: Path) -> None:
    left = verbs.rate(base.context, RateRequest("judged", "r")).items
    (folder / "r.json").write_text(json.dumps([{"item": i["item"], "mark": 1} for i in left]))
    verbs.rate(base.context, RateRequest("judged", "r", folder / "r.json"))


def test_a_model_marks_each_answer_once_and_is_not_told_what_is_audited(tmp_path: Path) -> None:
    with serving(says(http(completion('{"mark": 0.5, "why": "half"}')))) as server:
        base, file, waits = run_with(server.url, tmp_path, acceptance=[CRITERION])
        assert waits is not None and waits.code == "run.awaits_people"
        asked = len(server.calls)
        assert asked == 30
        bodies = [json.dumps(call.json) for call in server.calls]
        assert not any(word in body for body in bodies for word in ("audit", "next.py"))
        assert all(call.json["response_format"] == {"type": "json_object"}
                   for call in server.calls)  # fmt: skip
        rated(base, tmp_path)
        (candidate,) = base.run(file, trust=True).candidates
        assert len(server.calls) == asked
    (audit,) = candidate["beside"]["audits"]
    assert audit["judge"]["model"] == MODEL and not audit["judge"]["stand_in"]
    assert audit["parts"][0]["silent"] == 0 and candidate["problems"] == []


def test_a_judge_that_talks_nonsense_costs_labels_and_nothing_else(tmp_path: Path) -> None:
    def odd(call: Call) -> bytes:
        return http(completion('{"mark": "excellent"}'))

    with serving(says(odd)) as server:
        base, file, waits = run_with(server.url, tmp_path, acceptance=[CRITERION])
        assert waits is not None
        rated(base, tmp_path)
        result = base.run(file, trust=True)
    (candidate,) = result.candidates
    (part,) = candidate["beside"]["audits"][0]["parts"]
    assert part["silent"] == part["units"] > 0
    assert candidate["criteria"][0]["outages"] == 0 and candidate["criteria"][0]["errors"] == 0
    # Twice the share of a fair lot (the endpoint's port is in the plan, so each run draws anew):
    # four standard deviations of it.
    reach = 4 / math.sqrt(part["units"])
    assert candidate["criteria"][0]["estimate"] == pytest.approx(1.0, abs=reach)
    assert any("judge model" in warning for warning in candidate["beside"]["warnings"])
    assert candidate["problems"] == []


def test_a_judge_that_nobody_can_reach_ends_the_run_before_it_costs_anything(
    tmp_path: Path,
) -> None:
    with serving(says(b"")) as server:
        url = server.url
    _, _, error = run_with(url, tmp_path, acceptance=[CRITERION])
    assert error is not None and error.code == "endpoint.nobody" and error.next_step is not None


def test_the_odds_say_that_they_are_the_best_case() -> None:
    fields = dict(CRITERION, at_least=0.8)
    said = {
        "id": "s", "title": {"en": "x", "zh": "x"}, "need": {"en": "x", "zh": "x"},
        "item": "A2.1", "owner": {"name": "x", "principal": "x"}, "affects_people": False,
        "task": "answer", "estimand": "future cases", "data": {"csv": "x.csv"}, "target": "y",
        "question": "q", "split": {"by": "frozen"}, "candidates": [{"id": "a", "plugin": "p"}],
        "judges": {"model": {"plugin": "word_overlap"}},
    }  # fmt: skip
    tables = []
    for every in (1, 4):
        read = Scenario.model_validate({**said, "acceptance": [{**fields, "audit": every}]})
        tables.append(planned_odds(cases(), read, 0.05, 0.05)[0])
    assert tables[0]["note"] is None and "always right" in tables[1]["note"]["en"]
    best = [table["table"][-1]["meets"] for table in tables]
    assert best[1] <= best[0]


def test_a_judge_is_asked_again_only_for_what_is_missing(tmp_path: Path) -> None:
    with serving(says(http(completion('{"mark": 1}')))) as server:
        base, file, waits = run_with(server.url, tmp_path, acceptance=[CRITERION])
        assert waits is not None
        run = waits.where
        before = len(server.calls)
        with pytest.raises(RunError):
            base.run(file, trust=True)
        assert len(server.calls) == before
    journals = list((base.context.home / "trials").glob("*.db"))
    assert [one.stem for one in journals] == [run]


FLAKY = """
import json, sys
asked = {}
for line in sys.stdin:
    said = json.loads(line)
    reply = {"id": said["id"], "protocol": 1, "learns": False}
    if "predict" in said:
        question = said["predict"]["question"]
        number = int(question.split()[-1].rstrip("?"))
        asked[question] = asked.get(question, 0) + 1
        reply = {"id": said["id"], "text": f"It is {number + 1}."}
        if number % 4 == 0 and asked[question] == 1:
            reply = {"id": said["id"], "error": "not now"}
    print(json.dumps(reply), flush=True)
"""


@pytest.mark.parametrize("metric", ["judged", "rated"])
def test_a_first_reply_that_is_missing_is_a_fault_though_later_ones_come(
    tmp_path: Path, metric: str
) -> None:
    """It would end the run, or wait for people for ever, or be worth the mean of the others."""
    judged = {"judge": "overlap", "audit": 2} if metric == "judged" else {}
    file = write(
        tmp_path,
        40,
        acceptance=[
            {"metric": metric, "rubric": "Right.", "at_least": 0.9, **judged},
            {"metric": "consistency", "repeats": 2, "at_least": 0.1},
        ],
        plan={"evidence": "fixed"},  # every unit is read
        **({} if judged else {"judges": {}}),
    )
    (tmp_path / "next.py").write_text(FLAKY, encoding="utf-8")
    base = Base(tmp_path / "home")
    with pytest.raises(RunError, match="awaits_people"):
        base.run(file, trust=True)
    rated(base, tmp_path)
    (candidate,) = base.run(file, trust=True).candidates
    first = candidate["criteria"][0]
    assert first["errors"] == 10 and first["outages"] == 0
    assert first["verdict"] != "meets"
    (part,) = candidate["beside"]["audits"][0]["parts"]
    assert part["silent"] == 0
