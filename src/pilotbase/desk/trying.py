"""Every candidate tried and its answers turned into integers; no record, no verdict.

The same for an official run and for a rehearsal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pilotbase.assess.rules import levels
from pilotbase.desk.prepare import Prepared
from pilotbase.kernel.plugins import load
from pilotbase.kernel.verb import Context
from pilotbase.scenario.schema import Candidate, Criterion, Estimand, Scenario, Under
from pilotbase.trial.baselines import baseline_of
from pilotbase.trial.cases import FAULT, OUTAGE, Cases, Ints, Predictions
from pilotbase.trial.estimates import estimates_of
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evidence import CriterionEvidence, Evidence, evidence_to_json
from pilotbase.trial.importance import importance_of
from pilotbase.trial.integrity import barred_evidence
from pilotbase.trial.journal import Journal
from pilotbase.trial.rules.claims import evidence_of
from pilotbase.trial.rules.order import committed_order
from pilotbase.trial.rules.reading import decided
from pilotbase.trial.run import Answered, answer_all

THESE: Estimand = "these cases"
FUTURE: Estimand = "future cases"
PROBLEMS_MAX = 20


@dataclass(frozen=True)
class Tried:
    """What a trial leaves: by candidate the evidence body, and how many answers were missing."""

    evidence: Mapping[str, Mapping[str, Any]]
    faults: Mapping[str, int]
    outages: Mapping[str, int]


@dataclass(frozen=True)
class Question:
    """One set of cases in its committed order, under one estimand."""

    cases: Cases
    estimand: Estimand
    seed: bytes
    order: Ints

    @classmethod
    def of(cls, cases: Cases, estimand: Estimand, seed: bytes) -> Question:
        return cls(cases, estimand, seed, committed_order(seed, cases.unit_ids))
