"""The verdict rule beside three habits, exactly: false *meets*, power, expected units.

    python bench/verdict_rules.py [--json]

Every figure is computed by dynamic programming over the number of passed units; nothing is
simulated. The criterion is "pass rate >= threshold", units are independent, at most 1,000 of them.

- ours: one unit at a time, stop at the first e-value that reaches 1/0.05
- fixed-n: exact binomial test, one look at 1,000 units, 5 % on either side
- Wilson, peek every 50: meets when the lower end of the 95 % interval lies above the
  threshold at any peek, fails when the upper end lies below it
- half-width stop: sample until the 95 % Wilson half-width is at most 0.03, then compare
  the observed rate with the threshold
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pilotbase.trial.rules.sequential import fixed_pvalue, operating_characteristics

CAP = 1_000
ALPHA = 0.05
THRESHOLDS = (0.8, 0.9)
STEPS = (0.0, 0.05, 0.10)
Z = 1.959963984540054  # two-sided 95 %
HALF_WIDTH = 0.03

Floats = NDArray[np.float64]
Answers = NDArray[np.int8]  # 1 meets, -1 fails, 0 goes on; one per number of passed units
Rule = Callable[[int, float], Answers]
Row = dict[str, float | str]


def wilson(n: int) -> tuple[Floats, Floats]:
    """Ends of the Wilson interval for 0..n passed units of n."""
    rate = np.arange(n + 1) / n
    centre = (rate + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2))
    return centre - half, centre + half


def fixed_n(n: int, threshold: float) -> Answers:
    if n < CAP:
        return np.zeros(n + 1, dtype=np.int8)
    passed = np.arange(n + 1)
    meets = fixed_pvalue(passed, n, threshold, alternative="greater") <= ALPHA
    fails = fixed_pvalue(passed, n, threshold, alternative="less") <= ALPHA
    return np.where(meets, 1, np.where(fails, -1, 0)).astype(np.int8)


def wilson_peeks(n: int, threshold: float) -> Answers:
    if n % 50:
        return np.zeros(n + 1, dtype=np.int8)
    low, high = wilson(n)
    return np.where(low > threshold, 1, np.where(high < threshold, -1, 0)).astype(np.int8)


def half_width_stop(n: int, threshold: float) -> Answers:
    low, high = wilson(n)
    answer = np.where(np.arange(n + 1) / n >= threshold, 1, -1)
    return np.where((high - low) / 2 <= HALF_WIDTH, answer, 0).astype(np.int8)


def exact(rule: Rule, threshold: float, p: float) -> dict[str, float]:
    """Forward through all tallies that the rule has not yet decided."""
    open_, meets, fails, units = np.array([1.0]), 0.0, 0.0, 0.0
    for n in range(1, CAP + 1):
        units += open_.sum()
        after = np.zeros(n + 1)
        after[:-1] += open_ * (1 - p)
        after[1:] += open_ * p
        answer = rule(n, threshold)
        meets += after[answer == 1].sum()
        fails += after[answer == -1].sum()
        open_ = np.where(answer == 0, after, 0.0)
    return {"meets": meets, "fails": fails, "undecided": open_.sum(), "expected_units": units}


def ours(threshold: float, p: float) -> dict[str, float]:
    odds = operating_characteristics(threshold, ALPHA, CAP, p)
    fields = ("meets", "fails", "undecided", "expected_units")
    return {field: getattr(odds, field) for field in fields}


RULES: dict[str, Callable[[float, float], dict[str, float]]] = {
    "ours": ours,
    "fixed-n, one look": lambda t, p: exact(fixed_n, t, p),
    "Wilson 95 %, peek every 50": lambda t, p: exact(wilson_peeks, t, p),
    "half-width stop at .03": lambda t, p: exact(half_width_stop, t, p),
}


def rows() -> list[Row]:
    found: list[Row] = []
    for threshold in THRESHOLDS:
        for name, rule in RULES.items():
            for step in STEPS:
                p = round(threshold + step, 10)
                odds = {key: round(float(value), 4) for key, value in rule(threshold, p).items()}
                found.append({"threshold": threshold, "rule": name, "true_rate": p, **odds})
    return found


def table(found: list[Row]) -> str:
    heads = [
        f"{what} at {where}" for what in ("meets", "units") for where in ("+.00", "+.05", "+.10")
    ]
    lines = ["| threshold | rule | " + " | ".join(heads) + " |", "|---|---|" + "---:|" * len(heads)]
    for first in range(0, len(found), len(STEPS)):
        group = found[first : first + len(STEPS)]
        cells = [f"{float(row['meets']):.3f}" for row in group]
        cells += [f"{float(row['expected_units']):.0f}" for row in group]
        lines.append(
            f"| {group[0]['threshold']} | {group[0]['rule']} | " + " | ".join(cells) + " |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="The verdict rule beside three habits, exactly.")
    parser.add_argument("--json", action="store_true", help="print rows as JSON, with all answers")
    arguments = parser.parse_args()
    start = time.perf_counter()
    found = rows()
    if arguments.json:
        print(json.dumps({"cap": CAP, "alpha": ALPHA, "rows": found}, indent=1))
        return
    print(table(found))
    print(f"\nexact, cap {CAP}, alpha {ALPHA}; {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
