"""Workers: a candidate's crash or hang costs one job, and the base goes on."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from pilotbase.kernel.errors import CandidateError
from pilotbase.trial import workers as workers_module
from pilotbase.trial.candidates.estimator import FoldAnswers, FoldJob, answer_fold
from pilotbase.trial.candidates.recipe import Recipe, check_estimator
from pilotbase.trial.cases import OK
from pilotbase.trial.rules.scores import auc
from pilotbase.trial.workers import Ended, Outage, Workers, shared_workers

ROWS = np.arange(40.0).reshape(20, 2)
KINDS = np.array(["a", "b"] * 10, dtype=object)


def fold(name: str, module: str = "troublemakers") -> FoldJob:
    recipe = Recipe("classification", ("a", "b"), f"{module}.{name}", {}, trust=True)
    units = tuple(str(n) for n in range(20))
    return FoldJob(recipe, ROWS, KINDS, units, (ROWS[:4],))


def run(workers: Workers, job: Any, seconds: float = 60.0) -> FoldAnswers:
    return anyio.run(partial(workers.run, answer_fold, job, seconds=seconds))


def good(workers: Workers) -> None:
    got = run(workers, fold("DecisionTreeClassifier", "sklearn.tree"))
    assert (got.blocks[0].status == OK).all()


def test_a_job_comes_back_and_the_worker_stays(workers: Workers):
    good(workers)
    first = workers._idle[0]
    good(workers)
    assert workers._idle == [first]  # also over two event loops


def test_a_crash_is_the_candidates_and_the_next_job_goes_on(workers: Workers):
    with pytest.raises(Ended, match="exit code 7"):
        run(workers, fold("Dies"))
    good(workers)


def test_a_hang_is_ended_at_the_deadline(workers: Workers, monkeypatch: pytest.MonkeyPatch):
    good(workers)  # it has imported what it needs
    process = workers._idle[0]._process
    monkeypatch.setattr(workers, "floor_seconds", 0.1)
    started = time.monotonic()
    with pytest.raises(Ended, match=r"no answer within 0\.5 s"):
        run(workers, fold("Hangs"), seconds=0.5)
    assert time.monotonic() - started < 10
    assert process.poll() is not None


def test_what_a_candidate_prints_does_not_spoil_the_messages(workers: Workers):
    assert (run(workers, fold("Prints")).blocks[0].status == OK).all()


def test_errors_of_ours_keep_their_code_and_both_languages(workers: Workers):
    recipe = Recipe("regression", (), "sklearn.svm.SVC", {})
    with pytest.raises(CandidateError) as caught:
        anyio.run(partial(workers.run, check_estimator, recipe, seconds=60.0))
    assert caught.value.code == "candidate.wrong_kind" and caught.value.message.zh


def test_our_own_broken_job_is_an_outage(workers: Workers):
    with pytest.raises(Outage, match="AttributeError"):
        run(workers, None)


def test_a_worker_that_cannot_start_is_an_outage(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers_module.sys, "executable", "/no/such/python")
    with Workers(size=1) as pool, pytest.raises(Outage, match="could not start"):
        run(pool, fold("Dies"))


def test_a_worker_that_does_not_greet_is_an_outage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho nonsense\n")
    fake.chmod(0o755)
    monkeypatch.setattr(workers_module.sys, "executable", str(fake))
    with Workers(size=1) as pool, pytest.raises(Outage, match="did not start"):
        run(pool, fold("Dies"))


def test_numbers_are_computed_by_one_thread_in_one_order():
    environment = workers_module.single_threaded({"A": "1"})
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "1"
    assert environment["PYTHONHASHSEED"] == "0" and environment["A"] == "1"


def test_closing_ends_every_process():
    with Workers(size=1) as pool:
        answers = np.array([True, False]), np.array([2.0, 1.0])
        assert anyio.run(partial(pool.run, auc, *answers, seconds=60.0)) == 1.0
        process = pool._idle[0]._process
        assert process.poll() is None
    assert process.poll() is not None


def test_the_shared_pool_is_one_and_no_larger_than_two():
    assert shared_workers() is shared_workers()
    assert 1 <= shared_workers().size <= min(2, os.cpu_count() or 1)
