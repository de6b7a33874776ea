"""``GET /calls/<usage id>``: what became of a parked call, for the key that made it.

202 while a person is awaited; else what the service, or the person, answered. A call whose gateway
ended while it waited goes on here: its caller has the key that it needs.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path

from pilotbase.kernel.text import Text
from pilotbase.serve.call import Ask, Refused
from pilotbase.serve.gateway.parking import Kept
from pilotbase.serve.people import keeping
from pilotbase.serve.people.handoff import HandOff, refusal_of
from pilotbase.serve.ports import Gate, Reply

POLL_S = 5
ORPHANED_S, LOST_S = 5.0, 900.0
"""So long after a decision does the process that waits for it have to claim it; and so long has a
call that was claimed to end before its caller is told that it was lost."""
Serve = Callable[[Ask, str, Reply], object]


class CallDoor:
    """The door.

    Args:
        serve: begins a call (`Serving.serve`).
    """

    def __init__(
        self, people: HandOff, gate: Gate, serve: Serve, clock: Callable[[], float]
    ) -> None:
        self._people, self._gate, self._serve, self._clock = people, gate, serve, clock
        self.routes = [Path("/calls/{usage}", self._call, methods=["GET"])]

    async def _call(self, request: Request) -> Response:
        try:
            return await self.outcome(request.path_params["usage"], key_of(request))
        except Refused as refused:
            return refusal(refused)

    async def outcome(self, usage: str, key: str) -> Response:
        """202 while it waits; else what was answered. Raises Refused."""
        people = self._people
        parking = await people.off(partial(keeping.parking_of, people.record, usage))
        if parking is None:
            raise _unknown(usage)
        filing, at = parking.parked["filing"], self._clock()
        if self._gate.admit(key, self._gate.route(filing, at), at).key != parking.parked["key"]:
            raise _unknown(usage)
        if parking.kept is not None:
            return await self._kept(parking.kept)
        if parking.decided is None or people.owns(usage):
            return _wait(parking)
        if not parking.decided["go"]:
            return refusal(refusal_of(parking.decided))
        return await self._go_on(usage, key, parking)

    async def _kept(self, kept: dict[str, Any]) -> Response:
        people = self._people
        answer = await people.off(partial(keeping.body_of, people.record, kept, "answer"))
        if answer is None:
            raise _erased(kept["usage"])
        return Response(answer, kept["status"], media_type=kept["media"])

    async def _go_on(self, usage: str, key: str, parking: keeping.Parking) -> Response:
        """The gateway that waited is gone: go on in its place, once."""
        people, decided, parked = self._people, parking.decided, parking.parked
        assert decided is not None
        age = self._clock() - keeping.seconds(decided["at"])
        if parking.resumed and age > LOST_S:
            raise _lost(usage)
        if parking.resumed or (parked["gateway"] != people.gateway and age < ORPHANED_S):
            return _wait(parking)
        read = partial(keeping.body_of, people.record)
        edited = await people.off(partial(read, decided, "edited"))
        answer = edited if decided["said"] == "manual" or parked["stage"] == "after" else None
        if answer is None and parked["stage"] == "after":
            answer = await people.off(partial(read, parked, "answer"))
        if answer is not None:
            people.deliver(usage, 200, "application/json", answer)
            return Response(answer, 200, media_type="application/json")
        mark = secrets.token_hex(8)
        if not await people.off(partial(keeping.resume, people.record, usage, mark)):
            return _wait(parking)
        body = edited or await people.off(partial(read, parked, "request"))
        if body is None:
            raise _erased(usage)
        ask = Ask(parked["filing"], parked["operation"], body, media=parked["media"])
        people.take_over(usage, ask)
        self._serve(ask, key, Kept(people, usage))
        return _wait(parking)


def key_of(request: Request) -> str:
    """The key a caller shows, in any of the usual headers; empty where there is none."""
    said = request.headers.get("authorization", "")
    if said[:7].lower() == "bearer ":
        return said[7:].strip()
    return request.headers.get("x-api-key", "") or request.headers.get("api-key", "")


def refusal(refused: Refused) -> Response:
    """A refusal as JSON."""
    headers = {}
    if refused.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(refused.retry_after_s)))
    said = {
        "error": refused.code,
        "where": refused.where,
        "message": refused.message.as_dict(),
        "next": refused.next_step.as_dict(),
    }
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


def _unknown(usage: str) -> Refused:
    return Refused(
        404,
        "serve.no_such_call",
        Text("no parked call of this key has this usage id", "此密钥没有该用量编号的待处理调用"),
        Text("See the header pilotbase-usage of the answer.", "请查看应答头 pilotbase-usage。"),
        where=usage[:80],
    )


def _lost(usage: str) -> Refused:
    return Refused(
        502,
        "serve.call_lost",
        Text("the gateway ended while the service was asked", "向服务请求期间网关终止"),
        Text("Call again.", "请重新调用。"),
        where=usage,
    )


def _erased(usage: str) -> Refused:
    return Refused(
        410,
        "serve.call_erased",
        Text("what this call said was erased", "此调用的内容已被删除"),
        Text("Call again.", "请重新调用。"),
        where=usage,
    )
