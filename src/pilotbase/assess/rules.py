"""From criteria to a verdict: pure rules, explained on the docs page rules/verdict.

A candidate *goes* when every blocking criterion meets at level alpha: an intersection-union test
needs no correction (Berger 1982). It is *no-go* when Holm's procedure (Holm 1979) over the blocking
criteria rejects one. Over several candidates the go e-value is the smallest over its blocking
criteria, and e-Holm (Vovk & Wang 2021) or e-BH (Wang & Ramdas 2022) says which of them may go.

That smallest e-value may be taken over criteria that stopped at different times: under the null one
blocking criterion does not hold, the minimum is at most *its* e-value, and that one has expectation
at most 1 at its own stopping time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pilotbase.kernel.text import Text
from pilotbase.trial.rules.sequential import e_bh, e_holm, holm

CriterionVerdict = Literal["meets", "fails", "undecided"]
CandidateVerdict = Literal["go", "conditional", "no-go", "insufficient"]


@dataclass(frozen=True)
class Weighed:
    """What the rules look at of one criterion.

    Attributes:
        blocking: whether the verdict hangs on it.
        meets: whether it meets at alpha, alone.
        p_fails: p-value of "does not meet"; 1 / sup E where sequential.
        log_e_meets: natural logarithm of the e-value for *meets*; may be infinite.
    """

    blocking: bool
    meets: bool
    p_fails: float
    log_e_meets: float


def criterion_verdicts(criteria: Sequence[Weighed], alpha: float) -> list[CriterionVerdict]:
    """Meets each at alpha; fails by Holm over the blocking ones, at alpha for each other one."""
    blocking = [c.p_fails for c in criteria if c.blocking]
    rejected = iter(holm(blocking, alpha))
    verdicts: list[CriterionVerdict] = []
    for criterion in criteria:
        fails = next(rejected) if criterion.blocking else criterion.p_fails <= alpha
        verdicts.append("meets" if criterion.meets else "fails" if fails else "undecided")
    return verdicts


def go_log_evalue(criteria: Sequence[Weighed]) -> float:
    """The candidate's evidence for *go*: the smallest over its blocking criteria (inf if none)."""
    return min((c.log_e_meets for c in criteria if c.blocking), default=math.inf)


def may_go(log_evalues: Sequence[float], alpha: float, several: str) -> list[bool]:
    """Which candidates the rule over several candidates lets go."""
    evalues = [math.inf if e > 700 else math.exp(e) for e in log_evalues]
    return e_bh(evalues, alpha) if several == "e-bh" else e_holm(evalues, alpha)


def candidate_verdict(
    verdicts: Sequence[CriterionVerdict], blocking: Sequence[bool], admitted: bool
) -> CandidateVerdict:
    """go, conditional, no-go or insufficient (methods: Verdict).

    Args:
        admitted: whether the rule over several candidates lets this one go.
    """
    hangs = [v for v, b in zip(verdicts, blocking, strict=True) if b]
    if "fails" in hangs:
        return "no-go"
    if "undecided" in hangs or not admitted:
        return "insufficient"
    return "go" if all(v == "meets" for v in verdicts) else "conditional"


def best_go(
    candidates: Sequence[tuple[str, CandidateVerdict, float | None]], *, higher_is_better: bool
) -> str | None:
    """The id of the best *go* by the plan's metric; ties go to the one named first in the file.

    Args:
        candidates: id, verdict and estimate of the plan's metric (None: not estimated).
    """
    sign = 1.0 if higher_is_better else -1.0
    going = [(id_, estimate) for id_, verdict, estimate in candidates if verdict == "go"]
    if not going:
        return None
    return max(going, key=lambda c: -math.inf if c[1] is None else sign * c[1])[0]


REASONS = {
    "go": Text("Every criterion that the verdict hangs on is met.", "所有必须满足的指标均已达到。"),
    "no-go": Text("{names}: shown not to be met.", "{names}: 已证明未达到。"),
    "insufficient": Text("Not enough evidence yet on: {names}.", "以下指标证据尚不足: {names}。"),
    "conditional": Text(
        "Everything the verdict hangs on is met; open: {names}.",
        "必须满足的指标均已达到; 尚未了结: {names}。",
    ),
    "several": Text(
        "Each criterion meets when looked at alone, but with {count} candidates tried side by side "
        "that could be luck; more units would tell.",
        "单独看各项指标均达到, 但同时试验 {count} 个候选方案时这可能是偶然; 需更多单元。",
    ),
}

CONDITION = Text(
    "Proposed by rule, to be written by the panel: serve only while {names} is watched, and decide "
    "it on fresh units before the filing is renewed.",
    "规则拟定, 由评审组正式写明: 服务期间须持续监测 {names}, 并在续期备案前以新的单元作出判定。",
)
