"""When an upstream that fails is left alone: a circuit breaker (Nygard, *Release It!*, 2007).

Closed: calls pass. After `FAILURES` in a row it opens: none pass for a while, twice as long each
time it opens again, up to `OPEN_S_MAX`. Then one call is let through; an answer to it closes it.
"""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 5
OPEN_S = 1.0
OPEN_S_MAX = 30.0
PROBE_S_MAX = 30.0
"""After this long without an ending a probe counts as lost, and another may go."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """How an upstream has done of late. All times in seconds on one clock, an argument.

    Attributes:
        failures: in a row. opened: how often in a row it opened. until: closed to calls till then.
        probing: since when one call is finding out; 0 where none is.

    >>> one = Breaker()
    >>> for _ in range(FAILURES):
    ...     one = one.failed(10.0)
    >>> one.allows(10.5), one.allows(11.0), one.probe(11.0).allows(11.5)
    (False, True, False)
    >>> one.probe(11.0).answered() == Breaker()
    True
    """

    failures: int = 0
    opened: int = 0
    until: float = 0.0
    probing: float = 0.0

    @property
    def closed(self) -> bool:
        return self.opened == 0

    def allows(self, now: float) -> bool:
        """Whether a call may go."""
        if self.opened == 0:
            return True
        return now >= self.until and (self.probing == 0 or now - self.probing > PROBE_S_MAX)

    def probe(self, now: float) -> Breaker:
        """After a call was let through; the same where the breaker is closed."""
        if self.opened == 0:
            return self
        return Breaker(self.failures, self.opened, self.until, now or 1e-9)

    def answered(self) -> Breaker:
        """After an answer: nothing is held against the upstream."""
        return _WELL

    def failed(self, now: float) -> Breaker:
        """After no answer, or one that says that the upstream is broken."""
        failures = self.failures + 1
        if self.opened and not self.probing:
            return Breaker(failures, self.opened, self.until)  # a call from before it opened
        if failures < FAILURES and self.opened == 0:
            return Breaker(failures)
        wait = min(OPEN_S * 2.0**self.opened, OPEN_S_MAX)
        return Breaker(failures, self.opened + 1, now + wait)


_WELL = Breaker()
