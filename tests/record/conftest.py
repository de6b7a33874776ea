"""A small event, and a record whose clock and entropy are fixed, so that every byte repeats."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft, event
from pilotbase.kernel.verb import Context
from pilotbase.record import stores
from pilotbase.record.opened import Record, open_record
from tests.record.cluster import MISSING, Cluster, programs, running

_SCHEMAS = itertools.count()
BY = Actor("Li Hua", "evaluator")


@event("test.counted/1")
@dataclass(frozen=True)
class Counted:
    """Something was counted."""

    n: int
    said: str = "二 two"


@event("test.other/1")
@dataclass(frozen=True)
class Other:
    """Something else happened."""

    n: int


@dataclass
class Stream:
    """Entropy that repeats: SHA-256 of a seed and a running number."""

    seed: bytes = b"seed"
    drawn: int = 0
    sizes: list[int] = field(default_factory=list)

    def __call__(self, size: int) -> bytes:
        self.drawn += 1
        self.sizes.append(size)
        return hashlib.sha256(self.seed + self.drawn.to_bytes(8, "big")).digest()[:size]


@dataclass
class Ticking:
    """A clock that goes on by one second each time it is read."""

    now: datetime = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def fixed_context(home: Path) -> Context:
    return Context(home=home, clock=Ticking(), entropy=Stream())


def counted(n: int, *, key: str = "", about: str = "pilot:a", **bodies: bytes) -> Draft:
    return Draft(Counted(n), BY, about, bodies, key)


def other(n: int, *, about: str = "pilot:b", **bodies: bytes) -> Draft:
    return Draft(Other(n), BY, about, bodies)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of the tests' own; without one the test is skipped, in CI it fails."""
    folder = programs()
    if folder is None:
        assert not os.environ.get("CI"), MISSING
        pytest.skip(MISSING)
    with running(folder) as started:
        yield started


@pytest.fixture
def in_postgres(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    """Makes homes whose record is in PostgreSQL, each in a schema of its own."""
    cluster: Cluster = request.getfixturevalue("cluster")

    def choose(home: Path) -> Path:
        home.mkdir(parents=True, exist_ok=True)
        stores.choose(home, stores.Postgres(cluster.dsn, f"home_{next(_SCHEMAS)}"))
        return home

    return choose


@pytest.fixture(params=["sqlite", "postgresql"])
def new_home(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    """Makes homes whose record is in SQLite, and again in PostgreSQL."""
    if request.param == "sqlite":
        return lambda home: home
    choose: Callable[[Path], Path] = request.getfixturevalue("in_postgres")
    return choose


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return fixed_context(tmp_path / "home")


@pytest.fixture
def record(context: Context) -> Iterator[Record]:
    with open_record(context) as opened:
        yield opened


@pytest.fixture
def make() -> Callable[..., Draft]:
    """Makes drafts of ``test.counted/1``."""
    return counted


@pytest.fixture
def make_other() -> Callable[..., Draft]:
    """Makes drafts of ``test.other/1``."""
    return other


@pytest.fixture
def fixed() -> Callable[[Path], Context]:
    """Makes contexts whose clock and entropy repeat."""
    return fixed_context
