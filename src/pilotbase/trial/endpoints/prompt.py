"""From a case to the words that a chat endpoint is sent: the scenario's template, filled in.

Not `str.format`: a template is data from somebody else, and format reaches into objects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pilotbase.scenario.template import PART
from pilotbase.trial.endpoints.port import Case, Misspoken

PROMPT_CHARACTERS_MAX = 2_000_000


class Prompt:
    """A template that is filled for one case after the other."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._passages: Mapping[str, str] | None = None
        self._documents = ""

    def filled(self, case: Case) -> str:
        """The words for a case.

        ``{question}`` is the question; for a table, its columns one a line. ``{documents}`` are all
        passages, each ``[passage] text``. Any other name is a column.

        Raises:
            Misspoken: an unknown name, or more than `PROMPT_CHARACTERS_MAX`: documents are never
                cut in silence.
        """

        def word(match: re.Match[str]) -> str:
            name = match[1]
            return match[0][0] if name is None else self._value(name, case)

        text = PART.sub(word, self._template)
        if len(text) > PROMPT_CHARACTERS_MAX:
            raise Misspoken(f"a prompt of more than {PROMPT_CHARACTERS_MAX} characters")
        return text

    def _value(self, name: str, case: Case) -> str:
        question = case.question
        if name == "question":
            return question.text if question else _listed(case.features)
        if name == "documents":
            return self._written(question.passages if question else {})
        columns = case.features if name in case.features or question is None else question.columns
        if name not in columns:
            raise Misspoken(f"the prompt asks for {name!r}, which is no column")
        return shown(columns[name])

    def _written(self, passages: Mapping[str, str]) -> str:
        """All passages; nearly every case has the same ones, so that they are put together once."""
        if passages is not self._passages:
            self._documents = "\n\n".join(f"[{name}] {text}" for name, text in passages.items())
            self._passages = passages
        return self._documents


def _listed(features: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {shown(value)}" for name, value in features.items())


def shown(value: Any) -> str:
    """A value as a reader writes it: whole numbers without a point, nothing for a missing one.

    >>> shown(3.0), shown(float("nan")), shown(0.25)
    ('3', '', '0.25')
    """
    if value is None:
        return ""
    if isinstance(value, float):  # numpy's doubles are floats, too
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))
    return str(value)
