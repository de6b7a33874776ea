"""Homes whose record, and so the ledger, is in SQLite or in PostgreSQL."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pilotbase.record import stores
from tests.record.cluster import MISSING, programs, running

_SCHEMAS = itertools.count()


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    folder = programs()
    if folder is None:
        assert not os.environ.get("CI"), MISSING
        pytest.skip(MISSING)
    with running(folder) as started:
        yield started.dsn


@pytest.fixture(params=["sqlite", "postgresql"])
def new_home(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    """Makes homes whose record is in SQLite, and again in PostgreSQL; one given twice is shared."""
    if request.param == "sqlite":
        return lambda home: home
    database: str = request.getfixturevalue("dsn")
    store = stores.Postgres(database, f"meter_{next(_SCHEMAS)}")

    def choose(home: Path) -> Path:
        home.mkdir(parents=True, exist_ok=True)
        stores.choose(home, store)
        return home

    return choose
