"""What doors tell that is no call: the register, the usage of one's own key, parked calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from pilotbase.record.opened import Record
from pilotbase.record.rules import jws
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.people import keeping
from pilotbase.serve.people.door import CallDoor
from pilotbase.serve.people.handoff import HandOff
from pilotbase.serve.routes import why


class Beside:
    """See the module.

    Args:
        filings, filing: the register as anyone may see it.
        address: of this gateway, as its callers know it, without a path.
    """

    def __init__(
        self,
        record: Record,
        people: HandOff,
        calls: CallDoor,
        filings: Callable[[], list[dict[str, Any]]],
        filing: Callable[[str], dict[str, Any] | None],
        address: str,
    ) -> None:
        self._record, self._people, self._calls = record, people, calls
        self.filings, self._filing = filings, filing
        self.address = address

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

    async def withdraw(self, usage: str, key: str) -> None:
        """Take a parked call back. Raises Refused where it was decided before."""
        await self._calls.withdraw(usage, key)

    async def name_task(self, task: str, context: str, service: str, usage: str) -> None:
        """Another name of a parked call, for whoever asks by it in another process."""
        name = partial(keeping.name_task, self._record, task, context, service, usage)
        await self._people.off(name)

    async def task(self, task: str) -> dict[str, Any] | None:
        """What such a name stands for (`events.TaskParked`); `outcome` asks whose it is."""
        return await self._people.off(partial(keeping.task_of, self._record, task))

    async def sign(self, kind: str, payload: bytes) -> tuple[str, str]:
        """Protected header and signature of a JSON Web Signature with the base's key."""
        return await self._people.off(partial(self._record.jws, kind, payload))

    def public_keys(self) -> dict[str, Any]:
        """The base's public key, as a set of JSON Web Keys (RFC 7517)."""
        return {"keys": [jws.public_jwk(self._record.verifier)]}
