"""The receipt every answer carries in its headers, put together once for each route and key."""

from __future__ import annotations

from urllib.parse import quote

from pilotbase.serve.call import Grant, Route

VISIBLE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "") + " "
KEPT_MAX = 4096
JSON = b"content-type: application/json\r\n"
STREAM = b"content-type: text/event-stream\r\ncache-control: no-store\r\nx-accel-buffering: no\r\n"


def safe(value: str) -> str:
    """A value as a header can carry it: visible ASCII, the rest as percent-encoded UTF-8.

    >>> safe("evil\\r\\nset-cookie: a=b"), safe("市监局")
    ('evil%0D%0Aset-cookie: a=b', '%E5%B8%82%E7%9B%91%E5%B1%80')
    """
    return quote(value, safe=VISIBLE).strip()


def block_of(route: Route, grant: Grant) -> bytes:
    """The lines that are the same for all calls of a key to a route; the usage id comes last.

    What is not filed has no page in the register, and often nobody who answers for it: then there
    is no such line, rather than an empty one.
    """
    said = {
        "filing": safe(route.filing),
        "version": safe(route.version),
        "served": route.served if route.source == "filed" else "",
        "principal": safe(route.principal),
        "for": safe(grant.principal),
        "verify": register_path(route.filing) if route.source == "filed" else "",
        "development": "" if route.source == "filed" else "not filed",
    }
    lines = [f"pilotbase-{name}: {value}" for name, value in said.items() if value]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii") + b"pilotbase-usage: "


def receipt_headers(route: Route, grant: Grant, usage: str) -> dict[str, str]:
    """The same of a call that is fetched later.

    Whether what answered was proven is not among them: the service may be arranged otherwise by
    now, or a person has answered. The signed receipt says it of the call itself.
    """
    lines = (block_of(route, grant).decode("ascii") + usage).split("\r\n")
    found = dict(line.split(": ", 1) for line in lines)
    found.pop("pilotbase-served", None)
    return found


def register_path(filing: str) -> str:
    """Where a filing can be looked up, at this gateway."""
    return "/register/" + quote(filing, safe="")


class Blocks:
    """Header lines by route and grant; made anew where either is another object than before."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Route, Grant, bytes]] = {}

    def of(self, route: Route, grant: Grant) -> bytes:
        place = id(grant)
        found = self._kept.get(place)
        if found is not None and found[0] is route and found[1] is grant:
            return found[2]
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        block = block_of(route, grant)
        self._kept[place] = route, grant, block
        return block
