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


class Prints(Base):
    def predict(self, rows):
        os.write(1, b"x" * 100_000)
        print("chatter", flush=True)
        return super().predict(rows)
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
