"""Keeps the workers of own candidates: starts, restarts with back-off, stops. Light: it runs beside
the gateway and imports nothing that fits models.

The listening sockets are the keeper's own, in a folder that only its user may enter, so a call that
comes while a worker starts waits in the socket's queue and is not lost. What is filed is started at
once, a candidate in development with its first call.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pilotbase.kernel.home import write_whole
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.serve.call import Upstream
from pilotbase.serve.routes.compile import Books, compiled
from pilotbase.serve.routes.workers import STATES
from pilotbase.trial.workers import single_threaded

_log = logging.getLogger("pilotbase.serve")

MEMORY_MB = 2048
STARTING_MAX = 2
"""Workers that fit at once: more would only take each other's processors."""
BACK_OFF_SECONDS = (0.5, 60.0)
STABLE_SECONDS = 60.0
WAIT_SECONDS = 1.5
"""So long are calls left to wait for a worker that has ended; longer, they are refused."""
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.25
SAID_MAX = 2**22
"""Bytes of what a worker says of itself."""
REASON_MAX = 500


@dataclass(frozen=True)
class Wanted:
    """A worker that there should be: whose candidate, and where the scenario's files lie."""

    name: str
    version: str
    filed: bool
    folder: str


def wanted_of(books: Books, at: float, sockets: str, *, development: bool) -> dict[str, Wanted]:
    """By path of its socket, each worker that some route goes to. A drill does not stop any."""
    calm = {name: {**said, "drill": None} for name, said in books.arrangements.items()}
    found = compiled(replace(books, arrangements=calm), at, sockets, development=development)
    wanted = dict[str, Wanted]()
    for route in found.routes.values():
        named = books.arrangements.get(route.filing, {}).get("upstreams", ())
        folders = {said["id"]: said.get("folder", "") for said in named}
        for one in route.upstreams:
            if one.kind == "candidate":
                filed = route.source == "filed"
                folder = folders.get(one.id, "")
                wanted[_path(one)] = Wanted(route.filing, route.version, filed, folder)
    return wanted


def _path(upstream: Upstream) -> str:
    return upstream.url.removeprefix("unix:")


@dataclass
class _Place:
    """A socket and the process behind it.

    ``state`` is waiting (nobody has called yet), starting, ready, refused or down.
    """

    wanted: Wanted
    listening: socket.socket
    process: subprocess.Popen[bytes] | None = None
    state: str = "waiting"
    reason: Text | None = None
    begun: float = 0.0
    pause: float = BACK_OFF_SECONDS[0]
    again_at: float = 0.0
    said: bytearray = field(default_factory=bytearray)
    example: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, str] = field(default_factory=dict)


class Keeper:
    """Used on one event loop's thread.

    Args:
        folder: where the sockets are; made by the caller, mode 0700.
        changed: called when the state of some worker has changed.
    """

    def __init__(
        self,
        context: Context,
        folder: Path,
        *,
        memory_mb: int = MEMORY_MB,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._context, self._folder, self._memory_mb = context, folder, memory_mb
        self._empty = folder / "empty"  # where no folder is named, there are no files to name
        self._empty.mkdir(mode=0o700, exist_ok=True)
        self._places: dict[str, _Place] = {}
        self._ending: list[tuple[subprocess.Popen[bytes], float]] = []
        self._changed = changed
        self._timer: asyncio.TimerHandle | None = None

    def want(self, wanted: Mapping[str, Wanted]) -> None:
        """Have these workers and no others."""
        for path in [*self._places]:
            if wanted.get(path) != self._places[path].wanted:
                self._drop(path)
        for path, one in wanted.items():
            if path not in self._places:
                self._places[path] = _Place(one, _listening(path))
        if self._timer is None:
            self._look()

    def states(self) -> dict[str, dict[str, str]]:
        """By name of filing or candidate: the state of its workers, and why it is so."""
        found: dict[str, dict[str, str]] = {}
        for place in self._places.values():
            why = place.reason
            said = {"reason": why.en, "reason_zh": why.zh} if why else {"reason": ""}
            found[place.wanted.name] = {"state": place.state, **said}
        return found

    def examples(self) -> dict[str, Mapping[str, Any]]:
        """By name, a case to try each ready candidate with."""
        places = self._places.values()
        return {one.wanted.name: one.example for one in places if one.state == "ready"}

    @property
    def settled(self) -> bool:
        """Whether every worker of what is filed is ready or refused."""
        filed = [place for place in self._places.values() if place.wanted.filed]
        return all(place.state in ("ready", "refused") for place in filed)

    def close(self) -> None:
        """End all workers; returns when they are gone."""
        if self._timer is not None:
            self._timer.cancel()
        for path in [*self._places]:
            self._drop(path)
        for process, until in self._ending:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._ending.clear()

    def _look(self) -> None:
        """See to each place; four times a second, whatever becomes of any of them."""
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        now, before = time.monotonic(), self.states()
        for place in self._places.values():
            try:
                self._see_to(place, now)
            except Exception as error:  # no process can be had, or what it says is no line of ours
                _log.exception("the worker of %s failed", place.wanted.name)
                why = Text("it does not start: {error}", "无法启动: {error}")
                self._fell(place, now, why.format(error=error))
        self._reap(now)
        if self.states() != before:
            self._tell()

    def _see_to(self, place: _Place, now: float) -> None:
        self._read(place)
        if place.process is not None and place.process.poll() is not None:
            why = Text("its process ended ({code})", "进程已结束 ({code})")
            self._fell(place, now, why.format(code=place.process.returncode))
        called = place.wanted.filed or place.state == "down" or _is_called(place.listening)
        due = place.process is None and now >= place.again_at and called
        if due and sum(one.state == "starting" for one in self._places.values()) < STARTING_MAX:
            self._start(place, now)

    def _tell(self) -> None:
        """A note for gates and pages: an error of one of several workers stands for all."""
        said: dict[str, dict[str, Any]] = {name: {**one} for name, one in self.states().items()}
        for place in self._places.values():
            if place.state == "refused":
                said[place.wanted.name] |= {"error": place.error}
        for name in said:
            ends = [
                self._rest(place) for place in self._places.values() if place.wanted.name == name
            ]
            if min(ends) > WAIT_SECONDS:
                said[name] |= {"again": time.time() + min(ends)}
        with suppress(OSError):
            write_whole(self._folder / STATES, json.dumps(said).encode())
        self._changed()

    def _rest(self, place: _Place) -> float:
        """Seconds until it is started again; 0 where it runs or may start."""
        return max(0.0, place.again_at - time.monotonic()) if place.state == "down" else 0.0

    def _start(self, place: _Place, now: float) -> None:
        place.begun = now
        wanted, key = place.wanted, self._context.vault_key
        order = {
            "home": str(self._context.home),
            "vault_key": str(key) if key else "",
            "name": wanted.name,
            "version": wanted.version,
            "filed": wanted.filed,
            "folder": wanted.folder or str(self._empty),
            "socket": place.listening.fileno(),
            "memory_mb": self._memory_mb,
        }
        code = "from pilotbase.serve.worker.process import main; main()"
        place.process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=single_threaded(dict(os.environ)),
            pass_fds=(place.listening.fileno(),),
            start_new_session=True,
        )
        assert place.process.stdout is not None
        os.set_blocking(place.process.stdout.fileno(), False)
        place.state, place.reason = "starting", None
        place.said.clear()

    def _read(self, place: _Place) -> None:
        """What a worker says of itself: one line of JSON, once it is fitted."""
        if place.process is None or place.state != "starting":
            return
        assert place.process.stdout is not None
        place.said += place.process.stdout.read(65536) or b""
        if b"\n" in place.said or len(place.said) > SAID_MAX:
            said = json.loads(place.said.split(b"\n", 1)[0])
            why = said["reason"]
            place.reason = _short(Text(str(why["en"]), str(why["zh"]))) if why else None
            place.state = "refused" if why else "ready"
            place.example, place.error = said.get("example") or {}, said.get("error") or {}

    def _fell(self, place: _Place, now: float, reason: Text) -> None:
        self._end(place)
        place.state, place.reason = "down", _short(reason)
        if now - place.begun > STABLE_SECONDS:
            place.pause = BACK_OFF_SECONDS[0]
        place.again_at = now + place.pause
        place.pause = min(2 * place.pause, BACK_OFF_SECONDS[1])

    def _drop(self, path: str) -> None:
        place = self._places.pop(path)
        place.listening.close()
        Path(path).unlink(missing_ok=True)
        self._end(place)

    def _end(self, place: _Place) -> None:
        """End its process, if it has one that lives; it is waited for later."""
        process, place.process = place.process, None
        if process is None:
            return
        assert process.stdout is not None
        process.stdout.close()
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            self._ending.append((process, time.monotonic() + STOP_SECONDS))

    def _reap(self, now: float) -> None:
        for process, until in self._ending:
            if process.poll() is None and now > until:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        self._ending = [one for one in self._ending if one[0].poll() is None]


def _short(reason: Text) -> Text:
    return Text(reason.en[:REASON_MAX], reason.zh[:REASON_MAX])


def _listening(path: str) -> socket.socket:
    Path(path).unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(path)
    os.chmod(path, 0o600)
    made.listen(256)
    made.setblocking(False)
    return made


def _is_called(listening: socket.socket) -> bool:
    """Whether somebody waits to be accepted."""
    waiting = select.poll()
    waiting.register(listening, select.POLLIN)
    return bool(waiting.poll(0))
