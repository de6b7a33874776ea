"""A page on this machine on which one person rates answers, blind; it ends with Ctrl-C.

What it shows was written by strangers, so it is escaped and the page may run no script at all. It
listens on the loopback address alone; its address holds a secret that no other page knows, and a
form is taken only from the page itself.
"""

from __future__ import annotations

import hmac
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from importlib.resources import files
from urllib.parse import parse_qs

import anyio
import uvicorn
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from pilotbase.desk.queue import Waiting
from pilotbase.desk.rating import WHY_MAX, Choosing
from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.text import Language

_PACKAGE = "pilotbase.faces.web"
FORM_MAX = 64 * 1024
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
Handler = Callable[[Request], Awaitable[Response]]


def serve(desk: Choosing, language: Language, announce: Callable[[str], None]) -> None:
    """Serve the page until it is ended; ``announce`` gets its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        token = secrets.token_urlsafe(24)
        app = page(desk, language, token=token, host=f"127.0.0.1:{port}")
        announce(f"http://127.0.0.1:{port}/{token}/")
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])


def page(desk: Choosing, language: Language, *, token: str, host: str) -> Starlette:
    """The application.

    Args:
        token: the secret in its address. host: the only ``Host`` it answers to, so that a name
            that somebody points at this machine reaches nothing.
    """
    shown = _Page(desk, language, token, host)
    return Starlette(
        routes=[
            Route("/{token}/", shown.guarded(shown.show), methods=["GET"]),
            Route("/{token}/", shown.guarded(shown.take), methods=["POST"]),
            Route("/{token}/rating.css", shown.guarded(_styled), methods=["GET"]),
        ]
    )


class _Page:
    """What one person sees and sends, and whom it is kept from."""

    def __init__(self, desk: Choosing, language: Language, token: str, host: str) -> None:
        self._desk = desk
        self._language = language
        self._token = token
        self._host = host
        self._secret = secrets.token_urlsafe(24)
        self._skipped: list[str] = []

    def guarded(self, handler: Handler) -> Handler:
        """The handler for who knows the address; to all others there is nothing here."""

        async def guard(request: Request) -> Response:
            said, token = request.path_params["token"].encode(), self._token.encode()
            known = hmac.compare_digest(said, token)
            if request.headers.get("host") != self._host or not known:
                return PlainTextResponse("not found", 404, HEADERS)
            return await handler(request)

        return guard

    async def show(self, request: Request) -> Response:
        spoken = _language(request, self._language)
        try:
            left = await anyio.to_thread.run_sync(self._desk.left)
        except PilotbaseError as error:
            return PlainTextResponse(error.render(spoken), 409, HEADERS)
        # Skipped ones come again once all others are done.
        skipped = self._skipped
        left.sort(key=lambda one: skipped.index(one[0]) + 1 if one[0] in skipped else 0)
        return HTMLResponse(_rendered(self._desk, left, spoken, self._secret), headers=HEADERS)

    async def take(self, request: Request) -> Response:
        if request.headers.get("origin") not in (None, f"http://{self._host}"):
            return PlainTextResponse("not from this page", 403, HEADERS)
        said = await _form(request)
        if said is None:
            return PlainTextResponse("too long", 413, HEADERS)
        if not hmac.compare_digest(said.get("secret", "").encode(), self._secret.encode()):
            return PlainTextResponse("not from this page", 403, HEADERS)
        spoken = _language(request, self._language)
        try:
            await _taken(self._desk, said, self._skipped)
        except PilotbaseError as error:
            return PlainTextResponse(error.render(spoken), 409, HEADERS)
        return RedirectResponse(f"/{self._token}/?lang={spoken}", 303, HEADERS)


async def _form(request: Request) -> dict[str, str] | None:
    """What was filled in, None where it is too long to be from the page."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_MAX:
            return None
    return {k: v[0] for k, v in parse_qs(body.decode("utf-8", "replace")).items()}


async def _styled(request: Request) -> Response:
    return Response(_style(), media_type="text/css", headers=HEADERS)


async def _taken(desk: Choosing, said: dict[str, str], skipped: list[str]) -> None:
    item, mark = said.get("item", ""), said.get("mark", "")
    if item in skipped:
        skipped.remove(item)
    if "skip" in said or mark not in dict(desk.marks):
        skipped.append(item)
        return
    why = said.get("why", "")[:WHY_MAX]
    await anyio.to_thread.run_sync(desk.choose, item, mark, why)


def _language(request: Request, language: Language) -> Language:
    asked = request.query_params.get("lang")
    return "zh" if asked == "zh" else "en" if asked == "en" else language


def _rendered(
    desk: Choosing, left: Sequence[tuple[str, Waiting]], language: Language, secret: str
) -> str:
    first = left[0] if left else None
    return (
        _environment()
        .get_template("rating.html.j2")
        .render(
            t=lambda en, zh: zh if language == "zh" else en,
            lang="zh-CN" if language == "zh" else "en",
            code=language,
            left=len(left),
            id=first[0] if first else "",
            item=first[1].item if first else None,
            marks=[(value, text.in_language(language)) for value, text in desk.marks],
            labels=desk.labels,
            secret=secret,
            why_max=WHY_MAX,
        )
    )


@cache
def _style() -> str:
    return (files(_PACKAGE) / "static" / "rating.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
