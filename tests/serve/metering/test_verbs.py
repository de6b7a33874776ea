"""Limits, usage, reconciling and checking as people ask for them."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from pilotbase.catalog.parties.events import PartyAdded
from pilotbase.faces.cli.show import show
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.call import Tariff, Usage
from pilotbase.serve.metering import verbs
from pilotbase.serve.rules.focus import COLUMNS
from tests.serve.metering.kit import (
    BY,
    FEN,
    PAID,
    RESERVED,
    USED,
    begun,
    call,
    known,
    metering,
    route,
    run,
)

CRASH = """
import asyncio, os, signal, sys
from pathlib import Path
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from tests.serve.metering.kit import begun, call, metering

async def main():
    with open_record(Context(Path(sys.argv[1]))) as record:
        async with metering(record) as opened:
            for _ in range(2):
                assert await begun(opened.meter, call()) is None
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A home with a person and a body."""
    made = Context(tmp_path / "home")
    with open_record(made) as record:
        parties = [
            PartyAdded("zhao", "person", 1),
            PartyAdded("bureau", "body", 1, {"en": "Bureau", "zh": "局"}, principal="zhao"),
        ]
        record.append_many([Draft(one, BY, f"party:{one.party}") for one in parties])
        known(record)
    return made


def serve(context: Context) -> None:
    """Two calls served, one cut, one of another service by the case."""

    async def work(record: Record) -> None:
        async with metering(record) as opened:
            by_case = route(Tariff("EUR", case=3 * FEN), "count-2")
            for outcome, of, usage in (
                ("served", route(), USED),
                ("served", route(), USED),
                ("cut", route(), USED),
                ("served", by_case, Usage(cases=7)),
            ):
                one = call(of=of, most=Usage(500, 1_000, 9))
                assert await begun(opened.meter, one) is None
                one.upstream = "first"
                opened.meter.settle(one, usage, outcome)  # type: ignore[arg-type]

    run(context.home, work)


def test_usage_is_summed_up(context: Context, tmp_path: Path) -> None:
    serve(context)
    (count, line) = verbs.usage(context, verbs.UsageRequest()).rows
    assert (count["service"], count["cases"], count["charged"]) == ("count", 7, "0.21 EUR")
    assert (line["service"], line["calls"], line["unsettled"]) == ("line", 3, 0)
    assert line["charged"] == "0.04135 CNY" and line["of_it_unsettled"] == "0.00 CNY"
    assert line["input_tokens"] == 300
    of = {"line-1/first", "count-2/first"}
    for by, names in (("party", {"agent"}), ("key", {"a1"}), ("upstream", of)):
        rows = verbs.usage(context, verbs.UsageRequest(by=by)).rows  # type: ignore[arg-type]
        assert {one[by] for one in rows} == names and len(rows) == 2
    calls = verbs.usage(context, verbs.UsageRequest(by="call")).rows
    assert sorted(one["outcome"] for one in calls) == ["cut", "served", "served", "served"]
    (one,) = verbs.usage(context, verbs.UsageRequest(by="call", call=calls[0]["call"])).rows
    assert one == calls[0]
    assert verbs.usage(context, verbs.UsageRequest(until="2020-01-01T00:00:00Z")).rows == ()
    with pytest.raises(InputError, match="no moment"):
        verbs.usage(context, verbs.UsageRequest(since="yesterday"))


def test_a_bill_is_made_from_the_journals_and_not_from_a_cache(
    context: Context, tmp_path: Path
) -> None:
    """Who used what is moved within the cache, and all of its sums stay as they were."""
    serve(context)
    whole = verbs.usage(context, verbs.UsageRequest(by="party")).rows
    with closing(sqlite3.connect(context.home / "usage" / "usage.db")) as cache, cache:
        cache.execute("UPDATE terms SET holder = 'another'")
    moved = verbs.usage(context, verbs.UsageRequest(by="party")).rows
    assert {one["party"] for one in moved} == {"another"}  # what the pages on usage warn of
    billed = verbs.usage(context, verbs.UsageRequest(by="party", focus=tmp_path / "bill.csv"))
    assert billed.rows == whole and billed.focus_rows
    assert "another" not in (tmp_path / "bill.csv").read_text("utf-8")


def test_focus_rows_add_up(context: Context, tmp_path: Path) -> None:
    """Every product matches, and the costs are what the calls come to."""
    serve(context)
    file = tmp_path / "usage.csv"
    found = verbs.usage(context, verbs.UsageRequest(focus=file))
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert len(rows) == found.focus_rows and tuple(rows[0]) == COLUMNS
    for row in rows:
        assert row["ChargeCategory"] == "Usage" and row["PublisherName"]
        product = Decimal(row["PricingQuantity"]) * Decimal(row["ListUnitPrice"])
        assert product == Decimal(row["BilledCost"]) == Decimal(row["EffectiveCost"])
    costs = {
        currency: sum(Decimal(r["BilledCost"]) for r in rows if r["BillingCurrency"] == currency)
        for currency in ("CNY", "EUR")
    }
    assert sum(int(row["x_Calls"]) for row in rows) == 4
    subcategories = {(row["ServiceName"], row["ServiceSubcategory"]) for row in rows}
    assert subcategories == {("line", "Generative AI"), ("count", "Generative AI")}
    cut = PAID - 2 * FEN
    assert costs == {"CNY": Decimal(2 * PAID + cut) / 10**9, "EUR": Decimal("0.21")}


def test_calls_that_come_to_nothing_are_on_no_row(context: Context, tmp_path: Path) -> None:
    """Also where others of their day, key and outcome cost something; calls stand by number."""

    async def work(record: Record) -> None:
        async with metering(record) as opened:
            for n in range(11):
                one = call()
                assert await begun(opened.meter, one) is None
                opened.meter.settle(one, Usage() if n else USED, "cut")

    run(context.home, work)
    with pytest.raises(InputError, match="there is no folder"):
        verbs.usage(context, verbs.UsageRequest(focus=tmp_path / "none" / "usage.csv"))
    assert not (tmp_path / "none").exists()
    file = tmp_path / "usage.csv"
    found = verbs.usage(context, verbs.UsageRequest(by="call", focus=file))
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert sum(int(row["x_Calls"]) for row in rows) == 1
    numbers = [int(one["call"].rpartition("-")[2]) for one in found.rows]
    assert numbers == list(range(1, 12))


def test_limits_are_set_by_people(context: Context) -> None:
    wrong = [
        ("party:burau", {}, "Did you mean 'party:bureau'"),
        ("bureau", {}, "Did you mean 'party:bureau'"),
        ("key:bureau", {}, "Did you mean 'party:bureau'"),
        ("party:nope", {}, "Write key:…, party:…"),
        ("party:bureau", {"as_": "chen"}, "no person"),
        ("party:bureau", {"as_": "bureau"}, "no person"),
        ("party:bureau", {"reason": " "}, "a reason is needed"),
        ("party:bureau", {"per": "P1W"}, "no window"),
        ("party:bureau", {"money": "ten"}, "this is no limit"),
        ("party:bureau", {"requests": -1}, "this is no limit"),
    ]
    for account, changed, words in wrong:
        asked = {"as_": "zhao", "reason": "the year's budget", "money": "5.00 CNY", **changed}
        with pytest.raises(InputError) as error:
            verbs.limit(context, verbs.LimitRequest(account, **asked))  # type: ignore[arg-type]
        assert words in error.value.render("en")
    said = {"as_": "zhao", "reason": "the year's budget"}
    verbs.limit(context, verbs.LimitRequest("party:bureau", "P1M", money="5.00 CNY", **said))  # type: ignore[arg-type]
    (row,) = verbs.limits(context, verbs.LimitsRequest()).limits
    assert (row["most"]["en"], row["used_or_held"]["zh"]) == ("5.00 CNY", "0.00 CNY")
    serve_one(context)
    (row,) = verbs.limits(context, verbs.LimitsRequest()).limits
    assert row["used_or_held"]["en"] == "0.02045 CNY"
    verbs.limit(context, verbs.LimitRequest("party:bureau", "P1M", **said))  # type: ignore[arg-type]
    assert verbs.limits(context, verbs.LimitsRequest()).limits == ()
    verbs.limit(context, verbs.LimitRequest("party:bureau", "P1M", money="5.00 CNY", **said))  # type: ignore[arg-type]
    assert len(verbs.limits(context, verbs.LimitsRequest()).limits) == 1, "set back again"


def serve_one(context: Context) -> None:
    async def work(record: Record) -> None:
        async with metering(record) as opened:
            one = call()
            assert await begun(opened.meter, one) is None
            opened.meter.settle(one, USED, "served")

    run(context.home, work)


def test_what_a_crash_left_is_decided_by_a_person(
    context: Context, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"as_": "zhao", "reason": "the upstream's log shows no answer"}
    limit = verbs.LimitRequest("party:bureau", money="5.00 CNY", **said)  # type: ignore[arg-type]
    verbs.limit(context, limit)
    env = {"PYTHONPATH": ":".join([os.getcwd(), *filter(None, sys.path)])}
    subprocess.run([sys.executable, "-c", CRASH, str(context.home)], env=env, check=False)
    found = verbs.reconcile(context, verbs.ReconcileRequest())
    assert len(found.completed) == 1 and len(found.calls) == 2
    assert [one["charged"] for one in found.calls] == ["0.02225 CNY"] * 2
    (row,) = verbs.usage(context, verbs.UsageRequest()).rows
    assert (row["unsettled"], row["charged"]) == (2, "0.0445 CNY")
    report = verbs.verify(context, verbs.VerifyRequest())
    assert (report.decided, report.reserved) == ({}, {"CNY": row["charged"]})
    with pytest.raises(InputError, match="no person"):
        verbs.reconcile(context, verbs.ReconcileRequest("nothing"))
    first, second = (one["usage_id"] for one in found.calls)
    verbs.reconcile(context, verbs.ReconcileRequest("nothing", first, **said))
    verbs.reconcile(context, verbs.ReconcileRequest("reserved", second, **said))
    assert verbs.reconcile(context, verbs.ReconcileRequest()).calls == ()
    with pytest.raises(InputError, match="no unsettled call"):
        verbs.reconcile(context, verbs.ReconcileRequest("nothing", first, **said))
    (row,) = verbs.usage(context, verbs.UsageRequest()).rows
    assert (row["unsettled"], row["charged"]) == (0, "0.02225 CNY")
    (held,) = verbs.limits(context, verbs.LimitsRequest()).limits
    assert held["used_or_held"]["en"] == "0.02225 CNY"
    file = tmp_path / "focus.csv"
    verbs.usage(context, verbs.UsageRequest(focus=file))
    (adjusted,) = csv.DictReader(file.read_text("utf-8").splitlines())
    assert (adjusted["ChargeCategory"], adjusted["BilledCost"]) == ("Adjustment", "0.02225")
    report = verbs.verify(context, verbs.VerifyRequest())
    assert report.ok and report.exit_code == 0 and report.calls == 2
    assert (report.sums, report.decided, report.reserved) == ({}, {"CNY": "0.02225 CNY"}, {})
    show("gateway.verify", report, "en")
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("1 journal, 1 segment (1 sealed), 4 records: 2 calls, 0 settled, 0")
    assert "0.02225 CNY as people decided of unsettled calls, 0 still reserved" in said
    assert RESERVED == 22_250_000


def test_the_command_line_says_it_in_both_languages(context: Context) -> None:
    serve_one(context)
    words = [sys.executable, "-m", "pilotbase.main", "gateway"]

    def said(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words, *more, "--home", str(context.home)],
            capture_output=True,
            text=True,
            check=False,
        )

    assert "0.02045 CNY" in said("usage", "--lang", "zh").stdout
    (segment,) = (context.home / "usage").glob("*/*.seg")
    data = bytearray(segment.read_bytes())
    data[-1] ^= 1
    segment.write_bytes(data)
    found = said("verify", "--json")
    assert found.returncode == 3
    assert json.loads(found.stdout)["findings"][0]["record"] == 3
    assert json.loads(found.stdout)["partial"]
    assert "· record 3 · byte " in said("verify").stdout
    refused = said("usage")
    assert refused.returncode == 3 and segment.name in refused.stderr
    assert "pilotbase gateway verify" in refused.stderr
