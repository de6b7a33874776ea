"""Limits: what is not named stays, one unit can be lifted, what holds nothing is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pilotbase.catalog.parties.events import PartyAdded
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.text import Language
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.serve.metering import verbs
from tests.serve.metering.kit import BY

WHO = {"as_": "zhao", "reason": "the year's budget"}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    made = Context(tmp_path_factory.mktemp("limits") / "home")
    with open_record(made) as record:
        record.append(Draft(PartyAdded("zhao", "person", 1), BY, "party:zhao"))
    return made


def limit(context: Context, per: str = "P1M", **said: Any) -> verbs.LimitResponse:
    return verbs.limit(context, verbs.LimitRequest("party:zhao", per, **WHO, **said))


def shown(found: verbs.LimitResponse, language: Language, capsys: Any) -> str:
    from pilotbase.faces.cli.show import show

    show("gateway.limit", found, language)
    return str(capsys.readouterr().out)


def test_only_what_is_named_changes(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    limit(context, requests=5, tokens=100)
    found = limit(context, money="9.00 CNY")
    assert (found.requests, found.tokens, found.money) == (5, 100, "9.00 CNY")
    assert found.in_force == ({"per": "P1M", "requests": 5, "tokens": 100, "money": "9.00 CNY"},)
    found = limit(context, lift="tokens", requests=6)
    assert (found.requests, found.tokens, found.money) == (6, None, "9.00 CNY")
    none = limit(context, "total", requests=0)
    assert "in all (total): at most 0 calls" in (said := shown(none, "en", capsys))
    assert "Nothing more is let in" in said and "--per total --lift requests" in said
    assert "each calendar month (P1M): at most 6 calls, 9.00 CNY" in said
    assert "不再受理" in shown(none, "zh", capsys)
    gone = limit(context)
    assert (gone.requests, gone.money) == (None, None) and len(gone.in_force) == 1
    assert "no limit any more" in shown(gone, "en", capsys)
    assert limit(context, "total", lift="requests").in_force == ()


def test_what_cannot_be_lifted_or_charged(context: Context) -> None:
    for said, words in (
        ({"lift": "calls"}, "calls: this cannot be lifted"),
        ({"lift": "money", "money": "1.00 CNY"}, "money: this cannot be lifted"),
        ({"money": "1.00 ZZZ"}, "ZZZ is no currency"),
    ):
        with pytest.raises(InputError, match=words):
            limit(context, **said)


def test_a_file_that_is_none_of_ours_is_not_replaced(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "thesis.txt"
    file.write_text("years of work", "utf-8")
    with pytest.raises(InputError, match="not replaced"):
        verbs.usage(context, verbs.UsageRequest(focus=file))
    assert file.read_text("utf-8") == "years of work"
    own = tmp_path / "focus.csv"
    assert not verbs.usage(context, verbs.UsageRequest(focus=own)).focus_replaced
    assert verbs.usage(context, verbs.UsageRequest(focus=own)).focus_replaced
