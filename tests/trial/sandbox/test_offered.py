"""Sandboxed candidates in a trial: no trust is asked for, and only their own units suffer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog.table import Table
from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.verb import Context
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.candidates import boxes
from pilotbase.trial.candidates.callable import launch_of
from pilotbase.trial.cases import FAULT, OK
from pilotbase.trial.journal import Journal
from pilotbase.trial.question import cases_of
from pilotbase.trial.run import answer_all
from pilotbase.trial.sandbox.boxed import Box, Possible, possible
from pilotbase.trial.sandbox.walls import Limits
from pilotbase.trial.workers import Workers

holds = pytest.mark.skipif(
    not (possible().filter and possible().landlock >= 3), reason="this kernel cannot hold a program"
)
EATER = """
import numpy as np

def make(at):
    return Eater(at)

class Eater:
    def __init__(self, at):
        self.at = at

    def fit(self, features, target):
        self.kinds = sorted(set(target))

    def predict(self, features):
        kept = []
        while features["place"] == self.at:
            kept.append(np.ones(500_000))
        return self.kinds[0]
"""


def offer(**words: Any) -> Candidate:
    return Candidate.model_validate({"id": "theirs", **words})


@holds
def test_only_the_unit_that_breaks_a_limit_is_lost(
    program: Callable[..., tuple[str, ...]],
    tmp_path: Path,
    table: Callable[[pd.DataFrame], Table],
    scenario: Callable[..., Scenario],
    kinds: pd.DataFrame,
    journal: Journal,
    context: Context,
    workers: Workers,
) -> None:
    (tmp_path / "eater.py").write_text(EATER)
    asked = scenario(
        split={"by": "random", "folds": 2},
        candidates=[
            {
                "id": "eater",
                "callable": "eater:make",
                "parameters": {"at": 7},
                "sandbox": {"memory_mb": 128},
            },
            {"id": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"},
        ],
    )
    cases = cases_of(asked, table(kinds))
    got = answer_all(
        cases, asked, np.arange(30), journal=journal, context=context, folder=tmp_path,
        workers=workers,
    )  # fmt: skip
    status = got["eater"].predictions.status
    assert np.flatnonzero(status == FAULT).tolist() == [7] and (status == OK).sum() == 29
    limit = "sandbox: more than 128 MiB of memory (memory_mb)"
    assert got["eater"].predictions.problems == [(7, f"program ended: {limit}")]
    assert (got["tree"].predictions.status == OK).all()


@holds
def test_a_program_beside_the_file_is_started_from_its_copy(offered: Path) -> None:
    launch = launch_of(
        offer(command=[sys.executable, "program.py"], sandbox={}), offered, 9, trust=False
    )
    assert launch.box and launch.box.copies == ((offered.resolve() / "program.py", "program.py"),)
    launch = launch_of(
        offer(command=["python3", "program.py"], sandbox={}), offered, 9, trust=False
    )
    assert launch.command == (sys.executable, "program.py")
    (offered / "tool").write_text("#!/bin/sh\n")
    launch = launch_of(offer(command=["tool"], sandbox={}), offered, 9, trust=False)
    assert launch.command == ("./tool",)


@holds
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nothing.bin", "sandbox.no_file"),
        ("../home/signing.key", "sandbox.outside"),
        ("link", "sandbox.outside"),
        ("folder", "sandbox.outside"),
        (".", "sandbox.outside"),
        ("base", "sandbox.home"),
    ],
)
def test_what_is_copied_lies_inside_the_folder(offered: Path, name: str, code: str) -> None:
    (offered / "link").symlink_to(offered.parent / "home" / "signing.key")
    (offered / "folder").mkdir()
    (offered / "folder" / "inner").symlink_to(offered.parent / "home")
    (offered / "base").mkdir()
    (offered / "base" / "home.json").write_text("{}")
    candidate = offer(command=[sys.executable, "program.py"], sandbox={"files": [name]})
    with pytest.raises(CandidateError) as caught:
        launch_of(candidate, offered, 9, trust=False)
    assert caught.value.code == code and caught.value.message.zh


def test_a_program_that_is_not_there(offered: Path) -> None:
    with pytest.raises(CandidateError, match="no program 'no-such-program'"):
        launch_of(offer(command=["no-such-program"], sandbox={}), offered, 9, trust=False)


@pytest.mark.parametrize(
    ("can", "missing"),
    [
        (Possible(), ("network", "files")),
        (Possible("user", 7, False), ("network",)),
        (Possible("user", 2, True), ("files",)),
        (Possible("", 3, True), ()),
    ],
)
def test_what_cannot_be_kept_from_it_is_said(can: Possible, missing: tuple[str, ...]) -> None:
    box = Box(Limits(512, 60, 16, 64), can)
    assert box.missing == missing
    assert box.enforced["network"] == ("seccomp" if can.filter and not can.namespaces else
                                       "seccomp, namespace" if can.filter else "")  # fmt: skip
    error = boxes.cannot_hold(offer(command=["x"], sandbox={}), box)
    assert all(word in error.message.en for word in missing) and "--trust" in error.next_step.zh
    assert replace(box, user=True).missing == missing


def test_without_a_sandbox_it_still_needs_trust(offered: Path) -> None:
    with pytest.raises(CandidateError, match="names code to run") as caught:
        launch_of(offer(command=[sys.executable, "program.py"]), offered, 9, trust=False)
    assert "sandbox" in caught.value.next_step.en
