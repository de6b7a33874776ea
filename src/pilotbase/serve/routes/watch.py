"""The gate is made anew when the record grows: a thread looks about four times a second.

Looking is one query for the record's size. What it takes to read and compile is done in the thread;
the loop only puts the result in place.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.routes.books import Reading
from pilotbase.serve.routes.compile import Books, Compiled, compiled
from pilotbase.serve.routes.gate import RecordGate
from pilotbase.serve.routes.workers import Note

LOOK_SECONDS = 0.25
LOST_SECONDS = 30.0
"""So long may the record be out of reach: then nothing is served, because a stop may be in it."""
Tell = Callable[[Books, Compiled], None]


class Watch:
    """Keeps a gate up to date until it is closed.

    Args:
        sockets: where own workers listen; empty without them.
        tell: called on the loop's thread with each new state, before the gate has it.
    """

    def __init__(
        self,
        context: Context,
        gate: RecordGate,
        *,
        sockets: str = "",
        development: bool = False,
        tell: Tell | None = None,
    ) -> None:
        self._context, self._gate = context, gate
        self._sockets, self._development, self._tell = sockets, development, tell
        self._note = Note(sockets)
        self._ended, self._look = threading.Event(), threading.Event()
        self._seen = time.monotonic()
        self._until = 0.0
        self._thread = threading.Thread(target=self._run, name="record-watch", daemon=True)
        self._pulse: asyncio.TimerHandle | None = None
        self.first: asyncio.Future[None] | None = None

    def start(self) -> asyncio.Future[None]:
        """Begin to look; the future is done with the first state. On the loop's thread.

        The future fails with the PilotbaseError by which the record cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        self.first = self._loop.create_future()
        self._thread.start()
        self._beat()
        return self.first

    def look_now(self) -> None:
        """Look at once and compile anew, whether or not the record has grown."""
        self._until = 0.0
        self._look.set()

    @property
    def age_s(self) -> float:
        """Seconds since the record was last looked at."""
        return time.monotonic() - self._seen

    def close(self) -> None:
        self._ended.set()
        self._look.set()
        if self._pulse is not None:
            self._pulse.cancel()
        if self._thread.is_alive():  # it may never have begun
            self._thread.join(5)

    def _beat(self) -> None:
        """The loop itself sees that the thread lives; a hanging database stops the thread only."""
        self._gate.lost = self.age_s > LOST_SECONDS
        self._pulse = self._loop.call_later(1.0, self._beat)

    def _run(self) -> None:
        record: Record | None = None
        reading: Reading | None = None
        while not self._ended.is_set():
            try:
                if record is None:
                    record = open_record(self._context, create=False)
                    reading = Reading(record, development=self._development)
                assert reading is not None
                self._once(reading)
                self._seen = time.monotonic()
            except Exception as error:  # a database that is away comes back
                self._failed(error)
                if record is not None:
                    with suppress(Exception):
                        record.close()
                    record = None
            self._look.wait(LOOK_SECONDS)
            self._look.clear()
        if record is not None:
            record.close()

    def _once(self, reading: Reading) -> None:
        grown, now = reading.grown(), time.time()
        if not grown and now < self._until and not self._note.changed():
            return
        books = reading.books()
        made = compiled(
            books,
            now,
            self._sockets,
            development=self._development,
            workers=self._note.said(),
        )
        self._until = made.until
        self._seen = time.monotonic()
        self._call(self._put, books, made)

    def _put(self, books: Books, made: Compiled) -> None:
        if self._tell is not None:
            self._tell(books, made)
        # Before anybody hears of it: whoever listens cuts the calls of a gate that is lost.
        self._gate.lost = self.age_s > LOST_SECONDS
        self._gate.put(books, made)
        if self.first is not None and not self.first.done():
            self.first.set_result(None)

    def _failed(self, error: Exception) -> None:
        self._call(self._refuse_first, error)

    def _refuse_first(self, error: Exception) -> None:
        if self.first is not None and not self.first.done() and isinstance(error, PilotbaseError):
            self.first.set_exception(error)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(function, *arguments)
