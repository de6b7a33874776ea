"""A guarded service with hand-off in gateway processes of its own, that are killed again and again
while calls wait."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from pilotbase.record.rules.note import VerifierKey
from pilotbase.serve.metering.reconcile import unsettled
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.metering.verifying import verify
from pilotbase.serve.people import verbs
from pilotbase.serve.routes.offer import offer
from pilotbase.serve.rules.receipt import check
from tests.serve.routes.making import base
from tests.serve.running.gateway import Gateway, gateway, until, upstream

SHEET = """\
gateway: 1
reason: looked at first
services:
  - filing: advice-logit-1
    upstreams:
      - {id: east, kind: chat, url: "%s", model: m, private: true, declared: same}
    guards: {personal_data: {}}
    handoff:
      before: {flags: ["personal_data:*"]}
      after: {flags: ["personal_data:*"]}
      people: [person-1]
"""
FLAGGED, PLAIN = "call 13800138000", "hello"


def asked(address: str, key: str, path: str, words: str = "") -> tuple[int, dict[str, str], Any]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    messages = [{"role": "user", "content": words}]
    body = {"model": "advice-logit", "messages": messages} if words else None
    data = None if body is None else json.dumps(body).encode()
    made = urllib.request.Request(address + path, data, {**headers, "pilotbase-receipt": "signed"})
    try:
        with urllib.request.urlopen(made, timeout=20) as got:
            return got.status, dict(got.headers), json.loads(got.read())
    except HTTPError as error:
        return error.code, dict(error.headers), json.loads(error.read())


def kill(serving: Gateway) -> None:
    """The process that serves; its parent starts another."""
    (child,) = serving.children()
    os.kill(child, signal.SIGKILL)
    until(lambda: serving.children() not in ([child], []))
    until(lambda: _answers(serving))


def _answers(serving: Gateway) -> bool:
    try:
        return serving.get("/readyz")[0] == 200
    except OSError:
        return False


def test_parked_killed_decided_answered_and_receipted(tmp_path: Path) -> None:
    with base(tmp_path / "home", real_time=True) as made, upstream("east") as east:
        made.try_("logit")
        made.file()
        key = made.key("buyer", "serve.call.*")
        sheet = tmp_path / "sheet.yaml"
        sheet.write_text(SHEET % east.url, "utf-8")
        offer(made.record, made.context, sheet, "person-1")

        def say(usage: str, **how: bool) -> None:
            request = verbs.AnswerRequest(usage, "person-1", reason="no", **how)
            verbs.answer(made.context, request)

        def stages() -> dict[str, str]:
            waiting = verbs.queue(made.context, verbs.QueueRequest()).calls
            return {one["usage"]: one["stage"] for one in waiting}

        with gateway(made.context.home, "serve") as serving:

            def poll(usage: str) -> tuple[int, dict[str, str], Any]:
                return asked(serving.address, key, f"/calls/{usage}")

            for _ in range(2):
                assert asked(serving.address, key, "/v1/chat/completions", FLAGGED)[0] == 202
            kill(serving)
            one, two = stages()
            assert poll(one)[0] == 202
            say(one, approve=True)
            say(two, refuse=True)
            until(lambda: poll(two)[0] == 403)
            # asked now, by the second process, and what was answered is looked at as well
            until(lambda: poll(one)[0] == 202 and stages() == {one: "after"})
            kill(serving)
            say(one, approve=True)
            until(lambda: poll(one)[0] == 200)
            assert poll(one)[2]["choices"] and poll(two)[2]["error"] == "serve.person_refused"
            status, headers, _ = asked(serving.address, key, "/v1/chat/completions", PLAIN)
            assert status == 200
            three = headers["pilotbase-usage"]
            receipt = asked(serving.address, key, f"/receipts/{three}")[2]
        found = check(receipt, VerifierKey.parse(made.record.vkey))
        assert found.problem is None and found.receipt is not None
        assert found.receipt["scanned"] == ["personal_data: request, answer"]
        with usage_of(made.record) as db:
            rows = {
                row[0]: row[1:] for row in db.execute("SELECT usage_id, outcome, nano FROM usage")
            }
        assert {usage: said[0] for usage, said in rows.items()} == {
            one: "served", two: "refused", three: "served",
        }  # fmt: skip
        assert rows[one] == rows[three] and rows[one][1] > 0 == rows[two][1]
        assert verify(made.record).ok and unsettled(made.record) == []
