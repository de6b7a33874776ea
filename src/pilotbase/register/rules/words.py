"""A filing's fixed words in both languages, as pages and tables show them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pilotbase.kernel.actor import ROLES as _ROLES
from pilotbase.kernel.text import Language, Text
from pilotbase.register.rules import states

TIERS: dict[str, Text] = {
    "minimal": Text("minimal", "极低"),
    "limited": Text("limited", "有限"),
    "high": Text("high", "高"),
}
ROLES: dict[str, Text] = {name: said for name, said in _ROLES.items()}
PER: dict[str, Text] = {
    "call": Text("call", "次"),
    "case": Text("case", "案例"),
    "hour": Text("hour", "小时"),
    "month": Text("month", "月"),
    "year": Text("year", "年"),
}
VERDICTS: dict[str, Text] = {
    "go": Text("go", "通过"),
    "conditional": Text("conditional", "有条件通过"),
    "no-go": Text("no-go", "不通过"),
    "insufficient": Text("insufficient", "证据不足"),
}


def word(words: Mapping[str, Text], key: str, language: Language) -> str:
    """A word in a language; what is none of them as it stands.

    >>> word(TIERS, "high", "zh"), word(TIERS, "none", "zh")
    ('高', 'none')
    """
    said = words.get(key)
    return key if said is None else said.in_language(language)


def role(name: str, language: Language) -> str:
    """A role's word."""
    return word(ROLES, name, language)


def state(name: str, language: Language) -> str:
    """A state's or a standing's word."""
    return word(states.WORDS, name, language)


def price(said: Mapping[str, str], language: Language) -> str:
    """What is paid for what.

    >>> price({"amount": "0.02 CNY", "per": "case"}, "zh")
    '0.02 CNY / 案例'
    """
    return f"{said['amount']} / {word(PER, said['per'], language)}"
