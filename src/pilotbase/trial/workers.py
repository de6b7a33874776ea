"""Worker processes: candidates' in-process code runs in them, never in the base itself.

Not ``anyio.to_process``: its workers die with each event loop (starting one costs seconds of
imports), run the caller's main script again when they start, and do not tell a worker that could
not start (the base's outage) from one that a candidate's code ended (the candidate's fault).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.trial.worker import READY, read_frame, write_frame

R = TypeVar("R")

SIZE_MAX = 2
START_SECONDS_MAX = 60.0
FLOOR_SECONDS = 30.0
_THREADS = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")


class Ended(Exception):
    """The worker hung or vanished during a job: the candidate's fault."""


class Outage(Exception):
    """A worker could not start, or our own job code broke: the base's fault."""


def single_threaded(environment: dict[str, str]) -> dict[str, str]:
    """The environment in which numeric libraries use one thread and hashes have one order.

    Sums of floats depend on how many threads share them, so more threads could change a verdict.
    """
    return {
        **environment,
        **{f"{name}_NUM_THREADS": "1" for name in _THREADS},
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
    }


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process started in its own session, and all that it started."""
    if process.poll() is None:
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def end_group(process: subprocess.Popen[bytes]) -> None:
    """`kill_group`, then wait for its end and close its streams."""
    kill_group(process)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            # What was still to be written has no reader any more.
            with contextlib.suppress(OSError):
                stream.close()


class Worker:
    """One worker process, seen from the base. Blocking; call it in a thread."""

    def __init__(self) -> None:
        # -P: the current folder is no place to import from; it may hold anything.
        command = [sys.executable, "-P", "-c"]
        self._process = subprocess.Popen(
            [*command, "from pilotbase.trial.worker import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=single_threaded(dict(os.environ)),
            start_new_session=True,
        )

    def wait_ready(self) -> None:
        """Raises Outage when the worker does not come up in `START_SECONDS_MAX`."""
        timer = threading.Timer(START_SECONDS_MAX, kill_group, [self._process])
        timer.start()
        try:
            said = self._read()
        finally:
            timer.cancel()
        if said != READY:
            self.kill()
            raise Outage("a worker process did not start")

    def ask(self, job: bytes) -> Any:
        """Run a pickled job. Raises Ended, Outage, or the PilotbaseError that the job raised."""
        try:
            assert self._process.stdin is not None
            write_frame(self._process.stdin, job)
        except (OSError, ValueError) as error:
            raise Ended("the process running it ended") from error
        said = self._read()
        if said is None:
            raise Ended(f"the process running it ended ({self._exit_word()})")
        kind, value = pickle.loads(said)
        if kind == "refused":
            error_class, code, message, where, next_step = value
            refused: PilotbaseError = error_class(code, message, where=where, next_step=next_step)
            raise refused
        if kind == "broken":
            raise Outage(str(value))
        return value

    def _read(self) -> bytes | None:
        try:
            assert self._process.stdout is not None
            return read_frame(self._process.stdout)
        except (OSError, ValueError):
            return None

    def _exit_word(self) -> str:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "no exit code"
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        end_group(self._process)


class Workers:
    """Up to ``size`` workers, started when first needed and kept for later jobs.

    Args:
        size: workers that stay alive; by default two, or one on a machine with one processor.
        floor_seconds: no job gets less time than this, because the first one in a worker also
            pays for importing the libraries.
    """

    def __init__(self, size: int | None = None, floor_seconds: float = FLOOR_SECONDS) -> None:
        self.size = size or min(SIZE_MAX, processors())
        self.floor_seconds = floor_seconds
        self._idle: list[Worker] = []

    async def run(self, function: Callable[..., R], *arguments: Any, seconds: float) -> R:
        """Run a function of this package in a worker.

        Args:
            seconds: deadline, raised to the floor; then the worker is killed.

        Raises:
            Ended: the worker hung or vanished. Outage: it could not start, or our code broke.
            PilotbaseError: what the function raised.
        """
        try:
            job = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
            worker = await self._worker()
        except (OSError, MemoryError) as error:
            raise Outage(f"a worker process could not start: {error}") from error
        limit = max(seconds, self.floor_seconds)
        finished = False
        try:
            with anyio.fail_after(limit):
                value: R = await anyio.to_thread.run_sync(worker.ask, job, abandon_on_cancel=True)
            finished = True
            return value
        except TimeoutError as error:
            raise Ended(f"no answer within {limit:g} s") from error
        except (PilotbaseError, Outage):
            finished = True
            raise
        finally:
            self._put_back(worker, finished)

    async def _worker(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            worker.kill()
        worker = await anyio.to_thread.run_sync(Worker)
        try:
            await anyio.to_thread.run_sync(worker.wait_ready, abandon_on_cancel=True)
        except BaseException:
            worker.kill()
            raise
        return worker

    def _put_back(self, worker: Worker, finished: bool) -> None:
        if finished and worker.alive and len(self._idle) < self.size:
            self._idle.append(worker)
        else:
            worker.kill()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().kill()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def processors() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_shared: list[Workers] = []


def shared_workers() -> Workers:
    """The workers of this process, for all its trials; they end with it."""
    if not _shared:
        _shared.append(Workers())
        atexit.register(_shared[0].close)
    return _shared[0]
