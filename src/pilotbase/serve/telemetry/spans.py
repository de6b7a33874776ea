"""OpenTelemetry: a span and three histograms for each call, made in a thread after it ended.

A caller's ``traceparent`` becomes the span's parent. What the operator says of the service
(``OTEL_SERVICE_NAME``, ``OTEL_RESOURCE_ATTRIBUTES``) comes before what we say of it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.text import Text
from pilotbase.serve.telemetry import genai
from pilotbase.serve.telemetry.exporters import exporters
from pilotbase.serve.telemetry.handing_over import Handed
from pilotbase.serve.telemetry.troubles import heard

try:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
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
NANO_S = 1e9


class Spans:
    """`handing_over.Taker` that makes spans and metrics."""

    def __init__(
        self, gateway: str, processors: Sequence[SpanProcessor], readers: Sequence[MetricReader]
    ) -> None:
        ours = {
            "service.name": "pilotbase-gateway",
            "service.version": VERSION,
            "service.instance.id": gateway,
        }
        resource = Resource.create(ours).merge(OTELResourceDetector().detect())
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
        """Send what waits: both at once, so that one that is not taken does not keep the other."""
        last = threading.Thread(target=self._meters.shutdown, name="last metrics", daemon=True)
        last.start()
        self._traces.shutdown()
        last.join()


def spans(gateway: str, environment: Mapping[str, str] = os.environ) -> Spans:
    """As the environment says; by default both go by OTLP over HTTP.

    Raises:
        RunError: an exporter that is not installed, or that cannot be made.
    """
    heard()
    made = exporters("traces", environment), exporters("metrics", environment)
    processors = [BatchSpanProcessor(one) for one in made[0]]  # sends in a thread of its own
    readers = [PeriodicExportingMetricReader(one) for one in made[1]]
    return Spans(gateway, processors, readers)
