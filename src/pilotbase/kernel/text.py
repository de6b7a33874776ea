"""Bilingual text: English and Chinese side by side, both first-class."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence in both languages; ``str()`` gives English.

    >>> Text("verdict", "结论").in_language("zh")
    '结论'
    """

    en: str
    zh: str

    def in_language(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    def format(self, **values: object) -> Text:
        """Fill ``{name}`` fields in both languages; a `Text` value fills each with its own."""

        def filled(language: Language) -> str:
            shown = {
                k: v.in_language(language) if isinstance(v, Text) else v for k, v in values.items()
            }
            return self.in_language(language).format(**shown)

        return Text(filled("en"), filled("zh"))

    def as_dict(self) -> dict[str, str]:
        return {"en": self.en, "zh": self.zh}

    def __str__(self) -> str:
        return self.en


def language_of(environment: Mapping[str, str] = os.environ) -> Language:
    """The user's language: ``PILOTBASE_LANG`` first, then the POSIX locale variables."""
    for name in ("PILOTBASE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
