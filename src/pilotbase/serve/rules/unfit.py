"""What a rule says of what does not fit together."""

from __future__ import annotations


class Unfit(ValueError):
    """What does not fit together, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh
