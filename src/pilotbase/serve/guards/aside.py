"""Guards in a process of their own: what is slow, large or not trusted to end.

The child (`guards.child`) makes the guard and looks at one message after the other, over its
standard input and output, a line of JSON each. It may take so long for a message and no longer:
then it is ended, and for every message that waits the arrangement says whether it passes (closed
unless it says otherwise). The next message starts it again, at most once a second.
"""

from __future__ import annotations

import asyncio
import base64
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pilotbase.kernel.text import Text
from pilotbase.serve.call import Refused, Route
from pilotbase.serve.guards.arranged import Arranged
from pilotbase.serve.ports import Finding

WAITING_MAX = 256
START_S_MAX = 30.0
AGAIN_S = 1.0
LINE_MAX = 64 * 2**20
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")

Looked = Callable[[list[Finding] | None], None]
"""Gets a finding for each text, or one for the whole; None where there was no answer in time."""


@dataclass
class _Child:
    process: asyncio.subprocess.Process
    ready: bool = False
    left: bytes = b""
    waiting: dict[int, Looked] = field(default_factory=dict)


class Aside:
    """One guard of one route, aside. Loop's thread only."""

    def __init__(self, guard: Arranged, route: Route) -> None:
        self._guard, self._route = guard, route
        self._child: _Child | None = None
        self._queue: dict[int, tuple[bytes, Looked]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = False
        self._number = 0
        self._not_before = 0.0

    def look(self, message: Mapping[str, Any], then: Looked) -> None:
        """Have a message looked at; ``then`` is called once, at the latest when time is over."""
        waiting = len(self._queue) + (len(self._child.waiting) if self._child else 0)
        loop = asyncio.get_running_loop()
        if waiting >= WAITING_MAX or (self._child is None and loop.time() < self._not_before):
            then(None)
            return
        self._number += 1
        line = msgspec.json.encode({"id": self._number, **message}) + b"\n"
        self._queue[self._number] = (line, then)
        if self._child is not None and self._child.ready:
            self._send(self._child)
        else:
            self.start()

    def start(self) -> None:
        """Start the child, if it does not run, so that the first message need not wait for it."""
        if self._child is None and not self._starting:
            self._starting = True
            task = asyncio.get_running_loop().create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """End the child; who waits gets no answer. It is reaped while the loop goes on."""
        self._fail()

    def _send(self, child: _Child) -> None:
        loop, stdin = asyncio.get_running_loop(), child.process.stdin
        assert stdin is not None
        for number, (line, then) in self._queue.items():
            child.waiting[number] = then
            stdin.write(line)
            loop.call_later(self._guard.timeout_s, self._late, child, number)
        self._queue.clear()

    def _late(self, child: _Child, number: int) -> None:
        if number in child.waiting and self._child is child:
            self._fail()

    def _fail(self) -> None:
        """End the child; nobody who waits for it is left without an answer."""
        child, self._child, self._starting = self._child, None, False
        waiting = [then for _, then in self._queue.values()]
        self._queue.clear()
        self._not_before = asyncio.get_running_loop().time() + AGAIN_S
        if child is not None:
            waiting += child.waiting.values()
            child.waiting.clear()
            with suppress(ProcessLookupError):
                child.process.kill()
        for then in waiting:
            then(None)

    async def _run(self) -> None:
        child = None
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "pilotbase.serve.guards.child",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_MAX,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            )  # fmt: skip
            child = self._child = _Child(process)
            assert process.stdin is not None and process.stdout is not None
            made = pickle.dumps((self._guard.plugin, dict(self._guard.settings), self._route))
            process.stdin.write(base64.b64encode(made) + b"\n")
            async with asyncio.timeout(START_S_MAX):
                await process.stdout.readline()
            self._starting, child.ready = False, True
            self._send(child)
            while line := await process.stdout.readline():
                self._answered(child, line)
        except (OSError, ValueError, TimeoutError, KeyError, TypeError, msgspec.DecodeError):
            pass  # a child that cannot be started, or speaks otherwise: as one that fell over
        finally:
            if child is None or self._child is child:
                self._fail()
            if child is not None:
                with suppress(ProcessLookupError):
                    child.process.kill()
                await child.process.wait()

    def _answered(self, child: _Child, line: bytes) -> None:
        said = msgspec.json.decode(line)
        then = child.waiting.pop(said["id"], None)
        if then is not None:
            then([_finding(one) for one in said["findings"]])


def _finding(said: Mapping[str, Any]) -> Finding:
    refused = said["refused"]
    if refused is None:
        return Finding(said["text"], tuple(said["flags"]))
    told = Refused(
        int(refused["status"]),
        str(refused["code"]),
        Text(*refused["message"]),
        Text(*refused["next_step"]),
        where=str(refused["where"]),
    )
    return Finding(said["text"], tuple(said["flags"]), told)
