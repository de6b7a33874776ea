"""The same question in other words or with slips: declared perturbations of text, seeded.

Explained on the page rules/wording; foreign instructions are in `injections`. Everything is drawn
from a hash of seed, kind and key, so a text is perturbed alike everywhere. What stands in quotes,
brackets or code, web addresses, numbers and words with a capital letter are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pilotbase.kernel.text import Text
from pilotbase.trial.rules.draws import permutation, uniforms
from pilotbase.trial.rules.wordlists import (
    FRAMES_EN,
    FRAMES_ZH,
    LOOKALIKES,
    NEIGHBOURS,
    ORDERS_EN,
    ORDERS_ZH,
    SYNONYMS_EN,
    SYNONYMS_ZH,
)

Kind = Literal["typos", "paraphrase"]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Words that a slip leaves readable: four small letters or more, no part of a name or an address.
WORD = re.compile(r"(?<![\w@./\\-])[a-z]{4,}(?![\w@/\\-])")
KEPT = re.compile(
    r"`[^`]*`|\"[^\"]*\"|“[^”]*”|「[^」]*」|《[^》]*》|\[[^\]]*\]|\S*://\S*|\S+@\S+|\w*[\d_]\w*"
)
OPENINGS = frozenset({"according to", "based on", "in", "for", "within"})
# Neither negations nor numbers change places.
SWAPPED = re.compile(r"[^\W\da-zA-Z不没无未非一二三四五六七八九十百千万两几]{2}")
ASKS = ("?", "？", "吗", "呢")
NEGATIONS = frozenset({"cannot", "neither", "never", "none", "nothing", "without"})

COVERS: dict[Kind, Text] = {
    "typos": Text(
        "Slips in lower-case words of four letters or more: a neighbouring key of a US keyboard, "
        "two letters swapped, one left out or doubled; in Chinese one character for another that "
        "sounds or looks alike, by a table of ours, or two swapped. Not covered: spoken input, "
        "scanned text, missing words, other scripts.",
        "四个字母以上小写英文词的笔误: 美式键盘邻键、相邻字母颠倒、漏打或重复一个字母; 中文按"
        "自编小表换成音近或形近字, 或前后颠倒。不涵盖: 语音输入、扫描文本、漏词、其他文字。",
    ),
    "paraphrase": Text(
        "A polite frame, one change of word order and synonyms of everyday words, by tables of "
        "ours in English and Chinese. Not covered: synonyms of technical terms, dialect, a change "
        "of language, longer rewording.",
        "按自编的中英文表: 加礼貌用语、变一次语序、替换日常词的同义词。不涵盖: 专业术语的同义词、"
        "方言、换一种语言、大幅改写。",
    ),
}


@dataclass(frozen=True)
class _Change:
    """What stands from ``start`` to ``end`` becomes ``text``."""

    start: int
    end: int
    text: str


def perturbed_text(text: str, kind: Kind, seed: int, key: str, *, share: float = 0.1) -> str:
    """The text under a perturbation; the same for the same arguments.

    Args:
        seed: the drawn seed of the trial (`order.drawn_seed`).
        key: which case it is, e.g. its unit and its place in the unit.
        share: typos only: of the words that a slip can hit, and of the Chinese characters that
            are in our table, in (0, 1]; rounded, and at least one of them. Where there are
            neither, two Chinese characters change places.

    Returns:
        The text itself where nothing in it can be perturbed so (an empty one, a lone number).

    Raises:
        ValueError: an unknown kind or a share outside (0, 1].
    """
    if kind == "paraphrase":
        return _paraphrased(text, seed, key)
    if kind != "typos":
        raise ValueError(f"kind must be typos or paraphrase, got {kind!r}")
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share must lie in (0, 1], got {share!r}")
    kept = _kept(text)
    words = [
        (m.start(), m.end())
        for m in WORD.finditer(text)
        if m.start() not in kept and m.group() not in NEGATIONS
    ]
    signs = [
        (place, place + 1)
        for place, sign in enumerate(text)
        if sign in LOOKALIKES and place not in kept
    ]
    if not words and not signs:
        found = [m for m in SWAPPED.finditer(text) if CHINESE.match(m.group())]
        signs = [
            m.span() for m in found if not kept & {*range(*m.span())} and len({*m.group()}) > 1
        ]
    hit = [*_drawn(words, share, seed, "words", key), *_drawn(signs, share, seed, "signs", key)]
    return _applied(text, [_slip(text, span, seed, key) for span in hit])


def _drawn(
    spans: list[tuple[int, int]], share: float, seed: int, what: str, key: str
) -> list[tuple[int, int]]:
    count = max(1, round(share * len(spans)))
    chosen = permutation(seed, f"wording/{what}", key, len(spans))[:count]
    return [spans[place] for place in sorted(chosen.tolist())]


def _slip(text: str, span: tuple[int, int], seed: int, key: str) -> _Change:
    """In a word, never in its first letter; or one character for another, or two swapped."""
    start, end = span
    what, where, which = uniforms(seed, "wording/slip", f"{key}\x00{start}", 3)
    word = text[start:end]
    if CHINESE.match(word) and len(word) == 2:
        return _Change(start, end, word[::-1])
    if len(word) == 1:
        others = LOOKALIKES[word]
        return _Change(start, end, others[int(where * len(others))])
    at = 1 + int(where * (len(word) - 1))
    near = NEIGHBOURS[word[at]]
    swapped = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    kinds = [
        word[:at] + near[int(which * len(near))] + word[at + 1 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
    ]
    # Two equal letters, or the last one, have nothing to be swapped with.
    kinds += [swapped] if swapped != word else []
    return _Change(start, end, kinds[int(what * len(kinds))])


def _paraphrased(text: str, seed: int, key: str) -> str:
    """Synonyms, then another order where the question has a known form, then a polite frame."""
    if not any(sign.isalpha() for sign in text):
        return text
    chinese = bool(CHINESE.search(text))
    table = SYNONYMS_ZH if chinese else SYNONYMS_EN
    said = _reordered(_synonyms(text, table), ORDERS_ZH if chinese else ORDERS_EN)
    asks = "question" if text.rstrip().endswith(ASKS) else "request"
    frames = (FRAMES_ZH if chinese else FRAMES_EN)[asks]
    (drawn,) = uniforms(seed, "wording/frame", key, 1)
    return frames[int(drawn * len(frames))] + said


def _synonyms(text: str, table: Mapping[str, str]) -> str:
    """Each word of the table by its synonym, outside of what is kept."""
    words = sorted(table, key=len, reverse=True)
    edge = "" if CHINESE.search(words[0]) else r"\b"
    found = re.compile(edge + "(" + "|".join(map(re.escape, words)) + ")" + edge, re.IGNORECASE)
    kept = _kept(text)

    def change(match: re.Match[str]) -> _Change:
        word = table[match.group().lower()]
        word = word[0].upper() + word[1:] if match.group()[0].isupper() else word
        return _Change(match.start(), match.end(), word)

    return _applied(text, [change(m) for m in found.finditer(text) if m.start() not in kept])


def _reordered(text: str, orders: tuple[tuple[str, str], ...]) -> str:
    """By the first pattern that the whole question has; as it is where it has none."""
    plain = text.strip().replace("？", "?").replace("，", ", ")
    for pattern, order in orders:
        match = re.fullmatch(pattern, plain)
        if match is not None:
            parts = ["", *match.groups()]
            parts = [p.lower() if p.lower() in OPENINGS or len(p) == 1 else p for p in parts]
            said = order.format(*parts)
            return said[:1].upper() + said[1:]
    return text


def _kept(text: str) -> frozenset[int]:
    """Places that no rule may change."""
    return frozenset(place for m in KEPT.finditer(text) for place in range(m.start(), m.end()))


def _applied(text: str, changes: list[_Change]) -> str:
    for change in sorted(changes, key=lambda c: c.start, reverse=True):
        text = text[: change.start] + change.text + text[change.end :]
    return text
