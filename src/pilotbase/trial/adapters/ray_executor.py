"""Fits on a Ray cluster: on each place an actor that keeps one of our own workers.

A candidate's code runs in that worker, a process below the actor, never in Ray's own. So deadlines,
killed groups of processes, and what is said when one dies are those of the local executor, to the
same bytes; and when an actor is lost, that is the base's outage, whoever's fault it looks like.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import pickle
import platform
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import numpy as np

from pilotbase.kernel.errors import PilotbaseError, RunError
from pilotbase.kernel.text import Text
from pilotbase.trial.workers import FLOOR_SECONDS, START_SECONDS_MAX, Ended, Outage, Workers

R = TypeVar("R")
SHARED_BYTES_MIN = 1 << 20
SHARED_BYTES_MAX = 1 << 28
SIZE_MAX = 1024
GRACE_SECONDS = 30.0
# Numbers that another version of these could change.
PACKAGES = ("pilotbase", "numpy", "scipy", "pandas", "scikit-learn", "statsmodels")


def versions() -> dict[str, str]:
    """What has to be the same everywhere for the same bytes to come out."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **found}


class Place:
    """What runs as an actor: one place to run, with one worker."""

    def __init__(self) -> None:
        self._workers = Workers(size=1, floor_seconds=0.0)

    def versions(self) -> dict[str, str]:
        return versions()

    def answer(self, job: bytes, arrays: list[Any], seconds: float) -> tuple[str, Any]:
        """``("done", value)``, ``("ended" or "outage", reason)``, ``("refused", parts)``."""
        import ray

        found = ray.get(arrays)
        try:
            function, arguments = _Loader(io.BytesIO(job), found).load()
            call = partial(self._workers.run, function, *arguments, seconds=seconds)
            return "done", anyio.run(call)
        except Ended as error:
            return "ended", str(error)
        except Outage as error:
            return "outage", str(error)
        except PilotbaseError as error:
            parts = (error.code, error.message, error.where, error.next_step)
            return "refused", (type(error), *parts)


class RayExecutor:
    """Places on a Ray cluster.

    Args:
        address: of a cluster that runs, "auto" for the one on this machine, "" to start one here.
        size: jobs at once; by default all processors of the cluster.

    Raises:
        RunError: Ray is not installed, or there is no cluster at that address.
    """

    def __init__(
        self, address: str = "", size: int | None = None, floor_seconds: float = FLOOR_SECONDS
    ) -> None:
        self._ray = _ray()
        self._own = not self._ray.is_initialized()
        if self._own:
            _connect(self._ray, address)
        processors = int(self._ray.cluster_resources().get("CPU", 1))
        self.size = size or max(1, min(SIZE_MAX, processors))
        self.floor_seconds = floor_seconds
        self._idle: list[Any] = []
        self._shelf = _Shelf(self._ray)

    async def run(self, function: Callable[..., R], *arguments: Any, seconds: float) -> R:
        """See `pilotbase.trial.executor.Executor.run`."""
        place = await self._place()
        kept = False
        try:
            job, arrays = await _apart(self._shelf.packed, (function, arguments))
            limit = max(seconds, self.floor_seconds)
            answer = place.answer.remote(job, arrays, limit)
            kind, value = await self._got(answer, limit + START_SECONDS_MAX + GRACE_SECONDS)
            kept = True
        finally:
            self._put_back(place, kept)
        if kind == "refused":
            error_class, code, message, where, next_step = value
            refused: PilotbaseError = error_class(code, message, where=where, next_step=next_step)
            raise refused
        if kind in ("ended", "outage"):
            raise (Ended if kind == "ended" else Outage)(value)
        result: R = value
        return result

    async def _place(self) -> Any:
        """A place that is ready. Raises Outage when none can be had in time."""
        if self._idle:
            return self._idle.pop()
        actor = self._ray.remote(num_cpus=1, max_restarts=0)(Place)
        place = actor.remote()
        try:
            there = await self._got(place.versions.remote(), START_SECONDS_MAX)
        except BaseException:
            self._put_back(place, kept=False)
            raise
        if there != versions():
            self._put_back(place, kept=False)
            raise _differs(versions(), there)
        return place

    async def _got(self, reference: Any, seconds: float) -> Any:
        """What Ray brings back. Raises Outage when it is lost, or late."""
        try:
            return await _apart(partial(self._ray.get, timeout=seconds), reference)
        except self._ray.exceptions.GetTimeoutError as error:
            raise Outage("no answer from the cluster in time") from error
        except self._ray.exceptions.RayError as error:
            raise Outage(f"a place on the cluster was lost ({type(error).__name__})") from error

    def _put_back(self, place: Any, kept: bool) -> None:
        if kept and len(self._idle) < self.size:
            self._idle.append(place)
        else:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.kill(place)

    def close(self) -> None:
        while self._idle:
            self._put_back(self._idle.pop(), kept=False)
        if self._own:
            self._ray.shutdown()


class _Shelf:
    """Large arrays that several jobs share, put into the cluster's store once each.

    By content: folds of two candidates are equal arrays, not one. The oldest leave the shelf first.
    """

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._references: dict[str, tuple[Any, int]] = {}
        self._lock = threading.Lock()

    def packed(self, job: object) -> tuple[bytes, list[Any]]:
        """A job as a pickle without its large arrays, and references to these."""
        stream = io.BytesIO()
        pickler = _Pickler(stream, self._reference)
        pickler.dump(job)
        return stream.getvalue(), pickler.references

    def _reference(self, array: np.ndarray[Any, Any]) -> Any:
        head = f"{array.dtype.str}{array.shape}".encode()
        name = hashlib.sha256(head + np.ascontiguousarray(array).data.tobytes()).hexdigest()
        with self._lock:
            if name not in self._references:
                self._references[name] = (self._ray.put(array), array.nbytes)
            held = sum(size for _, size in self._references.values())
            while held > SHARED_BYTES_MAX and len(self._references) > 1:
                oldest = next(iter(self._references))
                if oldest == name:
                    break
                held -= self._references.pop(oldest)[1]
            return self._references[name][0]


class _Pickler(pickle.Pickler):
    def __init__(self, stream: io.BytesIO, reference: Callable[[Any], Any]) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self._reference = reference
        self.references: list[Any] = []

    def persistent_id(self, found: Any) -> int | None:
        plain = isinstance(found, np.ndarray) and not found.dtype.hasobject
        if not plain or found.nbytes < SHARED_BYTES_MIN:
            return None
        self.references.append(self._reference(found))
        return len(self.references) - 1


class _Loader(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, arrays: list[Any]) -> None:
        super().__init__(stream)
        self._arrays = arrays

    def persistent_load(self, number: int) -> Any:
        return self._arrays[number]


async def _apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run what blocks in a thread of its own; a cancelled caller does not wait for it."""
    call = partial(function, *arguments)
    limiter = anyio.CapacityLimiter(1)  # as many at once as there are places
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=limiter)


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise RunError(
            "executor.no_ray",
            Text("Ray is not installed", "未安装 Ray"),
            where="PILOTBASE_EXECUTOR",
            next_step=Text(
                "Install it: pip install 'pilotbase[ray]'; or unset PILOTBASE_EXECUTOR.",
                "请安装: pip install 'pilotbase[ray]'; 或取消 PILOTBASE_EXECUTOR 设置。",
            ),
        ) from error
    return ray


def _connect(ray: Any, address: str) -> None:
    settings: dict[str, Any] = {"include_dashboard": False} if not address else {}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **settings)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise RunError(
            "executor.no_cluster",
            Text(f"no Ray cluster answers at {address!r}", f"{address!r} 处没有可用的 Ray 集群"),
            where="PILOTBASE_EXECUTOR",
            next_step=Text(
                "Start one with `ray start --head`, or use ray or local.",
                "请用 `ray start --head` 启动集群, 或改用 ray、local。",
            ),
        ) from error


def _differs(here: dict[str, str], there: dict[str, str]) -> RunError:
    words = [
        f"{name} {here[name]} / {there.get(name, '-')}"
        for name in here
        if here[name] != there.get(name)
    ]
    said = ", ".join(words)
    return RunError(
        "executor.differs",
        Text(f"the cluster has other versions: {said}", f"集群中的版本不同: {said}"),
        where="PILOTBASE_EXECUTOR",
        next_step=Text(
            "Install the same versions on every node: a verdict must not hang on where it ran.",
            "请在每个节点安装相同的版本: 结论不能取决于在何处运行。",
        ),
    )
