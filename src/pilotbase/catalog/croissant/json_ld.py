"""Enough of JSON-LD 1.1 to read Croissant, from what stands in the file and nothing else.

Names are expanded by the context written in the file (JSON-LD 1.1, section 4.1), and then called by
their last part where they are schema.org's, Croissant's or ``dct:conformsTo``. A context somewhere
else is a fault and is never fetched: it could change, track who reads, or not answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pilotbase.catalog.croissant.context import CROISSANT, TERMS
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Path, path_text, shown

_OURS = ("https://schema.org/", "http://schema.org/", CROISSANT, TERMS)
INLINE = Text("the context written into the file", "将上下文写入文件本身")


class Names:
    """What the words of a document mean, by its own context."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        self._terms = dict(context)

    def word(self, key: str) -> str:
        """The short name of a key; a keyword such as ``@id`` as it is; an IRI of others in full;
        "" for a key without a meaning.
        """
        return short(self.iri(key))

    def iri(self, key: str) -> str:
        """The IRI that a key or type stands for."""
        for _ in range(4):  # a term that stands for a prefixed name that stands for …
            if key.startswith("@"):
                return key
            meant = self._terms.get(key)
            if isinstance(meant, Mapping):
                meant = meant.get("@id", key)
            if isinstance(meant, str) and meant != key and not key.startswith("@"):
                key = meant
                continue
            prefix, colon, rest = key.partition(":")
            if not colon:
                vocabulary = self._terms.get("@vocab")
                return f"{vocabulary}{key}" if isinstance(vocabulary, str) else ""
            start = self._terms.get(prefix)
            if rest.startswith("//") or not isinstance(start, str):
                return key
            key = start + rest
        return key

    def keys(self, node: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
        """By short name, the key that stands in the file and its value."""
        return {self.word(key): (key, value) for key, value in node.items()}


def short(iri: str) -> str:
    """The last part of a name of schema.org, Croissant or Dublin Core; another IRI in full."""
    for start in _OURS:
        if iri.startswith(start):
            return iri[len(start) :]
    return iri


def context_faults(value: Any, path: Path = ()) -> Iterator[Fault]:
    """Contexts that lie elsewhere, wherever in the document they are named."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from context_faults(item, (*path, number))
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key in ("@context", "@import"):
            yield from _elsewhere(item, (*path, key))
        yield from context_faults(item, (*path, key))


def _elsewhere(said: Any, path: Path) -> Iterator[Fault]:
    for item in said if isinstance(said, list) else [said]:
        if isinstance(item, str):
            message = Text(
                f"the context {shown(item)} lies elsewhere; nothing is fetched",
                f"上下文 {shown(item)} 位于别处; 不会抓取任何内容",
            )
            yield Fault("croissant.remote_context", message, path_text(path), expected=INLINE)


def own_context(document: Mapping[str, Any]) -> dict[str, Any]:
    """The inline context of a document; several are laid over one another in their order."""
    said = document.get("@context")
    made: dict[str, Any] = {}
    for item in said if isinstance(said, list) else [said]:
        if isinstance(item, Mapping):
            made.update(item)
    return made


def texts(value: Any) -> dict[str, str]:
    """Texts by language; without a language under "" .

    A text, ``{"@value", "@language"}``, an object by language, or a list of these.
    """
    found: dict[str, str] = {}
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            found.setdefault("", item)
        elif isinstance(item, Mapping) and isinstance(item.get("@value"), str):
            found.setdefault(str(item.get("@language", "")), item["@value"])
        elif isinstance(item, Mapping):
            spoken = {k: v for k, v in item.items() if isinstance(v, str) and not k.startswith("@")}
            found = {**spoken, **found}
    return found


def references(value: Any) -> list[str]:
    """The ids that a value refers to: ``{"@id": …}``, a text, or a list of these."""
    items = value if isinstance(value, list) else [value]
    ids = [item.get("@id") if isinstance(item, Mapping) else item for item in items]
    return [id_ for id_ in ids if isinstance(id_, str)]
