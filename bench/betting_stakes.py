"""Two ways of staking on bounded units: units until decided, and widths of the interval.

    python bench/betting_stakes.py

Seeded simulation. *Mixture* is the library's rule: constant stakes, uniform prior. *Plug-in* is the
predictable plug-in of Waudby-Smith and Ramdas (JRSS-B 2024, hedged capital): stakes
sqrt(2 log(1/alpha) / (variance so far * t * log(t+1))), truncated at half of the largest stake.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pilotbase.trial.rules.sequential import bounded_interval, log_bounded_evalue

ALPHA = 0.05
Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]


def rate(p: float) -> Draw:
    return lambda rng, n: (rng.random(n) < p).astype(np.float64)


def beta(a: float, b: float) -> Draw:
    return lambda rng, n: rng.beta(a, b, n)


DECIDE: list[tuple[str, Draw, float, int]] = [
    ("pass rate .90, threshold .80", rate(0.90), 0.80, 2_000),
    ("pass rate .85, threshold .80", rate(0.85), 0.80, 6_000),
    ("pass rate .99, threshold .95", rate(0.99), 0.95, 3_000),
    ("pass rate .55, threshold .50", rate(0.55), 0.50, 12_000),
    ("scores mean .85 sd .10, threshold .80", beta(10, 1.765), 0.80, 2_000),
    ("scores mean .85 sd .10, threshold .83", beta(10, 1.765), 0.83, 6_000),
]
WIDTHS: list[tuple[str, Draw]] = [
    ("pass rate .5", rate(0.5)),
    ("pass rate .9", rate(0.9)),
    ("scores uniform on (0, 1)", beta(1, 1)),
    ("scores mean .91 sd .04", beta(50, 5)),
]


def plug_in_stakes(x: Floats, alpha: float) -> Floats:
    t = np.arange(1, x.size + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    before = np.concatenate([[0.25], variance[:-1]])
    return np.sqrt(2 * math.log(1 / alpha) / (before * t * np.log(t + 1)))


def plug_in_path(x: Floats, mean: float, alpha: float) -> Floats:
    stakes = np.minimum(plug_in_stakes(x, alpha), 0.5 / mean)
    return np.cumsum(np.log1p(stakes * (x - mean)))


def plug_in_low(x: Floats, alpha: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        rejected = plug_in_path(x, middle, alpha)[-1] >= math.log(1 / alpha)
        low, high = (middle, high) if rejected else (low, middle)
    return low


def units(path: Floats) -> int:
    reached = np.flatnonzero(path >= math.log(1 / ALPHA))
    return int(reached[0]) + 1 if reached.size else path.size


def main() -> None:
    rng = np.random.default_rng(2024)
    print("| units until *meets* at 1/0.05, mean of 200 | mixture | plug-in |\n|---|---:|---:|")
    for name, draw, threshold, cap in DECIDE:
        samples = [draw(rng, cap) for _ in range(200)]
        mixture = [units(log_bounded_evalue(x, threshold, alternative="greater")) for x in samples]
        plug_in = [units(plug_in_path(x, threshold, ALPHA)) for x in samples]
        print(f"| {name} | {np.mean(mixture):.0f} | {np.mean(plug_in):.0f} |")
    print(
        "\n| width of the 95 % interval, mean of 20 | n | mixture | plug-in |\n|---|---:|---:|---:|"
    )
    for name, draw in WIDTHS:
        for n in (50, 200, 1_000, 10_000):
            samples = [draw(rng, n) for _ in range(20)]
            ends = [bounded_interval(x, ALPHA) for x in samples]
            other = [1 - plug_in_low(x, ALPHA / 2) - plug_in_low(1 - x, ALPHA / 2) for x in samples]
            print(f"| {name} | {n} | {np.mean(np.diff(ends)):.4f} | {np.mean(other):.4f} |")


if __name__ == "__main__":
    main()
