"""Reading a part: which of its two processes got there first, and what it shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING

import numpy as np

from pilotbase.kernel.text import Text
from pilotbase.trial.evidence import Part
from pilotbase.trial.rules.reading import claim, exact
from pilotbase.trial.rules.reading.bounds import Levels, Mode, interval_at
from pilotbase.trial.rules.reading.further import further_items
from pilotbase.trial.rules.reading.process import log_evalue_at, path_of, taken
from pilotbase.trial.rules.reading.readings import (
    PartReading,
    Verdict,
    log_recorded,
    nine_digits,
    outward,
)
from pilotbase.trial.rules.sequential import fixed_pvalue


@dataclass(frozen=True)
class Standing:
    """Where the two tests of a part stand when it is decided, or at the last item.

    Attributes:
        items: items read by then.
        log_meets, log_fails: log e-values at that moment.
        p_meets, p_fails: p-values.
    """

    verdict: Verdict
    items: int
    log_meets: float
    log_fails: float
    p_meets: float
    p_fails: float


def read_part(
    part: Part, alpha: float, mode: Mode, *, alpha_fails: float | None = None
) -> PartReading:
    """What a part says, from its integers alone.

    A finite set of which every item is known is compared exactly. Else ``sequential`` stops at
    the first item at which the e-value for *meets* reaches 1/alpha or the one for *fails*
    1/alpha_fails (Ville's inequality bounds the error of each however long it goes on), and
    ``fixed`` looks once, at the last item: pass/fail items by the exact binomial or
    hypergeometric test, others by the last e-value.

    Args:
        alpha: error probability of *meets*, in (0, 1).
        alpha_fails: of *fails*; as alpha if left out.
    """
    levels = Levels(alpha, alpha if alpha_fails is None else alpha_fails)
    standing = standing_of(part, levels, mode)
    whole = claim.is_complete(part)
    x, y = claim.values(part, meets=True)
    of_x, of_y = taken(part, standing.items)
    estimate = claim.estimate(part, x[:of_x], y[:of_y])
    decided = standing.verdict != "undecided"
    further = None if decided else further_items(part, levels, mode)
    return PartReading(
        label=part.label,
        items=part.items,
        verdict=standing.verdict,
        exact=whole,
        estimate=None if estimate is None else nine_digits(claim.shown(part, estimate)),
        interval=_interval(part, standing.items, levels, mode),
        threshold=nine_digits(claim.shown(part, claim.bound(part))),
        units=standing.items,
        population=claim.population(part),
        resolution=part.resolution,
        successes=int(x[:of_x].sum()) if part.kind == "pass_fail" else None,
        errors=part.faults,
        outages=part.outages,
        decided_at=standing.items if decided else None,
        log_evalue_meets=log_recorded(standing.log_meets),
        log_evalue_fails=log_recorded(standing.log_fails),
        p_meets=nine_digits(standing.p_meets, ROUND_CEILING),
        p_fails=nine_digits(standing.p_fails, ROUND_CEILING),
        further=further,
        reason=None if decided else _reason(part, whole, further),
    )


def standing_of(part: Part, levels: Levels, mode: Mode, *, last_only: bool = False) -> Standing:
    """Where the tests of the part stand; see `read_part`."""
    if claim.is_complete(part):
        return _exactly(part)
    if claim.is_empty(part) or claim.items(part) == 0:
        return Standing("undecided", 0, 0.0, 0.0, 1.0, 1.0)
    return _at_the_end(part, levels) if mode == "fixed" else _first_there(part, levels, last_only)


def _exactly(part: Part) -> Standing:
    meets, fails = exact.holds(part, meets=True), not exact.holds(part, meets=False)
    return Standing(
        _verdict(meets, fails),
        claim.items(part),
        math.inf if meets else -math.inf,
        math.inf if fails else -math.inf,
        0.0 if meets else 1.0,
        0.0 if fails else 1.0,
    )


def _first_there(part: Part, levels: Levels, last_only: bool) -> Standing:
    path = path_of(part, last_only=last_only)
    if not path.at.size:
        return Standing("undecided", 0, 0.0, 0.0, 1.0, 1.0)
    meets = path.meets >= -math.log(levels.meets)
    fails = path.fails >= -math.log(levels.fails)
    there = np.flatnonzero(meets | fails)
    stop = int(there[0]) if there.size else path.at.size - 1
    items = int(path.at[stop])
    return Standing(
        _verdict(bool(meets[stop]), bool(fails[stop])),
        items,
        _evaluated(part, items, float(path.meets[stop]), meets=True),
        _evaluated(part, items, float(path.fails[stop]), meets=False),
        _anytime_pvalue(float(np.fmax.reduce(path.meets[: stop + 1]))),
        _anytime_pvalue(float(np.fmax.reduce(path.fails[: stop + 1]))),
    )


def _evaluated(part: Part, items: int, log_evalue: float, *, meets: bool) -> float:
    return log_evalue_at(part, items, meets=meets) if math.isnan(log_evalue) else log_evalue


def _at_the_end(part: Part, levels: Levels) -> Standing:
    items = claim.items(part)
    logs = [log_evalue_at(part, items, meets=meets) for meets in (True, False)]
    threshold = claim.tested_threshold(part)
    if part.kind == "pass_fail" and 0.0 < threshold < 1.0:
        p_meets, p_fails = (_exact_pvalue(part, threshold, meets=m) for m in (True, False))
    else:
        p_meets, p_fails = (_anytime_pvalue(log_e) for log_e in logs)
    verdict = _verdict(p_meets <= levels.meets, p_fails <= levels.fails)
    return Standing(verdict, items, logs[0], logs[1], p_meets, p_fails)


def _exact_pvalue(part: Part, threshold: float, *, meets: bool) -> float:
    x, _ = claim.values(part, meets=meets)
    return fixed_pvalue(
        int(x.sum()),
        int(x.size),
        threshold,
        alternative=claim.alternative(part, meets=meets),
        population=part.population,
    )


def _anytime_pvalue(log_evalue: float) -> float:
    return min(1.0, math.exp(-log_evalue)) if log_evalue > 0.0 else 1.0


def _verdict(meets: bool, fails: bool) -> Verdict:
    """Both at once would contradict each other: then nothing may be licensed."""
    if fails:
        return "fails"
    return "meets" if meets else "undecided"


def _interval(part: Part, items: int, levels: Levels, mode: Mode) -> tuple[float, float] | None:
    if items == 0:
        return None
    if not claim.is_complete(part):
        return outward(interval_at(part, items, levels, mode))
    ends = [claim.estimate(part, *claim.values(part, meets=meets)) for meets in (True, False)]
    if ends[0] is None or ends[1] is None:
        return None
    low, high = sorted(nine_digits(claim.shown(part, end)) for end in ends if end is not None)
    return low, high


def _reason(part: Part, whole: bool, further: int | None) -> Mapping[str, str]:
    if claim.items(part) == 0:
        return Text("Nothing has been counted.", "没有可计数的对象。").as_dict()
    if whole:
        return Text(
            f"{part.outages} answers were lost by the base and could tip it either way.",
            f"因基地自身故障缺失 {part.outages} 个回答, 其结果可左右判定。",
        ).as_dict()
    if further is None:
        return Text(
            "The estimate lies so near to the bound that more of the same would hardly decide.",
            "估计值与界限过于接近, 增加同类单元也难以判定。",
        ).as_dict()
    return Text(
        f"Not enough evidence yet: about {further} further {part.items} would decide, if things "
        "go on as they have.",
        f"证据尚不足: 若保持现有趋势, 约再需 {further} 个即可判定。",
    ).as_dict()
