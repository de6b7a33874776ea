"""The telemetry of one gateway process, put together as its order says."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import msgspec

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.text import Text
from pilotbase.serve.routes.gate import RecordGate
from pilotbase.serve.telemetry.calls import view
from pilotbase.serve.telemetry.counting import Counts
from pilotbase.serve.telemetry.door import OperatorDoor
from pilotbase.serve.telemetry.handing_over import HandingOver, Taker
from pilotbase.serve.telemetry.logs import Log
from pilotbase.serve.telemetry.metrics import Parts, families, states
from pilotbase.serve.telemetry.siblings import Siblings


class Telemetry:
    """Counts from the start; tells once it is `watch`ing.

    Args:
        sockets: the folder that the processes of one address share. log: a file, ``-`` for standard
            error, or empty. export: whether to send by OpenTelemetry. metrics: the socket on which
            ``/metrics`` needs no key.

    Raises:
        RunError: the log cannot be written; OpenTelemetry or an exporter is not installed.
    """

    def __init__(
        self,
        gate: RecordGate,
        gateway: str,
        sockets: str,
        *,
        log: str = "",
        export: bool = False,
        metrics: socket.socket | None = None,
    ) -> None:
        self.counts = Counts()
        self._parts: Parts | None = None
        self._gateway = gateway
        self._began = time.time()
        tells = {"metrics": self._metrics, "calls": self._calls}
        self._siblings = Siblings(Path(sockets), gateway, tells)
        port = metrics.getsockname()[1] if metrics is not None else 0
        self.door = OperatorDoor(gate, self._siblings, time.time, port)
        self._handing = [HandingOver(taker) for taker in _takers(gateway, log, export)]
        self.counts.sinks = tuple(self._handing)
        self.counts.copies = bool(log)

    async def start(self, parts: Parts) -> None:
        """From now on the process is looked at, and answers its siblings."""
        self._parts = parts
        await self._siblings.start()

    def close(self) -> None:
        """Hand over what waits; blocks."""
        self._siblings.close()
        for one in self._handing:
            one.close()

    def upstreams(self) -> dict[str, dict[str, str]]:
        """See `metrics.states`."""
        return states(self._parts) if self._parts is not None else {}

    def _metrics(self) -> bytes:
        return msgspec.json.encode(families(self._parts) if self._parts is not None else [])

    def _calls(self) -> bytes:
        if self._parts is None:
            return msgspec.json.encode({"gateway": self._gateway, "live": [], "ended": []})
        return msgspec.json.encode(view(self._parts))


def _takers(gateway: str, log: str, export: bool) -> list[Taker]:
    found = list[Taker]()
    if log:
        try:
            found.append(Log(log, gateway))
        except OSError as error:
            raise RunError(
                "serve.no_log",
                Text(f"it cannot be written: {error.strerror}", f"无法写入: {error.strerror}"),
                where=log,
            ) from error
    if export:
        from pilotbase.serve.telemetry.spans import spans

        found.append(spans(gateway))
    return found
