"""`pilotbase serve` as its operator has it: two processes, reload, a crash, a stop, a drill."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.register.filings import act
from pilotbase.serve.metering.verbs import LimitRequest, limit
from pilotbase.serve.routes.offer import offer
from pilotbase.serve.routes.verbs import DrillRequest, DrillResponse, drill
from tests.serve.routes.making import Base, base
from tests.serve.running.gateway import Gateway, Upstream, gateway, until, upstream

SHEET = """\
gateway: 1
reason: two providers
services:
  - filing: advice-logit-1
    upstreams:
      - {id: east, kind: chat, url: "%s", model: m, private: true, declared: same}
      - {id: west, kind: chat, url: "%s", model: m, private: true, declared: same}
"""


@dataclass
class Stand:
    """A gateway with two upstreams, and who may call it."""

    context: Context
    gateway: Gateway
    east: Upstream
    key: str


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Base, str]]:
    with base(tmp_path_factory.mktemp("serve") / "home", real_time=True) as made:
        made.try_("logit", "forest")
        made.file()
        yield made, made.key("buyer", "serve.call.*")


@pytest.fixture(scope="module")
def stand(home: tuple[Base, str]) -> Iterator[Stand]:
    made, key = home
    with upstream("east") as east, upstream("west") as west:
        sheet = made.context.home / "sheet.yaml"
        sheet.write_text(SHEET % (east.url, west.url), "utf-8")
        offer(made.record, made.context, sheet, "person-1")
        loose = SHEET.replace("advice-logit-1", "sketch") % (east.url, west.url)
        sheet.write_text(loose, "utf-8")
        offer(made.record, made.context, sheet, "person-1", development=True)
        words = ("--workers", "2", "--drain", "2", "--development")
        with gateway(made.context.home, "serve", *words) as found:
            yield Stand(Context(made.context.home), found, east, key)


def everywhere(stand: Stand, status: int) -> bool:
    """Whether all processes answer like that, as far as calls in a row can tell."""
    return all(stand.gateway.chat(stand.key, "advice-logit")[0] == status for _ in range(12))


def test_calls_go_to_both_upstreams_and_carry_the_receipt(stand: Stand) -> None:
    assert stand.gateway.ready["processes"] == 2 and len(stand.gateway.children()) == 2
    said = [stand.gateway.chat(stand.key, "advice-logit") for _ in range(8)]
    assert {status for status, _, _ in said} == {200}
    names = {body["choices"][0]["message"]["content"] for _, body, _ in said}
    assert names == {"east", "west"}
    headers = said[0][2]
    assert headers["pilotbase-filing"] == "advice-logit-1"
    assert (headers["pilotbase-principal"], headers["pilotbase-for"]) == ("maker", "buyer")
    assert headers["pilotbase-verify"] == "/register/advice-logit-1"
    assert headers["pilotbase-development"] is None


def test_what_is_not_filed_says_so_in_every_answer(stand: Stand) -> None:
    status, _, headers = stand.gateway.chat(stand.key, "sketch")
    assert (status, headers["pilotbase-development"]) == (200, "not filed")
    assert headers["pilotbase-principal"] == "person-1"


def test_a_gateway_process_is_small(stand: Stand) -> None:
    for pid in stand.gateway.children():
        status = Path(f"/proc/{pid}/status").read_text()
        resident = int(status.partition("VmRSS:")[2].split()[0])
        assert resident < 100_000, f"{resident} kB"
        maps = Path(f"/proc/{pid}/maps").read_text()
        assert not any(f"/{name}/" in maps for name in ("numpy", "pandas", "sklearn", "duckdb"))


def test_the_register_is_there_for_everybody(stand: Stand) -> None:
    assert stand.gateway.get("/healthz") == (200, '{"live":true}')
    status, said = stand.gateway.get("/readyz")
    assert status == 200 and json.loads(said)["ready"]
    (one,) = json.loads(stand.gateway.get("/register.json")[1])["filings"]
    assert one["filing"] == "advice-logit-1" and one["served"]["upstreams"] == ["east", "west"]
    status, page = stand.gateway.get("/register/advice-logit-1?lang=zh")
    assert status == 200 and "有效" in page and "负责方" in page and "<script" not in page
    status, page = stand.gateway.get("/register/advice-lojit")
    assert status == 404 and "no service is called" in page
    status, said = stand.gateway.get("/register/%3Cscript%3E.json")
    assert status == 404 and json.loads(said)["error"] == "serve.unknown_service"
    assert "&lt;script&gt;" in stand.gateway.get("/register/%3Cscript%3E")[1]
    assert "advice-logit-1" in stand.gateway.get("/register")[1]


def test_who_may_not_call_is_told_why(stand: Stand) -> None:
    status, body, _ = stand.gateway.chat("pbk_wrong", "advice-logit")
    assert (status, body["error"]["code"]) == (401, "serve.key_wrong")
    status, body, _ = stand.gateway.chat(stand.key, "advice-lojit")
    assert (status, body["error"]["code"]) == (404, "serve.unknown_service")
    assert body["error"]["message_zh"] and "register" not in body["error"]  # it has no page there


def test_a_process_that_is_killed_is_replaced(stand: Stand) -> None:
    before = stand.gateway.children()
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(set(stand.gateway.children()) - set(before)) == 1)
    for _ in range(4):
        assert stand.gateway.chat(stand.key, "advice-logit")[0] == 200


def test_a_reload_replaces_all_processes_and_loses_no_call(stand: Stand) -> None:
    before = set(stand.gateway.children())
    stand.gateway.signal(signal.SIGHUP)
    while before & set(stand.gateway.children()):
        assert stand.gateway.chat(stand.key, "advice-logit")[0] == 200
    assert len(stand.gateway.children()) == 2


def test_a_drill_is_measured_and_recorded(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOTBASE_KEY", stand.key)
    request = DrillRequest(
        "advice-logit-1", "east", seconds=2, pace=10, address=stand.gateway.address, as_="person-1"
    )
    found: DrillResponse = drill(stand.context, request)
    said = found.found
    assert (said["asked"], said["served"], said["refusals"]) == (20, 20, {})
    assert (said["calls"], said["key"]) == (21, stand.key.split("_")[1])
    assert said["by_filing"] == {"advice-logit-1": 20} and 0 < said["gap_ms"] < 2000
    with open_record(stand.context) as record:
        assert record.entry(found.entry).kind == "serve.drilled/1"
        assert record.entry(said["begun"]).body["upstream"] == "east"
        size = record.size
        monkeypatch.setenv("PILOTBASE_KEY", "pbk_wrong")
        with pytest.raises(RunError, match=r"serve\.drill_refused") as caught:
            drill(stand.context, replace(request, upstream="west"))
        assert "serve.key_wrong" in caught.value.message.zh and record.size == size


def test_a_limit_is_followed_and_lifted(stand: Stand) -> None:
    asked = LimitRequest("service:advice-logit", "P1D", requests=1, as_="person-2", reason="a test")
    limit(stand.context, asked)
    until(lambda: stand.gateway.chat(stand.key, "advice-logit")[0] == 429)
    limit(stand.context, replace(asked, requests=None))
    until(lambda: everywhere(stand, 200))


def test_a_stop_cuts_what_is_under_way_and_refuses_what_comes(stand: Stand) -> None:
    connection = stand.gateway.connection()
    asked = {"model": "advice-logit", "stream": True,
             "messages": [{"role": "user", "content": "go on"}]}  # fmt: skip
    headers = {"authorization": f"Bearer {stand.key}", "content-type": "application/json"}
    with contextlib.closing(connection):
        connection.request("POST", "/v1/chat/completions", json.dumps(asked), headers)
        answer = connection.getresponse()
        assert answer.status == 200 and b"word" in answer.read(200)
        with open_record(stand.context) as record:
            act(record, stand.context, "advice-logit-1", "stop", "regulator", reason="harm")
        with pytest.raises((OSError, http.client.HTTPException)):  # and never as if it were whole
            while answer.read(200):
                pass
    assert until(lambda: everywhere(stand, 410)) < 5
    status, body, _ = stand.gateway.chat(stand.key, "advice-logit-1")
    assert (status, body["error"]["code"]) == (410, "serve.stopped")
    assert body["error"]["register"] == "/register/advice-logit-1"
    assert "stopped" in stand.gateway.get("/register/advice-logit-1.json")[1]


def test_the_end_leaves_nothing_open(stand: Stand) -> None:
    children = stand.gateway.children()
    assert stand.gateway.end() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
