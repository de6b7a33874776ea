"""Every verdict of the built-in scenarios, recomputed from the recorded integers alone.

Nothing of the trial's or the verdict's code is used here: only the report's JSON, fractions and the
definitions of docs/en/rules. This is what an auditor would write.
"""

from __future__ import annotations

import hashlib
import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import integrate

from tests.conftest import Toured

SCENARIOS = (
    "co2-mauna-loa",
    "fertility-forecast",
    "follow-up-triage",
    "meter-digits",
    "proactive-outreach",
    "storm-drain",
    "travel-mode",
)
SEQUENTIAL = "cited-answers"
"""Future cases, bounded unit values, looked at after every unit."""


def mean(values: list[int], resolution: int) -> Fraction:
    return Fraction(sum(values), len(values) * resolution)


def holds(part: dict[str, Any]) -> bool:
    """The claim of a part whose whole finite set is in the evidence, compared in fractions."""
    x, y, resolution = part["x"], part["y"], part["resolution"]
    assert len(x) == part["population"] and part["x_fails"] is None
    bound = Fraction(str(part["threshold"]))
    if part["kind"] in ("pass_fail", "bounded"):
        value = mean(x, resolution)
    elif part["kind"] == "paired":
        ratio, bound = Fraction(str(part["ratio"])), Fraction(str(part["margin"]))
        value = Fraction(str(part["weight"])) * mean(x, resolution) - ratio * mean(y, resolution)
    else:
        assert part["kind"] == "difference" and len(y) == part["population_y"]
        ratio, bound = Fraction(str(part["ratio"])), Fraction(str(part["margin"]))
        value = mean(x, resolution) - ratio * mean(y, resolution)
    return value >= bound if part["at_least"] else value <= bound


def dossier_of(toured: Toured, scenario: str) -> dict[str, Any]:
    report = toured.reports / f"{scenario}-{toured.run(scenario).run}.json"
    found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_verdict_follows_from_the_integers(toured: Toured, scenario: str) -> None:
    dossier = dossier_of(toured, scenario)
    for candidate in dossier["verdict"]["candidates"]:
        evidence = dossier["evidence"][candidate["id"]]["criteria"]
        assert len(evidence) == len(candidate["criteria"]) > 0
        for found, said in zip(evidence, candidate["criteria"], strict=True):
            meets = all(holds(part) for part in found["parts"])
            assert said["verdict"] == ("meets" if meets else "fails")
        failing = any(c["verdict"] == "fails" and c["blocking"] for c in candidate["criteria"])
        assert candidate["verdict"] == ("no-go" if failing else "go")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_counts_and_estimates_follow_from_the_integers(toured: Toured, scenario: str) -> None:
    dossier = dossier_of(toured, scenario)
    for candidate in dossier["verdict"]["candidates"]:
        evidence = dossier["evidence"][candidate["id"]]["criteria"]
        for found, said in zip(evidence, candidate["criteria"], strict=True):
            for part, read in zip(found["parts"], said["parts"], strict=True):
                counted = len(part["x"]) + (len(part["y"]) if part["kind"] == "difference" else 0)
                assert read["units"] == counted
                if part["kind"] == "pass_fail":
                    assert read["successes"] == sum(part["x"])
                    share = float(mean(part["x"], 1)) * part["scale"]
                    assert read["estimate"] == pytest.approx(share, rel=1e-8)


def log_capital(values: list[float], bound: float) -> float:
    """log of the integral over f in (0, 1) of the product of 1 + f (x / bound - 1): the gambler of
    docs/en/rules/sequential-evidence.md, by quadrature around the peak of the integrand."""
    returns = np.array(values) / bound - 1.0

    def log_product(stake: float) -> float:
        return float(np.log1p(stake * returns).sum())

    grid = np.linspace(1e-9, 1 - 1e-9, 2001)
    peak = grid[np.argmax([log_product(stake) for stake in grid])]
    height = log_product(peak)
    area, _ = integrate.quad(
        lambda f: math.exp(log_product(f) - height), 0, 1, points=[peak], limit=500, epsrel=1e-10
    )
    return height + math.log(area)


def test_sequential_verdicts_follow_from_the_integers(toured: Toured) -> None:
    dossier = dossier_of(toured, SEQUENTIAL)
    plan, candidates = dossier["plan"], dossier["verdict"]["candidates"]
    enough = math.log(len(candidates) / plan["alpha"])
    looked = 0
    for candidate in candidates:
        evidence = dossier["evidence"][candidate["id"]]["criteria"]
        for found, said in zip(evidence, candidate["criteria"], strict=True):
            for part, read in zip(found["parts"], said["parts"], strict=True):
                assert part["kind"] == "bounded" and part["at_least"] and part["x_fails"] is None
                x = [value / part["resolution"] for value in part["x"]]
                bound, n = part["threshold"], read["units"]
                meets = log_capital(x[:n], bound)
                fails = log_capital([1 - value for value in x[:n]], 1 - bound)
                assert read["log_evalue_meets"] == pytest.approx(meets, abs=2e-5)
                assert read["log_evalue_fails"] == pytest.approx(fails, abs=2e-5)
                assert (read["verdict"] == "meets") == (meets >= enough)
                if read["verdict"] == "meets":  # at the first look at which it could be said
                    assert log_capital(x[: n - 1], bound) < enough
                looked += 1
    assert looked == 3 * 7


@pytest.mark.parametrize("scenario", (*SCENARIOS, SEQUENTIAL))
def test_the_order_is_the_committed_one(toured: Toured, scenario: str) -> None:
    order = dossier_of(toured, scenario)["order"]
    seed = bytes.fromhex(order["seed"])

    def key(unit: str) -> bytes:
        return hashlib.sha256(seed + b"\x00" + unit.encode()).digest()

    assert order["units"] == sorted(order["units"], key=key)


def test_the_chosen_are_the_best_that_go(toured: Toured) -> None:
    for run in toured.runs:
        going = [c["id"] for c in run.candidates if c["verdict"] == "go"]
        assert (run.chosen in going) if going else run.chosen is None


def test_all_scenarios_were_run(toured: Toured) -> None:
    assert sorted(run.scenario for run in toured.runs) == sorted((*SCENARIOS, SEQUENTIAL))
    assert {run.estimand for run in toured.runs} == {"these cases", "future cases"}
    assert {run.plan["witness"] for run in toured.runs} == {"self-attested: could have been rerun"}
