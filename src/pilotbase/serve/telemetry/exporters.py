"""Where spans and metrics go, as OpenTelemetry's own environment variables say.

The names are those of the OpenTelemetry specification (Environment Variable Specification; OTLP
Exporter): ``OTEL_TRACES_EXPORTER``, ``OTEL_METRICS_EXPORTER``, ``OTEL_EXPORTER_OTLP_PROTOCOL``,
``OTEL_EXPORTER_OTLP_ENDPOINT`` … Those for one signal (``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``) come
first. The exporters read addresses, headers and limits themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import urlsplit

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.text import Text

OTLP = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
"""Exporters by the protocol that carries OTLP; the first is usual, and the extra installs it."""
USUAL = "http/protobuf"


def exporters(kind: str, environment: Mapping[str, str]) -> list[Any]:
    """Those of ``traces`` or ``metrics``; none where the variable says so.

    Raises:
        RunError: an exporter that is not installed or cannot be made, an address that is none.
    """
    variable = f"OTEL_{kind.upper()}_EXPORTER"
    names = (name.strip() for name in (environment.get(variable) or "otlp").split(","))
    return [_exporter(kind, name, environment) for name in names if name != "none"]


def _exporter(kind: str, name: str, environment: Mapping[str, str]) -> Any:
    meant, variable = name, f"OTEL_{kind.upper()}_EXPORTER"
    if name == "otlp":
        protocol, variable = _said(kind, "PROTOCOL", environment)
        name = protocol or USUAL
        meant = OTLP.get(name, name)
        _check_address(kind, environment)
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
            "Run pip install 'pilotbase[telemetry]' for otlp over HTTP, or set "
            f"OTEL_{kind.upper()}_EXPORTER to console or none.",
            "使用经 HTTP 的 otlp 请运行 pip install 'pilotbase[telemetry]', 或将 "
            f"OTEL_{kind.upper()}_EXPORTER 设为 console 或 none。",
        ),
    )


def _check_address(kind: str, environment: Mapping[str, str]) -> None:
    """One without a scheme would only be noticed when the first span does not arrive."""
    address, variable = _said(kind, "ENDPOINT", environment)
    if not address:
        return
    try:
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:  # not repeated: it may hold a password
        raise RunError(
            "serve.no_exporter",
            Text("this is no address of a collector", "这不是收集端地址"),
            where=variable,
            next_step=Text("Write http://host:4318.", "请写成 http://主机:4318。"),
        )


def _said(kind: str, what: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """A setting of OTLP and the variable that says it; the signal's own comes first."""
    own, common = f"OTEL_EXPORTER_OTLP_{kind.upper()}_{what}", f"OTEL_EXPORTER_OTLP_{what}"
    variable = own if environment.get(own) else common
    return (environment.get(variable) or "").strip(), variable
