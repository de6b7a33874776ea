"""What is printed of drills and of calls under way: what was charged, and one is no several."""

from __future__ import annotations

import pytest

from pilotbase.faces.cli.show import show
from pilotbase.serve.metering.verbs import LimitsResponse
from pilotbase.serve.routes.verbs import DrillResponse
from pilotbase.serve.telemetry.verbs import CallsResponse


def test_only_what_was_served_is_charged(capsys: pytest.CaptureFixture[str]) -> None:
    found = {
        "filing": "line-1", "upstream": "east", "seconds": 2, "asked": 20, "served": 1,
        "gap_ms": 1900, "by_filing": {"line-1": 1}, "refusals": {"serve.limit_reached": 19},
        "calls": 21, "key": "a1",
    }  # fmt: skip
    show("gateway.drill", DrillResponse(found, 7), "en")
    said = " ".join(capsys.readouterr().out.split())
    assert "21 calls in all were made with the key a1; the 2 that were served are charged" in said
    show("gateway.drill", DrillResponse(found, 7), "zh")
    assert "调用 21 次, 其中得到应答的 2 次计费" in capsys.readouterr().out.replace("\n", "")


def test_one_process_is_no_several(capsys: pytest.CaptureFixture[str]) -> None:
    show("gateway.calls", CallsResponse(("4f1c9a2b7d3e",), (), ()), "en")
    assert "0 calls under way (1 process)." in capsys.readouterr().out


def test_the_window_that_never_ends_is_named_in_both_languages(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    amount = {"en": "5.00 CNY", "zh": "5.00 CNY"}
    one = {"account": "party:bureau", "per": "total", "most": amount, "used_or_held": amount,
           "since": "2026-11-22T00:00:00Z", "by": "zhao", "journals_say": None}  # fmt: skip
    show("gateway.limits", LimitsResponse((one,)), "zh")
    assert "总额 (total)" in capsys.readouterr().out
    show("gateway.limits", LimitsResponse(({**one, "per": "P1D"},)), "zh")
    assert "P1D" in capsys.readouterr().out
