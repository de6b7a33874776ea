"""The parent process: binds the address, keeps gateway processes and workers alive.

SIGTERM (or Ctrl-C) ends it in order: no new calls, those under way are answered, journals are
completed. SIGHUP starts new gateway processes and ends the old ones once the new are ready: secrets
are read anew, and no call is lost.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import CHECK_INPUT, RunError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.serve.routes.compile import Books, Compiled
from pilotbase.serve.routes.gate import RecordGate
from pilotbase.serve.routes.watch import Watch
from pilotbase.serve.running.doors import USUAL, check_address, wanted
from pilotbase.serve.running.order import Order
from pilotbase.serve.worker.keeper import Keeper, wanted_of

READY_SECONDS, SPARE_SECONDS = 60.0, 10.0
BACK_OFF_SECONDS = (0.5, 30.0)
PROCESSES_MAX = 64
PORT_MAX = 65_535
Announce = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Running:
    """How to run: as `routes.verbs.ServeRequest` asks for it."""

    host: str = "127.0.0.1"
    port: int = 0
    workers: int = 1
    drain: int = 30
    memory: int = 2048
    development: bool = False
    doors: str = USUAL
    metrics: int = 0
    log: str = ""
    telemetry: bool = False
    address: str = ""


def run(
    context: Context,
    running: Running,
    announce: Announce,
    settled: Announce = lambda said: None,
    within: AbstractContextManager[None] | None = None,
) -> int:
    """Serve until it is ended; the exit code.

    Args:
        within: entered once the addresses are bound, left when all has ended.
        announce: told ``{"address", "processes", "pid"}`` when calls are taken. settled: told
            ``{"workers", "examples"}``, states and cases to try by name, when each own worker of
            what is filed is ready or refused.

    Raises:
        HomeError, RecordError: there is no record, or it cannot be used. RunError: the address is
            taken, or the gateway processes do not come up.
    """
    with ExitStack() as stack:
        listening = stack.enter_context(_bound(running.host, running.port, running.workers))
        metrics = None
        if running.metrics:
            metrics = stack.enter_context(_bound("127.0.0.1", running.metrics, 1, "--metrics"))
        folder = Path(tempfile.mkdtemp(prefix="pilotbase-"))  # made with mode 0700
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if within is not None:
            stack.enter_context(within)
        parent = _Parent(context, running, listening, folder, metrics)
        return asyncio.run(parent.run(announce, settled))


@dataclass(eq=False)
class _Child:
    """A gateway process."""

    process: asyncio.subprocess.Process
    generation: int


class _Parent:
    def __init__(
        self,
        context: Context,
        running: Running,
        listening: socket.socket,
        folder: Path,
        metrics: socket.socket | None,
    ) -> None:
        self._context, self._running = context, running
        self._doors = wanted(running.doors)
        check_address(running.address)
        self._listening, self._folder, self._metrics = listening, folder, metrics
        self._gate = RecordGate()
        self._keeper = Keeper(context, folder, memory_mb=running.memory)
        self._watch = Watch(
            context, self._gate, sockets=str(folder), development=running.development,
            tell=self._told,
        )  # fmt: skip
        self._children = set[_Child]()
        self._tasks = set[asyncio.Task[None]]()
        self._generation = self._latest = 0  # the one that is kept, the last that was begun
        self._renewing = asyncio.Lock()
        self._ended = asyncio.Event()

    async def run(self, announce: Announce, settled: Announce) -> int:
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._ended.set)
        loop.add_signal_handler(signal.SIGHUP, self._renew)
        try:
            await self._watch.start()
            await self._started()
            announce({"address": self._here, "processes": len(self._children), "pid": os.getpid()})
            await self._settled(settled)
            await self._ended.wait()
        finally:
            await self._stop()
        return 0

    @property
    def _here(self) -> str:
        """Where it listens."""
        host, port = self._listening.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def _told(self, books: Books, made: Compiled) -> None:
        development = self._running.development
        folder = str(self._folder)
        self._keeper.want(wanted_of(books, time.time(), folder, development=development))

    async def _settled(self, settled: Announce) -> None:
        while not self._keeper.settled and not self._ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 0.1)
        if not self._ended.is_set():
            settled({"workers": self._keeper.states(), "examples": self._keeper.examples()})

    # gateway processes

    async def _started(self) -> None:
        """Start a generation; once all of it takes calls, the one before is ended.

        Raises RunError: then all that was begun is ended, and the one before goes on.
        """
        async with self._renewing:
            self._latest += 1
            made = list[_Child]()
            try:
                for _ in range(self._running.workers):
                    made.append(await self._start(self._latest))
                ready = (self._until_ready(one) for one in made)
                for error in await asyncio.gather(*ready, return_exceptions=True):
                    if error is not None:
                        raise error
                self._generation = self._latest
            finally:
                for child in self._children:
                    if child.generation != self._generation:
                        _terminate(child)
                for child in made:
                    self._spawn(self._keep(child))

    async def _start(self, generation: int) -> _Child:
        key = self._context.vault_key
        order = Order(
            home=str(self._context.home),
            vault_key=str(key) if key else "",
            socket=self._listening.fileno(),
            sockets=str(self._folder),
            development=self._running.development,
            doors=self._doors,
            drain=self._running.drain,
            metrics=self._metrics.fileno() if self._metrics is not None else -1,
            log=self._running.log,
            export=self._running.telemetry,
            address=self._running.address or self._here,
        )
        code = "from pilotbase.serve.running.child import main; main()"
        shared = [one.fileno() for one in (self._listening, self._metrics) if one is not None]
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-c", code, order.encoded(),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                pass_fds=shared, start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)},
            )  # fmt: skip
        except OSError as error:
            why = error.strerror or str(error)
            said = {"en": f"no process can be had: {why}", "zh": f"无法创建进程: {why}"}
            raise _not_up({"message": said}) from error
        child = _Child(process, generation)
        self._children.add(child)
        if generation < self._generation:  # another has taken its place meanwhile
            _terminate(child)
        return child

    async def _until_ready(self, child: _Child) -> None:
        """Raises RunError where it does not come up; it is gone then."""
        assert child.process.stdout is not None
        try:
            async with asyncio.timeout(READY_SECONDS):
                said = json.loads(await child.process.stdout.readline() or b"{}")
            ready = said.get("ready") is True
        except TimeoutError:
            ready, said = False, {"message": {"en": "no answer in time", "zh": "超时"}}
        except (ValueError, AttributeError):  # no line of ours
            message = {"en": "it says what is not understood", "zh": "其输出无法识别"}
            ready, said = False, {"message": message}
        if not ready:
            with suppress(ProcessLookupError):
                child.process.kill()
            await child.process.wait()
            self._children.discard(child)
            raise _not_up(said)

    async def _keep(self, child: _Child) -> None:
        """Wait for its end; start another in its place, unless it was to end."""
        begun = time.monotonic()
        await child.process.wait()
        self._children.discard(child)
        pause = BACK_OFF_SECONDS[0]
        while child.generation == self._generation:
            await asyncio.sleep(0.0 if time.monotonic() - begun > 60 else pause)
            if child.generation != self._generation:
                return
            try:
                another = await self._start(child.generation)
                await self._until_ready(another)
                return self._spawn(self._keep(another))
            except RunError as error:
                print(error.render(self._context.language), file=sys.stderr, flush=True)
            begun, pause = time.monotonic(), min(2 * pause, BACK_OFF_SECONDS[1])

    def _renew(self) -> None:
        self._watch.look_now()
        self._spawn(self._renewed())

    async def _renewed(self) -> None:
        try:
            await self._started()
        except RunError as error:  # the old ones go on
            print(error.render(self._context.language), file=sys.stderr, flush=True)

    async def _stop(self) -> None:
        """No new connections, then all that is under way to its end."""
        for task in self._tasks:  # nothing is begun any more
            task.cancel()
        self._listening.close()
        if self._metrics is not None:
            self._metrics.close()
        self._watch.close()
        for child in self._children:
            _terminate(child)
        waits = [asyncio.ensure_future(one.process.wait()) for one in self._children]
        if waits:
            _, late = await asyncio.wait(waits, timeout=self._running.drain + SPARE_SECONDS)
            for child in self._children:
                if late and child.process.returncode is None:
                    child.process.kill()
        self._keeper.close()

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _terminate(child: _Child) -> None:
    with suppress(ProcessLookupError):
        child.process.terminate()


def _bound(host: str, port: int, workers: int, word: str = "--port") -> socket.socket:
    """A listening socket that all gateway processes share."""
    if not 1 <= workers <= PROCESSES_MAX:
        said = Text(f"from 1 to {PROCESSES_MAX} processes", f"进程数为 1 至 {PROCESSES_MAX}")
        raise RunError("serve.processes", said, where="--workers")
    if not 0 <= port <= PORT_MAX:
        said = Text(f"{port} is no port", f"{port} 不是端口号")
        step = Text(f"Choose one from 0 to {PORT_MAX}.", f"请选 0 至 {PORT_MAX}。")
        raise RunError("serve.port", said, where=word, next_step=step)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        where = f"{host}:{port}"
        reason = error.strerror or str(error)
        raise RunError(
            "serve.address",
            Text(f"it cannot listen here: {reason}", f"无法在此监听: {reason}"),
            where=where,
            next_step=Text(f"Choose another with {word}.", f"请用 {word} 另选。"),
        ) from error
    return listening


def _not_up(said: Mapping[str, Any]) -> RunError:
    message = said.get("message") or {"en": "it ended at once", "zh": "进程立即结束"}
    return RunError(
        str(said.get("error") or "serve.not_up"),
        Text(f"a gateway process does not come up: {message['en']}",
             f"网关进程无法启动: {message['zh']}"),
        where=str(said.get("where") or ""),
        next_step=Text(**said["next"]) if said.get("next") else CHECK_INPUT,
    )  # fmt: skip
