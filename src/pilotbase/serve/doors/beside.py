"""What doors tell that is no call: the register, the usage of one's own key, parked calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from pilotbase.record.opened import Record
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.people.door import CallDoor
from pilotbase.serve.people.handoff import HandOff
from pilotbase.serve.routes import why


class Beside:
    """See the module.

    Args:
        filings, filing: the register as anyone may see it.
    """

    def __init__(
        self,
        record: Record,
        people: HandOff,
        calls: CallDoor,
        filings: Callable[[], list[dict[str, Any]]],
        filing: Callable[[str], dict[str, Any] | None],
    ) -> None:
        self._record, self._people, self._calls = record, people, calls
        self.filings, self._filing = filings, filing

    @property
    def record(self) -> Record:
        return self._record

    def filing(self, name: str) -> dict[str, Any]:
        """Raises Refused where there is none."""
        found = self._filing(name)
        if found is None:
            raise why.unknown(name[:200], None)
        return found

    async def usage(self, serving: Serving, key: str) -> list[dict[str, Any]]:
        """Sums by service of the key that is shown. Raises Refused where it opens nothing."""
        from pilotbase.serve.doors.openai_models import opened
        from pilotbase.serve.metering.asking import sums_of_key

        [route, *_] = opened(serving, key)
        grant = serving.gate.admit(key, route, serving.clock())
        return await self._people.off(partial(sums_of_key, self._record, grant.key))

    async def outcome(self, usage: str, key: str) -> Response:
        """What became of a parked call: 202 while it waits. Raises Refused."""
        return await self._calls.outcome(usage, key)
