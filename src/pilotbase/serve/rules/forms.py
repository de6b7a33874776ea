"""What the built-in guards look for: personal identifiers, secrets, foreign instructions. Pure.

Personal identifiers are those of `catalog.rules.identifiers`, so that a service is guarded by the
forms it was tried with. Secrets are shapes that their issuers publish, private keys in PEM (RFC
7468), and tokens whose characters are too evenly mixed for words (Shannon's entropy of at least
`BITS_MIN` bits a character, with small and capital letters and digits; hexadecimal digests have at
most four bits and are let pass). Foreign instructions are told by phrases: a heuristic, no more.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache, partial

from pilotbase.catalog.rules.identifiers import KINDS, bare_of
from pilotbase.serve.rules.finder import Finder, having

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_TOKEN = _LETTERS + _LETTERS.upper() + _DIGITS + "_-"


def _shaped(kinds: dict[str, str]) -> Callable[[str], bytes]:
    """A text as classes of its characters, one byte for each byte of UTF-8; ``.`` is the rest."""
    table = bytearray(b"." * 256)
    for kind, members in kinds.items():
        for member in members:
            table[ord(member)] = ord(kind)
    made = bytes(table)

    @lru_cache(maxsize=2)  # several finders ask for the same text one after the other
    def shape(text: str) -> bytes:
        return text.encode("utf-8", "surrogatepass").translate(made)

    return shape


_digits = _shaped({"0": _DIGITS, "a": _LETTERS, " ": " -"})
_tokens = _shaped({"x": _TOKEN + "+/="})


def _with(shape: Callable[[str], bytes], *runs: bytes) -> Callable[[str], bool]:
    """A quick look: bytes are searched many times faster than an expression is tried."""

    def maybe(text: str) -> bool:
        found = shape(text)
        return any(run in found for run in runs)

    return maybe


_SHAPES: dict[str, tuple[int, int, str, Callable[[str], object]]] = {
    "resident": (18, 18, _DIGITS + "x", _with(_digits, b"0" * 17)),
    "card": (
        13, 22, _DIGITS + " -",
        _with(_digits, b"0" * 13, b"0000 0000 0000 0", b"0000 000000 00000"),
    ),
    "iban": (12, 43, _LETTERS + _DIGITS + " ", _with(_digits, b"aa00")),
    "mobile": (11, 17, _DIGITS + " -+", _with(_digits, b"0" * 11, b"000 0000 0000")),
    "email": (6, 601, _LETTERS + _DIGITS + "._%+-@", having("@")),
}  # fmt: skip
"""Shortest and longest match, its characters, and a quick look, by kind of the forms above."""


def _counts(kind: str, match: str) -> bool:
    return _CHECKED[kind](bare_of(kind, match))


_CHECKED = {kind: checked for kind, _, checked in KINDS}
PERSONAL = tuple(
    Finder(
        kind,
        form,
        shortest=_SHAPES[kind][0],
        longest=_SHAPES[kind][1],
        inside=_SHAPES[kind][2],
        maybe=_SHAPES[kind][3],
        checked=partial(_counts, kind),
    )
    for kind, form, _ in KINDS
)

BITS_MIN = 4.0
TOKEN_MIN, TOKEN_MAX = 32, 256
PEM_MAX = 8_192


def entropy(text: str) -> float:
    """Shannon's entropy of a text's characters, in bits a character.

    >>> entropy("aaaa"), entropy("abcd")
    (0.0, 2.0)
    """
    size = len(text)
    return math.fsum(n / size * math.log2(size / n) for n in Counter(text).values())


def is_mixed(token: str) -> bool:
    """Whether a token looks drawn by chance.

    >>> is_mixed("9fQ2mZx7LrT4vKc8NbW1yHd6PsJ3gEa5"), is_mixed("a" * 16 + "B7" * 8)
    (True, False)
    """
    kinds = any(map(str.islower, token)) + any(map(str.isupper, token))
    return kinds == 2 and any(map(str.isdigit, token)) and entropy(token) >= BITS_MIN


_KEYS = {
    "sk-": r"[A-Za-z0-9_-]{20,200}",
    "pbk_": r"[0-9a-f]{12}_[0-9a-f]{64}",
    "AKIA": r"[0-9A-Z]{16}",
    "ASIA": r"[0-9A-Z]{16}",
    "LTAI": r"[A-Za-z0-9]{12,30}",
    "AKID": r"[A-Za-z0-9]{13,40}",
    "AIza": r"[0-9A-Za-z_-]{35}",
    "ghp_": r"[A-Za-z0-9]{36,251}",
    "gho_": r"[A-Za-z0-9]{36,251}",
    "ghs_": r"[A-Za-z0-9]{36,251}",
    "github_pat_": r"[A-Za-z0-9_]{22,244}",
    "glpat-": r"[0-9A-Za-z_-]{20,200}",
    "hf_": r"[A-Za-z0-9]{30,200}",
    "xoxb-": r"[0-9A-Za-z-]{10,200}",
    "xoxp-": r"[0-9A-Za-z-]{10,200}",
}
"""What a key begins with and what follows: pilotbase, OpenAI and alike, AWS, Alibaba Cloud, Tencent
Cloud, Google, GitHub, GitLab, Hugging Face, Slack; as each issuer documents it."""

_has_long, _has_start = _with(_tokens, b"x" * 14), having(*_KEYS)


def _maybe_key(text: str) -> bool:
    return _has_long(text) and _has_start(text)


SECRETS = (
    Finder(
        "key",
        re.compile("(?<![A-Za-z0-9])(?:" + "|".join(a + b for a, b in _KEYS.items()) + ")"),
        longest=255,
        inside=_TOKEN,
        first=tuple(_KEYS),
        shortest=14,
        maybe=_maybe_key,
        even=False,
    ),
    Finder(
        "jwt",
        re.compile(
            r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{0,1000}"
        ),
        longest=7008,
        inside=_TOKEN + ".",
        first=("eyJ",),
        shortest=28,
        maybe=having("eyJ"),
        even=False,
    ),
    Finder(
        "private-key",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"
            r"(?:(?:[A-Za-z0-9+/=\s:,\\]|-(?!-)){0,8000}-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?"
        ),
        longest=PEM_MAX,
        first=("-----BEGIN ",),
        shortest=27,
        maybe=having("PRIVATE KEY-----"),
        even=False,
    ),
    Finder(
        "token",
        re.compile(r"[A-Za-z0-9+/_=-]{%d,%d}" % (TOKEN_MIN, TOKEN_MAX)),  # noqa: UP031
        longest=TOKEN_MAX,
        shortest=TOKEN_MIN,
        maybe=_with(_tokens, b"x" * TOKEN_MIN),
        inside=_TOKEN + "+/=",
        checked=is_mixed,
        even=False,
    ),
)

_GAP = r"[\w ,，、:;'’\"“”-]{0,30}"
_PHRASES = (
    ("override", r"\b(?:ignore|disregard|forget|override)\b" + _GAP +
     r"\b(?:instructions?|rules|prompts?|told|above|previous|before)\b",
     ("ignore", "disregard", "forget", "override")),
    ("override", r"(?:忽略|无视|忘记|忘掉|不要理会)" + _GAP +
     r"(?:指令|要求|规则|提示|设定|以上|之前)", ("忽略", "无视", "忘", "理会")),
    ("system", r"(?:[\n#\[<【][ #]{0,4})(?:system (?:message|prompt|notice|override)"
     r"|系统(?:通知|消息|提示))", ("system ", "系统")),
    ("system", r"<\|?(?:im_start|im_end|system|endoftext)\|?>|\[/?inst\]|<<sys>>",
     ("<|", "inst]", "<system", "<<sys", "<im_")),
    ("role", r"\b(?:you are now|act as|pretend to be|let us play)\b" + _GAP +
     r"\b(?:no|without|unrestricted|dan|rules|limits?)\b",
     ("you are now", "act as", "pretend to", "let us play")),
    ("role", r"(?:扮演|假装你?是|你现在是)" + _GAP + r"(?:不受|没有|无)" + _GAP +
     r"(?:约束|限制|规则)", ("扮演", "假装", "你现在")),
    ("reveal", r"\b(?:reveal|recite|repeat|print|show|output)\b" + _GAP +
     r"\b(?:system prompt|instructions|initial prompt|prompt above)\b",
     ("system prompt", "instructions", "initial prompt", "prompt above")),
    ("reveal", r"(?:复述|输出|说出|透露|打印|告诉我)" + _GAP +
     r"(?:系统提示|提示词|初始指令|你的指令)", ("提示", "指令")),
    ("no-refusal", r"\b(?:you must never|do not|never)\b" + _GAP +
     r"\b(?:refuse|say (?:that )?you can(?:no|')t)\b", ("refuse", "say ")),
    ("no-refusal", r"(?:不得|不要|不许|不能)" + _GAP + r"(?:拒绝|说不能|说你不能)", ("拒绝", "说")),
    ("authority", r"\b(?:i am|this is) (?:the )?(?:administrator|admin|developer|owner|operator)\b"
     + _GAP + r"\b(?:service|system|model|mode)\b",
     ("admin", "developer", "owner", "operator")),
    ("authority", r"我是" + _GAP + r"(?:管理员|开发者|运营者)", ("我是",)),
    ("encoded", r"\b(?:decode|base64)\b" + _GAP + r"\b(?:do|follow|execute|run)\b" + _GAP +
     r"\b(?:it|says|what)\b", ("decode", "base64")),
    ("end-of-input", r"</(?:documents?|context|user|input)>"
     r"|-{3,5} ?end of (?:input|document|context)", ("</", "end of ")),
)  # fmt: skip
"""Kind, phrase, and words of which one stands in it."""
INJECTIONS = tuple(
    Finder(kind, re.compile(form), longest=200, shortest=4, maybe=having(*words))
    for kind, form, words in _PHRASES
)
