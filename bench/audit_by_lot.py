"""Labels that a judge with an audit by lot takes to *meets*, beside labels alone.

    python bench/audit_by_lot.py

Means over simulated trials with a fixed seed, alpha = .05, as "labels (units)" for one unit audited
in 2, 4 and 10; a trial still open at the cap counts with what it has used by then.
"""

from __future__ import annotations

import math

import numpy as np

from pilotbase.trial.cases import Floats
from pilotbase.trial.rules.audit import Judged
from pilotbase.trial.rules.claims.judged import audited_part
from pilotbase.trial.rules.claims.parts import Bound
from pilotbase.trial.rules.reading.bounds import Levels
from pilotbase.trial.rules.reading.part import standing_of
from pilotbase.trial.rules.sequential import log_bounded_evalue

RUNS, CAP, ALPHA = 200, 3_000, 0.05
SETTINGS = ((0.92, 0.85), (0.95, 0.90), (0.97, 0.90), (0.80, 0.70))
JUDGES = {"always right": 1.0, "right 9 times in 10": 0.9, "knows nothing": 0.5}
EVERY = (2, 4, 10)


def trial(quality: float, right: float, every: int, rng: np.random.Generator) -> Judged:
    human = (rng.random(CAP) < quality).astype(np.float64)
    judge = np.where(rng.random(CAP) < right, human, 1.0 - human)
    audited = rng.random(CAP) < 1.0 / every
    seen = np.where(audited, human, np.nan)
    no = np.zeros(CAP, np.bool_)
    return Judged(judge, seen, audited, np.full(CAP, np.nan), no, no)


def alone(quality: float, bound: float, rng: np.random.Generator) -> int:
    human: Floats = (rng.random(CAP) < quality).astype(np.float64)
    path = log_bounded_evalue(human, bound, alternative="greater")
    there = np.flatnonzero(path >= -math.log(ALPHA))
    return int(there[0]) + 1 if there.size else CAP


def main() -> None:
    levels = Levels(ALPHA, ALPHA)
    for quality, bound in SETTINGS:
        rng = np.random.default_rng(11)
        labels_alone = np.mean([alone(quality, bound, rng) for _ in range(RUNS)])
        for name, right in JUDGES.items():
            cells = []
            for every in EVERY:
                used, units = [], []
                for _ in range(RUNS):
                    judged = trial(quality, right, every, rng)
                    part = audited_part(judged, Bound(True, bound), every)
                    read = standing_of(part, levels, "sequential").items
                    used.append(int(judged.asked[:read].sum()))
                    units.append(read)
                cells.append(f"{np.mean(used):.0f} ({np.mean(units):.0f})")
            row = " | ".join([f"{quality:.2f}, {bound:.2f}", name, f"{labels_alone:.0f}", *cells])
            print(f"| {row} |", flush=True)


if __name__ == "__main__":
    main()
