"""What only reads is answered on a full disk and in a home that may not be written to."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pilotbase.kernel.verb import Context
from pilotbase.main import _invoke, commands
from pilotbase.record.opened import Record, open_record
from tests.serve.metering.kit import USED, begun, call, limit, metering, route, run
from tests.serve.routes.making import base

NOBODY = 65534
READING = (
    ("record", "show"),
    ("gateway", "usage"),
    ("register", "show", "advice-logit-1"),
    ("catalog", "list"),
    ("record", "verify"),
)
REMARK = (
    "Worked out anew for this answer, because it cannot be kept in the home: it cannot be written "
    "to.\n"
)


def asked(home: Path, *words: str) -> Result:
    return CliRunner().invoke(commands(_invoke), ["--home", str(home), *words])


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A home with a filing and two calls, in a folder that anybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    home = folder / "made"
    with base(home) as found:
        found.file(tier={"tier": "limited", "reasons": [], "override": None})

    async def work(record: Record) -> None:
        limit(record, "key:a1", money="5.00 CNY")
        async with metering(record) as opened:
            for _ in range(2):
                one = call(of=route(filing="advice-logit-1"))
                assert await begun(opened.meter, one) is None
                opened.meter.settle(one, USED, "served")

    run(home, work)
    yield home
    shutil.rmtree(folder)


@pytest.fixture
def home(made: Path) -> Iterator[Path]:
    """A copy without what reading keeps."""
    copy = made.with_name("copy")
    shutil.copytree(made, copy)
    shutil.rmtree(copy / "views")
    for cache in (copy / "usage").glob("usage.db*"):
        cache.unlink()
    yield copy
    shutil.rmtree(copy)


@pytest.fixture(scope="module")
def answers(made: Path) -> list[str]:
    """Where all can be written; whatever is imported only then is there from now on."""
    found = [asked(made, *words) for words in READING]
    assert [(one.exit_code, one.stderr) for one in found] == [(0, "")] * len(READING)
    assert "advice" in found[1].stdout and "logit" in found[2].stdout
    return [one.stdout for one in found]


@contextmanager
def full_disk() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def only_reader(home: Path) -> Iterator[None]:
    paths = [home, *home.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.getuid() == 0:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if os.getresuid()[2] == 0:
            os.setresuid(0, 0, 0)
        for path in paths:
            path.chmod(0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize("way", ["full disk", "only read"])
def test_the_answers_are_the_same(home: Path, answers: list[str], way: str) -> None:
    with full_disk() if way == "full disk" else only_reader(home):
        found = [asked(home, *words) for words in READING]
    assert [one.exit_code for one in found] == [0] * len(READING)
    assert [one.stdout for one in found[:4]] == answers[:4]
    assert [one.stderr for one in found] == ["", REMARK, REMARK, REMARK, ""]
    assert not list(home.glob("views/*"))


@pytest.mark.parametrize("way", ["full disk", "only read"])
def test_what_is_used_of_limits_is_told(home: Path, answers: list[str], way: str) -> None:
    with full_disk() if way == "full disk" else only_reader(home):
        found = asked(home, "gateway", "limits")
        refused = asked(home, "gateway", "reconcile")
    assert found.exit_code == 0 and "0.0409 CNY" in found.stdout
    assert refused.exit_code == 3 and "Traceback" not in refused.output


def test_what_changes_something_is_refused_and_the_record_goes_on_later(home: Path) -> None:
    words = ("catalog", "delegate", "maker", "robot", "serve.*")
    with full_disk():
        refused = asked(home, *words)
    assert refused.exit_code == 3
    assert asked(home, *words).exit_code == 0 and not asked(home, "record", "verify").exit_code


def test_a_crash_leaves_writes_that_wait_and_a_full_disk_hides_none(
    home: Path, answers: list[str]
) -> None:
    """The writes lie beside the database, and their index is gone."""
    words = ("catalog", "delegate", "maker", "robot", "serve.*")
    crashed = home.with_name("crashed")
    with held_open(home):
        assert asked(home, *words).exit_code == 0
        shutil.copytree(home, crashed)
    for index in crashed.glob("*-shm"):
        index.unlink()
    assert (crashed / "record.db-wal").stat().st_size
    try:
        with full_disk():
            shown = asked(crashed, "catalog", "show", "robot")
        assert shown.exit_code == 0 and "serve.*" in shown.stdout
    finally:
        shutil.rmtree(crashed)


@contextmanager
def held_open(home: Path) -> Iterator[None]:
    """While somebody has the record open, what is written waits in the log of writes."""
    with open_record(Context(home)):
        yield
