"""Made durable by the kernel's queues, each that this machine has, and by a thread."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from pilotbase.serve.metering import journal as journals
from pilotbase.serve.metering.journal import Journal, TermsRecord
from pilotbase.serve.metering.segments import Complete, Reading, segments
from pilotbase.serve.metering.syncs import WAYS, Syncs, best_syncs
from pilotbase.serve.rules.frames import Terms, decode, encode

LONG_S = 10.0
SAID = Terms("k", "holder", "d3", (), "f", "service", "1", "chat", "CNY", 0, 0, 1, 1, ("key:k",))
TERMS = TermsRecord(1, SAID)


def here(way: str) -> bool:
    async def ask() -> bool:
        with suppress(OSError):
            Syncs(way, asyncio.get_running_loop()).close()
            return True
        return False

    return asyncio.run(ask())


def nowhere(file: int) -> None:
    """From now on what is written to a descriptor is taken, and can never be made durable."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, file)
    os.close(nothing)


HERE = [way for way in WAYS if here(way)]


def run(work: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), LONG_S))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


def test_this_machine_has_a_way() -> None:
    """Linux has one of them wherever it runs; elsewhere a thread waits."""
    assert HERE or sys.platform != "linux"


@pytest.mark.parametrize("way", HERE)
def test_each_is_answered_once(way: str, file: int) -> None:
    async def work() -> None:
        syncs = Syncs(way, asyncio.get_running_loop())
        answers, over = list[tuple[int, bool]](), asyncio.Event()

        def answered(number: int, done: bool) -> None:
            answers.append((number, done))
            if number < 50:
                ask(number + 1)
            else:
                over.set()

        def ask(number: int) -> None:
            os.pwrite(file, b"x" * 300, number * 300)
            assert syncs.ask(file, lambda done: answered(number, done))

        ask(1)
        await over.wait()
        syncs.close()
        assert answers == [(number, True) for number in range(1, 51)]

    run(work)


@pytest.mark.parametrize("way", HERE)
def test_what_the_disk_does_not_take_is_said(way: str, file: int) -> None:
    nowhere(file)

    async def work() -> None:
        syncs = Syncs(way, asyncio.get_running_loop())
        said = asyncio.get_running_loop().create_future()
        # Native AIO does not even take the question; then a thread asks, and hears the same.
        assert await said is False if syncs.ask(file, said.set_result) else way == "aio"
        syncs.close()

    run(work)


@pytest.mark.parametrize("way", HERE)
def test_a_stop_waits_for_the_answer(way: str, file: int) -> None:
    async def work() -> None:
        syncs, said = Syncs(way, asyncio.get_running_loop()), list[bool]()
        os.pwrite(file, b"x" * 100_000, 0)
        assert syncs.ask(file, said.append)
        syncs.finish()
        assert said == [True]
        syncs.finish()
        syncs.close()

    run(work)


@pytest.mark.parametrize("way", HERE)
def test_a_queue_that_refuses_is_not_asked_again(way: str, file: int) -> None:
    async def work() -> None:
        syncs, said = Syncs(way, asyncio.get_running_loop()), list[bool]()
        context, asked = syncs._context, list[object]()

        def refuse(operation: object) -> None:
            asked.append(operation)
            raise SystemError("out of memory")

        syncs._context = SimpleNamespace(submit=refuse)
        assert not syncs.ask(file, said.append) and not syncs.ask(file, said.append)
        syncs.finish()
        syncs._context = context
        syncs.close()
        assert len(asked) == 1 and said == []

    run(work)


@pytest.mark.parametrize("way", HERE)
def test_a_signal_does_not_end_the_wait_of_a_stop(way: str, file: int) -> None:
    """Native AIO is interrupted by any signal that has a handler."""

    async def work() -> None:
        syncs, said = Syncs(way, asyncio.get_running_loop()), list[bool]()
        context, tries = syncs._context, list[int]()

        def interrupted(**how: int) -> int:
            tries.append(1)
            if len(tries) < 3:
                raise SystemError(errno.EINTR, "Interrupted system call")
            return int(context.process_events(**how))

        assert syncs.ask(file, said.append)
        syncs._context = SimpleNamespace(process_events=interrupted, fileno=context.fileno)
        syncs.finish()
        assert said == [True]
        syncs._context = context
        syncs.close()

    run(work)


@pytest.mark.parametrize("way", HERE)
def test_an_answer_that_cannot_be_read_is_none(way: str, file: int) -> None:
    """What was asked may be on disk or not: it is refused, and the queue is not asked again."""

    async def work() -> None:
        syncs, said = Syncs(way, asyncio.get_running_loop()), list[bool]()
        context = syncs._context

        def denied(**how: int) -> int:
            raise SystemError(errno.EPERM, "Operation not permitted")

        assert syncs.ask(file, said.append)
        syncs._context = SimpleNamespace(
            process_events=denied, fileno=context.fileno, poll=lambda: 1
        )
        syncs._look()
        syncs.finish()
        assert said in ([False], [True]) and not syncs.answers
        assert not syncs.ask(file, said.append) and len(said) == 1
        syncs._context = context
        syncs.close()

    run(work)


def test_a_default_of_the_library_that_is_none_says_nothing_here() -> None:
    """``CAIO_IMPL`` chooses what is not used; warnings are errors in this program."""
    words = "import pilotbase.serve.metering.syncs as s, asyncio\nasync def main():\n"
    words += " print(s.best_syncs(asyncio.get_running_loop()) is not None)\nasyncio.run(main())"
    command = [sys.executable, "-W", "error", "-c", words]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "CAIO_IMPL": "nonsense"}
    )
    assert (done.stdout.strip(), done.stderr) == (str(bool(HERE)), "")


def test_without_the_library_a_thread_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "caio", None)

    async def work() -> None:
        assert best_syncs(asyncio.get_running_loop()) is None

    run(work)


class Down:
    """A journal and what it said."""

    def __init__(self, folder: Path, way: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            journals, "best_syncs", lambda loop: None if way is None else Syncs(way, loop)
        )
        self.said, self.complete = dict[str, bool](), list[Complete]()
        self.news = asyncio.Event()
        self.journal = Journal[str](
            folder,
            "gateway",
            asyncio.get_running_loop(),
            self._written,
            self.complete.append,
            lambda name: encode(("void", int(name))),
        )

    def _written(self, names: list[str], done: bool) -> None:
        self.said |= dict.fromkeys(names, done)
        self.news.set()

    def put(self, number: int) -> None:
        self.journal.put(encode(("intent", number, 0, 1, 0, 0)), TERMS, str(number))

    async def until(self, number: int) -> bool:
        while str(number) not in self.said:
            self.news.clear()
            await self.news.wait()
        return self.said[str(number)]


def told(folder: Path) -> list[list[object]]:
    """What the segments hold, without heads and terms."""
    rows = [decode(one.payload) for path in segments(folder) for one in Reading(path).frames()]
    return [list(row[:2]) for row in rows if row[0] in ("intent", "void", "settle")]


@pytest.mark.parametrize("way", [*HERE, None])
def test_a_journal_by_each_way(
    tmp_path: Path, way: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses, and takes again; a stop while it is at work. What was said to be down is
    down, in order, and what was refused is void."""

    async def work() -> None:
        down = Down(tmp_path, way, monkeypatch)
        for number in range(1, 4):
            down.put(number)
            assert await down.until(number)
        nowhere(down.journal._segment.file)
        down.put(4)
        assert await down.until(4) is False
        assert down.journal.failures == 1 and not down.journal.writable
        down.put(5)
        assert await down.until(5) and down.journal.writable
        for number in range(6, 40):
            down.put(number)
        await asyncio.sleep(0)
        down.journal.close()
        assert down.journal.whole
        await down.until(39)
        assert [one for one, done in down.said.items() if not done] == ["4"]
        assert [one.number for one in down.complete] == [1, 2]

    run(work)
    numbers = [number for word, number in told(tmp_path) if word == "intent"]
    assert sorted(numbers) == [1, 2, 3, *range(5, 40)]
    assert ["void", 4] in told(tmp_path)


def test_a_journal_that_is_moved_away_lets_nobody_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would be put down there would be in no books."""
    folder = tmp_path / "journal"
    folder.mkdir()

    async def work() -> None:
        down = Down(folder, None, monkeypatch)
        down.put(1)
        assert await down.until(1)
        down.journal.look()
        assert down.journal.writable
        folder.rename(tmp_path / "elsewhere")
        down.journal.look()
        assert not down.journal.writable
        down.put(2)
        assert await down.until(2) is False
        (tmp_path / "elsewhere").rename(folder)
        down.put(3)
        assert await down.until(3) and down.journal.writable
        down.journal.close()
        assert down.journal.whole

    run(work)
    assert [one for one in told(folder) if one[0] == "intent"] == [["intent", 1], ["intent", 3]]
