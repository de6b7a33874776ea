"""Guards over a whole message: how much it is, and whether it has the declared form."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pilotbase.scenario.form import form_faults
from pilotbase.serve.guards.bodies import places
from pilotbase.serve.guards.saying import found
from pilotbase.serve.ports import Finding, Seen
from pilotbase.serve.rules.unfit import Unfit
from pilotbase.trial.rules.json_form import parsed, valid


@dataclass(frozen=True)
class Limits:
    """At most so many texts, characters of one text, and of all; 0 where there is no limit."""

    texts_max: int = 0
    characters_max: int = 0
    whole_max: int = 0
    name: str = "size"
    reads: Literal["texts", "whole"] = "whole"
    held: int = -1

    def look(self, text: str, seen: Seen) -> Finding:
        sizes = [len(node[key]) for node, key in places(seen.whole, seen.part)[0]]
        beyond = (
            0 < self.texts_max < len(sizes)
            or 0 < self.characters_max < max(sizes, default=0)
            or 0 < self.whole_max < sum(sizes)
        )
        return _finding(self.name, "too-long", seen) if beyond else Finding("")

    def window(self, seen: Seen) -> None:
        return None


class Shape:
    """A JSON Schema (draft 2020-12, what `scenario.form` lets through) for the request itself, or
    for each text of an answer."""

    name: str = "schema"
    reads: Literal["texts", "whole"] = "whole"
    held: int = -1

    def __init__(self, form: Any) -> None:
        if not isinstance(form, dict):
            raise Unfit("form: a JSON Schema", "form: 须为 JSON Schema")
        for path, said in form_faults(form):
            at = "/".join(map(str, path))
            raise Unfit(f"form: {at}: {said.en}", f"form: {at}: {said.zh}")
        self._form: dict[str, Any] = json.loads(json.dumps(form))

    def look(self, text: str, seen: Seen) -> Finding:
        if seen.part == "request":
            fits = valid(seen.whole, self._form)
        else:
            texts = [node[key] for node, key in places(seen.whole, "answer")[0]]
            fits = bool(texts) and all(map(self._fits, texts))
        return Finding("") if fits else _finding(self.name, "form", seen)

    def window(self, seen: Seen) -> None:
        return None

    def _fits(self, text: str) -> bool:
        return _tried(lambda: valid(parsed(text), self._form))


def _tried(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except ValueError:
        return False


def _finding(guard: str, kind: str, seen: Seen) -> Finding:
    return Finding("", (f"{guard}:{kind}",), found(guard, kind, seen))
