"""Person, AI, and the two together: who is right when; explained on the page rules/arms.

The unit is the person who decides: each one's cases are averaged into one value, so that a hundred
decisions of one hand are not taken for a hundred hands. Figures stand for persons like these, on
cases like these where each had cases of their own, and on these very cases where they shared them;
nobody is ranked or shown alone.

Sources: Vaccaro, Almaatouq, Malone, *Nature Human Behaviour* 2024 (is the pair better than the
better of the two); Schemmer, Kuehl, Benz, Bartos, Satzger, IUI 2023 (relative reliance on AI and on
oneself); Berger, *Technometrics* 1982 (intersection-union tests).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pilotbase.kernel.text import Text
from pilotbase.trial.cases import Floats
from pilotbase.trial.evidence import CriterionEvidence, Part
from pilotbase.trial.rules.claims.counted import Counted
from pilotbase.trial.rules.claims.parts import Bound, difference_part, open_part, paired_part
from pilotbase.trial.rules.decisions import Decision, decisions_of
from pilotbase.trial.rules.order import committed_order
from pilotbase.trial.rules.reading import CriterionReading, read_criterion
from pilotbase.trial.rules.reading.readings import nine_digits, outward
from pilotbase.trial.rules.sequential import bounded_interval

DECIDERS_LEAST = 5  # a figure of fewer persons is a figure about a person
Worth = Callable[[Decision], "float | None"]
Values = Mapping[str, float]

TOO_FEW = Text(
    "{found} deciders have such decisions; a figure is given from {least} on, so that it is about "
    "no single person.",
    "只有 {found} 名决策人有此类决策; 达到 {least} 名才给出数字, 以免指向个人。",
)
NOT_COMPARED = Text(
    f"A comparison needs at least {DECIDERS_LEAST} deciders who worked both ways, or as many in "
    "each of two groups; until then it stays open.",
    f"比较至少需要 {DECIDERS_LEAST} 名两种方式都做过的决策人, 或两组各不少于此数; "
    "在此之前不作判定。",
)
TITLES = {
    "person": Text("the person alone is right", "人独自决策时正确"),
    "ai": Text("the AI is right", "AI 正确"),
    "together": Text("the person who saw the AI is right", "人看过 AI 后正确"),
    "over_reliance": Text("followed the AI where it was wrong", "AI 错时仍跟从 (过度依赖)"),
    "under_reliance": Text("did not follow the AI where it was right", "AI 对时未跟从 (依赖不足)"),
    "reliance_on_ai": Text(
        "put right by the AI, of cases first decided wrongly where the AI was right (RAIR)",
        "先前判错而 AI 判对的案例中, 看过 AI 后改对 (RAIR)",
    ),
    "reliance_on_self": Text(
        "stayed right, of cases first decided rightly where the AI was wrong (RSR)",
        "先前判对而 AI 判错的案例中, 看过 AI 后仍对 (RSR)",
    ),
}


@dataclass(frozen=True)
class Share:
    """A share of decisions, averaged within each decider and then over deciders.

    Attributes:
        title: what is counted, in both languages.
        estimate, interval: in [0, 1], the interval anytime-valid at the level of the report; None
            with fewer than five deciders, and ``reason`` says so.
        deciders, decisions: in the denominator.
    """

    title: Mapping[str, str]
    estimate: float | None
    interval: tuple[float, float] | None
    deciders: int
    decisions: int
    reason: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ArmsReport:
    """What the decisions say.

    Attributes:
        gain: whether the pair beats the better of the two: it meets when the pair beats the person
            alone *and* the AI alone, fails when it is shown to fall behind one of them.
        evidence: the integers of ``gain``, one part a comparison; no decider is named in them.
        shares: by name, see `TITLES`.
        cases, deciders, decisions: read.
        alpha: error level of ``gain``'s tests; intervals of shares have level 1 - alpha.
    """

    gain: CriterionReading
    evidence: CriterionEvidence
    shares: Mapping[str, Share]
    cases: int
    deciders: int
    decisions: int
    alpha: float

    def as_dict(self) -> dict[str, Any]:
        """JSON data: figures over deciders only, never a decider's own."""
        return {
            "gain": self.gain.as_dict(),
            "shares": {name: asdict(share) for name, share in self.shares.items()},
            "cases": self.cases,
            "deciders": self.deciders,
            "decisions": self.decisions,
            "alpha": self.alpha,
        }


def arms_of(
    columns: Mapping[str, Sequence[Any]], *, seed: bytes = b"", alpha: float = 0.05
) -> ArmsReport:
    """Whether person and AI together beat the better of the two, and how the AI is relied on.

    Args:
        columns: ``case, who, saw, decision`` and, per row or at least once a case, ``truth`` and
            ``ai``, all of one length; see `decisions_of` for what is refused.
        seed: of the committed order, in which deciders count.
        alpha: error level of each verdict, in (0, 1).

    Raises:
        DataError: the table does not hold together; all its faults are named.
    """
    decisions = decisions_of(columns)
    people = sorted({d.who for d in decisions})
    order = [people[place] for place in committed_order(seed, people)]
    together = [d for d in decisions if d.saw_ai]
    parts = (
        _against_person(decisions, order),
        _against_ai(together, order),
    )
    evidence = CriterionEvidence(
        criterion=0,
        dimension="quality",
        metric="team_gain",
        by="person, ai",
        blocking=False,
        parts=parts,
        gap=None if all(part.x for part in parts) else NOT_COMPARED.as_dict(),
    )
    return ArmsReport(
        gain=read_criterion(evidence, alpha, "fixed"),
        evidence=evidence,
        shares=dict(_shares(decisions, order, alpha)),
        cases=len({d.case for d in decisions}),
        deciders=len(people),
        decisions=len(decisions),
        alpha=alpha,
    )


def _against_person(decisions: Sequence[Decision], order: Sequence[str]) -> Part:
    """The pair against the person alone.

    Deciders who worked both ways are compared with themselves; where there are fewer of those than
    of others, or too few, two groups of deciders are compared.
    """
    together = _by_decider(decisions, lambda d: _right(d) if d.saw_ai else None)
    alone = _by_decider(decisions, lambda d: None if d.saw_ai else _right(d))
    both = [who for who in order if who in together and who in alone]
    only = [who for who in order if (who in together) != (who in alone)]
    bound = Bound(True, 0.0, label="together - person")
    if len(both) >= max(DECIDERS_LEAST, len(only)):
        return _paired(together, alone, both, bound)
    groups = [who for who in order if who in together and who not in alone]
    others = [who for who in order if who in alone and who not in together]
    if min(len(groups), len(others)) < DECIDERS_LEAST:
        return open_part(bound, "margin", "deciders")
    place = {who: number for number, who in enumerate(order)}
    return difference_part(
        _counted(together, groups, place),
        _counted(alone, others, place),
        bound,
        solve="margin",
        fault=0.0,
    )


def _against_ai(together: Sequence[Decision], order: Sequence[str]) -> Part:
    """The pair against the AI, on the same decisions."""
    known = [d for d in together if d.ai is not None]
    pair, machine = _by_decider(known, _right), _by_decider(known, _ai_right)
    bound = Bound(True, 0.0, label="together - AI")
    both = [who for who in order if who in pair and who in machine]
    if len(both) < DECIDERS_LEAST:
        return open_part(bound, "margin", "deciders")
    return _paired(pair, machine, both, bound)


def _paired(x: Values, y: Values, deciders: Sequence[str], bound: Bound) -> Part:
    place = {who: number for number, who in enumerate(deciders)}
    counted = _counted(x, deciders, place), _counted(y, deciders, place)
    return paired_part(*counted, bound, solve="margin", fault=0.0)


def _counted(values: Values, deciders: Sequence[str], place: Mapping[str, int]) -> Counted:
    worth = np.array([values[who] for who in deciders], np.float64)
    none = np.zeros(worth.size, np.bool_)
    at = np.array([place[who] for who in deciders], np.int64)
    return Counted(lambda fault, outage: worth, none, none, at, None, False, "deciders")


def _shares(
    decisions: Sequence[Decision], order: Sequence[str], alpha: float
) -> Iterator[tuple[str, Share]]:
    first = {(d.who, d.case): d for d in decisions if not d.saw_ai}
    worths: dict[str, Worth] = {
        "person": lambda d: None if d.saw_ai else _right(d),
        "ai": lambda d: _ai_right(d) if d.saw_ai else None,
        "together": lambda d: _right(d) if d.saw_ai else None,
        "over_reliance": lambda d: _followed(d) if d.saw_ai and _ai_right(d) == 0.0 else None,
        "under_reliance": lambda d: (
            1.0 - _followed(d) if d.saw_ai and _ai_right(d) == 1.0 else None
        ),
        "reliance_on_ai": lambda d: _changed(d, first, was_right=False),
        "reliance_on_self": lambda d: _changed(d, first, was_right=True),
    }
    for name, worth in worths.items():
        yield name, _share(decisions, order, alpha, name, worth)


def _share(
    decisions: Sequence[Decision], order: Sequence[str], alpha: float, name: str, worth: Worth
) -> Share:
    by_decider = _by_decider(decisions, worth)
    counted = sum(worth(d) is not None for d in decisions)
    values: Floats = np.array([by_decider[who] for who in order if who in by_decider])
    title = TITLES[name].as_dict()
    if values.size < DECIDERS_LEAST:
        reason = TOO_FEW.format(found=values.size, least=DECIDERS_LEAST).as_dict()
        return Share(title, None, None, values.size, counted, reason)
    interval = outward(bounded_interval(values, alpha))
    return Share(title, nine_digits(float(values.mean())), interval, values.size, counted)


def _by_decider(decisions: Sequence[Decision], worth: Worth) -> Values:
    """The mean worth of each decider's decisions that have one."""
    found: dict[str, list[float]] = {}
    for decision in decisions:
        value = worth(decision)
        if value is not None:
            found.setdefault(decision.who, []).append(value)
    return {who: sum(values) / len(values) for who, values in found.items()}


def _right(decision: Decision) -> float:
    return float(decision.decision == decision.truth)


def _ai_right(decision: Decision) -> float | None:
    return None if decision.ai is None else float(decision.ai == decision.truth)


def _followed(decision: Decision) -> float:
    return float(decision.decision == decision.ai)


def _changed(
    decision: Decision, first: Mapping[tuple[str, str], Decision], *, was_right: bool
) -> float | None:
    """Whether the decider ended up right, where person and AI had disagreed in the named way."""
    before = first.get((decision.who, decision.case))
    if not decision.saw_ai or before is None or decision.ai is None:
        return None
    disagreed = _right(before) == float(was_right) and _ai_right(decision) == float(not was_right)
    return _right(decision) if disagreed else None
