"""The gate follows the record, soon after each entry, and the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pilotbase.catalog.rules.delegation import Book
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.verb import Context
from pilotbase.serve.call import Refused
from pilotbase.serve.routes import watch as watching
from pilotbase.serve.routes.books import Reading
from pilotbase.serve.routes.compile import Books
from pilotbase.serve.routes.gate import RecordGate
from pilotbase.serve.routes.watch import Watch
from tests.serve.routes.making import SOCKETS, base

PATIENCE = 20.0


async def until(holds: Callable[[], bool]) -> float:
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < PATIENCE
        await asyncio.sleep(0.01)
    return time.monotonic() - begun


def empty() -> Books:
    return Books({}, {}, {}, {}, {}, Book({}, {}), {})


def live(gate: RecordGate, name: str) -> bool:
    try:
        return bool(gate.route(name, time.time()))
    except Refused:
        return False


def test_a_stop_closes_the_gate_and_a_filing_opens_it(tmp_path: Path) -> None:
    with base(tmp_path / "home", real_time=True) as made:
        made.try_("logit", "forest")
        id_ = made.file()

        async def scene() -> None:
            gate = RecordGate()
            told: list[int] = []
            gate.on_change(lambda: told.append(1))
            watch = Watch(made.context, gate, sockets=SOCKETS)
            await watch.start()
            try:
                assert live(gate, id_) and len(told) == 1
                other = await asyncio.to_thread(made.file, "forest")
                await until(lambda: live(gate, other))
                await asyncio.to_thread(made.act, id_, "stop")
                await until(lambda: not live(gate, id_))
                assert live(gate, other)
                made.file("third", expires="2000-01-01T00:00:00.000Z")
                await until(
                    lambda: gate.books is not None and "advice-third-1" in gate.books.filings
                )
                assert not live(gate, "advice-third-1")
            finally:
                watch.close()

        asyncio.run(scene())


def test_the_clock_alone_changes_what_is_allowed(tmp_path: Path) -> None:
    with base(tmp_path / "home", real_time=True) as made:
        made.try_("logit")
        soon = time.time() + 1.5
        made.file(expires=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon)))

        async def scene() -> None:
            gate = RecordGate()
            told: list[float] = []
            gate.on_change(lambda: told.append(time.time()))
            watch = Watch(made.context, gate, sockets=SOCKETS)
            await watch.start()
            try:
                await until(lambda: len(told) == 2)
                assert not live(gate, "advice-logit")
            finally:
                watch.close()

        asyncio.run(scene())


def test_looking_now_tells_at_once(tmp_path: Path) -> None:
    with base(tmp_path / "home", real_time=True) as made:

        async def scene() -> None:
            gate = RecordGate()
            told: list[int] = []
            gate.on_change(lambda: told.append(1))
            watch = Watch(made.context, gate)
            await watch.start()
            watch.look_now()
            await until(lambda: len(told) == 2)
            watch.close()

        asyncio.run(scene())


def test_when_the_record_is_back_nobody_hears_of_a_gate_that_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who listens cuts what the gate does not let through: calls that never had to end."""
    monkeypatch.setattr(watching, "LOST_SECONDS", 0.3)
    with base(tmp_path / "home", real_time=True) as made:
        made.try_("logit")
        id_ = made.file()

        async def scene() -> None:
            gate = RecordGate()
            heard: list[list[str]] = []
            gate.on_change(lambda: heard.append([one.filing for one in gate.routes(time.time())]))
            watch = Watch(made.context, gate, sockets=SOCKETS)
            await watch.start()
            with monkeypatch.context() as away:
                away.setattr(Reading, "grown", _away)
                await until(lambda: gate.lost)
            await until(lambda: len(heard) == 2)
            watch.close()
            assert heard == [[id_], [id_]] and not gate.lost

        asyncio.run(scene())


def _away(reading: object) -> bool:
    raise OSError("the database is away")


def test_a_home_without_a_record_is_told_at_the_start(tmp_path: Path) -> None:
    async def scene() -> None:
        watch = Watch(Context(tmp_path / "none"), RecordGate())
        try:
            await watch.start()
        finally:
            watch.close()

    with pytest.raises(RecordError, match=r"record\.missing"):
        asyncio.run(scene())
