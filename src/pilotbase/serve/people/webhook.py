"""Telling a caller's own address that a parked call is answered; never what it says.

The body is ``{"usage", "status"}``; the header ``pilotbase-signature: t=<seconds>,v1=<hex>`` holds
HMAC-SHA256 with the arranged secret over ``<seconds>.<body>``. The address is checked and pinned
like those of candidates (`trial.endpoints.address`), redirects are not followed, and after
`TRIES` attempts it is left: the caller can always poll.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from contextlib import suppress

from pilotbase.kernel.errors import PilotbaseError

TRIES, FIRST_WAIT_S = 4, 1.0
TIMEOUT_S = 10.0
WAITING_MAX = 1_000
SIGNATURE = "pilotbase-signature"

Hook = tuple[str, str, bool]
"""Address, where the secret lies, and whether a private address is allowed."""


def signed(body: bytes, secret: str, at: int) -> str:
    """The header's value.

    >>> signed(b"{}", "secret", 0)[:20]
    't=0,v1=4bbe8d39de1ff'
    """
    mac = hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


class Webhooks:
    """Sends them, off the hot path, each in a task of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks = set[asyncio.Task[None]]()

    def tell(self, hook: Hook, usage: str, status: int) -> None:
        """Tell; beyond `WAITING_MAX` at once, nobody is told."""
        if len(self._tasks) < WAITING_MAX:
            task = self._loop.create_task(_tell(hook, usage, status))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()


async def _tell(hook: Hook, usage: str, status: int) -> None:
    body = json.dumps({"usage": usage, "status": status}).encode()
    for number in range(TRIES):
        with suppress(PilotbaseError, OSError, ValueError):
            if await _sent(hook, body):
                return
        await asyncio.sleep(FIRST_WAIT_S * 4**number)


async def _sent(hook: Hook, body: bytes) -> bool:
    import httpx2

    from pilotbase.serve.upstreams.replicas import key_at
    from pilotbase.trial.endpoints.address import address_of, resolve
    from pilotbase.trial.endpoints.pinned import PinnedTransport

    url, place, private = hook
    address = address_of(url, private=private)
    # Resolved anew for each attempt, and connected to what was checked.
    transport = PinnedTransport(address, await resolve(address, private=private), 1)
    headers = {
        "content-type": "application/json",
        SIGNATURE: signed(body, key_at(place), int(time.time())),
    }
    async with httpx2.AsyncClient(transport=transport, timeout=TIMEOUT_S) as client:
        try:
            answer = await client.post(url, content=body, headers=headers)
        except httpx2.HTTPError:
            return False
    return 200 <= answer.status_code < 300
