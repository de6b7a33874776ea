"""Callers that share commits: in order, each with its own result, and none left waiting."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from pilotbase.record import group_commit
from pilotbase.record.group_commit import GroupCommit


class Ledger:
    """A commit that waits until it is let go, and remembers its groups."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.entered = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.interrupt = False

    def commit(self, works: Sequence[int]) -> list[str]:
        self.entered.release()
        assert self.let_go.acquire(timeout=10)
        if self.interrupt:
            self.interrupt = False
            raise KeyboardInterrupt
        if any(work < 0 for work in works):
            raise ValueError(f"{works}")
        self.groups.append(list(works))
        return [f"done {work}" for work in works]


def waiting(group: GroupCommit[int, str], count: int) -> None:
    while len(group._waiting) < count:
        threading.Event().wait(0.001)


def test_who_comes_during_a_commit_shares_the_next() -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.commit)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(group.do, 0)
        assert ledger.entered.acquire(timeout=10)
        others = []
        for n in range(1, 6):
            others.append(pool.submit(group.do, n))
            waiting(group, n)
        ledger.let_go.release(2)
        assert first.result(10) == "done 0"
        assert [other.result(10) for other in others] == [f"done {n}" for n in range(1, 6)]
    assert ledger.groups == [[0], [1, 2, 3, 4, 5]]
    ledger.let_go.release()
    assert group.do(9) == "done 9", "it goes on"


def test_a_failed_group_is_tried_one_by_one() -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.commit)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(group.do, 0)
        assert ledger.entered.acquire(timeout=10)
        others = []
        for n, work in enumerate([1, -2, 3]):
            others.append(pool.submit(group.do, work))
            waiting(group, n + 1)
        ledger.let_go.release(5)
        assert first.result(10) == "done 0"
        assert others[0].result(10) == "done 1" and others[2].result(10) == "done 3"
        with pytest.raises(ValueError, match=r"\[-2\]"):
            others[1].result(10)
    assert ledger.groups == [[0], [1], [3]]


def test_an_interrupted_leader_leaves_nobody_waiting() -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.commit)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(group.do, 0)
        assert ledger.entered.acquire(timeout=10)
        others = []
        for n in range(1, 4):
            others.append(pool.submit(group.do, n))
            waiting(group, n)
        ledger.interrupt = True
        ledger.let_go.release(2)
        with pytest.raises(KeyboardInterrupt):
            first.result(10)
        assert [other.result(10) for other in others] == ["done 1", "done 2", "done 3"]
    assert ledger.groups == [[1, 2, 3]]


def test_a_group_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "GROUP_MAX", 2)
    ledger = Ledger()
    group = GroupCommit(ledger.commit)
    with ThreadPoolExecutor(8) as pool:
        told = [pool.submit(group.do, 0)]
        assert ledger.entered.acquire(timeout=10)
        for n in range(1, 6):
            told.append(pool.submit(group.do, n))
            waiting(group, n)
        ledger.let_go.release(4)
        assert [one.result(10) for one in told] == [f"done {n}" for n in range(6)]
    assert ledger.groups == [[0], [1, 2], [3, 4], [5]]


@pytest.fixture
def interrupts() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("interrupts")
@pytest.mark.parametrize("committing", [True, False])
def test_an_interrupted_caller_leaves_nobody_waiting(committing: bool) -> None:
    ledger = Ledger()
    group, gone, main = GroupCommit(ledger.commit), threading.Event(), threading.get_ident()

    def others() -> list[str]:
        with ThreadPoolExecutor(8) as pool:
            waiting(group, 2)
            last = pool.submit(group.do, 3)
            waiting(group, 3)
            if committing:
                ledger.let_go.release()
                assert ledger.entered.acquire(timeout=10)
            signal.pthread_kill(main, signal.SIGUSR1)
            assert gone.wait(10)
            ledger.let_go.release(2)
            return [last.result(10)]

    with ThreadPoolExecutor(8) as pool:
        told = [pool.submit(group.do, 0)]
        assert ledger.entered.acquire(timeout=10)
        told.append(pool.submit(group.do, 1))
        waiting(group, 1)
        rest = pool.submit(others)
        with pytest.raises(KeyboardInterrupt):
            group.do(2)
        gone.set()
        assert [one.result(10) for one in told] == ["done 0", "done 1"]
        assert rest.result(10) == ["done 3"]
    assert ledger.groups == [[0], [1, 2, 3] if committing else [1, 3]]
    ledger.let_go.release()
    assert group.do(9) == "done 9", "it goes on"
