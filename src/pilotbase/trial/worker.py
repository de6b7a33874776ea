"""The child side of a worker: takes jobs from its standard input until that is closed.

A job is ``(function, arguments)``; both sides are this package, so messages are pickles behind an
8-byte length. Candidates' code runs in here, so that its crash or hang costs one job and not the
base. That is protection against accidents, not against malice: a candidate in Python is code that
its user chose to install or to trust.
"""

from __future__ import annotations

import os
import pickle
import struct
import threading
import time
from typing import IO, Any

READY = b"pilotbase worker 1"
FRAME_BYTES_MAX = 1 << 32
_LENGTH = struct.Struct(">Q")
_PARENT_POLL_SECONDS = 2.0


def serve() -> None:
    """Answer jobs, one after the other."""
    jobs, replies = _own_streams()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    write_frame(replies, READY)
    while (job := read_frame(jobs)) is not None:
        write_frame(replies, _answer(job))


def _answer(job: bytes) -> bytes:
    """Pickled ``("done", value)``, ``("refused", error's parts)`` or ``("broken", reason)``."""
    from pilotbase.kernel.errors import PilotbaseError
    from pilotbase.trial.candidates.answer import reason_of

    try:
        function, arguments = pickle.loads(job)
        reply: tuple[str, Any] = ("done", function(*arguments))
        return pickle.dumps(reply, pickle.HIGHEST_PROTOCOL)
    except PilotbaseError as error:
        parts = (type(error), error.code, error.message, error.where, error.next_step)
        return pickle.dumps(("refused", parts), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # jobs catch what candidates raise; this is our own fault
        return pickle.dumps(("broken", reason_of(error)), pickle.HIGHEST_PROTOCOL)


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next message, or None when the other side is gone or talks nonsense."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > FRAME_BYTES_MAX:
        return None  # no message of ours: whoever wrote it is not to be trusted with more
    body = stream.read(length)
    return body if len(body) == length else None


def write_frame(stream: IO[bytes], body: bytes) -> None:
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def _own_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Keep the message streams to ourselves: what a candidate prints goes nowhere."""
    jobs, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return jobs, replies


def _end_with_parent(parent: int) -> None:
    """A killed base closes our input, but a candidate that hangs would never look at it."""
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_SECONDS)
    os._exit(1)
