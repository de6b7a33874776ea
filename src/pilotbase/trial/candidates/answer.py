"""Blocks of answers: what a candidate said about a few rows, each answer checked on its own.

A block is a `Predictions` whose arrays have one entry for each asked row, not for each row of the
table. A wrong shape, a number that is none or an unknown class is the candidate's FAULT.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from pilotbase.trial.cases import FAULT, OK, OUTAGE, Ints, Predictions

PROBLEMS_MAX = 20
PROBLEMS_KEPT = 2_000
REASON_CHARACTERS_MAX = 200
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")


def blank(rows: int, classes: Sequence[str]) -> Predictions:
    """A block of ``rows`` pending answers."""

    def unknown() -> Any:
        return np.full(rows, np.nan)

    label: Any = np.full(rows, "", dtype=object) if classes else np.zeros(rows, np.int64)
    probability = np.full((rows, len(classes)), np.nan) if classes else None
    return Predictions(
        status=np.zeros(rows, np.uint8),
        label=label,
        score=unknown(),
        value=unknown(),
        lower=unknown(),
        upper=unknown(),
        latency_ms=unknown(),
        cost=np.zeros(rows),
        probability=probability,
    )


def reason_of(error: BaseException) -> str:
    """An exception in one short line that is the same in every run (no memory addresses)."""
    first = str(error).strip().splitlines()
    return short(f"{type(error).__name__}: {first[0]}" if first else type(error).__name__)


def short(text: str) -> str:
    """One printable line of at most `REASON_CHARACTERS_MAX` characters."""
    line = "".join(c if c.isprintable() else " " for c in _ADDRESS.sub("0x…", text)).strip()
    if len(line) <= REASON_CHARACTERS_MAX:
        return line
    return line[: REASON_CHARACTERS_MAX - 1] + "…"


def fault(block: Predictions, row: int, reason: str) -> None:
    """Mark one answer as the candidate's fault; what else it said about the row is dropped."""
    clear(block, row)
    block.status[row] = FAULT
    if len(block.problems) < PROBLEMS_MAX:
        block.problems.append((row, reason))


def clear(block: Predictions, row: int) -> None:
    block.label[row] = "" if block.label.dtype == object else 0
    for name in ("score", "value", "lower", "upper"):
        getattr(block, name)[row] = np.nan
    if block.probability is not None:
        block.probability[row] = np.nan


def all_faulty(rows: int, classes: Sequence[str], reason: str) -> Predictions:
    """A block in which the candidate failed every row for the same reason."""
    return _all(rows, classes, FAULT, reason)


def all_out(rows: int, classes: Sequence[str], reason: str) -> Predictions:
    """A block that the base itself could not have answered."""
    return _all(rows, classes, OUTAGE, reason)


def _all(rows: int, classes: Sequence[str], status: int, reason: str) -> Predictions:
    block = blank(rows, classes)
    block.status[:] = status
    if rows:
        block.problems.append((0, reason))
    return block


def place(whole: Predictions, rows: Ints, block: Predictions) -> None:
    """Copy a block's answers into the rows of the whole table that it answers."""
    whole.status[rows] = block.status
    whole.label[rows] = block.label
    for name in ("score", "value", "lower", "upper", "latency_ms", "cost"):
        getattr(whole, name)[rows] = getattr(block, name)
    if whole.probability is not None and block.probability is not None:
        whole.probability[rows] = block.probability
    for key, marks in block.marks.items():
        whole.marks[key][rows] = marks
    if len(whole.problems) < PROBLEMS_KEPT:
        whole.problems.extend((int(rows[row]), reason) for row, reason in block.problems)


def settle(whole: Predictions) -> Predictions:
    """Put problems in the order of rows, so that they do not tell who finished first."""
    whole.problems = sorted(set(whole.problems))[:PROBLEMS_MAX]
    return whole


def check_numbers(block: Predictions, *names: str) -> None:
    """Fault each pending row whose named numbers are not finite; the others become OK."""
    for row in np.flatnonzero(block.status == 0):
        bad = [name for name in names if not np.isfinite(getattr(block, name)[row])]
        if bad:
            fault(block, int(row), f"{bad[0]} is not a finite number")
        else:
            block.status[row] = OK
