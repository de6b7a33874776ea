"""Which executor is used, and a real Ray cluster that gives the same bytes as the local one."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotbase.kernel.errors import RunError
from pilotbase.trial.adapters.ray_executor import _Loader, _Pickler
from pilotbase.trial.executor import shared_executor
from pilotbase.trial.workers import shared_workers
from tests.trial.conftest import TROUBLE

pytest.importorskip("ray", reason="the extra `ray` is not installed")
ROOT = Path(__file__).parents[2]
BY_RAY = '''
"""The same trials by both executors, on a cluster with two places; what came out as JSON."""
import dataclasses, functools, json, os, sys, time
from pathlib import Path

import anyio
import numpy as np
import ray

import tests.trial.conftest as given
from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.verb import Context
from pilotbase.trial.adapters.ray_executor import RayExecutor
from pilotbase.trial.candidates.estimator import FoldJob, answer_fold
from pilotbase.trial.candidates.recipe import Recipe, check_estimator
from pilotbase.trial.journal import Journal
from pilotbase.trial.question import cases_of
from pilotbase.trial.run import answer_all
from pilotbase.trial.workers import Ended, Outage, Workers

folder = Path(sys.argv[1])
ray.init(
    address="local", num_cpus=2, include_dashboard=False, log_to_driver=False,
    object_store_memory=100 * 2**20, _node_ip_address="127.0.0.1",
)
found = {}


def trial(name, executor):
    asked = given.scenario_of(split={"by": "random", "folds": 2}, candidates=[
        {"id": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"},
        {"id": "shape", "estimator": "troublemakers.WrongShape"},
    ])
    cases = cases_of(asked, given.table_of(given.kinds_frame(60)))
    with Journal(folder / f"{name}.db", "sha256:plan") as journal:
        got = answer_all(cases, asked, np.arange(60), journal=journal, context=Context(folder),
                         workers=executor, trust=True, importance=True, folder=folder)
    said = {}
    for candidate, answered in got.items():
        rows = {}
        for part in dataclasses.fields(answered.predictions):
            value = getattr(answered.predictions, part.name)
            if part.name != "latency_ms":
                rows[part.name] = value.tolist() if hasattr(value, "tolist") else repr(value)
        said[candidate] = [repr(rows), repr(answered.drops), answered.warnings]
    return said


def told(executor, function, *arguments, seconds=60.0):
    call = functools.partial(executor.run, function, *arguments, seconds=seconds)
    try:
        return ["done", type(anyio.run(call)).__name__]
    except Exception as error:
        code = getattr(error, "code", str(error))
        return [type(error).__name__, code]


def fold(name, module="troublemakers", rows=20):
    recipe = Recipe("classification", ("a", "b"), f"{module}.{name}", {}, trust=True)
    data = np.arange(2.0 * rows).reshape(rows, 2)
    kinds = np.array(["a", "b"] * (rows // 2), dtype=object)
    return FoldJob(recipe, data, kinds, tuple(map(str, range(rows))), (data[:4],))


with Workers(size=1) as workers:
    places = RayExecutor()
    found["size"] = places.size
    found["local"] = trial("local", workers)
    found["ray"] = trial("ray", places)
    wrong = Recipe("regression", (), "sklearn.svm.SVC", {})
    large = fold("DummyClassifier", "sklearn.dummy", 100_000)
    for name, executor in (("local", workers), ("ray", places)):
        executor.floor_seconds = 0.5
        found[f"{name}-told"] = [
            told(executor, answer_fold, large),
            told(executor, answer_fold, fold("Dies")),
            told(executor, check_estimator, wrong),
            told(executor, answer_fold, None),
        ]
    found["shelf"] = len(places._shelf._references)
    told(places, answer_fold, large), told(places, answer_fold, large)
    found["shelf-again"] = len(places._shelf._references)

    small = fold("DummyClassifier", "sklearn.dummy")
    began = time.monotonic()
    found["hang"] = told(places, answer_fold, fold("Hangs"), seconds=0.5)
    found["hang-seconds"] = time.monotonic() - began

    async def lost():
        async with anyio.create_task_group() as group:
            async def ask():
                try:
                    await places.run(answer_fold, fold("Hangs"), seconds=60)
                except Outage as error:
                    found["lost"] = str(error)
            place = places._idle[-1]
            group.start_soon(ask)
            await anyio.sleep(0.3)
            ray.kill(place)
    anyio.run(lost)
    found["after"] = told(places, answer_fold, small)
ray.shutdown()
print(json.dumps(found))
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """In a process of its own: Ray's threads and sockets are nothing for this one."""
    folder = tmp_path_factory.mktemp("ray")
    (folder / "troublemakers.py").write_text(TROUBLE)
    (folder / "by_ray.py").write_text(BY_RAY)
    no_idle = {"RAY_enable_worker_prestart": "0", "RAY_prestart_worker_first_driver": "0"}
    path = os.pathsep.join([str(folder), str(ROOT), *filter(None, sys.path)])
    ended = subprocess.run(
        [sys.executable, str(folder / "by_ray.py"), str(folder)],
        env={
            **os.environ,
            **no_idle,
            "PYTHONPATH": path,
            "HOME": str(folder),
            "RAY_USAGE_STATS_ENABLED": "0",
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    said: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return said


def test_the_same_trial_gives_the_same_bytes(found: dict[str, Any]) -> None:
    assert found["size"] == 2
    assert found["ray"] == found["local"]
    assert "wrong shape (31,) for 30 cases" in found["ray"]["shape"][0]


def test_faults_outages_and_refusals_are_told_alike(found: dict[str, Any]) -> None:
    assert found["ray-told"][:3] == found["local-told"][:3]
    assert [kind for kind, _ in found["ray-told"]] == ["done", "Ended", "CandidateError", "Outage"]


def test_a_large_array_is_put_into_the_store_once(found: dict[str, Any]) -> None:
    assert found["shelf"] == found["shelf-again"] == 1


def test_a_hang_is_the_candidates_and_a_lost_place_is_the_bases(found: dict[str, Any]) -> None:
    assert found["hang"] == ["Ended", "no answer within 0.5 s"] and found["hang-seconds"] < 10
    assert found["lost"].startswith("a place on the cluster was lost")
    assert found["after"] == ["done", "FoldAnswers"]


def test_arrays_leave_the_pickle_and_come_back() -> None:
    import io

    large, small, words = np.arange(200_000.0), np.arange(3.0), np.array(["a"], dtype=object)
    stream = io.BytesIO()
    pickler = _Pickler(stream, lambda array: array)
    pickler.dump((large, [small, words, large]))
    assert len(stream.getvalue()) < 2000 and len(pickler.references) == 2
    first, (second, third, _) = _Loader(io.BytesIO(stream.getvalue()), pickler.references).load()
    assert first is large and second.tolist() == [0, 1, 2] and third.tolist() == ["a"]
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(stream.getvalue())


def test_the_installation_chooses_and_local_is_the_default() -> None:
    assert shared_executor({}) is shared_executor({"PILOTBASE_EXECUTOR": "local"})
    assert shared_executor({}) is shared_workers()
    with pytest.raises(RunError) as caught:
        shared_executor({"PILOTBASE_EXECUTOR": "dask"})
    assert caught.value.code == "executor.unknown" and caught.value.next_step.zh


def test_without_ray_it_says_what_to_install(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["ray"] = None
from pilotbase.kernel.errors import RunError
from pilotbase.trial.executor import shared_executor
try:
    shared_executor({"PILOTBASE_EXECUTOR": "ray"})
except RunError as error:
    print(error.code, error.next_step.en, error.next_step.zh)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    words = said.stdout.decode()
    assert words.startswith("executor.no_ray") and words.count("pip install 'pilotbase[ray]'") == 2
