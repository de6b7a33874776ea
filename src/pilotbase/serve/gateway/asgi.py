"""What is not a call goes to an ASGI application (ASGI 3.0, HTTP): pages, lists, other doors."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pilotbase.serve.rules.http_head import RequestHead

if TYPE_CHECKING:
    from pilotbase.serve.gateway.http import Connection

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_OURS = frozenset((b"content-length", b"transfer-encoding", b"connection", b"date"))
_log = logging.getLogger("pilotbase.serve")


class Cycle:
    """One request in the application's hands."""

    def __init__(self, connection: Connection, app: App, head: RequestHead, body: bytes) -> None:
        self._connection = connection
        self._body: bytes | None = body
        self._left = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._empty = head.method == b"HEAD"
        self._status, self._block = 0, b""
        self._begun = self._over = False
        loop = asyncio.get_running_loop()
        scope = scope_of(head, connection.client, connection.server)
        self._task = loop.create_task(self._run(app, scope))

    async def _run(self, app: App, scope: Message) -> None:
        try:
            await app(scope, self.receive, self.send)
        except Exception:
            if not self._left.is_set():  # a client that leaves is nobody's fault
                _log.exception("the application failed at %s", scope["path"])
        if self._over or self._connection.gone:
            return
        self._over = True
        if self._begun:
            self._connection.break_off()
        else:
            self._connection.whole(500, b"content-type: text/plain\r\n", b"internal error")

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self._room.wait()
        if self._left.is_set():
            raise OSError("the client has left")
        if message["type"] == "http.response.start":
            self._status, self._block = message["status"], self._headers(message)
            return
        if message["type"] != "http.response.body" or self._over or not self._status:
            raise RuntimeError(f"{message['type']} is out of turn")
        self._send_body(message.get("body", b""), bool(message.get("more_body", False)))

    def _headers(self, message: Message) -> bytes:
        lines = list[bytes]()
        for name, value in message.get("headers", ()):
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError("a header that cannot be sent")
            if name.lower() not in _OURS or (self._empty and name.lower() == b"content-length"):
                lines.append(b"%b: %b\r\n" % (name, value))
        return b"".join(lines)

    def _send_body(self, body: bytes, more: bool) -> None:
        connection = self._connection
        if self._empty or self._status in (204, 304):
            if not more:
                self._finish(lambda: connection.bodiless(self._status, self._block))
        elif not more and not self._begun:
            self._finish(lambda: connection.whole(self._status, self._block, body))
        else:
            if not self._begun:
                self._begun = True
                connection.start(self._status, self._block)
            connection.send(body)
            if not more:
                self._finish(connection.end)

    def _finish(self, how: Callable[[], None]) -> None:
        self._over = True
        self._left.set()
        how()

    # told by the connection

    def disconnected(self) -> None:
        self._left.set()
        self._room.set()

    def paused(self, paused: bool) -> None:
        if paused:
            self._room.clear()
        else:
            self._room.set()


def scope_of(
    head: RequestHead, client: tuple[str, int] | None, server: tuple[str, int] | None
) -> Message:
    """The request as ASGI has it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": head.version,
        "method": head.method.decode("ascii"),
        "scheme": "http",
        "path": unquote(head.path.decode("ascii")),
        "raw_path": head.path,
        "query_string": head.target.partition(b"?")[2],
        "root_path": "",
        "headers": list(head.headers),
        "client": client,
        "server": server,
        "state": {},
    }


class Lifespan:
    """The application's own start and stop."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._said: asyncio.Queue[str] = asyncio.Queue()
        self._told: asyncio.Queue[str] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises RuntimeError when the application cannot start."""
        self._task = asyncio.create_task(self._run())
        await self._tell("startup")

    async def stop(self) -> None:
        if self._task is not None and not self._task.done():
            await self._tell("shutdown")
            await self._task

    async def _tell(self, what: str) -> None:
        self._told.put_nowait(f"lifespan.{what}")
        answer = await self._said.get()
        if answer.endswith("failed"):
            raise RuntimeError(f"the application's {what} failed")

    async def _run(self) -> None:
        async def receive() -> Message:
            return {"type": await self._told.get()}

        async def send(message: Message) -> None:
            self._said.put_nowait(message["type"])

        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        try:
            await self._app(scope, receive, send)
        except Exception:  # an application without a lifespan
            _log.debug("no lifespan", exc_info=True)
        self._said.put_nowait("lifespan.over")
