"""OpenTelemetry's exporters: what the environment asks for, what is missing, what is not said."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from pilotbase.kernel.errors import RunError
from pilotbase.serve.running.parent import _not_up
from pilotbase.serve.telemetry import handing_over, opened
from pilotbase.serve.telemetry.exporters import exporters
from pilotbase.serve.telemetry.handing_over import HandingOver
from pilotbase.serve.telemetry.spans import spans
from pilotbase.serve.telemetry.troubles import PERIOD_S, Troubles
from tests.serve.telemetry.collector import collector
from tests.serve.telemetry.test_counting import ended

SECRET = "k3y-of-the-collector"


@pytest.fixture
def speaker() -> Iterator[logging.Logger]:
    """OpenTelemetry's logger, put back as it was."""
    logger = logging.getLogger("opentelemetry")
    yield logger
    logger.handlers[:] = [one for one in logger.handlers if not isinstance(one, Troubles)]
    logger.propagate = True


def test_the_environment_says_where_it_goes() -> None:
    (traces,), (metrics,) = exporters("traces", {}), exporters("metrics", {})
    assert isinstance(traces, OTLPSpanExporter) and isinstance(metrics, OTLPMetricExporter)
    two = exporters("traces", {"OTEL_TRACES_EXPORTER": "otlp, console"})
    assert [type(one) for one in two] == [OTLPSpanExporter, ConsoleSpanExporter]
    assert exporters("metrics", {"OTEL_METRICS_EXPORTER": "none"}) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"ftp://me:{SECRET}@collector/"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:none"),
    ],
)
def test_what_it_cannot_have_is_said_at_the_start(variable: str, value: str) -> None:
    with pytest.raises(RunError) as caught:
        exporters("traces", {variable: value})
    assert caught.value.where == variable and SECRET not in caught.value.render("en")
    # The parent process tells what its child told it.
    told = _not_up(caught.value.as_dict())
    assert (told.where, told.next_step) == (variable, caught.value.next_step)


def test_who_does_not_export_needs_no_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pilotbase.serve.telemetry.spans")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert opened._takers("gw", "", False) == []
    with pytest.raises(RunError, match="OpenTelemetry is not installed") as caught:
        opened._takers("gw", "", True)
    assert "pilotbase[telemetry]" in caught.value.render("zh")


def test_troubles_are_told_without_secrets_and_not_again_and_again(
    speaker: logging.Logger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with collector() as taking:
        taking.status = 401
        address = taking.url.replace("//", f"//me:{SECRET}@")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"Bearer {SECRET},authorization={SECRET}")
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
        taker = spans("gw")
        taker.take([handing_over.Handed(ended(), None, None)])
        taker.close()
    assert "Failed to export spans batch code: 401, reason: Unauthorized" in caplog.text
    assert "Header format invalid" in caplog.text and SECRET not in caplog.text
    times = iter((0.0, 1.0, PERIOD_S + 1))
    speaker.handlers[:] = [Troubles(lambda: next(times))]
    caplog.clear()
    for _ in range(3):
        speaker.getChild("sdk").error("it is away: %s", ConnectionError(SECRET))
    assert [one.getMessage() for one in caplog.records] == 2 * [
        "telemetry: it is away: ConnectionError"
    ]


def test_an_end_does_not_wait_for_a_collector_that_hangs(
    speaker: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_over, "LAST_S", 0.5)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    before = set(threading.enumerate())
    with collector() as taking:
        taking.status = 0
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taking.url)
        handing = HandingOver(spans("gw"))
        handing(ended(), b"", None)
        begun = time.monotonic()
        handing.close()
        assert 0.4 < time.monotonic() - begun < 4 and taking.asked.is_set()
        taking.ended.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)  # whoever still tried would disturb the tests that follow
        assert not thread.is_alive()
