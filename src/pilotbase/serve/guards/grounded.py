"""Groundedness: an answer stands in the passages that it cites, or it is declined.

The rules are those by which the service was tried (`trial.rules.sentences`, `support`): a sentence
rests on the passages that it cites as ``[id]``, or on all that the answer cites. An answer that
cites nothing known is one from outside the documents. What the rules cannot see is on the page
``rules/language``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pilotbase.serve.guards.saying import found
from pilotbase.serve.ports import Finding, Seen
from pilotbase.trial.rules.sentences import sentences, without_markers
from pilotbase.trial.rules.support import Evidence, informative, supported
from pilotbase.trial.rules.wordforms import compared

SENTENCES_MAX, CITED_MAX = 500, 50
TEXT_MAX = 100_000  # characters of an answer that are read; a longer one is not grounded


@dataclass(frozen=True)
class Grounding:
    """What is asked of an answer.

    Attributes:
        share_min: of its sentences, supported. refusals: sentences that decline; the first is said
            in the place of an answer that is not grounded.
        passages: id → text, known for every call; a request may bring ``documents`` of its own.
    """

    share_min: float = 1.0
    refusals: tuple[str, ...] = ()
    passages: Mapping[str, str] = field(default_factory=dict)
    action: Literal["decline", "refuse", "flag"] = "decline"


class Grounded:
    """The guard. It needs the whole answer: a stream is held to its end."""

    name: str = "grounded"
    reads: Literal["texts", "whole"] = "texts"
    held: int = -1

    def __init__(self, asked: Grounding) -> None:
        self._asked = asked
        self._refusals = frozenset(compared(said) for said in asked.refusals)

    def look(self, text: str, seen: Seen) -> Finding:
        if seen.part == "request" or not text.strip():
            return Finding(text)
        kind = self._wrong(text, seen)
        if kind is None:
            return Finding(text)
        flags = (f"{self.name}:{kind}",)
        if self._asked.action == "refuse":
            return Finding(text, flags, found(self.name, kind, seen))
        return Finding(self._asked.refusals[0] if self._asked.action == "decline" else text, flags)

    def window(self, seen: Seen) -> None:
        return None

    def _wrong(self, text: str, seen: Seen) -> str | None:
        if len(text) > TEXT_MAX:
            return "unsupported"
        passages = {**self._asked.passages, **_documents(seen.asked)}
        if compared(without_markers(text, passages)) in self._refusals:
            return None
        said = sentences(text, passages)
        cited = list(dict.fromkeys(name for one in said for name in one.cites))
        if not cited or not said:
            return "uncited"
        read = {name: Evidence.of(passages[name]) for name in cited[:CITED_MAX]}
        asked = informative(_question(seen.asked))
        held = sum(
            supported(one.text, [read[name] for name in one.cites or cited if name in read], asked)
            for one in said[:SENTENCES_MAX]
        )
        return None if held >= self._asked.share_min * len(said) else "unsupported"


def _documents(asked: Any) -> dict[str, str]:
    """What a request brings along as ``documents: [{"id", "text"}]``."""
    given = asked.get("documents") if isinstance(asked, dict) else None
    found_: dict[str, str] = {}
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict) and isinstance(one.get("text"), str):
            found_[str(one.get("id", ""))] = one["text"]
    return found_


def _question(asked: Any) -> str:
    """The words of the last message of a user."""
    messages = asked.get("messages") if isinstance(asked, dict) else None
    for one in reversed(messages if isinstance(messages, list) else []):
        if isinstance(one, dict) and one.get("role") == "user":
            content = one.get("content")
            return content if isinstance(content, str) else ""
    return ""
