"""What is served and what is not, as data for people and pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.serve.call import Refused, Route
from pilotbase.serve.routes.books import Reading
from pilotbase.serve.routes.compile import Books, Compiled, compiled
from pilotbase.serve.routes.verbs import ServedResponse

ANYWHERE = "/run"
"""Stands for the folder of the own workers' sockets where none runs."""


def served(context: Context, *, development: bool) -> ServedResponse:
    """What a gateway would serve now."""
    with open_record(context, create=False) as record:
        reading = Reading(record, development=development)
        reading.grown()
        books = reading.books()
    now = context.clock().timestamp()
    return shown(books, compiled(books, now, ANYWHERE, development=development))


def shown(books: Books, made: Compiled) -> ServedResponse:
    """A compiled state as data."""
    routes = {route.filing: route for route in made.routes.values()}
    refused = [
        {"filing": name, "code": why.code, "message": why.message.as_dict()}
        for name, why in sorted(made.shut.items())
        if name in books.filings
    ]
    services = [
        {**service(route, books.arrangements, books.filings), **_terms(route, books.arrangements)}
        for route in routes.values()
    ]
    return ServedResponse(tuple(services), tuple(refused))


def service(
    route: Route, arrangements: Mapping[str, Any], filings: Mapping[str, Any]
) -> dict[str, Any]:
    """A live route as data; nothing of secrets but where they lie is known, and not that either."""
    arranged = arrangements.get(route.filing, {})
    return {
        "filing": route.filing,
        "service": route.service,
        "speaks": sorted(route.speaks),
        "title": route.title.as_dict(),
        "tier": route.tier,
        "said": route.said,
        "principal": route.principal,
        "expires": route.expires_at,
        "price": filings.get(route.filing, {}).get("price"),
        "upstreams": [one.id for one in route.upstreams],
        "own": not arranged.get("upstreams"),
        "served": route.served,
        "arranged_by": route.arranged_by,
        "declared": _declared(arranged),
        "fallback": [one.filing for one in route.fallback],
        "arranged": arranged.get("entry"),
        "source": route.source,
    }


def _terms(route: Route, arrangements: Mapping[str, Any]) -> dict[str, Any]:
    """On what terms it is served, for who runs it; callers are not told."""
    return {
        "tokens": dict(arrangements.get(route.filing, {}).get("tokens", {})),
        "caps": asdict(route.caps),
        "guards": _open(route.guards),
        "handoff": _open(route.handoff),
        "content": route.content,
    }


_HIDDEN = frozenset({"secret", "key", "api_key", "token", "password"})


def _open(said: Any) -> Any:
    """Settings without what is secret or says where that lies; an address may hold a token."""
    if isinstance(said, Mapping):
        return {
            name: urlsplit(str(one)).hostname if name == "url" else _open(one)
            for name, one in said.items()
            if name not in _HIDDEN
        }
    return [*map(_open, said)] if isinstance(said, (list, tuple)) else said


def _declared(arranged: Mapping[str, Any]) -> dict[str, str]:
    """By upstream, why it is what was tried, in the words of who arranged it."""
    named = arranged.get("upstreams") or ()
    return {one["id"]: one["declared"] for one in named if one.get("declared")}


def refusal(refused: Refused) -> dict[str, Any]:
    """A refusal as data."""
    return {
        "error": refused.code,
        "where": refused.where,
        "message": refused.message.as_dict(),
        "next": refused.next_step.as_dict(),
    }
