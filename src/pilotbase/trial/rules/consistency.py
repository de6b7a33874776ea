"""Does the same question get the same answer? Explained on the page rules/consistency.

The unit is the item that is asked several times, never the single reply.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import combinations

from pilotbase.catalog.rules import folding

BESIDE_CHINESE = re.compile(r"(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])")


def agreement_of(
    replies: Sequence[str | None], same: Callable[[str, str], bool] | None = None
) -> float:
    """The share of pairs of an item's replies that say the same, in [0, 1].

    For replies that are drawn independently it is an unbiased estimate of the probability that two
    of them agree (Hoeffding 1948: the mean over all pairs), whatever the number of repeats. NaN
    with fewer than two, which is the base's own fault.

    Args:
        replies: one a repeat; None where the candidate gave none, which agrees with nothing.
        same: symmetric; whether two replies say the same; by default their `folded` texts.

    >>> round(agreement_of(["Paris", "paris.", "Lyon", "Paris "]), 3)
    0.5
    """
    if len(replies) < 2:
        return float("nan")
    said = [reply if reply is None or same else folded(reply) for reply in replies]
    alike = sum(
        a is not None and b is not None and (same(a, b) if same else a == b)
        for a, b in combinations(said, 2)
    )
    return alike / (len(replies) * (len(replies) - 1) // 2)


def folded(text: str) -> str:
    """Without what does not change an answer: case, width, spare blanks, punctuation at the end.

    >>> folded(" 共 442 行。") == folded("共442行"), folded("1 2") == folded("12")
    (True, False)
    """
    plain = " ".join(folding.folded(text).split())
    plain = BESIDE_CHINESE.sub("", plain)
    end = len(plain)
    while end and (plain[end - 1] == " " or unicodedata.category(plain[end - 1])[0] == "P"):
        end -= 1
    return plain[:end]
