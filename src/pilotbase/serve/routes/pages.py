"""Pages of the register at the gateway, for the public without a login; health and readiness.

Each page has a ``.json`` twin. All of a text comes from strangers: it is escaped, and the pages may
run no script.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as Path

from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.time import parse
from pilotbase.register.rules import words
from pilotbase.register.rules.states import WORDS, standing
from pilotbase.serve.call import Refused, Route
from pilotbase.serve.doors.openai_refusals import faulty
from pilotbase.serve.doors.openai_refusals import said as refusal_said
from pilotbase.serve.routes import why
from pilotbase.serve.routes.compile import Books
from pilotbase.serve.routes.gate import RecordGate, moment_of
from pilotbase.serve.routes.shown import refusal, service

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.4rem;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}code{font-size:.9em}"
)
TITLE = Text("Public register", "公开备案登记")
LINES = (
    ("stands", Text("stands", "状态")),
    ("said", Text("verdict", "结论")),
    ("verdict", Text("hash of the verdict", "结论的哈希")),
    ("tier", Text("tier", "等级")),
    ("principal", Text("answers for it", "负责方")),
    ("person", Text("the person behind it", "负责人")),
    ("candidate", Text("candidate", "候选方案")),
    ("version", Text("version of what is served", "所提供内容的版本")),
    ("tried", Text("as it was tried", "试验时的摘要")),
    ("since", Text("since", "自")),
    ("expires", Text("until", "至")),
    ("price", Text("price", "价格")),
    ("single_points", Text("single points of failure", "单点依赖")),
)
ANSWERS = Text("what answers", "实际应答方")
PROVEN = Text(
    "proven: the gateway itself has found that it is what was tried",
    "已证明: 网关自行核实其与试验内容一致",
)
DECLARED = Text(
    "declared: {by} says that it is what was tried; the gateway has not found that out",
    "由人声明: {by} 声明其与试验内容一致, 网关未予核实",
)
Seen = Callable[[], Books | None]
Check = Callable[[], Mapping[str, Any]]


async def _nothing(request: Request, error: Exception) -> Response:
    """No page has this path, or none by this method."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    refused = faulty("nothing is here", "此处没有内容", status, "serve.no_path")
    said = refusal_said(refused)
    if request.url.path.startswith("/v2/"):  # whose protocol has a text here, and its clients too
        return JSONResponse({**said, "error": said["message"]}, status, error.headers)
    return JSONResponse({"error": said}, status, error.headers)


class Pages:
    """The ASGI application beside the doors.

    Args:
        gate: says what is live. books: what the record says; None before it was read.
        ready: further things that have to be well for calls to be taken, by name; each is true or
            says why not. workers: how the own workers are. upstreams: how those of each filing are.
        more: routes of other parts.
    """

    def __init__(
        self,
        gate: RecordGate,
        books: Seen,
        ready: Check,
        *,
        workers: Check = dict,
        upstreams: Check = dict,
        more: Iterable[BaseRoute] = (),
    ) -> None:
        self._gate, self._books, self._ready, self._workers = gate, books, ready, workers
        self._upstreams = upstreams
        self.app = Starlette(
            routes=[
                Path("/healthz", self._health),
                Path("/readyz", self._readiness),
                Path("/register", self._list),
                Path("/register.json", self._list_json),
                Path("/register/{filing}.json", self._filing_json),
                Path("/register/{filing}", self._filing),
                *more,
            ],
            exception_handlers={HTTPException: _nothing},
        )
        # Such a redirect leads wherever the Host header says: a caller's word.
        self.app.router.redirect_slashes = False

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"live": True})

    async def _readiness(self, request: Request) -> Response:
        checks = {"record": self._books() is not None and not self._gate.lost, **self._ready()}
        well = all(value is True for value in checks.values())
        said = {
            "ready": well,
            "checks": checks,
            "workers": dict(self._workers()),
            "upstreams": dict(self._upstreams()),
        }
        return JSONResponse(said, 200 if well else 503)

    async def _list(self, request: Request) -> Response:
        language = _language(request)
        rows = [
            [
                f'<a href="/register/{escape(one["filing"])}">{escape(one["filing"])}</a>',
                escape(words.state(one["stands"], language)),
                escape(words.word(words.TIERS, one["tier"], language)),
                escape(one["principal"]),
                escape(one["expires"]),
            ]
            for one in self.filings()
        ]
        names = ("filing", "stands", "tier", "principal", "expires")
        heads = [_head(name, language) for name in names]
        return _page(TITLE.in_language(language), _table(heads, rows), language)

    async def _list_json(self, request: Request) -> Response:
        return JSONResponse({"filings": self.filings()}, headers=HEADERS)

    async def _filing(self, request: Request) -> Response:
        language, name = _language(request), request.path_params["filing"]
        said = self.said(name)
        if said is None:
            refused = self._why_not(name).message.in_language(language)
            body = f'<p>{escape(refused)}</p><p><a href="/register">/register</a></p>'
            return _page(name, body, language, 404)
        lines = [
            [
                escape(head.in_language(language)),
                f"<code>{escape(_shown(word, said[word], language))}</code>",
            ]
            for word, head in LINES
        ]
        if said["served"] is not None:
            lines.append(
                [escape(ANSWERS.in_language(language)), _as_tried(said["served"], language)]
            )
        steps = [
            [
                str(step["entry"]),
                escape(step["at"]),
                escape(words.state(step["state"], language)),
                escape(words.role(step["role"], language)),
                escape(step["reason"]),
            ]
            for step in said["history"]
        ]
        refused = said["refused"]
        why = f"<p><strong>{escape(refused[language])}</strong></p>" if refused else ""
        body = (
            why
            + _table([], lines)
            + _history(language)
            + _table([], steps)
            + _check(name, language)
        )
        return _page(name, body, language)

    async def _filing_json(self, request: Request) -> Response:
        said = self.said(request.path_params["filing"])
        if said is None:
            refused = self._why_not(request.path_params["filing"])
            return JSONResponse(refusal(refused), 404, headers=HEADERS)
        return JSONResponse(said, headers=HEADERS)

    def _why_not(self, name: str) -> Refused:
        """Why a name that is no filing's is not served; one may be tried and never filed."""
        try:
            route = self._gate.route(name, time.time())
        except Refused as refused:
            return refused
        return why.unknown(name, route.filing)

    def filings(self) -> list[dict[str, Any]]:
        """All filings, the words of a list."""
        books = self._books()
        found = [self.said(id_) for id_ in sorted(books.filings)] if books else []
        words = ("filing", "stands", "tier", "said", "principal", "since", "expires", "served")
        return [{word: one[word] for word in words} for one in found if one is not None]

    def said(self, name: str) -> dict[str, Any] | None:
        """A filing as anyone may see it, and whether it is served; None where there is none."""
        books = self._books()
        if books is None or name not in books.filings:
            return None
        said, now = books.filings[name], time.time()
        route: Route | None = None
        refused: Refused | None = None
        try:
            route = self._gate.route(name, now)
        except Refused as error:
            refused = error
        words = ("filing", "run", "scenario", "candidate", "tried", "plan", "verdict", "said",
                 "since", "expires", "price", "principal", "person", "accepted_by", "parts",
                 "single_points", "conditions", "history", "trust", "earlier")  # fmt: skip
        return {
            **{word: said[word] for word in words},
            "stands": standing(said["state"], parse(said["expires"]), moment_of(now)),
            "tier": said["tier"]["tier"],
            "version": said["asset"]["version"],
            "asset": said["asset"],
            "served": service(route, books.arrangements, books.filings) if route else None,
            "refused": refused.message.as_dict() if refused else None,
        }


def _language(request: Request) -> Language:
    wanted = request.query_params.get("lang", "")
    accepts = request.headers.get("accept-language", "").strip().lower()
    return "zh" if (wanted or accepts).startswith("zh") else "en"


def _as_tried(served: Mapping[str, Any], language: Language) -> str:
    """A cell: how it is known that what answers is what was tried."""
    if served["served"] == "proven":
        return escape(PROVEN.in_language(language))
    said = [f"{name}: {words}" for name, words in served["declared"].items()]
    text = DECLARED.format(by=served["arranged_by"] or "–").in_language(language)
    return escape("; ".join([text, *said]))


def _head(name: str, language: Language) -> str:
    heads = {"filing": Text("filing", "备案"), **dict(LINES)}
    return escape(heads[name].in_language(language))


_OF = {"stands": WORDS, "tier": words.TIERS, "said": words.VERDICTS}


def _shown(name: str, value: Any, language: Language) -> str:
    if name in _OF:
        return words.word(_OF[name], value, language)
    if name == "price":
        return words.price(value, language)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return json.dumps(value, ensure_ascii=False)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are escaped already."""
    top = "".join(f"<th>{head}</th>" for head in heads)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table>{f'<tr>{top}</tr>' if top else ''}{body}</table>"


def _history(language: Language) -> str:
    return f"<h2>{Text('What happened', '经过').in_language(language)}</h2>"


def _check(name: str, language: Language) -> str:
    text = Text(
        "Whoever has the record checks it with <code>pilotbase record verify</code> and "
        "<code>pilotbase register show {name}</code>. The same as data: "
        '<a href="/register/{name}.json">/register/{name}.json</a>',
        "持有记录者可用 <code>pilotbase record verify</code> 与 "
        "<code>pilotbase register show {name}</code> 核验。数据形式: "
        '<a href="/register/{name}.json">/register/{name}.json</a>',
    )
    return f"<p>{text.format(name=escape(name)).in_language(language)}</p>"


def _page(title: str, body: str, language: Language, status: int = 200) -> Response:
    text = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )
    return HTMLResponse(text, status, HEADERS)
