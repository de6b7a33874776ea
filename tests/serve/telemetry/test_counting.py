"""What calls leave behind for the operator: counts, the latest, logs and spans."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import opentelemetry.semconv._incubating.attributes.gen_ai_attributes as attributes
import opentelemetry.semconv._incubating.metrics.gen_ai_metrics as metrics
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import StatusCode

from pilotbase.serve.call import Charge, Usage
from pilotbase.serve.telemetry import genai
from pilotbase.serve.telemetry.counting import CELLS_MAX, OTHER, Counts, Ended
from pilotbase.serve.telemetry.handing_over import Handed, HandingOver
from pilotbase.serve.telemetry.logs import Log
from pilotbase.serve.telemetry.spans import Spans
from tests.serve.gateway.rig import (
    SAID,
    STREAM_HEAD,
    ask,
    chat,
    chunked,
    gateway,
    piece,
    post,
    route,
    saying,
    stream_of,
    upstream,
    whole,
)
from tests.serve.metering.kit import USED, call

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SECRET = "my secret question"


def served(
    *asked: bytes, answers: tuple[bytes, ...], sinks: Any = (), **changed: Any
) -> tuple[Counts, list[Any]]:
    """Counts after calls that were answered so, and the answers."""
    counts = Counts()
    counts.sinks, counts.copies = tuple(sinks), bool(sinks)

    async def work() -> list[Any]:
        async with (
            upstream(saying(*answers)) as url,
            gateway(route(url, **changed), observer=counts) as rig,
        ):
            return [await ask(rig, one) for one in asked]

    return counts, asyncio.run(work())


ANSWER = whole(json.dumps(SAID).encode())
STREAM = STREAM_HEAD + chunked(stream_of("好", "的"))
BROKEN = STREAM_HEAD + chunked(piece("a"), b"data: {{{\n\n")


def test_every_call_is_counted_once_by_how_it_ended() -> None:
    question = chat(messages=[{"role": "user", "content": SECRET}])
    streamed = chat(stream=True)
    asked = [post(question), post(streamed), post(streamed), post(chat("f-2")), post(b"{")]
    counts, answers = served(
        *asked, post(question, key="pbk_wrong"), answers=(ANSWER, STREAM, BROKEN)
    )
    assert [one.status for one in answers] == [200, 200, 502, 404, 400, 401]
    cells = {name[3]: cell for name, cell in counts.cells.items()}
    assert {name: cell.calls for name, cell in cells.items()} == {"served": 2, "failed": 1}
    assert cells["served"].tokens_in == 14 and cells["served"].tokens_out == 6
    assert sum(cells["served"].buckets) == 2
    assert cells["served"].first is not None and sum(cells["served"].first.counts) == 1
    assert sum(counts.refusals.values()) == 3 and "key.wrong" in counts.refusals
    latest = [(one.outcome, one.code) for one in counts.recent]
    assert latest == [("served", ""), ("served", ""), ("failed", "serve.upstream_garbage")]
    assert SECRET not in repr(counts.recent)


def test_counts_are_bounded_and_a_clock_that_goes_back_harms_nothing() -> None:
    counts = Counts(clock=lambda: 0.0)
    counts.cells = {(str(n), "", "", ""): None for n in range(CELLS_MAX)}  # type: ignore[misc]
    counts.settled(call(at=9.0), USED, Charge("CNY", 1), "served", 0.0, "", None)
    assert counts.cells[OTHER, "openai", "chat", "served"].seconds == 0.0


def test_content_is_logged_only_where_the_terms_say_so(tmp_path: Path) -> None:
    question = post(chat(messages=[{"role": "user", "content": SECRET}]))
    stream = post(chat(stream=True, messages=[{"role": "user", "content": SECRET}]))
    for content in (False, True):
        file = tmp_path / f"log-{content}"
        sink = HandingOver(Log(str(file), "gw"))
        served(question, stream, answers=(ANSWER, STREAM), sinks=[sink], content=content)
        sink.close()
        lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        assert [line["outcome"] for line in lines] == ["served", "served"]
        assert not {"key", "for", "person", "principal"} & set(lines[0])
        assert (SECRET in file.read_text("utf-8")) == content
        if content:
            assert json.loads(lines[0]["answer"]) == SAID and "[DONE]" in lines[1]["answer"]
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_slows_nothing() -> None:
    sink = HandingOver(Log("/dev/full", "gw"))
    counts, answers = served(post(chat()), answers=(ANSWER,), sinks=[sink])
    sink.close()
    assert answers[0].status == 200 and sink.dropped == 1 and len(counts.recent) == 1


def ended(**changed: Any) -> Ended:
    said: dict[str, Any] = {
        "number": 1, "at": 1000.0, "seconds": 2.0, "first": 0.5, "route": route("http://x"),
        "grant": call().grant, "operation": "chat", "door": "openai", "usage_id": "gw-1",
        "upstream": "u0", "outcome": "served", "code": "",
        "usage": Usage(7, 3, counted=True), "charge": Charge("CNY", 5), "trace": TRACE,
    }  # fmt: skip
    return Ended(**(said | changed))


def test_spans_follow_the_conventions_and_the_callers_trace() -> None:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    spans = Spans("gw", [SimpleSpanProcessor(exporter)], [reader])
    failed = ended(outcome="failed", code="serve.upstream_late", usage=Usage(), trace="")
    spans.take([Handed(ended(), None, None), Handed(failed, None, None)])
    good, bad = exporter.get_finished_spans()
    assert good.name == "chat f" and good.parent is not None and good.context is not None
    assert f"{good.context.trace_id:032x}" == TRACE.split("-")[1]
    assert f"{good.parent.span_id:016x}" == TRACE.split("-")[2]
    assert good.end_time is not None and good.start_time is not None
    assert good.end_time - good.start_time == 2 * 10**9
    assert good.attributes is not None and good.attributes["gen_ai.usage.output_tokens"] == 3
    assert bad.status.status_code is StatusCode.ERROR
    assert bad.attributes is not None and bad.attributes["error.type"] == "serve.upstream_late"
    assert "0123" not in str(dict(good.attributes))  # the key's id
    data = reader.get_metrics_data()
    assert data is not None
    found = {
        one.name: one
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for one in scope.metrics
    }
    assert set(found) == {genai.DURATION, genai.FIRST_TOKEN, genai.TOKENS}
    assert sum(point.count for point in found[genai.DURATION].data.data_points) == 2
    spans.close()


def test_names_are_those_of_the_version_that_is_named() -> None:
    known = {getattr(attributes, name) for name in dir(attributes) if name.startswith("GEN_AI")}
    known |= {getattr(metrics, name) for name in dir(metrics) if name.startswith("GEN_AI")}
    operations = {one.value for one in attributes.GenAiOperationNameValues}
    used = {genai.DURATION, genai.FIRST_TOKEN, genai.TOKENS, *genai.INPUT}
    for operation in ("chat", "responses", "embeddings", "tool", "message", "infer"):
        said = genai.of_span(ended(operation=operation))
        used |= {name for name in said if name.startswith("gen_ai.")}
        assert operation == "infer" or said["gen_ai.operation.name"] in operations
    assert used <= known
    assert Schemas.V1_44_0.value == genai.SCHEMA


def test_a_traceparent_is_read_and_one_that_is_none_is_not() -> None:
    counts, _ = served(
        post(chat(), extra=f"traceparent: {TRACE}\r\n"),
        post(chat(), extra="traceparent: 00-" + "0" * 32 + "-1-1\r\n"),
        answers=(ANSWER,),
    )
    assert [one.trace for one in counts.recent] == [TRACE, ""]
