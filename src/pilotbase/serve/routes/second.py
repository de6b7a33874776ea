"""Whether a service can stand in for another, as far as the record says. Pure.

A call that goes to a second choice is the same call: what it asks for, and the columns of its case,
have to be what the second takes too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.serve.routes.compile import OWN, SPEAKS, Books, Craft

WORDS = "answer"
"""The task whose workers take words and no columns."""


def unfit(books: Books, first: str, second: str, speaks: Mapping[str, Collection[str]]) -> Text:
    """Why it cannot; an empty text where nothing is known against it.

    Args:
        speaks: what the services of a sheet answer, by filing; of others the record says it.
    """
    if first == second:
        return Text("a service is no second choice of itself", "服务不能以自身为备选")
    one, other = _craft(books, first), _craft(books, second)
    if one is not None and other is not None:
        if one.task != other.task:
            return Text(
                f"{second} has another task ({other.task}; here {one.task})",
                f"{second} 的任务不同 ({other.task}; 此处为 {one.task})",
            )
        if _alike(books, first, second) is False:
            return Text(f"{second} takes other columns", f"{second} 所取的列不同")
    wanted, given = (speaks.get(name) or spoken(books, name) for name in (first, second))
    lacking = ", ".join(sorted(set(wanted) - set(given))) if given else ""
    if lacking:
        return Text(f"{second} does not answer {lacking}", f"{second} 不受理 {lacking}")
    return Text("", "")


def unsure(books: Books, first: str, second: str) -> bool:
    """Whether the record does not say if both take the same columns."""
    return _alike(books, first, second) is None


def spoken(books: Books, name: str, arranged: Mapping[str, Any] | None = None) -> frozenset[str]:
    """What a service answers by its arrangement; empty where the record does not say."""
    said = books.arrangements.get(name, {}) if arranged is None else arranged
    if said.get("speaks"):
        return frozenset(said["speaks"])
    craft = _craft(books, name)
    own = OWN.get(craft.task, ()) if craft else ()
    kinds = [one["kind"] for one in said.get("upstreams") or ({"kind": "candidate"},)]
    return frozenset(word for kind in kinds for word in SPEAKS.get(kind, own))


def _craft(books: Books, name: str) -> Craft | None:
    said = books.filings.get(name)
    return books.crafts.get(f"pilot:{said['run']}") if said is not None else None


def _alike(books: Books, first: str, second: str) -> bool | None:
    """Whether both take the same columns; None where that is not known."""
    one, other = _craft(books, first), _craft(books, second)
    if one is None or other is None:
        return None
    if WORDS in (one.task, other.task):
        return True
    if one.features and other.features:
        return set(one.features) == set(other.features)
    if one.features == other.features:
        scenarios = {books.filings[name]["scenario"] for name in (first, second)}
        if one.data == other.data or len(scenarios) == 1:
            return True
        if one.data.get("dataset") and other.data.get("dataset"):
            return False
    return None
