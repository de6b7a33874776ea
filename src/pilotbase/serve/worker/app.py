"""A worker's HTTP side: two protocols over one candidate, or why it cannot be served."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.to_thread

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.serve.rules.cases import ANSWERED
from pilotbase.serve.rules.cases import CHECK as _CHECK
from pilotbase.serve.rules.unfit import Unfit
from pilotbase.serve.worker import chat, oip
from pilotbase.serve.worker.answering import Answering

BODY_BYTES_MAX = 16 * 2**20
ANSWER_SECONDS_MAX = 120.0
"""Code that takes longer cannot be called back: its process ends, and another takes its place."""
STUCK = 70
JSON = "application/json"
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class App:
    """The ASGI application of one worker.

    Args:
        name, version: of the filing and of its asset. model: the candidate, or the error that stops
            it from being served, which every call is then told.
    """

    def __init__(self, name: str, version: str, model: Answering | PilotbaseError) -> None:
        self._name, self._version, self._model = name, version, model
        self._turn = anyio.CapacityLimiter(1)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        body = await _body(receive)
        try:
            if body is None:
                await _say(
                    send, 413, {"error": "the request is too long", "message_zh": "请求过长"}
                )
            elif path in ("/v2/health/live", "/healthz"):
                await _say(send, 200, {"live": True})
            elif isinstance(self._model, PilotbaseError):
                await _say(send, 503, _as_error(self._model))
            elif method == "POST" and path.endswith("/chat/completions"):
                await self._chat(self._model, body, scope, send)
            elif method == "POST" and path.startswith("/v2/models/") and path.endswith("/infer"):
                await self._infer(self._model, body, scope, send)
            elif path.startswith("/v2/"):
                await self._told(self._model, path, send)
            else:
                await _say(send, 404, _nothing_at(path[:80]))
        except Unfit as error:
            said: dict[str, Any] = {
                "message": error.en,
                "message_zh": error.zh,
                "code": "serve.unfit",
            }
            if path.startswith("/v2/"):  # the protocol's error is a text
                said = {**said, "error": said.pop("message")}
            else:
                said = {"error": {**said, "type": "invalid_request_error"}}
            await _say(send, 400, said)

    async def _told(self, model: Answering, path: str, send: Send) -> None:
        if path.endswith("/ready"):
            await _say(send, 200, {"name": self._name, "ready": True})
        elif path == "/v2":
            await _say(send, 200, {"name": "pilotbase", "version": "2", "extensions": []})
        else:
            await _say(send, 200, oip.metadata_of(model, self._name, self._version))

    async def _infer(
        self, model: Answering, body: bytes, scope: dict[str, Any], send: Send
    ) -> None:
        headers = {key.decode("latin-1"): value for key, value in scope["headers"]}
        length = headers.get(oip.LENGTH, b"").decode("latin-1") or None
        cases = oip.cases_of(body, length, model)
        if _CHECK in headers:
            return await self._checked(model, cases, send)
        answers = await self._answers(model, cases)
        id_ = json.loads(body[: int(length) if length else len(body)]).get("id")
        data = oip.answer_of(answers, self._name, self._version, id_, model.fit)
        await _send(send, 200, JSON, [data], len(answers))

    async def _chat(self, model: Answering, body: bytes, scope: dict[str, Any], send: Send) -> None:
        cases, said = chat.asked(body, model)
        if any(name == _CHECK.encode() for name, _ in scope["headers"]):
            return await self._checked(model, cases, send)
        answers = await self._answers(model, cases)
        at, id_ = int(time.time()), secrets.token_hex(12)
        done = chat.completion(answers, model, self._name, said, at, id_)
        if said.get("stream"):
            await _send(send, 200, "text/event-stream", chat.pieces(done, said), len(answers))
        else:
            await _say(send, 200, done, len(answers))

    async def _checked(self, model: Answering, cases: list[dict[str, Any]], send: Send) -> None:
        """A gateway asks before a person has to look at it; nothing is answered."""
        await anyio.to_thread.run_sync(model.check, cases)
        await _say(send, 200, {"fit": True})

    async def _answers(self, model: Answering, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
        async with self._turn:
            try:
                with anyio.fail_after(ANSWER_SECONDS_MAX):
                    return await anyio.to_thread.run_sync(
                        model.answer, cases, abandon_on_cancel=True
                    )
            except TimeoutError:
                os._exit(STUCK)


def _nothing_at(path: str) -> dict[str, Any]:
    return {"error": f"nothing is at {path}", "message_zh": f"{path} 处没有内容"}


def _as_error(error: PilotbaseError) -> dict[str, Any]:
    said = {
        "message": error.message.en,
        "message_zh": error.message.zh,
        "type": "service_unavailable",
        "code": error.code,
    }
    return {"error": said}


async def _body(receive: Receive) -> bytes | None:
    parts, size = list[bytes](), 0
    while True:
        event = await receive()
        parts.append(event.get("body", b""))
        size += len(parts[-1])
        if size > BODY_BYTES_MAX:
            return None
        if event["type"] != "http.request" or not event.get("more_body"):
            return b"".join(parts)


async def _say(send: Send, status: int, said: dict[str, Any], count: int = 0) -> None:
    await _send(send, status, JSON, [json.dumps(said, ensure_ascii=False).encode()], count)


async def _send(send: Send, status: int, kind: str, parts: list[bytes], count: int = 0) -> None:
    """``count`` is how many cases were answered; the gateway compares it with what it reserved."""
    headers = [(b"content-type", kind.encode())]
    if count:
        headers.append((ANSWERED.encode(), str(count).encode()))
    if len(parts) == 1:
        headers.append((b"content-length", str(len(parts[0])).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
