"""Figures as they are printed. The page's script prints them by the same rules (static/figures.js),
so that it can compare every figure that is shown with the proven one it came from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

# Shares and rates read best in percent; errors, scores and costs keep the unit they came in.
_PERCENT = frozenset(
    {
        "accuracy", "balanced_accuracy", "barred_columns", "called_share", "false_alarm_ratio",
        "interval_coverage", "latency", "precision", "recall",
    }
)  # fmt: skip
NOTHING = "–"
_WIDE = Context(prec=400)  # holds any double with six decimals


def kind_of(criterion: Mapping[str, Any]) -> str:
    """``percent``, ``number`` or ``share``: how the values of a criterion of the plan read.

    A share is a number whose process ranges beyond 0 and 1 (an audit by lot): shown inside them.

    A ratio of two shares (``ratio_by``, ``relative``, ``against`` as ratio) is a plain number.
    """
    if criterion.get("ratio_by") or criterion.get("relative"):
        return "number"
    if criterion.get("against") and criterion.get("as", "ratio") == "ratio":
        return "number"
    if criterion.get("metric") == "judged" and (criterion.get("audit") or 1) > 1:
        return "share"
    return "percent" if criterion.get("metric") in _PERCENT else "number"


def fixed(value: float, digits: int) -> str:
    """Like JavaScript's toFixed: exact, ties away from zero; never a negative zero."""
    step = Decimal(1).scaleb(-digits)
    text = f"{Decimal(value).quantize(step, rounding=ROUND_HALF_UP, context=_WIDE):f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def _number(value: float) -> str:
    size = abs(value)
    return _grouped(
        fixed(value, 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3)
    )


def _bound(value: float) -> str:
    """A number that somebody chose: only as many digits as it has."""
    text = fixed(value, 6)
    return _grouped(text.rstrip("0").rstrip(".") or "0")


def _grouped(text: str) -> str:
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, point, rest = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{rest}"


def _evalue(log: float) -> str:
    """An e-value from its natural logarithm: how many times the stake has grown."""
    if log == math.inf:
        return "∞"
    if log > math.log(1e6):
        return "> 1,000,000"
    value = math.exp(log)
    if value < 0.01:
        return "< 0.01"
    return _grouped(fixed(value, 0 if value >= 100 else 1 if value >= 10 else 2))


def _pvalue(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else fixed(value, 4)


_PRINTERS: dict[str, Callable[[float], str]] = {
    "percent": lambda v: fixed(v * 100, 1) + "%",
    "percent-bound": lambda v: _bound(float(fixed(v * 100, 6))) + "%",
    "percent-whole": lambda v: fixed(v * 100, 0) + "%",
    "number": _number,
    "number-bound": _bound,
    "share": lambda v: _number(min(1.0, max(0.0, v))),
    "share-bound": _bound,
    "count": lambda v: _grouped(fixed(v, 0)),
    "evalue": _evalue,
    "pvalue": _pvalue,
    "inverse": lambda v: _bound(1.0 / v),
    "text": str,
}


def printed(value: Any, how: str) -> str:
    """A value of the documents as text.

    Args:
        value: a number, the strings "inf"/"-inf" that stand for one, text, or None.
        how: a key of the table above.
    """
    if value is None or value == "":
        return NOTHING
    if how == "text":
        return str(value)
    if how == "moment":
        return f"{str(value)[:16].replace('T', ' ')} UTC"
    number = float(value)
    if math.isinf(number) and how != "evalue":
        return "∞" if number > 0 else "−∞"
    return _PRINTERS[how](number).replace("-", "−")


def step(key: object) -> str:
    """A key as one step of a path (RFC 6901)."""
    return str(key).replace("~", "~0").replace("/", "~1")


def at(document: Any, path: str) -> Any:
    """The value at ``candidates/0/estimate``; None where the path leads nowhere."""
    for key in path.split("/") if path else ():
        key = key.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping):
            document = document.get(key)
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return None
    return document
