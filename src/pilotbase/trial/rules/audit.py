"""A judge's values, corrected by people on a random part; explained on the page rules/audit.

A unit with the guess y is worth z = y + n·[audited]·(h - y), where one unit in n is audited by lot
and h is what a person says of it. Whatever the guess, the mean of z is the mean of h, so a verdict
on z is a verdict on what people would say; a good guess only makes z vary less. Written as
z = n·x - (n-1)·y, with x = h where audited and else y, it is a `paired` part like any other.

Sources: Robins, Rotnitzky, Zhao, *JASA* 1994 (the correction); Angelopoulos, Bates, Fannjiang,
Jordan, Zrnic, *Science* 2023, and Angelopoulos, Duchi, Zrnic, arXiv:2311.01453 (prediction-powered
inference, its tuning); Zrnic, Candès, *Active statistical inference*, ICML 2024 (labels by lot,
guesses that learn); Csillag, Struchiner, Goedert, *Prediction-powered e-values*, ICML 2025, which
corrects e-values instead of values: the same for a bet of constant stake, linear in the value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pilotbase.kernel.text import Text
from pilotbase.trial.cases import Floats
from pilotbase.trial.evidence import RESOLUTION

EVERY_MOST = 1_000
AUDIT = b"\x03"
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """Units in committed order, up to the first that waits for a person (`labelled_prefix`).

    Attributes:
        judge: (units,) the judge's value in [0, 1], a mean over the unit's rows; NaN where it gave
            none. It must not know which units are audited.
        human: (units,) the person's value in [0, 1], over all rows of the unit; NaN where no person
            gave one.
        audited: (units,) drawn by `audited_units`.
        settled: (units,) NaN, or the value that is certain without judge and person, e.g. the worst
            where the candidate crashed on every row.
        faults: (units,) whether the candidate is at fault in one of its rows; only counted.
        outages: (units,) whether the base lost the candidate's answer: nothing is asked of it.
    """

    judge: Floats
    human: Floats
    audited: Flags
    settled: Floats
    faults: Flags
    outages: Flags

    def __post_init__(self) -> None:
        arrays = [getattr(self, field.name) for field in fields(self)]
        if len({array.shape for array in arrays}) != 1 or self.judge.ndim != 1:
            raise ValueError("all arrays must be of one length, one value a unit")
        for name in ("judge", "human", "settled"):
            values = getattr(self, name)
            if not np.all(np.isnan(values) | ((values >= 0.0) & (values <= 1.0))):
                raise ValueError(f"{name} must lie in [0, 1], NaN where there is none")

    @property
    def asked(self) -> Flags:
        """(units,) whether a person is asked: audited, answered, and not settled without."""
        return self.audited & np.isnan(self.settled) & ~self.outages

    def first(self, units: int) -> Judged:
        """The same of the first ``units`` alone."""
        return Judged(**{field.name: getattr(self, field.name)[:units] for field in fields(self)})


def audited_units(seed: bytes, unit_ids: Sequence[str], every: int, purpose: str = "") -> Flags:
    """(units,) which units go to a person: each with probability 1/every, by a lot of its own.

    A unit is audited when SHA-256 of ``seed || 0x03 || purpose || 0x00 || id`` (UTF-8), read as a
    big-endian whole number, is divisible by ``every``. The seed is that of the committed order; the
    lot hangs on nothing that candidate or judge can see or say.

    Args:
        every: 1 (everybody) to 1,000.
        purpose: keeps the lots of two criteria apart.

    >>> audited_units(bytes(32), ["a", "b", "c", "d", "e", "f"], 3).tolist()
    [False, False, True, False, False, False]
    """
    read_every(every)
    start = hashlib.sha256(seed + AUDIT + purpose.encode() + b"\x00")
    drawn = np.zeros(len(unit_ids), dtype=np.bool_)
    for number, unit_id in enumerate(unit_ids):
        lot = start.copy()
        lot.update(unit_id.encode())
        drawn[number] = int.from_bytes(lot.digest(), "big") % every == 0
    return drawn


def labelled_prefix(asked: Flags, answered: Flags) -> int:
    """How many units come before the first whose person has not answered yet.

    Units with no person to wait for must not run ahead: units that are hard to label would
    otherwise be counted late.
    """
    waiting = np.flatnonzero(asked & ~answered)
    return int(waiting[0]) if waiting.size else int(asked.size)


def audit_refusals(every: int, *, compared: bool) -> Iterator[Text]:
    """Why a criterion cannot be audited so, in both languages.

    That an audit by lot needs future cases is told by `pilotbase.scenario.rules.words`.

    Args:
        compared: whether it compares groups, or the candidate with a baseline.
    """
    if every > 1 and compared:
        yield Text(
            "An audit by lot is for a level, not for a comparison of groups or with a baseline; "
            "use `audit: 1`.",
            "抽检只用于判断单一水平, 不用于组间比较或与基线比较; 请写 `audit: 1`。",
        )


def guesses(judged: Judged) -> tuple[int, ...]:
    """(units,) y: the judge's values, put right by the labels of *earlier* units alone.

    The guess is the least-squares line of label on judge, so that a judge that is too kind is
    lowered, one that knows nothing is worth the mean label, and one that is always wrong is turned
    round. The line begins as if two units had been audited and the judge right, at 0 and at 1.
    Whole numbers of 1/RESOLUTION, halves up, so the same everywhere. A unit without a judge's value
    gets the mean label; a settled unit its own value.
    """
    line, found = _Line(), []
    judge, human = _whole(judged.judge), _whole(judged.human)
    for j, h, asked, settled in zip(
        judge, human, judged.asked, _whole(judged.settled), strict=True
    ):
        if settled is not None:
            found.append(settled)
            continue
        found.append(line.at(j))
        if asked and j is not None and h is not None:
            line.learn(j, h)
    return tuple(found)


class _Line:
    """A least-squares line in whole numbers."""

    def __init__(self) -> None:
        top = RESOLUTION
        self.n, self.j, self.h, self.jj, self.jh = 2, top, top, top * top, top * top

    def learn(self, j: int, h: int) -> None:
        self.n += 1
        self.j, self.h = self.j + j, self.h + h
        self.jj, self.jh = self.jj + j * j, self.jh + j * h

    def at(self, j: int | None) -> int:
        if j is None:
            return (2 * self.h + self.n) // (2 * self.n)
        # Positive: the two first points alone have different j.
        below = self.n * self.jj - self.j**2
        above = self.h * self.jj - self.j * self.jh + (self.n * self.jh - self.j * self.h) * j
        return max(0, min(RESOLUTION, (2 * above + below) // (2 * below)))


def _whole(values: Floats) -> list[int | None]:
    """Whole numbers of 1/RESOLUTION as evidence has them; None for NaN."""
    known = ~np.isnan(values)
    whole = np.rint(np.where(known, values, 0.0) * RESOLUTION).astype(np.int64).tolist()
    return [number if known[i] else None for i, number in enumerate(whole)]


def read_every(every: int) -> None:
    """Refuse what is no rate of an audit.

    Raises:
        ValueError: every outside 1 … 1,000.
    """
    if not 1 <= every <= EVERY_MOST:
        raise ValueError(f"every must be a whole number from 1 to {EVERY_MOST}, got {every!r}")
