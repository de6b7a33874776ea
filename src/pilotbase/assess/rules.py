"""From criteria to a verdict: pure rules, explained on the docs page rules/verdict.

A candidate *goes* when every blocking criterion meets: an intersection-union test needs no
correction (Berger 1982). It is *no-go* when one fails. What is corrected for is looking many times:

- with C candidates tried side by side, *meets* is read at alpha/C; e-Holm (Vovk & Wang 2021) or
  e-BH (Wang & Ramdas 2022) over each candidate's smallest e-value can only add to that;
- with B blocking criteria, *fails* is read at alpha/B; Holm's procedure (Holm 1979) over p-values
  can only add to that.

The smallest e-value may be taken over criteria that stopped at different times: if the candidate
should not go, one blocking criterion does not hold; the minimum is at most *its* e-value, and that
one has expectation at most 1 at its own stopping time.
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
Trust = Literal["tried", "reported"]


@dataclass(frozen=True)
class Weighed:
    """What the rules look at of one criterion.

    Attributes:
        blocking: whether the verdict hangs on it.
        read: its answer at the adjusted levels (`levels`).
        p_fails: p-value of "does not meet"; 1 / sup E where sequential.
        log_e_meets: natural logarithm of the e-value for *meets*; may be infinite.
    """

    blocking: bool
    read: CriterionVerdict
    p_fails: float
    log_e_meets: float


def levels(alpha: float, candidates: int, blocking: int) -> tuple[float, float]:
    """(alpha for *meets*, alpha for *fails*) that a blocking criterion is read at."""
    return alpha / max(candidates, 1), alpha / max(blocking, 1)


def go_log_evalue(criteria: Sequence[Weighed]) -> float:
    """The candidate's evidence for *go*: the smallest over its blocking criteria (inf if none)."""
    return min((c.log_e_meets for c in criteria if c.blocking), default=math.inf)


def admitted(log_evalues: Sequence[float], alpha: float, several: str) -> list[bool]:
    """Which candidates the rule over several candidates lets go, ``several`` being the plan's."""
    evalues = [math.inf if e > 700 else math.exp(e) for e in log_evalues]
    return e_bh(evalues, alpha) if several == "e-bh" else e_holm(evalues, alpha)


def criterion_verdicts(
    criteria: Sequence[Weighed], alpha: float, *, admitted: bool
) -> list[CriterionVerdict]:
    """The answers as read, and what Holm and the rule over several candidates add to them.

    Args:
        admitted: whether the rule over several candidates lets this candidate go.
    """
    rejected = iter(holm([c.p_fails for c in criteria if c.blocking], alpha))
    verdicts: list[CriterionVerdict] = []
    for criterion in criteria:
        fails = next(rejected) if criterion.blocking else False
        verdict = criterion.read
        if verdict == "undecided" and fails:
            verdict = "fails"
        elif verdict == "undecided" and criterion.blocking and admitted:
            verdict = "meets"
        verdicts.append(verdict)
    return verdicts


def candidate_verdict(
    verdicts: Sequence[CriterionVerdict], blocking: Sequence[bool]
) -> CandidateVerdict:
    """go, conditional, no-go or insufficient (methods: Verdict)."""
    hangs = [v for v, b in zip(verdicts, blocking, strict=True) if b]
    if "fails" in hangs:
        return "no-go"
    if "undecided" in hangs:
        return "insufficient"
    return "go" if all(v == "meets" for v in verdicts) else "conditional"


def graded(verdict: CandidateVerdict, trust: Trust, *, synthetic: bool = False) -> CandidateVerdict:
    """The verdict that a grade of trust allows: what another tool reports and the base has not
    tried is at best *conditional*, on a trial by the base; so is what was tried on synthetic rows,
    on a trial on observed ones.

    Whoever hands in a log chooses which one: of twenty runs of a candidate that should not go, the
    best may well pass. Whoever makes rows chooses what is hard in them. No level of alpha covers
    that, so a log and synthetic rows can rule out and cannot admit.
    """
    best: CandidateVerdict = "conditional" if trust == "reported" or synthetic else "go"
    return best if verdict == "go" else verdict


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
}

REPORTED_REASON = Text(
    "What {tool} reports meets every criterion; it was not tried here.",
    "{tool} 报告的结果达到全部指标; 未在本基地试验。",
)
REPORTED_CONDITION = Text(
    "Proposed by rule, to be written by the panel: a trial by the base, before anything is filed. "
    "These scores are reported by {tool} and were not tried here.",
    "规则拟定, 由评审组正式写明: 备案前须由本基地试验。所列得分由 {tool} 报告, 未在本基地试验。",
)
SYNTHETIC_REASON = Text(
    "Every criterion is met on synthetic rows ({rows} of {of}); nothing is shown of observed ones.",
    "在合成数据上达到全部指标 ({of} 行中 {rows} 行为合成); 不能说明在实际数据上的表现。",
)
SYNTHETIC_CONDITION = Text(
    "Proposed by rule, to be written by the panel: the same trial on observed rows alone, before "
    "anything is filed. {rows} of {of} rows are synthetic.",
    "规则拟定, 由评审组正式写明: 备案前须仅以实际数据重做同一试验。"
    "{of} 行中有 {rows} 行为合成数据。",
)
SOME_TOOL = Text("another tool", "其他工具")

CONDITION = Text(
    "Proposed by rule, to be written by the panel: serve only while {names} is watched, and decide "
    "it on fresh units before the filing is renewed.",
    "规则拟定, 由评审组正式写明: 服务期间须持续监测 {names}, 并在续期备案前以新的单元作出判定。",
)
