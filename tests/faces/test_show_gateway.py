"""What is printed of drills and of calls under way: what was charged, and one is no several."""

from __future__ import annotations

import pytest

from pilotbase.faces.cli.show import show
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
