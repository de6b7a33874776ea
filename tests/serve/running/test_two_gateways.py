"""Two gateways in homes of their own on one PostgreSQL: one budget, one stop, one order once."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from pilotbase.kernel.verb import Context
from pilotbase.record import stores
from pilotbase.record.audit import verify as audited
from pilotbase.record.opened import open_record
from pilotbase.serve.metering.verifying import verify
from pilotbase.serve.routes.offer import offer
from tests.record.cluster import MISSING, programs, running
from tests.serve.metering.kit import limit
from tests.serve.routes.making import Base, base
from tests.serve.running.gateway import Gateway, gateway, until, upstream

CALLERS, BUDGET = 24, 10
SHEET = """\
gateway: 1
reason: one provider
services:
  - filing: advice-logit-1
    upstreams: [{id: one, kind: chat, url: "%s", model: m, private: true, declared: same}]
"""


@dataclass
class Two:
    made: Base
    gateways: tuple[Gateway, Gateway]
    homes: tuple[Path, Path]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = programs()
    if folder is None:
        assert not os.environ.get("CI"), MISSING
        pytest.skip(MISSING)
    place = tmp_path_factory.mktemp("two")
    with running(folder) as started, upstream("one") as found:
        for name in ("a", "b"):
            (place / name).mkdir()
            stores.choose(place / name, stores.Postgres(started.dsn, "gateways"))
        with base(place / "a", real_time=True) as made:
            made.try_("logit")
            made.file()
            sheet = place / "sheet.yaml"
            sheet.write_text(SHEET % found.url, "utf-8")
            offer(made.record, made.context, sheet, "person-1")
            with gateway(place / "a", "serve") as one, gateway(place / "b", "serve") as other:
                yield Two(made, (one, other), (place / "a", place / "b"))


def asked(gateway: Gateway, key: str, **headers: str) -> tuple[int, str]:
    """Status and usage id."""
    body = json.dumps({"model": "advice-logit", "messages": []})
    said = {"authorization": f"Bearer {key}", "content-type": "application/json", **headers}
    connection = gateway.connection()
    with contextlib.closing(connection):
        connection.request("POST", "/v1/chat/completions", body, said)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("pilotbase-usage", "")


def known_to_both(two: Two, key: str) -> None:
    """Until both have read the record so far: this key opens at each."""
    for one in two.gateways:
        until(lambda one=one: asked(one, key)[0] != 401)  # type: ignore[misc]


def test_callers_of_both_cannot_overdraw_one_budget(two: Two) -> None:
    key = two.made.key()
    limit(two.made.record, f"key:{key.split('_')[1]}", "P1D", requests=BUDGET)
    known_to_both(two, two.made.key())
    with ThreadPoolExecutor(CALLERS) as pool:
        said = list(pool.map(lambda n: asked(two.gateways[n % 2], key)[0], range(2 * CALLERS)))
    assert set(said) == {200, 429} and said.count(200) <= BUDGET
    # What one had leased and not used comes back: in the end exactly the budget is served.
    served = said.count(200)
    while served < BUDGET:
        until(lambda: any(asked(one, key)[0] == 200 for one in two.gateways))
        served += 1
    assert {asked(one, key)[0] for one in two.gateways} == {429}


def test_an_order_is_carried_out_once_whichever_is_asked(two: Two) -> None:
    key = two.made.key()
    known_to_both(two, key)
    order = {"Idempotency-Key": "one order"}
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda n: asked(two.gateways[n % 2], key, **order)[0], range(8)))
    assert Counter(said) == {200: 1, 409: 7}


def test_a_stop_at_one_closes_both_and_each_accounts_for_its_own(two: Two) -> None:
    key = two.made.key()
    known_to_both(two, key)
    assert [asked(one, key)[0] for one in two.gateways] == [200, 200]
    two.made.act("advice-logit-1", "stop")
    for one in two.gateways:
        until(lambda one=one: asked(one, key)[0] == 410)  # type: ignore[misc]
        assert one.end() == 0
    for home in two.homes:
        with open_record(Context(home)) as record:
            found = verify(record)
        assert found.ok and found.intents == found.settled and found.journals == 1
        assert len(found.elsewhere) == 1
    # The gateways' ledger stands in the record's schema too, and is none of its faults.
    assert audited(two.made.record).ok
