"""A candidate may not use what the plan bars; the check is a criterion like any other.

It counts barred columns, not cases: the finite set is the list of barred columns, the value of one
is 1 when the candidate uses it, and the claim is that their mean is at most 0. It is known before
anything runs, exact, and blocking.
"""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.evidence import CriterionEvidence, Part

METRIC = "barred_columns"
TITLE = Text("Barred columns used", "使用了被禁用的列")


def barred_evidence(scenario: Scenario, candidate: Candidate) -> CriterionEvidence | None:
    """The integrity criterion, numbered after the file's last; None where nothing is barred."""
    if not scenario.barred:
        return None
    used = tuple(int(column in candidate.uses_barred) for column in scenario.barred)
    part = Part(
        kind="pass_fail",
        at_least=False,
        x=used,
        threshold=0.0,
        resolution=1,
        population=len(used),
        items="barred columns",
    )
    index = len(scenario.acceptance)
    return CriterionEvidence(index, "integrity", METRIC, "", True, (part,))
