"""Reading a criterion: its parts joined, and the one on which the verdict hangs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING
from typing import Literal

from pilotbase.trial.evidence import CriterionEvidence, Part
from pilotbase.trial.rules.reading import claim
from pilotbase.trial.rules.reading.bounds import Levels, Mode
from pilotbase.trial.rules.reading.part import read_part, standing_of
from pilotbase.trial.rules.reading.readings import (
    CriterionReading,
    PartReading,
    Verdict,
    log_recorded,
    nine_digits,
)

Direction = Literal["at_least", "at_most", "between"]
Band = tuple[PartReading, PartReading]


def read_criterion(
    evidence: CriterionEvidence, alpha: float, mode: Mode, *, alpha_fails: float | None = None
) -> CriterionReading:
    """What a criterion says: each of its k parts at alpha for *meets*, alpha_fails/k for *fails*.

    That all parts meet needs no correction (intersection-union, Berger 1982); that one of k fails
    is Bonferroni's. Each part stops at its own time: the smallest e-value is at most that of a
    part that does not hold, and that one has expectation at most 1 at its own stopping time.
    """
    fails = alpha if alpha_fails is None else alpha_fails
    k = len(evidence.parts)
    parts = tuple(read_part(p, alpha, mode, alpha_fails=fails / k) for p in evidence.parts)
    verdict = _joined([part.verdict for part in parts])
    binding = _binding(parts, evidence.parts, verdict)
    shown = parts[binding] if binding is not None else None
    band = _band(evidence.parts, parts, binding)
    return CriterionReading(
        criterion=evidence.criterion,
        dimension=evidence.dimension,
        metric=evidence.metric,
        by=evidence.by,
        blocking=evidence.blocking,
        verdict=verdict,
        exact=bool(parts) and all(part.exact for part in parts),
        direction=_direction(evidence.parts),
        estimate=shown.estimate if shown else None,
        interval=_interval(shown, band, verdict),
        threshold=_threshold(shown, band),
        items=shown.items if shown else "units",
        units=shown.units if shown else 0,
        population=shown.population if shown else None,
        resolution=shown.resolution if shown else None,
        successes=shown.successes if shown else None,
        errors=shown.errors if shown else 0,
        outages=shown.outages if shown else 0,
        decided_at=shown.decided_at if shown else None,
        log_evalue_meets=min((p.log_evalue_meets for p in parts), default=0.0),
        log_evalue_fails=_mean_evalue([p.log_evalue_fails for p in parts]),
        p_meets=max((p.p_meets for p in parts), default=1.0),
        p_fails=_bonferroni([p.p_fails for p in parts]),
        further=shown.further if shown else None,
        reason=shown.reason if shown else evidence.gap,
        gap=evidence.gap,
        binding=binding,
        parts=parts,
    )


def decided(
    evidence: CriterionEvidence, alpha: float, mode: Mode, *, alpha_fails: float | None = None
) -> bool:
    """Whether no further item is needed.

    Cheap enough to ask while units come in: no interval, and of a difference only the newest look.
    A fixed plan looks once, so it is decided early only when everything is in.
    """
    if not evidence.parts:
        return False
    if all(claim.is_complete(part) for part in evidence.parts):
        return True
    if mode == "fixed":
        return False
    fails = alpha if alpha_fails is None else alpha_fails
    levels = Levels(alpha, fails / len(evidence.parts))
    verdicts = [standing_of(p, levels, mode, last_only=True).verdict for p in evidence.parts]
    return _joined(verdicts) != "undecided"


def _joined(verdicts: list[Verdict]) -> Verdict:
    if "fails" in verdicts:
        return "fails"
    return "meets" if verdicts and all(v == "meets" for v in verdicts) else "undecided"


def _binding(
    readings: tuple[PartReading, ...], parts: tuple[Part, ...], verdict: Verdict
) -> int | None:
    """Index of the part on which the verdict hangs: of those that share it, the worst."""

    def margin(index: int) -> float:
        reading = readings[index]
        if reading.estimate is None:
            return math.inf
        above = reading.estimate - reading.threshold
        return above if parts[index].at_least else -above

    sharing = [i for i, reading in enumerate(readings) if reading.verdict == verdict]
    return min(sharing, key=margin, default=None)


def _mean_evalue(logs: list[float]) -> float:
    """At most the log of the mean of the e-values, which is an e-value of "one of them fails"."""
    return log_recorded(max(logs) - math.log(len(logs))) if logs else 0.0


def _bonferroni(p_values: list[float]) -> float:
    if not p_values:
        return 1.0
    return nine_digits(min(1.0, len(p_values) * min(p_values)), ROUND_CEILING)


def _direction(parts: Sequence[Part]) -> Direction:
    sides = {part.at_least for part in parts}
    if len(sides) == 2:
        return "between"
    return "at_least" if True in sides else "at_most"


def _band(
    parts: Sequence[Part], readings: Sequence[PartReading], binding: int | None
) -> Band | None:
    """The binding part of a band with its other side; the lower sides have even places."""
    if binding is None or _direction(parts) != "between":
        return None
    lower = binding - binding % 2
    return readings[lower], readings[lower + 1]


def _band_interval(
    band: Band, verdict: Verdict, binding: PartReading
) -> tuple[float, float] | None:
    """One interval for two tests: the side that fails shows its own; two that meet show the ends
    that show it; else the wider ends, which cannot both lie inside the band.
    """
    lower, upper = band[0].interval, band[1].interval
    if lower is None or upper is None or verdict == "fails":
        return binding.interval
    if verdict == "meets":
        return lower[0], upper[1]
    return min(lower[0], upper[0]), max(lower[1], upper[1])


def _interval(
    shown: PartReading | None, band: Band | None, verdict: Verdict
) -> tuple[float, float] | None:
    if shown is None:
        return None
    return shown.interval if band is None else _band_interval(band, verdict, shown)


def _threshold(shown: PartReading | None, band: Band | None) -> float | tuple[float, float] | None:
    if shown is None:
        return None
    return shown.threshold if band is None else (band[0].threshold, band[1].threshold)
