"""Whatever an upstream does: one clear error, one right row in the journal; the next is served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.serve.faults.villain import STREAMS, WHOLE, Stand
from tests.serve.running.gateway import until

LATE = {"hangs", "drips its head", "drips its body"}
RESIDENT_KB_MAX = 110_000


def last_row(stand: Stand) -> dict[str, object]:
    until(lambda: not stand.calls()["live"])
    row: dict[str, object] = stand.calls()["ended"][-1]
    return row


@pytest.mark.parametrize("name", WHOLE)
def test_a_broken_answer(stand_: Stand, name: str) -> None:
    status, body, whole = stand_.call(name)
    said = json.loads(body)["error"]
    assert status == (504 if name in LATE else 502) and whole, said
    assert said["code"].startswith("serve.upstream") and said["message_zh"] and said["register"]
    row = last_row(stand_)
    assert (row["outcome"], row["code"]) == ("failed", said["code"])
    assert row["charge"] == "0.00 CNY" and row["output_tokens"] == 0
    assert stand_.call()[0] == 200


@pytest.mark.parametrize("name", STREAMS)
def test_a_broken_stream(stand_: Stand, name: str) -> None:
    status, body, whole = stand_.call(name, stream=True)
    assert b"[DONE]" not in body and not (status == 200 and whole)
    row = last_row(stand_)
    assert row["outcome"] == "failed" and row["charge"] == "0.00 CNY"
    assert stand_.call(stream=True)[:1] == (200,)


def test_the_gateway_is_as_it_was_and_so_is_the_journal(stand_: Stand) -> None:
    """Bombs and floods leave nothing behind; what was seen is what is billed."""
    for name in ("gzip bomb", "100 MB", "two answers"):
        assert stand_.call(name)[0] == 502
        assert stand_.call()[0] == 200
    (child,) = stand_.gateway.children()
    status = Path(f"/proc/{child}/status").read_text()
    assert int(status.partition("VmRSS:")[2].split()[0]) < RESIDENT_KB_MAX
    until(lambda: all(not row["unsettled"] for row in stand_.used()))
    seen = {row["usage"]: row for row in stand_.calls()["ended"]}
    used = {row["call"]: row for row in stand_.used()}
    assert used.keys() == seen.keys()
    for usage, row in used.items():
        assert row["outcome"] == seen[usage]["outcome"]
        assert row["output_tokens"] == seen[usage]["output_tokens"]
