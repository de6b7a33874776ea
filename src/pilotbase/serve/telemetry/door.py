"""``/metrics``, ``/calls`` and ``/calls.json``: for operators, each with a key of their own.

The key's scope is ``operate.metrics`` or ``operate.calls``: no ``serve.*`` covers it, so callers
are no operators. It is sent as ``Authorization: Bearer``, or as the password of ``Basic`` where a
browser asks for one. On the port that was set apart for it (loopback only) ``/metrics`` needs none;
an address alone says nothing, because a reverse proxy of strangers has a loopback address too.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterable
from html import escape
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route as Path

from pilotbase.kernel.text import Language, Text
from pilotbase.serve.call import Refused
from pilotbase.serve.routes.gate import RecordGate
from pilotbase.serve.routes.pages import HEADERS, STYLE
from pilotbase.serve.routes.shown import refusal
from pilotbase.serve.rules.exposition import MEDIA, Family, exposition, merged
from pilotbase.serve.rules.http_head import HeadError, key_in
from pilotbase.serve.telemetry.calls import together
from pilotbase.serve.telemetry.siblings import Siblings

METRICS, CALLS = "operate.metrics", "operate.calls"
ENDED_SHOWN, REFRESH_S = 100, 2
TITLE = Text("Calls", "调用")
LIVE, ENDED = Text("Under way", "进行中"), Text("Ended", "已结束")
COLUMNS = (
    ("since", Text("since", "开始")), ("usage", Text("usage id", "用量编号")),
    ("filing", Text("filing", "备案")), ("operation", Text("operation", "操作")),
    ("for", Text("for", "委托方")), ("key", Text("key", "密钥编号")),
    ("upstream", Text("upstream", "上游")), ("seconds", Text("seconds", "秒")),
)  # fmt: skip
LIVE_COLUMNS = (*COLUMNS, ("state", Text("state", "状态")))
ENDED_COLUMNS = (
    *COLUMNS, ("outcome", Text("outcome", "结果")), ("code", Text("code", "代码")),
    ("input_tokens", Text("tokens in", "输入词元")),
    ("output_tokens", Text("tokens out", "输出词元")), ("charge", Text("charge", "费用")),
)  # fmt: skip
_FAMILIES = msgspec.json.Decoder(list[Family])
Page = Callable[[Request], Awaitable[Response]]


class OperatorDoor:
    """The pages.

    Args:
        open_port: where ``/metrics`` needs no key; 0 where there is no such port.
    """

    def __init__(
        self,
        gate: RecordGate,
        siblings: Siblings,
        clock: Callable[[], float],
        open_port: int = 0,
    ) -> None:
        self._gate, self._siblings, self._clock = gate, siblings, clock
        self._open_port = open_port
        self.routes = [
            Path("/metrics", self._metrics),
            Path("/calls", self._guarded(self._page)),
            Path("/calls.json", self._guarded(self._json)),
        ]

    async def _metrics(self, request: Request) -> Response:
        server = request.scope.get("server") or ("", 0)
        if not (self._open_port and server[1] == self._open_port):
            try:
                self._gate.opens(_key(request), METRICS, self._clock())
            except Refused as refused:
                return _refused(refused)
        told = await self._siblings.all("metrics")
        text = await asyncio.to_thread(_written, told)
        return Response(text, media_type=MEDIA)

    def _guarded(self, page: Page) -> Page:
        async def shown(request: Request) -> Response:
            try:
                self._gate.opens(_key(request), CALLS, self._clock())
            except Refused as refused:
                return _refused(refused)
            return await page(request)

        return shown

    async def _view(self) -> dict[str, Any]:
        return together([msgspec.json.decode(one) for one in await self._siblings.all("calls")])

    async def _json(self, request: Request) -> Response:
        return JSONResponse(await self._view(), headers={"cache-control": "no-store"})

    async def _page(self, request: Request) -> Response:
        accepts = request.headers.get("accept-language", "").strip().lower()
        wanted = request.query_params.get("lang", "") or accepts
        language: Language = "zh" if wanted.startswith("zh") else "en"
        found = await self._view()
        title = TITLE.in_language(language)
        body = (
            f"<h2>{LIVE.in_language(language)}: {len(found['live'])}</h2>"
            + _table(LIVE_COLUMNS, found["live"], language)
            + f"<h2>{ENDED.in_language(language)}</h2>"
            + _table(ENDED_COLUMNS, reversed(found["ended"][-ENDED_SHOWN:]), language)
        )
        text = (
            f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
            f'<meta http-equiv="refresh" content="{REFRESH_S}"><title>{title}</title>'
            f"<style>{STYLE}body{{max-width:none}}</style><h1>{title}</h1>{body}</html>"
        )
        return HTMLResponse(text, headers={**HEADERS, "cache-control": "no-store"})


def _written(told: Iterable[bytes]) -> str:
    return exposition(merged(_FAMILIES.decode(one) for one in told))


def _table(
    columns: Iterable[tuple[str, Text]], rows: Iterable[dict[str, Any]], language: Language
) -> str:
    columns = tuple(columns)
    top = "".join(f"<th>{text.in_language(language)}</th>" for _, text in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(row[name]))}</td>" for name, _ in columns) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"


def _key(request: Request) -> str:
    """The key's text, of ``Bearer`` or as the password of ``Basic`` (RFC 7617); empty for none."""
    scheme, _, word = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(word, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    try:
        return key_in(request.headers.raw)
    except HeadError:
        return ""


def _refused(refused: Refused) -> Response:
    headers = {"cache-control": "no-store"}
    if refused.status == 401:
        headers["www-authenticate"] = 'Basic realm="pilotbase operator", charset="UTF-8"'
    return JSONResponse(refusal(refused), refused.status, headers)
