"""Asked case by case: many at once, settled in committed order, kept once, paid from one purse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog.table import Table
from pilotbase.kernel.verb import Context
from pilotbase.scenario.schema import Scenario
from pilotbase.trial import units
from pilotbase.trial.asking import Answered
from pilotbase.trial.budget import Purse
from pilotbase.trial.cases import FAULT, OK, OUTAGE, PENDING
from pilotbase.trial.endpoints.port import Case, Request, Response, Unanswered
from pilotbase.trial.journal import Journal, Kept
from pilotbase.trial.question import cases_of
from pilotbase.trial.respondent import Exchanges, Outage, Remote, Send
from pilotbase.trial.run import answer_all

ROWS = 60


@dataclass
class Scripted:
    """A respondent that answers at once, except where the test says otherwise."""

    slow: Mapping[int, float] = field(default_factory=dict)
    faults: frozenset[int] = frozenset()
    outages: frozenset[int] = frozenset()
    cost: float | None = None
    concurrency: int = 8
    asked: list[int] = field(default_factory=list)
    most: int = 0
    open_: int = 0

    async def open(self) -> None:
        self.open_ += 1

    async def answer(self, case: Case, send: Send) -> Kept:
        self.asked.append(case.row)
        self.most = max(self.most, case.row)
        await anyio.sleep(self.slow.get(case.row, 0.0))
        if case.row in self.outages:
            raise Outage("our cable")
        if case.row in self.faults:
            return Kept(None, "it said nothing")
        return Kept({"score": case.row / 100}, "", 5.0, self.cost)

    async def aclose(self) -> None:
        self.open_ -= 1


@pytest.fixture
def ask(
    scenario: Callable[..., Scenario],
    table: Callable[[pd.DataFrame], Table],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., Answered]:
    def asked(respondent: Scripted, journal: Journal, **fields: Any) -> Answered:
        monkeypatch.setattr(units, "respondent_of", lambda *_: respondent)
        decided = fields.pop("decided", None)
        # A price makes the run believe the answers' own costs.
        chat = {"url": "https://example.org/v1", "model": "m"}
        price = {"input": "1 CNY", "output": "1 CNY"}
        one = scenario(
            task="detection",
            target="sick",
            candidates=[{"id": "a", "chat": {**chat, "price": price}}],
            **fields,
        )
        frame = pd.DataFrame({"place": np.arange(ROWS), "sick": np.arange(ROWS) % 2})
        return answer_all(
            cases_of(one, table(frame)),
            one,
            np.arange(ROWS),
            journal=journal,
            context=Context(tmp_path),
            decided=decided,
        )["a"]

    return asked


def test_what_finishes_early_waits_for_its_turn(ask: Callable[..., Answered], journal: Journal):
    seen: list[int] = []

    def decided(candidate: str, answered: Answered) -> bool:
        seen.append(int((answered.predictions.status != PENDING).sum()))
        return False

    first_is_slow = Scripted(slow={0: 0.2})
    answered = ask(first_is_slow, journal, decided=decided)
    assert (answered.predictions.status == OK).all()
    assert seen == [25, 50, 60]
    # Before the first was there, only so many were asked as may wait.
    assert first_is_slow.asked[:32] == list(range(32))


def test_it_stops_when_all_is_decided_and_reads_no_further(
    ask: Callable[..., Answered], journal: Journal
):
    answered = ask(Scripted(), journal, decided=lambda *_: True)
    status = answered.predictions.status
    assert answered.decided and (status[:25] == OK).all() and (status[25:] == PENDING).all()
    # What was answered beyond is kept, and another run reads the same prefix.
    again = Scripted()
    assert (ask(again, journal, decided=lambda *_: True).predictions.status == status).all()
    assert again.asked == []


def test_whose_fault_it_is(ask: Callable[..., Answered], journal: Journal):
    troubled = Scripted(faults=frozenset({3}), outages=frozenset({7}))
    answered = ask(troubled, journal)
    status = answered.predictions.status
    assert status[3] == FAULT and status[7] == OUTAGE and (status == OK).sum() == ROWS - 2
    assert answered.predictions.problems == [(3, "it said nothing"), (7, "outage: our cable")]
    mended = Scripted()
    status = ask(mended, journal).predictions.status
    assert mended.asked == [7]  # our outage is asked again, its fault stays
    assert status[3] == FAULT and status[7] == OK


def test_all_answered_needs_nobody_to_be_there(ask: Callable[..., Answered], journal: Journal):
    ask(Scripted(), journal)
    gone = Scripted()
    gone.open = None  # type: ignore[method-assign,assignment]  # would fail if it were called
    assert (ask(gone, journal).predictions.status == OK).all()


def test_answers_that_cost_stop_at_the_budget(ask: Callable[..., Answered], journal: Journal):
    dear = Scripted(cost=100.0, concurrency=4)
    answered = ask(dear, journal, plan={"budget": {"money": "20.00 CNY"}})
    status = answered.predictions.status
    paid = int((status == OK).sum())
    assert answered.cut == "money" and paid == 20 and len(dear.asked) == 20
    assert (status[:paid] == OK).all() and (status[paid:] == OUTAGE).all()
    assert answered.predictions.cost[:paid].tolist() == [100.0] * paid


def test_time_that_is_up_loses_no_answer(ask: Callable[..., Answered], journal: Journal):
    stuck = Scripted(slow={0: 60.0})
    answered = ask(stuck, journal, plan={"budget": {"minutes": 0.02}})
    status = answered.predictions.status
    assert answered.cut == "minutes" and status[0] == OUTAGE
    assert (status[1:32] == OK).all() and (status[33:] == OUTAGE).all()


def test_looks_are_often_and_few():
    assert sorted(units.looks(60)) == [25, 50, 60]
    assert units.looks(0) == frozenset()
    many = sorted(units.looks(100_000))
    assert many[-1] == 100_000 and len(many) < 80
    assert all(b - a <= max(25, 0.11 * a) for a, b in pairwise(many))


@pytest.mark.parametrize("concurrency", [1, 8, 256])
def test_one_dear_answer_is_all_that_can_overdraw(
    ask: Callable[..., Answered], journal: Journal, concurrency: int
):
    dear = Scripted(cost=28.0, concurrency=concurrency)
    answered = ask(dear, journal, plan={"budget": {"money": "0.01 CNY"}})
    assert answered.cut == "money" and dear.asked == [0]


def test_a_budget_that_reaches_to_the_last_answer_cuts_nothing(
    ask: Callable[..., Answered], journal: Journal
):
    answered = ask(Scripted(cost=100.0), journal, plan={"budget": {"money": f"{ROWS}.00 CNY"}})
    assert answered.cut == "" and (answered.predictions.status == OK).all()


def test_answers_without_a_price_are_asked_at_once_under_a_budget_too(
    ask: Callable[..., Answered], journal: Journal
):
    free = Scripted(faults=frozenset({0}), slow=dict.fromkeys(range(1, ROWS), 0.2), concurrency=60)
    answered = ask(free, journal, plan={"budget": {"money": "1.00 CNY", "minutes": 0.05}})
    assert answered.cut == "" and len(free.asked) == ROWS


def test_a_purse_sets_aside_what_is_under_way():
    purse = Purse(100)
    assert purse.take("a") and not purse.take("a")  # nothing is known of the price yet
    assert purse.take("b")
    purse.pay(30.0)
    purse.settle("a")
    assert purse.take("a") and not purse.take("a") and not purse.empty
    purse.settle("a")
    purse.settle("b")
    purse.pay(None)
    assert purse.spent == 30.0 and not purse.empty
    purse.pay(71.0)
    assert purse.empty and not purse.take("a")
    assert Purse(None, 1e9).take("a") and not Purse(None, 1e9).empty


@dataclass
class Slow:
    """An endpoint that counts what is sent."""

    ours: bool = False
    down: bool = False
    concurrency: int = 4
    sent: int = 0

    async def open(self) -> None: ...
    async def aclose(self) -> None: ...

    def request(self, case: Case) -> Request:
        return Request(f"sha256:{case.row % 2}", b"?")

    async def send(self, request: Request, seconds: float) -> Response:
        self.sent += 1
        await anyio.sleep(0.01)
        if self.down:
            raise Unanswered("nobody there")
        return Response(request.body, "text/plain", 10.0)

    def read(self, case: Case, response: Response) -> Mapping[str, Any]:
        return {"score": 0.5}

    def price(self, fields: Mapping[str, Any], request: Request | None = None) -> float | None:
        return None


async def answers(endpoint: Slow, journal: Journal, rows: int = 6) -> list[Kept]:
    exchanges, remote = Exchanges(journal, 5.0), Remote(endpoint)
    found: dict[int, Kept] = {}

    async def one(row: int) -> None:
        found[row] = await remote.answer(Case({}, row=row), exchanges.send)

    async with anyio.create_task_group() as group:
        for row in range(rows):
            group.start_soon(one, row)
    return [found[row] for row in range(rows)]


def test_identical_requests_are_sent_once(journal: Journal):
    endpoint = Slow()
    first = anyio.run(answers, endpoint, journal)
    assert endpoint.sent == 2 and [k.requests for k in first[:2]] == [("sha256:0",), ("sha256:1",)]
    again = Slow()
    assert anyio.run(answers, again, journal) == first and again.sent == 0


def test_an_endpoint_that_was_down_is_not_asked_again(journal: Journal):
    endpoint = Slow(down=True)
    kept = anyio.run(answers, endpoint, journal)
    assert {k.reason for k in kept} == {"nobody there"} and endpoint.sent == 2
    assert anyio.run(answers, endpoint, journal) == kept and endpoint.sent == 2


def test_our_own_endpoint_that_is_down_is_an_outage(journal: Journal):
    endpoint = Slow(down=True, ours=True)
    with pytest.raises(BaseExceptionGroup) as caught:
        anyio.run(answers, endpoint, journal)
    assert caught.group_contains(Outage, match="nobody there")
    assert journal.exchange("sha256:0") is None
