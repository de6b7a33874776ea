"""Regular expressions that anyone may write and that cannot run away. Pure.

Python's ``re`` tries one way after another through an expression, and some have exponentially many.
So the ways are counted before: at most `WAYS_MAX` from any one place, each of at most `LENGTH_MAX`
characters. The time for a text is then at most its length times a constant that was known when the
expression was written down. Every repetition has an upper end, which a held stream needs anyhow;
references back and looking around are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple

from pilotbase.serve.rules.unfit import Unfit

WAYS_MAX = 100
LENGTH_MAX = 512  # characters of a match
FORM_MAX = 1_000  # characters of an expression
_parser: Any = import_module("re._parser")  # the parse that `re` itself compiles from


class Bounds(NamedTuple):
    """Characters of a match at least and at most, and ways to try from one place."""

    shortest: int
    longest: int
    ways: int


def bounds_of(form: str) -> Bounds:
    """What an expression may cost.

    Raises:
        Unfit: not an expression of the subset, or one that costs too much; it says why.

    >>> bounds_of(r"(?:项目|project) ?[A-Z]{2}-[0-9]{3,6}")
    Bounds(shortest=8, longest=17, ways=16)
    >>> bounds_of(r"(a|a){40}")
    Traceback (most recent call last):
    pilotbase.serve.rules.unfit.Unfit: more than 100 ways to match
    """
    if len(form) > FORM_MAX:
        raise Unfit(f"longer than {FORM_MAX} characters", f"超过 {FORM_MAX} 个字符")
    try:
        tree = _parser.parse(form, re.compile("").flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise Unfit(f"no regular expression: {error}", f"不是正则表达式: {form[:60]!r}") from None
    if tree.state.flags & ~re.UNICODE:
        raise Unfit("flags are not used here; letters are compared without their case",
                    "此处不用标志; 字母比较不区分大小写")  # fmt: skip
    found = _sequence(tree)
    if found.shortest < 1:
        raise Unfit("it matches the empty text", "会匹配空文本")
    if found.longest > LENGTH_MAX:
        raise Unfit(f"a match may be longer than {LENGTH_MAX} characters: give an upper end",
                    f"匹配可能超过 {LENGTH_MAX} 个字符: 请给出上限")  # fmt: skip
    return found


def _sequence(nodes: Iterable[tuple[Any, Any]]) -> Bounds:
    shortest, longest, ways = 0, 0, 1
    for kind, value in nodes:
        one = _node(str(kind), value)
        shortest, longest = shortest + one.shortest, longest + one.longest
        ways = _few(ways * one.ways)
    return Bounds(shortest, longest, ways)


def _node(kind: str, value: Any) -> Bounds:
    if kind in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
        return Bounds(1, 1, 1)
    if kind == "AT":
        if str(value) not in ("AT_BOUNDARY", "AT_NON_BOUNDARY"):
            raise Unfit("^, $, \\A and \\Z are not used: a text may come in pieces",
                        "不支持 ^、$、\\A 与 \\Z: 文本可能分段到达")  # fmt: skip
        return Bounds(0, 0, 1)
    if kind == "SUBPATTERN":
        return _sequence(value[3])
    if kind == "BRANCH":
        parts = [_sequence(part) for part in value[1]]
        return Bounds(
            min(part.shortest for part in parts),
            max(part.longest for part in parts),
            _few(sum(part.ways for part in parts)),
        )
    if kind in ("MAX_REPEAT", "MIN_REPEAT"):
        return _repeated(*value)
    said = kind.lower().replace("_", " ")
    raise Unfit(f"{said} is not used: no look-around, no references back",
                f"不支持 {said}: 不可使用环视与反向引用")  # fmt: skip


def _repeated(least: int, most: int, inner: Any) -> Bounds:
    part = _sequence(inner)
    if most > LENGTH_MAX:
        raise Unfit(f"a repetition without an upper end, or beyond {LENGTH_MAX}",
                    f"重复没有上限, 或超过 {LENGTH_MAX} 次")  # fmt: skip
    ways = power = 1
    for number in range(most):
        power = _few(power * part.ways)
        ways = power if number + 1 <= least else _few(ways + power)
    return Bounds(least * part.shortest, most * part.longest, ways)


def _few(ways: int) -> int:
    if ways > WAYS_MAX:
        raise Unfit(f"more than {WAYS_MAX} ways to match", f"匹配方式超过 {WAYS_MAX} 种")
    return ways
