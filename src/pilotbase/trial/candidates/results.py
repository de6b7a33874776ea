"""Scores that another tool reports: nothing is asked; only the reading is vouched for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pilotbase.trial.cases import Labels
from pilotbase.trial.endpoints.port import Case
from pilotbase.trial.journal import Kept
from pilotbase.trial.respondent import Send


@dataclass(frozen=True)
class Results:
    """A column of scores in [0, 1], one a case.

    Attributes:
        scores: (rows,) floats; NaN where the tool reports none, which is the candidate's fault.
    """

    scores: Labels
    concurrency: int = 1

    async def open(self) -> None:
        """Nothing has to be reached."""

    async def answer(self, case: Case, send: Send) -> Kept:
        score = float(self.scores[case.row])
        if not 0.0 <= score <= 1.0 or np.isnan(score):
            return Kept(None, "the log reports no score from 0 to 1 for it")
        return Kept({"data": {"reported": score}})

    async def aclose(self) -> None:
        """Nothing was opened."""
