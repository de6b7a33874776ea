"""Which columns may hold personal or sensitive data: guessed from name and values. Pure.

A guess is never more than that: only a person confirms. The kinds follow the Personal Information
Protection Law of China (article 28: biometric, religious, specific identity, medical, financial,
whereabouts, minors under 14) and the GDPR (article 9: origin, opinions, beliefs, health, sex life);
``person-name`` to ``birth-date`` are those by which somebody is known or reached.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pilotbase.catalog.rules.folding import folded
from pilotbase.catalog.rules.identifiers import identifiers
from pilotbase.kernel.text import Text

NONE = "none"
KINDS: Mapping[str, Text] = {
    "person-name": Text("name of a person", "姓名"),
    "identity-number": Text("identity number", "证件号码"),
    "phone": Text("telephone number", "电话号码"),
    "email": Text("e-mail address", "电子邮箱"),
    "address": Text("postal address", "住址"),
    "bank-account": Text("bank account or card", "银行账号或卡号"),
    "birth-date": Text("date of birth", "出生日期"),
    "health": Text("health", "医疗健康"),
    "biometric": Text("biometric data", "生物识别"),
    "religion": Text("religion", "宗教信仰"),
    "origin": Text("ethnic origin", "民族或种族"),
    "political": Text("political opinion or membership", "政治面貌或观点"),
    "sex-life": Text("sex life or orientation", "性生活或性取向"),
    "location": Text("whereabouts", "行踪轨迹"),
    "minor": Text("minors", "未成年人"),
    NONE: Text("neither personal nor sensitive", "非个人信息"),
}
IDENTIFYING = frozenset(
    {"person-name", "identity-number", "phone", "email", "address", "bank-account", "birth-date",
     "biometric", "location"}
)  # fmt: skip
"""Kinds of which a profile shows no value, not even counted: one value may mean one person."""

# Whole words of a column's name, in English split at blanks, underlines and capitals.
_WORDS: Mapping[str, str] = {
    "person-name": r"(full|first|last|given|family|sur|middle|patient|person|customer)[ _]?name|"
    r"name|surname|.*姓名|名字|患者名|客户名",
    "identity-number": r"ssn|passport( no| number)?|national id|id ?card|identity( no| number)|"
    r"身份证.*|证件号.*|护照.*|社保.*号.*",
    "phone": r"(tele)?phone( no| number)?|mobile( no| number)?|tel|fax|手机.*|电话.*|联系方式",
    "email": r"(e ?)?mail( address)?|邮箱.*|电子邮件.*",
    "address": r"(home |postal |street )?address|street|postcode|zip( ?code)?|住址|.*地址|邮编",
    "bank-account": r"iban|card (no|number)|account (no|number)|bank account|credit card.*|"
    r"银行卡.*|卡号|银行账.*|账号",
    "birth-date": r"dob|birth ?(date|day)|date of birth|born|出生(日期|年月.*)?|生日",
    "health": r"diagnos(is|es)|disease|illness|medication|symptoms?|icd( ?\d+)?|health|disability|"
    r"blood type|诊断.*|疾病.*|病史|用药|症状|健康.*|残疾.*|血型",
    "biometric": r"fingerprint|iris|face ?(image|print)|voice ?print|dna|指纹|人脸.*|虹膜|声纹",
    "religion": r"religion|faith|church|宗教.*|信仰",
    "origin": r"race|ethnic(ity| group| origin)?|nationality|民族|种族|籍贯|国籍",
    "political": r"political.*|party membership|union( member(ship)?)?|政治面貌|党派|工会.*",
    "sex-life": r"sexual.*|orientation|性取向",
    "location": r"lat(itude)?|lon(g|gitude)?|gps.*|geo ?location|track|经度|纬度|轨迹|定位",
    "minor": r"guardian.*|is minor|监护人.*|未成年.*",
}
_NAMED = {kind: re.compile(words) for kind, words in _WORDS.items()}
_BY_VALUE = {
    "resident": "identity-number", "card": "bank-account", "iban": "bank-account",
    "mobile": "phone", "email": "email",
}  # fmt: skip
SHARE_MIN = 0.05
"""In a column of text, so many of its values hold an identifier."""
NUMBERS_SHARE_MIN = 0.5
"""In a column of numbers: by chance one of ten has a card's check digit."""
_PARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s_\-./]+")


@dataclass(frozen=True)
class Guess:
    """A kind that a column may be of; ``by`` is ``name`` or ``values``, ``share`` (of the values
    looked at, from 0 to 1) None for the former."""

    kind: str
    by: str
    share: float | None = None


def guess(name: str, values: Iterable[str], *, numbers: bool) -> Guess | None:
    """What a column may hold, by its values first and then by its name; None where nothing tells.

    Args:
        values: some of its different values. numbers: the column is of numbers.

    >>> guess("c7", ["13812345678", "13912345678"], numbers=True)
    Guess(kind='phone', by='values', share=1.0)
    >>> guess("patientName", ["a", "b"], numbers=False)
    Guess(kind='person-name', by='name', share=None)
    >>> guess("score", ["1", "2"], numbers=True) is None
    True
    """
    seen = list(values)
    found = Counter(kind for value in seen for kind in _kinds(value))
    if found:
        kind, count = max(found.items(), key=lambda item: (item[1], item[0]))
        share = count / len(seen)
        if share >= (NUMBERS_SHARE_MIN if numbers or kind == "bank-account" else SHARE_MIN):
            return Guess(kind, "values", round(share, 3))
    plain = " ".join(folded(part) for part in _PARTS.split(name) if part)
    named = next((kind for kind, words in _NAMED.items() if words.fullmatch(plain)), None)
    return Guess(named, "name") if named else None


def _kinds(value: str) -> set[str]:
    return {_BY_VALUE[found.partition(":")[0]] for found in identifiers(value[:2000])}


def hidden(kinds: Sequence[str]) -> bool:
    """Whether values of a column of these kinds, guessed or confirmed, stay out of a profile."""
    return any(kind in IDENTIFYING for kind in kinds)
