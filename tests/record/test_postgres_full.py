"""A full disk under PostgreSQL: a clear error, nothing is lost, it goes on when there is room."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record import stores
from pilotbase.record.audit import verify
from pilotbase.record.opened import Record, open_record
from tests.record.cluster import MISSING, SMALL, programs, running, small_disks

Make = Callable[..., Draft]
TABLESPACE = "options=-c%20default_tablespace%3Dsmall"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Path, psycopg.Connection[tuple[object, ...]]]]:
    """A home whose tables lie on a disk of 4 MiB with 1 MiB of something else, and a hand on it."""
    folder = programs()
    if folder is None:
        assert not os.environ.get("CI"), MISSING
        pytest.skip(MISSING)
    if not small_disks():
        pytest.skip("nobody may mount a disk in a namespace of their own here")
    with (
        running(folder, small_disk=True) as cluster,
        psycopg.connect(cluster.dsn, autocommit=True) as hand,
    ):
        hand.execute(f"CREATE TABLESPACE small LOCATION '{cluster.folder / SMALL}'".encode())
        hand.execute(
            b"CREATE TABLE other TABLESPACE small AS "
            b"SELECT repeat('x', 1000) FROM generate_series(1, 1000)"
        )
        stores.choose(tmp_path, stores.Postgres(f"{cluster.dsn}&{TABLESPACE}"))
        yield tmp_path, hand


def noise(seed: int, size: int) -> bytes:
    """Bytes that cannot be compressed."""
    return hashlib.shake_128(seed.to_bytes(4, "big")).digest(size)


def until_full(append: Callable[[int], object]) -> int:
    """How many times it could be done."""
    for n in range(1000):
        try:
            append(n)
        except HomeError as error:
            assert error.code == "home.disk_full", error
            assert error.next_step.en and error.next_step.zh
            return n
    raise AssertionError("the disk is never full")


def holds(record: Record, size: int) -> bool:
    return record.size == size and verify(record).ok


def test_of_the_log_and_of_the_vault(
    small: tuple[Path, psycopg.Connection[tuple[object, ...]]], make: Make
) -> None:
    home, hand = small
    with open_record(Context(home)) as record:

        def entries(n: int) -> None:
            about = noise(n, 150).hex()
            record.append_many([make(100 * n + m, about=about) for m in range(100)])

        def body(n: int) -> None:
            record.append(make(-1 - n, e=noise(n, 100_000)))

        entries(0)
        signed = record.checkpoint()
        done = 1 + until_full(lambda n: entries(n + 1))
        assert holds(record, 100 * done), "all or nothing, and what was there is"
        hand.execute("DROP TABLE other")
        entries(done)
        size = 100 * (done + 1)
        bodies = until_full(body)
        assert bodies and holds(record, size + bodies)
    with open_record(Context(home)) as again:
        assert holds(again, size + bodies)
        assert again.body(again.entry(size), "e") == noise(0, 100_000)
        assert verify(again, held=signed).ok
