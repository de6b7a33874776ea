"""``GET /calls/<usage id>``: what became of a parked call, for the key that made it; ``DELETE``
withdraws it while nobody has decided.

202 while a person is awaited; else what the service, or the person, answered. A call whose gateway
ended while it waited goes on here: its caller has the key that it needs.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import RecordError
from pilotbase.serve.call import Ask, Grant, Refused, Route
from pilotbase.serve.gateway.awaited import BegunRefused
from pilotbase.serve.gateway.headers import receipt_headers
from pilotbase.serve.gateway.parking import Kept
from pilotbase.serve.people import keeping, orphans
from pilotbase.serve.people.handoff import HandOff
from pilotbase.serve.people.outcomes import erased, lost, too_late, unknown
from pilotbase.serve.ports import Gate, Reply, Taken
from pilotbase.serve.rules.as_events import as_asked

POLL_S = 5
LOST_S = 300.0
"""So long, beyond what the service may take, has a call that was taken up to end before its caller
is told that it was lost."""
Resume = Callable[[Ask, str, Reply, Taken], object]


class CallDoor:
    """The door.

    Args:
        resume: goes on with a call (`Serving.resume`).
    """

    def __init__(
        self, people: HandOff, gate: Gate, resume: Resume, clock: Callable[[], float]
    ) -> None:
        self._people, self._gate, self._resume, self._clock = people, gate, resume, clock
        self.routes = [
            Path("/calls/{usage}", self._call, methods=["GET"]),
            Path("/calls/{usage}", self._withdraw, methods=["DELETE"]),
        ]

    async def _call(self, request: Request) -> Response:
        try:
            return await self.outcome(request.path_params["usage"], key_of(request))
        except Refused as refused:
            return refusal(refused)

    async def _withdraw(self, request: Request) -> Response:
        usage = request.path_params["usage"]
        try:
            await self.withdraw(usage, key_of(request))
        except Refused as refused:
            return refusal(refused)
        return JSONResponse({"object": "call.withdrawn", "usage": usage})

    async def outcome(self, usage: str, key: str) -> Response:
        """202 while it waits; else what was answered. Raises Refused."""
        parking, route, grant = await self._of(usage, key)
        receipt = receipt_headers(route, grant, usage)
        try:
            answer = await self._answer(usage, key, route, parking)
        except Refused as refused:
            raise BegunRefused(refused, receipt) from None
        answer.headers.update(receipt)
        return answer

    async def _answer(
        self, usage: str, key: str, route: Route, parking: keeping.Parking
    ) -> Response:
        people = self._people
        if parking.kept is None and parking.decided is not None and not people.owns(usage):
            parking = await self._orphaned(usage, key, route, parking, parking.decided)
        return _wait(parking) if parking.kept is None else await self._kept(parking.kept)

    async def withdraw(self, usage: str, key: str) -> None:
        """Nobody has to look at it any more; nothing is charged. Again, it does nothing.

        Raises Refused where it is none of the key's, or was decided before.
        """
        people = self._people
        parking, _, _ = await self._of(usage, key)
        parked, decided = parking.parked, parking.decided
        if decided is None:
            by = Actor(parked["holder"], "public", single_operator=False)
            decide = partial(
                keeping.decide, people.record, usage, "withdrawn", False, "", by, parked["entry"]
            )
            decided = (await people.off(decide)).body
            people.look()
        if decided["said"] != "withdrawn":
            raise too_late(usage)

    async def _of(self, usage: str, key: str) -> tuple[keeping.Parking, Route, Grant]:
        """A parked call of this key. Raises Refused."""
        people = self._people
        at = self._clock()
        mine = self._gate.whose(key, at)
        parking = await people.off(partial(keeping.parking_of, people.record, usage))
        if parking is None or parking.parked["key"] != mine:
            raise unknown(usage)
        # From here on it may be said that, and why, the service is no longer there.
        route = self._gate.route(parking.parked["filing"], at)
        return parking, route, self._gate.admit(key, route, at)

    async def _kept(self, kept: dict[str, Any]) -> Response:
        people = self._people
        answer = await people.off(partial(keeping.body_of, people.record, kept, "answer"))
        if answer is None:
            raise erased(kept["usage"])
        return Response(answer, kept["status"], media_type=kept["media"])

    async def _orphaned(
        self,
        usage: str,
        key: str,
        route: Route,
        parking: keeping.Parking,
        decided: Mapping[str, Any],
    ) -> keeping.Parking:
        """It was decided, and this process does not wait for it: go on, once, if nobody does."""
        people, parked, now = self._people, parking.parked, self._clock()
        if parking.resumed:
            taken_s = now - keeping.seconds(parking.resumed)
            if taken_s > LOST_S + route.caps.whole_s_max:
                raise lost(usage)
            return parking
        said = {"stage": parked["stage"], "gateway": parked["gateway"], **decided}
        if not orphans.is_orphan(people.record, said, people.gateway, now):
            return parking
        mark = secrets.token_hex(8)
        if orphans.needs_key(said, now):
            await self._go_on(key, route, parking, mark)
        else:
            await people.off(partial(orphans.finish, people.record, usage, mark))
        return (await self._of(usage, key))[0]

    async def _go_on(self, key: str, route: Route, parking: keeping.Parking, mark: str) -> None:
        people, parked = self._people, parking.parked
        usage, decided = parked["usage"], parking.decided
        assert decided is not None
        edited = decided["said"] == "edited"
        said, name = (decided, "edited") if edited else (parked, "request")
        try:
            body = await people.off(partial(keeping.body_of, people.record, said, name))
        except RecordError:
            body = None
        if body is None:  # erased or damaged: there is nothing to go on with
            await people.off(partial(orphans.finish, people.record, usage, mark))
            return
        claim = partial(keeping.resume, people.record, usage, parked["entry"], mark)
        if await people.off(claim):
            ask = keeping.ask_of(parked, body)
            ask.body = as_asked(ask.operation, ask.stream, body)
            taken = people.take_over(parked, route)
            self._resume(ask, key, Kept(people, usage), taken)


def key_of(request: Request) -> str:
    """The key a caller shows, in any of the usual headers; empty where there is none."""
    said = request.headers.get("authorization", "")
    if said[:7].lower() == "bearer ":
        return said[7:].strip()
    return request.headers.get("x-api-key", "") or request.headers.get("api-key", "")


def refusal(refused: Refused) -> Response:
    """A refusal as JSON."""
    headers = dict[str, str]()
    if refused.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(refused.retry_after_s)))
    said = {
        "error": refused.code,
        "where": refused.where,
        "message": refused.message.as_dict(),
        "next": refused.next_step.as_dict(),
    }
    if isinstance(refused, BegunRefused):
        headers |= refused.headers
    return JSONResponse(said, refused.status, headers=headers)


def _wait(parking: keeping.Parking) -> Response:
    said = {
        "object": "call.parked",
        "usage": parking.parked["usage"],
        "stage": parking.parked["stage"],
        "until": parking.parked["until"],
        "decided": parking.decided["said"] if parking.decided else None,
    }
    return JSONResponse(said, 202, headers={"retry-after": str(POLL_S)})
