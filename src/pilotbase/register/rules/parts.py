"""The bill of materials of a service, and its single points of failure. Pure.

A part is ``{"name", "kind", "supplier", "version", "substitutes"}``. A *single point of failure* is
a part for which no substitute is declared: if it is lost, the service stops. Whether a declared one
would do is for a drill to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

Part = Mapping[str, Any]
# Import name → the package that it comes in.
PACKAGES = {"sklearn": "scikit-learn", "statsmodels": "statsmodels", "pilotbase": "pilotbase"}
DEPTH_MAX = 20


def part(
    name: str,
    kind: str,
    *,
    supplier: str = "",
    version: str = "",
    substitutes: Iterable[str] = (),
) -> dict[str, Any]:
    """One line of a bill of materials."""
    said = {"name": name, "kind": kind, "supplier": supplier, "version": version}
    return {**said, "substitutes": sorted(set(substitutes))}


def parts_of_offer(
    offer: Mapping[str, Any], data: tuple[str, str], software: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """What a candidate needs, as its scenario declares it.

    Args:
        offer: the candidate with all its words. data: name and digest of the data.
        software: version by package, as recorded when it was tried.
    """
    for named in (offer.get("estimator"), *(s["estimator"] for s in offer.get("steps") or ())):
        if named:
            package = PACKAGES.get(named.split(".")[0], named.split(".")[0])
            yield part(package, "software", version=software.get(package, ""))
    for word in ("plugin", "callable"):
        if offer.get(word):
            yield part(offer[word], "software")
    if offer.get("command"):
        yield part(offer["command"][0], "software")
    for word in ("chat", "infer", "mcp"):
        yield from _endpoint(offer.get(word) or {}, offer.get("provider") or "")
    yield part(data[0], "dataset", version=data[1])


def _endpoint(said: Mapping[str, Any], provider: str) -> Iterator[dict[str, Any]]:
    if said.get("url"):
        yield part(urlsplit(said["url"]).hostname or said["url"], "endpoint", supplier=provider)
    if said.get("command"):
        yield part(said["command"][0], "software", supplier=provider)
    if said.get("model"):
        version = said.get("version") or ""
        yield part(said["model"], "model", supplier=provider, version=version)


def parts_of_asset(asset: str, cards: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What an asset of the catalog cannot do without, and what that cannot do without.

    Args:
        cards: all cards of the catalog by id. A circle of parts is walked once.
    """
    waiting, seen = [(asset, 0)], {asset}
    while waiting:
        id_, depth = waiting.pop(0)
        for said in cards.get(id_, {}).get("parts", ()):
            kind = said.get("kind", "asset")
            inner = cards.get(said["name"], {}) if kind == "asset" else {}
            yield part(
                said["name"],
                inner.get("kind", kind),
                supplier=said.get("supplier") or inner.get("provider") or "",
                version=inner.get("digest", ""),
                substitutes=said.get("substitutes", ()),
            )
            if inner and said["name"] not in seen and depth < DEPTH_MAX:
                seen.add(said["name"])
                waiting.append((said["name"], depth + 1))


def gathered(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """One line for each kind and name, with all that was said of it, in the order of naming."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in parts:
        key = one["kind"], one["name"]
        known = found.setdefault(key, dict(one))
        for word in ("supplier", "version"):
            known[word] = known[word] or one[word]
        known["substitutes"] = sorted({*known["substitutes"], *one["substitutes"]})
    return list(found.values())


def single_points(parts: Sequence[Part]) -> tuple[str, ...]:
    """The names of the parts that no declared substitute could replace.

    >>> single_points([part("m", "model"), part("p", "software", substitutes=["q"])])
    ('m',)
    """
    return tuple(dict.fromkeys(one["name"] for one in parts if not one["substitutes"]))
