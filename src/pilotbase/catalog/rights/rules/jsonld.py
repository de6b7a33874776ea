"""The part of JSON-LD that policies are written in, read without fetching anything.

A context may be ODRL's own (by its name, which is known here) and objects that declare prefixes. A
context elsewhere is never fetched, and one that gives ODRL's words another meaning is refused: who
reads the policy has to see what it says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotbase.catalog.rights.rules.export import CONTEXT
from pilotbase.catalog.rights.rules.vocabulary import CC, ODRL, ODRL_CONTEXT, XSD
from pilotbase.kernel.text import Text
from pilotbase.scenario.decode import HIDDEN
from pilotbase.scenario.finding import Finding, Path, shown

BYTES_MAX = 2**20
DEPTH_MAX = 24
NODES_MAX = 20_000
OWN = "urn:pilotbase:"
_PREFIXES = {"odrl": ODRL, "cc": CC, "xsd": XSD, "pilotbase": OWN}
_KINDS = ("policy", "party", "asset", "rule", "duty")


class Unreadable(ValueError):
    """The text is not what it has to be; ``args[0]`` is a `Finding`."""


@dataclass(frozen=True)
class Reader:
    """Words of a document, with the prefixes that it declares."""

    prefixes: Mapping[str, str] = field(default_factory=lambda: dict(_PREFIXES))

    def iri(self, text: str) -> str:
        """A text with its prefix written out, where it has one that is declared."""
        prefix, colon, rest = text.partition(":")
        if colon and not rest.startswith("//") and prefix in self.prefixes:
            return self.prefixes[prefix] + rest
        return text

    def word(self, text: str) -> str:
        """A word of ODRL by its local name, one of Creative Commons as ``cc:…``, else an IRI."""
        iri = self.iri(text)
        for start, short in ((ODRL, ""), (CC, "cc:")):
            if iri.startswith(start):
                return short + iri.removeprefix(start)
        return iri

    def name(self, text: str) -> str:
        """An id: those of this base by what stands behind ``urn:pilotbase:<kind>:``."""
        iri = self.iri(text)
        for kind in _KINDS:
            if iri.startswith(f"{OWN}{kind}:"):
                return iri.removeprefix(f"{OWN}{kind}:")
        return iri


def parsed(data: bytes) -> Any:
    """JSON data within limits. Raises `Unreadable`."""
    if len(data) > BYTES_MAX:
        raise _unreadable("too_large", f"more than {BYTES_MAX:,} bytes", f"超过 {BYTES_MAX:,} 字节")
    try:
        said = json.loads(str(data, "utf-8-sig"), object_pairs_hook=_once, parse_float=_as_written)
    except RecursionError as error:
        raise _too_deep() from error
    except Unreadable:
        raise
    except ValueError as error:
        raise _unreadable("syntax", f"no JSON: {error}", f"不是 JSON: {error}") from error
    _check_size(said)
    return said


class _Number(str):
    """A number as it is written: 5.10 stays 5.10."""


def _as_written(text: str) -> _Number:
    return _Number(text[:100])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = shown(next(key for key in keys if keys.count(key) > 1))
        raise _unreadable("twice", f"{twice!r} stands twice", f"{twice!r} 重复出现")
    return said


def _check_size(said: Any) -> None:
    """Raises `Unreadable` for too much, too deep, or characters that steer a terminal."""
    waiting, nodes = [(said, 1)], 0
    while waiting:
        value, depth = waiting.pop()
        nodes += 1
        if depth > DEPTH_MAX:
            raise _too_deep()
        if nodes > NODES_MAX:
            raise _unreadable("too_many", f"more than {NODES_MAX:,} values", "值过多")
        for text in value if isinstance(value, dict) else (value,):
            if isinstance(text, str) and (hidden := HIDDEN.search(text)):
                code = f"U+{ord(hidden[0]):04X}"
                raise _unreadable(
                    "character", f"the character {code} is not allowed", f"不允许出现字符 {code}"
                )
        inner = value.values() if isinstance(value, dict) else value
        if isinstance(value, (dict, list)):
            waiting += [(one, depth + 1) for one in inner]


def _too_deep() -> Unreadable:
    return _unreadable("too_deep", f"nested deeper than {DEPTH_MAX}", f"嵌套超过 {DEPTH_MAX} 层")


def _unreadable(code: str, en: str, zh: str) -> Unreadable:
    return Unreadable(Finding((), f"terms.{code}", Text(en, zh)))


def context_of(
    document: Mapping[str, Any], reserved: frozenset[str]
) -> tuple[Reader, list[Finding]]:
    """The reader of a document, and what is wrong with its context.

    Args:
        reserved: the words of ODRL, which a context may not give another meaning.
    """
    prefixes, found = dict(_PREFIXES), list[Finding]()
    said = document.get("@context")
    for number, one in enumerate(said if isinstance(said, list) else [said]):
        at: Path = ("@context", number) if isinstance(said, list) else ("@context",)
        if isinstance(one, dict):
            found += _declared(at, one, prefixes, reserved)
        elif one not in (None, ODRL_CONTEXT, ODRL_CONTEXT.replace("http:", "https:")):
            found.append(_remote(at, one))
    return Reader(prefixes), found


def _declared(
    at: Path, context: Mapping[str, Any], prefixes: dict[str, str], reserved: frozenset[str]
) -> Iterator[Finding]:
    """Take the prefixes of a context; findings for everything that could change ODRL's words."""
    for word, value in context.items():
        if value == CONTEXT.get(word, ...):
            continue
        iri = value.get("@id") if isinstance(value, dict) else value
        if word.startswith("@"):
            if word not in ("@language", "@version"):
                yield _meaning((*at, word), word)
        elif word in _PREFIXES or word in reserved:
            if iri != _PREFIXES.get(word, ODRL + word) and iri != f"odrl:{word}":
                yield _meaning((*at, word), word)
        elif isinstance(value, str) and value[-1:] in ("/", "#", ":"):
            prefixes[word] = value


def _remote(at: Path, one: Any) -> Finding:
    said = Text(
        f"the context {shown(one)!r} lies elsewhere and is never fetched",
        f"上下文 {shown(one)!r} 位于外部, 系统不会抓取",
    )
    wanted = Text(f"{ODRL_CONTEXT}, or an object of prefixes", f"{ODRL_CONTEXT}, 或前缀对象")
    return Finding(at, "terms.remote_context", said, wanted)


def _meaning(at: Path, word: str) -> Finding:
    said = Text(
        f"the context gives {shown(word)!r} another meaning", f"上下文改变了 {shown(word)!r} 的含义"
    )
    return Finding(at, "terms.redefined", said, Text("prefixes only", "仅限前缀"))
