"""A line of JSON for each call that ended, on standard error or in a file.

It names the filing, never a key, a person or what was said: the usage id leads to these for whoever
may read the journal. Only where a service's arrangement says ``content: true`` do request and
answer stand there, as far as the guards let them pass.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from pilotbase.kernel.time import stamp
from pilotbase.serve.routes.gate import moment_of
from pilotbase.serve.telemetry.calls import amount
from pilotbase.serve.telemetry.counting import Ended
from pilotbase.serve.telemetry.handing_over import Handed

STDERR = "-"


class Log:
    """`handing_over.Taker` that writes lines; several processes may share a file."""

    def __init__(self, path: str, gateway: str) -> None:
        """Raises OSError where the file cannot be written."""
        self._gateway = gateway
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = 2 if path == STDERR else os.open(path, flags, 0o600)

    def take(self, group: Sequence[Handed]) -> None:
        """One write for whole lines, so that those of several processes do not mix."""
        lines = [msgspec.json.encode(self._line(one)) for one in group]
        data = memoryview(b"\n".join(lines) + b"\n")
        while data:
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        if self._file != 2:
            os.close(self._file)

    def _line(self, handed: Handed) -> dict[str, Any]:
        said = line(handed.ended, self._gateway)
        if handed.request is not None and handed.answer is not None:
            said["request"] = handed.request.decode("utf-8", "replace")
            said["answer"] = handed.answer.decode("utf-8", "replace")
        return said


def line(ended: Ended, gateway: str) -> dict[str, Any]:
    """A call as a log has it."""
    usage, route = ended.usage, ended.route
    return {
        "event": "call",
        "at": stamp(moment_of(ended.at)),
        "gateway": gateway,
        "usage": ended.usage_id,
        "filing": route.filing,
        "version": route.version,
        "source": route.source,
        "door": ended.door,
        "operation": ended.operation,
        "upstream": ended.upstream,
        "outcome": ended.outcome,
        "code": ended.code,
        "seconds": round(ended.seconds, 6),
        "first_piece_seconds": round(ended.first, 6) if ended.first else None,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "counted": usage.counted,
        "cases": usage.cases,
        "bytes_in": usage.bytes_in,
        "bytes_out": usage.bytes_out,
        "charge": amount(ended.charge),
        "trace": ended.trace,
    }
