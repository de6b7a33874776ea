"""What a sandboxed program is held to, as plain data. Works on every platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1 << 20
THREADS_PER_PROCESS = 16
LANDLOCK_MIN = 3  # the first that refuses to truncate files that may only be read
OWN_SIGNALS_FROM = 6  # the first that refuses signals to processes outside


@dataclass(frozen=True)
class Limits:
    """What a program may use, its whole group of processes together; memory and disk in MiB."""

    memory_mb: int
    cpu_seconds: int
    processes: int
    disk_mb: int


@dataclass(frozen=True)
class Walls:
    """What stands between the program and the rest of this machine.

    Attributes:
        readable: paths beyond the system's that it may read and run, with all beneath.
        listed: folders whose names it may list, and no more.
        user: the user it becomes; None to stay the same one.
        own_processes: it is in a process namespace of its own.
        landlock: version of Landlock; 0 where there is none.
    """

    folder: str
    readable: Sequence[str]
    listed: Sequence[str]
    user: int | None
    own_processes: bool
    landlock: int
