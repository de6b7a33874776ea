"""From the words of an answer to the fields of the protocol: citations, refusals, numbers, JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pilotbase.trial.endpoints.completion import Turn
from pilotbase.trial.endpoints.port import Case, Misspoken
from pilotbase.trial.reply import Question

CITES_MAX = 1000
_BRACKETS = re.compile(r"\[([^\[\]\n]{1,500})\](?!\()")
_BETWEEN = re.compile(r"\s*[,;，；、]\s*")
_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL | re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_MARKS = " \t\r\n\"'`*“”‘’「」"
_EDGES = _MARKS + ".。!！"
_REFUSED: dict[str, Any] = {"refuse": "it will not answer"}
TABLE_FIELDS = ("label", "probability", "score", "value", "lower", "upper")


def fields_of(turn: Turn, case: Case, *, refusals: Sequence[str], as_json: bool) -> dict[str, Any]:
    """The answer to a case as the fields of `candidates.messages`, with the ``tokens`` it took.

    Raises:
        Misspoken: no JSON object where one is asked for; tool calls that nobody offered.
    """
    if turn.tool_calls:
        raise Misspoken("it calls a tool, though none is offered")
    fields: dict[str, Any]
    if case.question is None:
        fields = _REFUSED.copy() if turn.refused else table_fields(turn.text, as_json=as_json)
    elif as_json and not turn.refused:
        fields = object_fields(json_object(turn.text), turn.text, case.question, refusals)
    else:
        fields = text_fields(turn.text, case.question, refusals)
        fields["refused"] = fields["refused"] or turn.refused
    return fields | tokens(turn)


def tokens(turn: Turn) -> dict[str, Any]:
    """``tokens``, and ``lost`` where tries may have been paid for that gave no answer."""
    found: dict[str, Any] = {"tokens": {"in": turn.tokens_in, "out": turn.tokens_out}}
    return found | ({"lost": turn.lost} if turn.lost else {})


def text_fields(text: str, question: Question, refusals: Sequence[str]) -> dict[str, Any]:
    """An answer in words."""
    return {
        "text": text,
        "refused": says_refusal(text, refusals),
        "cites": [{"passage": name, "quote": ""} for name in cited(text, question.passages)],
    }


def cited(text: str, passages: Mapping[str, str]) -> list[str]:
    """The passages that a text cites as ``[id]`` or ``[id, id]``, each once, in its order.

    A name that is none of the passages is kept, so that it counts as a citation that leads nowhere;
    a remark in brackets (with blanks) and a link are no citations.

    >>> cited("Paris [p1, p9] (see [the note]).", {"p1": "…"})
    ['p1', 'p9']
    """
    if not passages:
        return []
    found: dict[str, None] = {}
    for inner in _BRACKETS.findall(text):
        names = [inner] if inner in passages else _BETWEEN.split(inner.strip())
        for name in names:
            if name in passages or (name and len(name) <= 64 and not re.search(r"\s", name)):
                found[name] = None
        if len(found) > CITES_MAX:
            raise Misspoken(f"more than {CITES_MAX} citations")
    return list(found)


def says_refusal(text: str, refusals: Sequence[str]) -> bool:
    """Whether the text is one of the declared sentences, or starts with it.

    Case, blanks, citations and what stands around the sentence do not matter.
    """
    said = _plain(text)
    return any(said.startswith(sentence) for sentence in map(_plain, refusals) if sentence)


def _plain(text: str) -> str:
    return " ".join(_BRACKETS.sub(" ", text).casefold().split()).strip(_EDGES)


def json_object(text: str) -> dict[str, Any]:
    """The JSON object that a text is, also within a fence.

    Raises:
        Misspoken: it is none, or holds what JSON or Unicode does not.
    """
    fenced = _FENCED.match(text)
    try:
        found = json.loads(fenced[1] if fenced else text, parse_constant=_no_constant)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise Misspoken("not a JSON object") from None
    if not isinstance(found, dict):
        raise Misspoken("not a JSON object")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def object_fields(
    data: Mapping[str, Any], text: str, question: Question, refusals: Sequence[str]
) -> dict[str, Any]:
    """An answer as an object: ``text`` (or ``answer``; else the given one), ``refused``, ``cites``,
    ``retrieved``. The object itself is the ``data``."""
    said = data.get("text", data.get("answer"))
    fields = text_fields(said if isinstance(said, str) else text, question, refusals)
    if data.get("refused") is True:
        fields["refused"] = True
    if isinstance(data.get("cites"), list):
        fields["cites"] = [_cite(entry) for entry in data["cites"][:CITES_MAX]]
    if isinstance(data.get("retrieved"), list):
        fields["retrieved"] = [str(name) for name in data["retrieved"][:CITES_MAX]]
    return fields | {"data": data}


def _cite(entry: Any) -> dict[str, str]:
    if isinstance(entry, dict) and "passage" in entry:
        return {"passage": str(entry["passage"]), "quote": str(entry.get("quote") or "")}
    if isinstance(entry, (str, int)):
        return {"passage": str(entry), "quote": ""}
    raise Misspoken("a citation without passage")


def table_fields(text: str, *, as_json: bool = False) -> dict[str, Any]:
    """A JSON object with the fields of the task, or just a label or a number."""
    plain = text.strip()
    if as_json or plain.startswith(("{", "```")):
        return named_fields(json_object(plain))
    word = plain.strip(_MARKS).rstrip(".。").strip(_MARKS)
    if not _NUMBER.fullmatch(word):
        return {"label": word}
    number = float(word)
    if not math.isfinite(number):
        raise Misspoken("not a finite number")
    fields: dict[str, Any] = {"value": number, "score": number}
    # "0.0" is a score and "0" a call: only a number without a point can name a class
    return fields | ({"label": int(word)} if word.lstrip("+-").isdigit() else {})


def named_fields(found: Mapping[str, Any]) -> dict[str, Any]:
    """Those fields of an object that the protocol has for tables."""
    if found.get("refused") is True:
        return _REFUSED.copy()
    return {name: found[name] for name in TABLE_FIELDS if name in found}
