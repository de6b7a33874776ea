"""What an operator sees of two gateway processes: metrics, live calls, readiness, logs, spans."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pilotbase.kernel.verb import Context
from pilotbase.main import _invoke, commands
from pilotbase.serve.routes.offer import offer
from pilotbase.serve.telemetry import genai
from tests.serve.routes.making import base
from tests.serve.running.gateway import Gateway, gateway, until, upstream
from tests.serve.telemetry.collector import Collector, collector, plain
from tests.serve.telemetry.scrape import Metric, read

SHEET = """\
gateway: 1
reason: one that answers and one that is down
services:
  - filing: advice-logit-1
    upstreams: [{id: one, kind: chat, url: "%s", model: m, private: true, declared: same}]
  - filing: advice-forest-1
    upstreams:
      - {id: gone, kind: chat, url: "http://127.0.0.1:%d/v1", model: m, private: true,
         declared: same}
"""


EXPORT = {
    "OTEL_SERVICE_NAME": "town-gateway",
    "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=pilot",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20of-the-collector",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_METRIC_EXPORT_INTERVAL": "500",
}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@dataclass
class Stand:
    gateway: Gateway
    context: Context
    caller: str
    operator: str
    port: int
    log: Path
    collector: Collector

    def get(self, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
        connection = self.gateway.connection()
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def streamed(self) -> http.client.HTTPConnection:
        """Where a stream begins that one may leave."""
        body = {"model": "advice-logit", "messages": [], "stream": True}
        headers = {"authorization": f"Bearer {self.caller}", "content-type": "application/json"}
        connection = self.gateway.connection()
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        return connection

    def scraped(self) -> dict[str, Metric]:
        status, headers, page = self.get("/metrics", authorization=f"Bearer {self.operator}")
        assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
        return read(page)

    def sum(self, name: str, **labels: str) -> float:
        return sum(
            value
            for (suffix, found), value in self.scraped()[name].samples.items()
            if not suffix and labels.items() <= dict(found).items()
        )


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("operator")
    with (
        base(folder / "home", real_time=True) as made,
        upstream("one") as found,
        collector() as taking,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in {**EXPORT, "OTEL_EXPORTER_OTLP_ENDPOINT": taking.url}.items():
            patch.setenv(name, value)
        made.try_("logit", "forest")
        made.file()
        made.file("forest")
        sheet = folder / "sheet.yaml"
        sheet.write_text(SHEET % (found.url, free_port()), "utf-8")
        offer(made.record, made.context, sheet, "person-1")
        caller, operator = made.key("buyer", "serve.*"), made.key("maker", "operate.*")
        port, log = free_port(), folder / "calls.log"
        words = ("--workers", "2", "--metrics", str(port), "--log", str(log), "--drain", "2",
                 "--telemetry")  # fmt: skip
        with gateway(made.context.home, "serve", *words) as running:
            yield Stand(running, made.context, caller, operator, port, log, taking)


def test_metrics_of_all_processes_stand_on_one_page(stand: Stand) -> None:
    for _ in range(6):
        assert stand.gateway.chat(stand.caller, "advice-logit")[0] == 200
    assert stand.gateway.chat(stand.caller, "advice-forest")[0] == 503
    assert stand.gateway.chat("pbk_none", "advice-logit")[0] == 401
    calls = {"filing": "advice-logit-1", "door": "openai", "outcome": "served"}
    assert stand.sum("pilotbase_calls_total", **calls) == 6
    assert stand.sum("pilotbase_calls_total", outcome="failed") == 1
    assert stand.sum("pilotbase_refusals_total", code="serve.key_wrong") == 1
    assert stand.sum("pilotbase_tokens_total", direction="output") == 12
    assert stand.sum("pilotbase_journal_writable") == 2
    found = stand.scraped()
    gateways = {dict(labels)["gateway"] for _, labels in found["pilotbase_live_calls"].samples}
    assert len(gateways) == 2
    names = {name for one in found.values() for _, labels in one.samples for name, _ in labels}
    assert names == {"gateway", "filing", "door", "operation", "outcome", "code", "le", "currency",
                     "direction", "upstream", "state", "version", "way"}  # fmt: skip
    page = stand.get("/metrics", authorization=f"Bearer {stand.operator}")[2]
    assert not any(word in page for word in ("buyer", "person-1", stand.caller.split("_")[1]))


def test_only_operators_see_it(stand: Stand) -> None:
    for path in ("/metrics", "/calls", "/calls.json"):
        status, headers, _ = stand.get(path)
        assert status == 401 and headers["www-authenticate"].startswith("Basic")
        assert stand.get(path, authorization=f"Bearer {stand.caller}")[0] == 403
    connection = http.client.HTTPConnection("127.0.0.1", stand.port, timeout=10)
    with contextlib.closing(connection):  # the port that was set apart for it
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200 and read(answer.read().decode())
        connection.request("GET", "/calls.json")
        assert connection.getresponse().status == 401


def test_a_call_is_seen_while_it_lives_and_after_it_was_left(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOTBASE_KEY", stand.operator)
    word = ["gateway", "calls", "--home", str(stand.context.home), "--address",
            stand.gateway.address]  # fmt: skip
    with contextlib.closing(stand.streamed()) as connection:
        answer = connection.getresponse()
        assert b"word" in answer.read(200)
        usage = answer.headers["pilotbase-usage"]
        said = CliRunner().invoke(commands(_invoke), [*word, "--json"])
        assert said.exit_code == 0, said.output
        found = json.loads(said.output)
        (live,) = found["live"]
        assert (live["usage"], live["state"], live["for"]) == (usage, "answering", "buyer")
        assert len(found["processes"]) == 2
        answer.close()
    until(lambda: not stand.sum("pilotbase_live_calls"))
    said = CliRunner().invoke(commands(_invoke), [*word, "--lang", "zh"])
    assert "调用方中止" in said.output and "进行中的调用 0 个" in said.output
    basic = base64.b64encode(f":{stand.operator}".encode()).decode()
    status, headers_, page = stand.get("/calls", authorization=f"Basic {basic}")
    assert status == 200 and usage in page and "aborted" in page and "<script" not in page
    assert "default-src 'none'" in headers_["content-security-policy"]


def test_a_key_that_is_none_is_told_what_to_do(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = ["gateway", "calls", "--address", stand.gateway.address]
    monkeypatch.setenv("PILOTBASE_KEY", stand.caller)
    said = CliRunner().invoke(commands(_invoke), word)
    assert said.exit_code == 3 and "operate.calls" in said.output
    monkeypatch.delenv("PILOTBASE_KEY")
    assert CliRunner().invoke(commands(_invoke), word).exit_code == 2
    monkeypatch.setenv("PILOTBASE_KEY", stand.operator)
    said = CliRunner().invoke(
        commands(_invoke), [*word[:-1], f"http://127.0.0.1:{free_port()}", "--lang", "zh"]
    )
    assert said.exit_code == 3 and "没有网关应答" in said.output


def test_readiness_says_how_the_parts_are(stand: Stand) -> None:
    until(lambda: stand.gateway.chat(stand.caller, "advice-logit")[0] == 200)
    said = json.loads(stand.get("/readyz")[2])
    assert said["ready"] and said["checks"] == {
        "record": True, "record fresh": True, "taking calls": True, "journal": True
    }  # fmt: skip
    assert set(said["upstreams"]["advice-logit-1"]) == {"one"}
    for _ in range(20):
        stand.gateway.chat(stand.caller, "advice-forest")
    assert stand.sum("pilotbase_upstream_state", upstream="gone", state="open") >= 1


def test_logs_name_calls_and_nobody(stand: Stand) -> None:
    def logged() -> list[dict[str, object]]:
        return [json.loads(line) for line in stand.log.read_text().splitlines()]

    for service in ("advice-logit", "advice-forest"):
        for _ in range(4):
            stand.gateway.chat(stand.caller, service)
    with contextlib.closing(stand.streamed()) as connection:
        assert b"word" in connection.getresponse().read(200)
    # Each process has a log thread of its own: the last lines may be behind.
    expected = {"served", "failed", "aborted"}
    until(lambda: stand.log.exists() and expected <= {line["outcome"] for line in logged()})
    lines = logged()
    assert {line["gateway"] for line in lines} <= set(stand.log.read_text().split('"'))
    assert len(lines) >= 8
    assert not any("buyer" in json.dumps(line) or "request" in line for line in lines)


def test_a_process_that_is_replaced_begins_series_of_its_own(stand: Stand) -> None:
    def gateways() -> set[str]:
        samples = stand.scraped()["pilotbase_live_calls"].samples
        return {dict(labels)["gateway"] for _, labels in samples}

    before = gateways()
    os.kill(stand.gateway.children()[0], signal.SIGKILL)
    until(lambda: len(gateways()) == 2 and gateways() != before)


def test_spans_and_metrics_reach_a_collector(stand: Stand) -> None:
    body = {"model": "advice-logit", "messages": [{"role": "user", "content": "my question"}]}
    headers = {"authorization": f"Bearer {stand.caller}", "content-type": "application/json",
               "traceparent": f"00-{TRACE}-{PARENT}-01"}  # fmt: skip
    with contextlib.closing(stand.gateway.connection()) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        usage = connection.getresponse().headers["pilotbase-usage"]

    def mine() -> list[tuple[dict[str, object], Any]]:
        return [one for one in stand.collector.spans() if one[1].trace_id.hex() == TRACE]

    until(lambda: bool(mine()))
    ((resource, span),) = mine()
    assert resource["service.name"] == "town-gateway"
    assert resource["deployment.environment.name"] == "pilot"
    assert span.name == "chat advice-logit" and span.parent_span_id.hex() == PARENT
    assert span.start_time_unix_nano < span.end_time_unix_nano
    said = plain(span.attributes)
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "advice-logit",
        "gen_ai.response.model": "advice-logit-1",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 2,
        "pilotbase.usage": usage,
        "pilotbase.outcome": "served",
    }
    assert expected.items() <= said.items()
    until(lambda: {genai.DURATION, genai.TOKENS} <= set(stand.collector.metrics()))
    assert stand.collector.metrics()[genai.DURATION].histogram.data_points[0].count >= 1
    assert stand.collector.headers[0]["authorization"] == "Bearer of-the-collector"
    sent = repr(stand.collector.got)
    secrets = ("my question", stand.caller.split("_")[1], "of-the-collector", "buyer", "person-")
    assert not any(word in sent for word in secrets)


def test_a_collector_that_hangs_costs_callers_nothing(stand: Stand) -> None:
    stand.collector.asked.clear()
    stand.collector.status = 0
    until(lambda: stand.gateway.chat(stand.caller, "advice-logit")[0] == 200)
    assert stand.collector.asked.wait(10)
    begun = time.monotonic()
    assert all(stand.gateway.chat(stand.caller, "advice-logit")[0] == 200 for _ in range(20))
    assert time.monotonic() - begun < 5  # a question to the collector would wait ten seconds
    stand.collector.ended.set()
    stand.collector.status = 200
