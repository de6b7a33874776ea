"""A file made durable with no thread waiting for it: the kernel is asked, and says when it is done.

A thread that comes back from fdatasync needs the interpreter's lock, and while the loop's thread is
busy each of its callbacks offers that lock and takes it again; at full load this costs more than
the sync itself (ADR 28). io_uring does without. Where it is forbidden, as in many containers, the
older native AIO does the same. Both by way of the library `caio`.
"""

from __future__ import annotations

import asyncio
import errno
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

WAYS = ("io_uring", "aio")
_MODULES = {"io_uring": "linux_uring", "aio": "linux_aio"}
_AT_ONCE = 8
_REFUSALS = (OSError, SystemError, OverflowError, ValueError, TypeError, AttributeError)
"""What the library raises where the kernel says no; it has no error of its own."""


class Syncs:
    """The kernel's queue of one loop; used on that loop's thread.

    Attributes:
        way: which of `WAYS` it is.
    """

    def __init__(self, way: str, loop: asyncio.AbstractEventLoop) -> None:
        """Raises OSError where this kernel, or what stands between it and us, has no such queue."""
        self.way, self._loop = way, loop
        try:
            with warnings.catch_warnings():  # of a default that is not used here (CAIO_IMPL)
                warnings.simplefilter("ignore")
                module = getattr(import_module("caio"), _MODULES[way])
            self._operation: Any = module.Operation
            self._context: Any = module.Context(max_requests=_AT_ONCE)
        except (ImportError, *_REFUSALS) as error:
            raise OSError(f"no {way}: {error}") from None
        self._flush: Callable[[], int] | None = getattr(self._context, "flush", None)
        self._done: Callable[[bool], None] | None = None
        self._refused = False
        loop.add_reader(self._context.fileno, self._look)

    @property
    def answers(self) -> bool:
        """Whether it can still be asked."""
        return not self._refused

    def ask(self, file: int, done: Callable[[bool], None]) -> bool:
        """Ask for a file's data to be made durable (fdatasync); one at a time.

        Args:
            file: a descriptor; stays open until the answer.
            done: called on the loop's thread, once, with whether the disk took all; maybe at once.

        Returns:
            Whether the kernel takes such questions; once it does not it is not asked again, and
            ``done`` is not called.
        """
        if self._refused:
            return False
        operation = self._operation.fdsync(file)
        operation.set_callback(self._answered)
        self._done = done
        try:
            self._context.submit(operation)
            if self._flush is not None:
                self._flush()
        except _REFUSALS:
            self._done, self._refused = None, True
        return not self._refused

    def _answered(self, result: int) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(result == 0)

    def _look(self) -> None:
        try:
            with suppress(BlockingIOError):
                self._context.poll()
            while self._context.process_events():
                pass
        except _REFUSALS:
            self._lose()

    def _lose(self) -> None:
        """It can be asked and does not answer: nobody knows what became of the question."""
        self._refused = True
        self._loop.remove_reader(self._context.fileno)
        self._answered(-errno.EIO)

    def finish(self) -> None:
        """Wait until what was asked is answered; blocks."""
        while self._done is not None:
            try:
                self._context.process_events(min_requests=1, timeout=-1)
            except _REFUSALS as error:
                if errno.EINTR not in (getattr(error, "errno", None), *error.args[:1]):
                    self._lose()

    def close(self) -> None:
        """What is not answered by now never is."""
        self._loop.remove_reader(self._context.fileno)


def best_syncs(loop: asyncio.AbstractEventLoop) -> Syncs | None:
    """The kernel's queue; None where there is none, and a thread has to wait."""
    for way in WAYS:
        with suppress(OSError):
            return Syncs(way, loop)
    return None
