"""Which scopes of a new key open nothing that is there: worth saying, and no fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pilotbase.catalog.rules.scopes import covers
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record

FILED, ARRANGED = "register.filed/1", "serve.arranged/1"
_BEGINNINGS = ("serve.call", "serve.answer")


def remarks(record: Record, scopes: Iterable[str]) -> list[Text]:
    """Of each scope below ``serve`` that opens no service of the record, what would."""
    found = list(idle(scopes, services(record)))
    if not found:
        return []
    names = ", ".join(found)
    return [
        Text(
            f"{names}: this opens nothing that is served. One service is opened by "
            "serve.call.SERVICE, all of them by 'serve.call.*'; `pilotbase gateway show` lists "
            "them.",
            f"{names}: 不能打开任何现有服务。打开一项服务用 serve.call.服务名, 打开全部用 "
            "'serve.call.*'; `pilotbase gateway show` 可列出现有服务。",
        )
    ]


def services(record: Record) -> set[str]:
    """All names that a key can open a service by: filings, filed services, those of development."""
    filed = {entry.body["filing"] for entry in record.entries(kind=FILED)}
    others = {
        entry.body["filing"]
        for entry in record.entries(kind=ARRANGED)
        if entry.body.get("development")
    }
    return filed | {filing.rpartition("-")[0] for filing in filed} | others


def idle(scopes: Iterable[str], names: Iterable[str]) -> Iterator[str]:
    """The scopes below ``serve`` that open none of these services, and none to come.

    >>> list(idle(["serve.call", "serve.call.a", "serve.call.b", "serve.call.*"], ["a"]))
    ['serve.call', 'serve.call.b']
    """
    known = list(names)
    for scope in scopes:
        if scope.partition(".")[0] != "serve":
            continue
        opened = (f"{one}.{name}" for one in _BEGINNINGS for name in known)
        to_come = any(covers(scope, f"{one}.*") for one in _BEGINNINGS)
        if not to_come and not any(covers(scope, one) for one in opened):
            yield scope
