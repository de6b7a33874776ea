"""``GET /receipts/<usage id>``: the signed receipt of a call, for the key that made it.

Also after the service was stopped or the key has expired: a receipt proves what was, and holds no
content. Everybody else is told that there is no such call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.serve.call import Refused
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.people.door import key_of, refusal
from pilotbase.serve.ports import Gate
from pilotbase.serve.receipts.making import of_metered
from pilotbase.serve.receipts.store import Owned, Receipts


class ReceiptDoor:
    """The door."""

    def __init__(
        self, receipts: Receipts, record: Record, gate: Gate, clock: Callable[[], float]
    ) -> None:
        self._receipts, self._record = receipts, record
        self._gate, self._clock = gate, clock
        self.routes = [Path("/receipts/{usage}", self._receipt, methods=["GET"])]

    async def _receipt(self, request: Request) -> Response:
        usage, key = request.path_params["usage"], key_of(request)
        try:
            mine = self._gate.whose(key, self._clock())
            found = await asyncio.to_thread(self._found, usage)
            if found is None or found.key != mine:
                raise _unknown(usage)
        except Refused as refused:
            return refusal(refused)
        except PilotbaseError as error:
            return refusal(Refused(503, error.code, error.message, error.next_step))
        return JSONResponse(found.file)

    def _found(self, usage: str) -> Owned | None:
        found = self._receipts.find(usage)
        if found is not None:
            return found
        with usage_of(self._record) as metered:
            said = of_metered(metered, usage)
        if said is None:
            return None
        return Owned(said["for"]["key"], self._receipts.one(said))


def _unknown(usage: str) -> Refused:
    return Refused(
        404,
        "serve.no_receipt",
        Text("no call of this key has this usage id", "此密钥没有该用量编号的调用"),
        Text("See the header pilotbase-usage of the answer.", "请查看应答头 pilotbase-usage。"),
        where=usage[:80],
    )
