"""Parts of a judge with an audit by lot: the report's script reads them as Python does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest

from pilotbase.trial.evidence import Part
from pilotbase.trial.rules.audit import Judged
from pilotbase.trial.rules.claims.judged import audited_part
from pilotbase.trial.rules.claims.parts import Bound
from pilotbase.trial.rules.reading import read_part
from tests.register.conftest import SMALL, Reader
from tests.register.test_script import READ


def _part(every: int, quality: float, at_least: bool, lost: bool, luck: int) -> Part:
    rng = np.random.default_rng(luck)
    human = (rng.random(300) < quality).astype(np.float64)
    judge = np.where(rng.random(300) < 0.9, human, 1.0 - human)
    audited = rng.random(300) < 1.0 / every
    seen = np.where(audited & ~(lost & (rng.random(300) < 0.05)), human, np.nan)
    no = np.zeros(300, np.bool_)
    judged = Judged(judge, seen, audited, np.full(300, np.nan), no, no)
    bound = Bound(True, 0.8) if at_least else Bound(False, 0.2)
    return audited_part(judged, bound, every)


def test_audited_parts_are_read_as_python_reads_them(
    window: Reader, report: Callable[..., str]
) -> None:
    page = window.open(report(**SMALL))
    parts = [
        _part(every, quality if at_least else 1.0 - quality, at_least, lost, every)
        for every in (1, 2, 4, 10)
        for quality in (0.8, 0.97, 0.4)
        for at_least in (True, False)
        for lost in (False, True)
    ]
    said = [read_part(part, 0.05, "sequential", alpha_fails=0.025).as_dict() for part in parts]
    assert {told["verdict"] for told in said} == {"meets", "fails", "undecided"}
    cases = [[asdict(p), told, "sequential"] for p, told in zip(parts, said, strict=True)]
    for told, here in zip(said, page.evaluate(READ, cases), strict=True):
        assert (here["verdict"], here["items"]) == (told["verdict"], told["units"])
        assert here["estimate"] == pytest.approx(told["estimate"], rel=1e-8)
        logs = [float(v.replace("Infinity", "inf")) for v in here["logs"]]
        recorded = [float(told["log_evalue_meets"]), float(told["log_evalue_fails"])]
        np.testing.assert_allclose(logs, recorded, rtol=1e-6, atol=2e-6)
        assert here["turns"] == [True, True]
