"""All processes below one: what they use together, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_USER, _SYSTEM, _WAITED_USER, _WAITED_SYSTEM = 11, 12, 13, 14
_THREADS, _START, _RESIDENT = 17, 19, 21
_KILL_ROUNDS_MAX, _KILL_PAUSE_SECONDS = 2000, 0.002


@dataclass(frozen=True)
class Process:
    """One line of /proc/PID/stat: own and waited-for seconds, threads, resident bytes."""

    number: int
    started: int
    seconds: float
    waited_seconds: float
    threads: int
    resident: int


def below(parent: int) -> list[int]:
    """Numbers of all processes that descend from one, without it."""
    found: list[int] = []
    waiting = [parent]
    while waiting:
        children = list(_children(waiting.pop()))
        found += children
        waiting += children
    return found


def _children(parent: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{parent}/task"):
            with contextlib.suppress(OSError):
                yield from map(int, _read(f"/proc/{parent}/task/{thread}/children").split())


def process_of(number: int) -> Process | None:
    """What the kernel says of a process; None when it is gone."""
    try:
        words = _read(f"/proc/{number}/stat").rpartition(b")")[2].split()
    except OSError:
        return None
    return Process(
        number,
        int(words[_START]),
        (int(words[_USER]) + int(words[_SYSTEM])) / _TICKS,
        (int(words[_WAITED_USER]) + int(words[_WAITED_SYSTEM])) / _TICKS,
        int(words[_THREADS]),
        int(words[_RESIDENT]) * _PAGE,
    )


def memory_of(processes: list[Process], limit: int) -> int:
    """Bytes that the processes hold together; what they share is counted once when it matters."""
    resident = sum(process.resident for process in processes)
    if resident <= limit or len(processes) == 1:
        return resident
    return sum(_proportional(process) for process in processes)


def _proportional(process: Process) -> int:
    try:
        lines = _read(f"/proc/{process.number}/smaps_rollup").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))
    except (OSError, StopIteration):
        return process.resident


@dataclass
class Processor:
    """Processor time of a group. What a process has used stays counted after its end."""

    _seen: dict[tuple[int, int], float] = field(default_factory=dict)

    def seconds(self, processes: list[Process]) -> float:
        for process in processes:
            self._seen[process.number, process.started] = process.seconds
        # Children that ended between two looks are in what their parent has waited for.
        alive = sum(process.seconds + process.waited_seconds for process in processes)
        return max(alive, sum(self._seen.values()))


def disk_of(folder: str, processes: list[Process]) -> tuple[int, int]:
    """Bytes and files below a folder, with files that are deleted and still open."""
    size = count = 0
    for where, _, names in os.walk(folder):
        for name in [*names, "."]:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(where, name)).st_blocks * 512
                count += 1
    deleted = {found for process in processes for found in _deleted(process.number)}
    return size + sum(bytes_ for _, bytes_ in deleted), count + len(deleted)


def _deleted(number: int) -> Iterator[tuple[tuple[int, int], int]]:
    with contextlib.suppress(OSError):
        for descriptor in os.listdir(f"/proc/{number}/fd"):
            with contextlib.suppress(OSError):
                about = os.stat(f"/proc/{number}/fd/{descriptor}")
                if stat.S_ISREG(about.st_mode) and about.st_nlink == 0:
                    yield (about.st_dev, about.st_ino), about.st_blocks * 512


def end_below(parent: int) -> bool:
    """Kill all descendants of this process and reap them; False if some would not end.

    The caller must adopt orphans. They are stopped first, so that none forks while others die.
    """
    for _ in range(_KILL_ROUNDS_MAX):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        found = below(parent)
        if not found:
            return True
        for word in (signal.SIGSTOP, signal.SIGKILL):
            for number in found:
                with contextlib.suppress(OSError):
                    os.kill(number, word)
        time.sleep(_KILL_PAUSE_SECONDS)
    return False


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()
