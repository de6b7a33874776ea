"""OpenTelemetry: a span and three histograms for each call, made in a thread after it ended.

Where they go is said by OpenTelemetry's own environment variables (``OTEL_TRACES_EXPORTER``,
``OTEL_METRICS_EXPORTER``, ``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_TRACES_SAMPLER``,
``OTEL_RESOURCE_ATTRIBUTES`` …). A caller's ``traceparent`` becomes the span's parent.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points, version
from typing import Any

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.text import Text
from pilotbase.serve.telemetry import genai
from pilotbase.serve.telemetry.handing_over import Handed

try:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:  # pragma: no cover - the extra is there in tests
    raise RunError(
        "serve.no_telemetry",
        Text("OpenTelemetry is not installed", "未安装 OpenTelemetry"),
        where="--telemetry",
        next_step=Text(
            "Install it: pip install 'pilotbase[telemetry]'.",
            "请安装: pip install 'pilotbase[telemetry]'。",
        ),
    ) from error

VERSION = version("pilotbase")
OTLP = "otlp_proto_http"
NANO_S = 1e9


class Spans:
    """`handing_over.Taker` that makes spans and metrics."""

    def __init__(
        self, gateway: str, processors: Sequence[SpanProcessor], readers: Sequence[MetricReader]
    ) -> None:
        resource = Resource.create(
            {
                "service.name": os.environ.get("OTEL_SERVICE_NAME", "pilotbase-gateway"),
                "service.version": VERSION,
                "service.instance.id": gateway,
            }
        )
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        for processor in processors:
            self._traces.add_span_processor(processor)
        self._meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        self._tracer = self._traces.get_tracer("pilotbase.serve", VERSION, genai.SCHEMA)
        self._parents = TraceContextTextMapPropagator()
        meter = self._meters.get_meter("pilotbase.serve", VERSION, genai.SCHEMA)
        seconds = list(genai.DURATION_BOUNDS)
        self._lasted = meter.create_histogram(
            genai.DURATION, "s", "How long calls took.", explicit_bucket_boundaries_advisory=seconds
        )
        self._first = meter.create_histogram(
            genai.FIRST_TOKEN, "s", "To the first piece.",
            explicit_bucket_boundaries_advisory=seconds,
        )  # fmt: skip
        self._tokens = meter.create_histogram(
            genai.TOKENS, "{token}", "Tokens of calls.",
            explicit_bucket_boundaries_advisory=list(map(float, genai.TOKEN_BOUNDS)),
        )  # fmt: skip

    def take(self, group: Sequence[Handed]) -> None:
        for handed in group:
            ended = handed.ended
            parent = self._parents.extract({"traceparent": ended.trace}) if ended.trace else None
            span = self._tracer.start_span(
                genai.name_of(ended),
                context=parent,
                kind=SpanKind.SERVER,
                attributes=genai.of_span(ended),
                start_time=int(ended.at * NANO_S),
            )
            if ended.outcome in ("failed", "cut"):
                span.set_status(Status(StatusCode.ERROR, ended.code))
            span.end(int((ended.at + ended.seconds) * NANO_S))
            common = genai.common(ended)
            self._lasted.record(ended.seconds, common)
            if ended.first:
                self._first.record(ended.first, common)
            if ended.usage.counted:
                self._tokens.record(ended.usage.input_tokens, {**common, **genai.INPUT})
                self._tokens.record(ended.usage.output_tokens, {**common, **genai.OUTPUT})

    def close(self) -> None:
        """Send what waits."""
        self._traces.shutdown()
        self._meters.shutdown()


def spans(gateway: str, environment: Mapping[str, str] = os.environ) -> Spans:
    """As the environment says; by default both go by OTLP over HTTP.

    Raises:
        RunError: an exporter that is not installed, or that cannot be made.
    """
    processors = [
        BatchSpanProcessor(made) for made in _exporters("traces", environment)
    ]  # sends in a thread of its own
    readers = [PeriodicExportingMetricReader(made) for made in _exporters("metrics", environment)]
    return Spans(gateway, processors, readers)


def _exporters(kind: str, environment: Mapping[str, str]) -> list[Any]:
    variable = f"OTEL_{kind.upper()}_EXPORTER"
    names = environment.get(variable, "otlp").split(",")
    return [_exporter(kind, name.strip(), variable) for name in names if name.strip() != "none"]


def _exporter(kind: str, name: str, variable: str) -> Any:
    meant = OTLP if name == "otlp" else name
    found = entry_points(group=f"opentelemetry_{kind}_exporter", name=meant)
    try:
        for one in found:
            # Standard output is for whoever started the gateway.
            return one.load()(**({"out": sys.stderr} if name == "console" else {}))
        reason = Text("it is not installed", "未安装")
    except Exception as error:
        reason = Text(str(error), str(error))
    raise RunError(
        "serve.no_exporter",
        Text(f"no exporter {name!r}: {reason.en}", f"没有导出器 {name!r}: {reason.zh}"),
        where=variable,
        next_step=Text(
            "Install opentelemetry-exporter-otlp-proto-http, or set the variable to console or "
            "none.",
            "请安装 opentelemetry-exporter-otlp-proto-http, 或将该变量设为 console 或 none。",
        ),
    )
