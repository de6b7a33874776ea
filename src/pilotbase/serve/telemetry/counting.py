"""What every call leaves behind for the operator: a few counts, and a line among the latest.

The only part of telemetry on the hot path: about a microsecond a call. Whoever wants more (logs,
traces) gets the same line handed over and works in a thread of its own.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from pilotbase.serve.call import Call, Charge, Grant, Outcome, Refused, Route, Usage
from pilotbase.serve.rules.exposition import Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
           60.0, 300.0)  # fmt: skip
RECENT_MAX = 512
CELLS_MAX = 10_000
CODES_MAX = 200
OTHER = "other"


class Ended(msgspec.Struct, gc=False, frozen=True):
    """A call that was settled. It holds nothing of what was asked or answered.

    Attributes:
        number: in order of their ends, from 1. at: when it began, seconds since 1970. seconds: how
            long it took. first: seconds to the first piece of a stream; 0 where there was none.
        code: why it was not served; empty where it was. trace: the caller's ``traceparent``.
    """

    number: int
    at: float
    seconds: float
    first: float
    route: Route
    grant: Grant
    operation: str
    door: str
    usage_id: str
    upstream: str
    outcome: Outcome
    code: str
    usage: Usage
    charge: Charge
    trace: str


Sink = Callable[[Ended, bytes, Sequence[bytes] | None], None]
"""Gets each ended call, with its request and answer where the service's terms let them be kept."""


class Cell:
    """Counts of one filing, door, operation and outcome."""

    __slots__ = ("buckets", "bytes_in", "bytes_out", "calls", "charges", "first", "seconds",
                 "tokens_in", "tokens_out")  # fmt: skip

    def __init__(self) -> None:
        self.calls = self.tokens_in = self.tokens_out = self.bytes_in = self.bytes_out = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(SECONDS) + 1)
        self.charges: dict[str, int] = {}
        self.first: Histogram | None = None


class Counts:
    """`ports.Observer`: counts calls of one gateway process since it began.

    Attributes:
        cells: by filing, door, operation, outcome. refusals: of what was never begun, by code.
        recent: the latest calls that ended. sinks: who else wants them.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.cells: dict[tuple[str, str, str, str], Cell] = {}
        self.refusals: dict[str, int] = {}
        self.recent = deque[Ended](maxlen=RECENT_MAX)
        self.sinks: tuple[Sink, ...] = ()
        self.copies = False
        self._number = 0

    def settled(
        self,
        call: Call,
        usage: Usage,
        charge: Charge,
        outcome: Outcome,
        first: float,
        code: str,
        copy: Sequence[bytes] | None,
    ) -> None:
        """See `ports.Observer.settled`."""
        ask, route, at = call.ask, call.route, call.at
        seconds = self.clock() - at
        if seconds < 0.0:
            seconds = 0.0  # the clock was set back
        named = route.filing, ask.door, ask.operation, outcome
        cell = self.cells.get(named) or self._cell(named)
        cell.calls += 1
        cell.seconds += seconds
        cell.buckets[bisect_left(SECONDS, seconds)] += 1
        cell.tokens_in += usage.input_tokens
        cell.tokens_out += usage.output_tokens
        cell.bytes_in += usage.bytes_in
        cell.bytes_out += usage.bytes_out
        if charge.nano:
            charges = cell.charges
            charges[charge.currency] = charges.get(charge.currency, 0) + charge.nano
        if first:
            first = max(1e-9, first - at)
            if cell.first is None:
                cell.first = Histogram(SECONDS)
            cell.first.observe(first)
        self._number += 1
        ended = Ended(
            self._number, at, seconds, first, route, call.grant, ask.operation, ask.door,
            call.usage_id, call.upstream, outcome, code, usage, charge, ask.trace,
        )  # fmt: skip
        self.recent.append(ended)
        for sink in self.sinks:
            sink(ended, ask.body, copy)

    def refused(self, refused: Refused) -> None:
        """See `ports.Observer.refused`."""
        code = refused.code
        if code not in self.refusals and len(self.refusals) >= CODES_MAX:
            code = OTHER
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def _cell(self, named: tuple[str, str, str, str]) -> Cell:
        if len(self.cells) >= CELLS_MAX:
            named = OTHER, *named[1:]
        return self.cells.setdefault(named, Cell())
