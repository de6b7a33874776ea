"""A guarded service with hand-off in a gateway process of its own, over a kill of that process."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from pilotbase.record.rules.note import VerifierKey
from pilotbase.serve.people import verbs
from pilotbase.serve.routes.offer import offer
from pilotbase.serve.rules.receipt import check
from tests.serve.routes.making import base
from tests.serve.running.gateway import gateway, upstream

SHEET = """\
gateway: 1
reason: looked at first
services:
  - filing: advice-logit-1
    upstreams:
      - {id: east, kind: chat, url: "%s", model: m, private: true}
    guards: {personal_data: {}}
    handoff: {before: {flags: ["personal_data:*"]}, people: [person-1]}
"""


def asked(address: str, key: str, path: str, body: Any = None) -> tuple[int, dict[str, str], Any]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    made = urllib.request.Request(address + path, data, {**headers, "pilotbase-receipt": "signed"})
    try:
        with urllib.request.urlopen(made, timeout=20) as got:
            return got.status, dict(got.headers), json.loads(got.read())
    except HTTPError as error:
        return error.code, dict(error.headers), json.loads(error.read())


def test_parked_killed_decided_answered_and_receipted(tmp_path: Path) -> None:
    with base(tmp_path / "home", real_time=True) as made, upstream("east") as east:
        made.try_("logit")
        made.file()
        key = made.key("buyer", "serve.call.*")
        sheet = tmp_path / "sheet.yaml"
        sheet.write_text(SHEET % east.url, "utf-8")
        offer(made.record, made.context, sheet, "person-1")
        messages = [{"role": "user", "content": "call 13800138000"}]
        body = {"model": "advice-logit", "messages": messages}
        with gateway(made.context.home, "serve") as first:
            status, headers, _ = asked(first.address, key, "/v1/chat/completions", body)
            assert status == 202
            where = headers["location"]
            assert asked(first.address, key, where)[0] == 202
        (waiting,) = verbs.queue(made.context, verbs.QueueRequest()).calls
        assert waiting["why"] == ["flag:personal_data:mobile"]
        usage = waiting["usage"]
        verbs.answer(made.context, verbs.AnswerRequest(usage, "person-1", approve=True))
        with gateway(made.context.home, "serve") as second:
            until = time.monotonic() + 90
            while (got := asked(second.address, key, where))[0] == 202:
                assert time.monotonic() < until
                time.sleep(0.5)
            assert got[0] == 200 and got[2]["choices"]
            body["messages"] = [{"role": "user", "content": "hello"}]
            status, headers, _ = asked(second.address, key, "/v1/chat/completions", body)
            assert status == 200
            receipt = asked(second.address, key, "/receipts/" + headers["pilotbase-usage"])[2]
        found = check(receipt, VerifierKey.parse(made.record.vkey))
        assert found.problem is None and found.receipt is not None
        assert found.receipt["scanned"] == ["personal_data: request, answer"]
