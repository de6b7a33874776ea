"""Small questions, and workers that the whole session shares (each costs a second to start)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog.table import Table
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.journal import Journal
from pilotbase.trial.workers import Workers

BILINGUAL = {"en": "x", "zh": "x"}

TROUBLE = '''
"""Estimators that misbehave on purpose; workers find this module on their path."""
import os, time
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Base(ClassifierMixin, BaseEstimator):
    def fit(self, rows, target):
        self.classes_ = np.unique(target)
        return self

    def predict(self, rows):
        return np.repeat(self.classes_[:1], len(rows))


class Dies(Base):
    def predict(self, rows):
        os._exit(7)


class Hangs(Base):
    def fit(self, rows, target):
        time.sleep(600)


class WrongShape(Base):
    def predict(self, rows):
        return np.repeat(self.classes_[:1], len(rows) + 1)


class Invents(Base):
    def predict(self, rows):
        return np.array(["nobody"] * len(rows))


class Exits(Base):
    def fit(self, rows, target):
        raise SystemExit("enough")


class Dices(Base):
    def fit(self, rows, target):
        self.luck = np.random.rand()
        return super().fit(rows, target)

    def predict_proba(self, rows):
        return np.tile([self.luck, 1 - self.luck], (len(rows), 1))


class Prints(Base):
    def predict(self, rows):
        os.write(1, b"x" * 100_000)
        print("chatter", flush=True)
        return super().predict(rows)
'''


PROGRAM = '''
"""Answers 0.5 + the case's place / 1000; misbehaves on the case named by its second argument."""
import json, os, sys, time

mode, at = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else -1.0
log = open(sys.argv[3], "a") if len(sys.argv) > 3 else None
lessons = []


def say(reply):
    sys.stdout.write(json.dumps(reply) + "\\n")
    sys.stdout.flush()


def trouble(id_):
    if mode == "crash":
        sys.stderr.write("Traceback ...\\nValueError: out of ideas\\n")
        os._exit(3)
    if mode == "hang":
        time.sleep(600)
    if mode == "text":
        print("thinking ...", flush=True)
        return
    if mode == "text-and-answer":
        print("thinking ...", flush=True)
    if mode == "wrong-id":
        return say({"id": id_ + 5, "score": 0.5})
    if mode == "no-field":
        return say({"id": id_})
    if mode == "nan":
        return print('{"id": %d, "score": NaN}' % id_, flush=True)
    if mode == "string":
        return say({"id": id_, "score": "high"})
    if mode == "list":
        return say([id_, 0.5])
    if mode == "error":
        return say({"id": id_, "error": "no such thing"})
    if mode == "refuse":
        return say({"id": id_, "refuse": "not my field"})
    if mode == "flood":
        while True:
            sys.stdout.write("x" * 65536)
    if mode == "lines":
        while True:
            say({"id": 0, "score": 1})
    if mode == "stderr":
        sys.stderr.write("y" * 5_000_000)
    say({"id": id_, "score": 0.25})


if mode == "mute":
    time.sleep(600)
if mode == "stillborn":
    sys.exit("cannot find my weights")
for line in sys.stdin:
    message = json.loads(line)
    id_ = message["id"]
    if "hello" in message:
        say({"id": id_, "protocol": 2 if mode == "old" else 1, "learns": mode.startswith("learn")})
    elif "fit" in message:
        lessons = [json.loads(sys.stdin.readline()) for _ in range(message["fit"]["rows"])]
        if mode == "learn-crash":
            os._exit(4)
        if log:
            places = [lesson["features"]["place"] for lesson in lessons]
            log.write(json.dumps({"learnt": places}) + "\\n"); log.flush()
        say({"id": id_})
    else:
        case = message["predict"]
        place = case["features"].get("place")
        if log:
            log.write(json.dumps({"asked": place, "history": case.get("history")}) + "\\n")
            log.flush()
        if mode == "slow":
            time.sleep(0.03)
        if place == at:
            trouble(id_)
        elif mode == "forecast":
            say({"id": id_, "value": case["history"][-1], "lower": 0, "upper": 99})
        else:
            say({"id": id_, "score": 0.5 + (place or 0) / 1000})
'''


def table_of(frame: pd.DataFrame) -> Table:
    return Table(frame, Text("test", "测试"), "sha256:0", "sha256:0")


def scenario_of(**fields: Any) -> Scenario:
    """A scenario whose acceptance and ownership do not matter."""
    document: dict[str, Any] = {
        "id": "test",
        "title": BILINGUAL,
        "need": BILINGUAL,
        "item": "A2.2",
        "owner": {"name": "o", "principal": "p"},
        "affects_people": False,
        "task": "classification",
        "data": {"csv": "x.csv"},
        "target": "kind",
        "split": {"by": "random", "folds": 3},
        "acceptance": [{"metric": "accuracy", "at_least": 0.5}],
        "candidates": [{"id": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"}],
    }
    return Scenario.model_validate({**document, **fields})


def kinds_frame(rows: int = 30) -> pd.DataFrame:
    """A classification that a small tree learns almost wholly; ``place`` numbers the rows."""
    place = np.arange(rows)
    size = (place * 7 % 13).astype(np.float64)
    kind = np.where(size > 8, "large", np.where(size > 3, "middle", "small")).astype(object)
    return pd.DataFrame({"place": place, "size": size, "kind": kind})


@pytest.fixture(scope="session")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with misbehaving estimators, on the path of this session and of its workers."""
    folder = tmp_path_factory.mktemp("trouble")
    (folder / "troublemakers.py").write_text(TROUBLE)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def workers(trouble: Path) -> Iterator[Workers]:
    with Workers(size=1) as pool:
        yield pool


@pytest.fixture
def table() -> Callable[[pd.DataFrame], Table]:
    return table_of


@pytest.fixture
def scenario() -> Callable[..., Scenario]:
    return scenario_of


@pytest.fixture
def kinds() -> pd.DataFrame:
    return kinds_frame()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "trials" / "run.db", "sha256:plan") as opened:
        yield opened


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[str, ...]]:
    """``program(mode, place, log)`` gives the command line of the program above."""
    path = tmp_path_factory.mktemp("program") / "candidate.py"
    path.write_text(PROGRAM)

    def command(mode: str = "ok", *more: object) -> tuple[str, ...]:
        return (sys.executable, "-S", "-E", str(path), mode, *map(str, more))

    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
