"""A sandboxed program as the base sees it: what it gets, whether that can hold, how it ends."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pilotbase.trial.sandbox.copies import copy_into
from pilotbase.trial.sandbox.sweeping import sweep
from pilotbase.trial.sandbox.walls import LANDLOCK_MIN, Limits, Walls

_PROGRAM = "from pilotbase.trial.sandbox.launch import main; main()"
_ROOT = Path(__file__).parents[3]
PROBE_SECONDS_MAX = 30.0
END_SECONDS_MAX = 10.0
# What a program may know of the base's environment: where programs are and how to write.
ALLOWED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
_FIRST_USER = 1_879_048_192  # far above any that a machine assigns
_numbers = itertools.count()


@dataclass(frozen=True)
class Possible:
    """What this machine lets a process give up.

    Attributes:
        namespaces: "root" or "user", by what right they are made; "" where they are not.
        landlock: version of Landlock; 0 where there is none.
        filter: whether calls can be refused (seccomp).
    """

    namespaces: str = ""
    landlock: int = 0
    filter: bool = False


@cache
def possible() -> Possible:
    """Found once by trying it in a process of its own."""
    if not sys.platform.startswith("linux"):
        return Possible()
    read, write = os.pipe()
    with subprocess.Popen(_guard(write, {}), **_quiet(write)) as process:
        os.close(write)
        try:
            process.wait(PROBE_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
    said = _all_of(read)
    return Possible(**said) if said else Possible()


@dataclass(frozen=True)
class Box:
    """What a program gets, and what holds it.

    Attributes:
        copies: files and folders it gets, and under which relative name.
        readable: paths beyond the system's that it may read and run.
        listed: folders whose names it may list.
        user: whether it can become a user of its own.
    """

    limits: Limits
    can: Possible
    copies: tuple[tuple[Path, str], ...] = ()
    readable: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    user: bool = False

    @property
    def enforced(self) -> dict[str, str]:
        """What holds on this machine and by what means; "" for what does not."""
        can = self.can
        # A user of its own could still read what is open to all, such as the cases' answers.
        landlock = can.landlock >= LANDLOCK_MIN
        files = [("landlock", landlock), ("own user", landlock and self.user)]
        network = [("seccomp", can.filter), ("namespace", can.filter and bool(can.namespaces))]
        watch = "watch, limit of each process"
        return {
            "network": _joined(network),
            "files": _joined(files),
            "other processes": "namespace" if can.namespaces else "refused calls",
            "end of all it started": "namespace" if can.namespaces else "watch",
            "user": "own user" if self.user else "no capabilities",
            "memory": watch,
            "processor time": watch,
            "processes": "watch, limit of its user" if self.user else "watch",
            "disk": watch,
        }

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to hold before a program may run without trust, and does not."""
        return tuple(name for name in ("network", "files") if not self.enforced[name])


class Boxed:
    """One sandboxed program that runs, behind its guard (`pilotbase.trial.sandbox.launch`).

    Raises:
        OSError: the guard cannot be started, or the copies not be made.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], box: Box) -> None:
        self.folder = tempfile.mkdtemp(prefix="pilotbase-")
        try:
            self.process, self._report = self._started(command, environment, box)
        except BaseException:
            sweep(self.folder)
            raise
        self._said: dict[str, Any] | None = None
        self._ending = threading.Lock()  # the base may stop it while a question is under way

    def _started(
        self, command: Sequence[str], environment: Mapping[str, str], box: Box
    ) -> tuple[subprocess.Popen[bytes], int]:
        work = os.path.join(self.folder, "work")
        os.mkdir(work, 0o700)
        copy_into(work, box.copies)
        user = _FIRST_USER + os.getpid() % 65_536 * 256 + next(_numbers) % 256 if box.user else None
        if user is not None:
            _give(self.folder, user)
        can = box.can
        landlock = can.landlock if can.landlock >= LANDLOCK_MIN else 0
        walls = Walls(work, box.readable, box.listed, user, bool(can.namespaces), landlock)
        told = {
            "command": list(command),
            "environment": _own(environment, work),
            "limits": asdict(box.limits),
            "walls": asdict(walls),
            "namespaces": can.namespaces,
            "sweep": self.folder,
        }
        read, write = os.pipe()
        try:
            process = subprocess.Popen(
                _guard(write, told),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                **_common(write),
            )
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        return process, read

    def kill(self) -> None:
        """Tell the guard to end the program and all that it started. Returns at once."""
        with contextlib.suppress(OSError):
            self.process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """`kill`, then wait until nothing of it is left."""
        with self._ending:
            if self._said is not None:
                return
            self.kill()
            try:
                self.process.wait(END_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(OSError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                sweep(self.folder)
            self._said = _all_of(self._report)

    def ending(self) -> str:
        """Why it is over, in words that are the same in every run. Ends it, if it is not."""
        self.end()
        said = self._said or {}
        if said.get("reason"):
            return f"sandbox: {said['reason']}"
        if "refused" in said:
            return f"sandbox: it cannot be started: {said['refused']}"
        code = said.get("code")
        if code is None:
            return "no exit code"
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def explained(reason: str) -> str:
    """A program's own words about what it was refused, with the rule that refused it.

    >>> explained("PermissionError: [Errno 1] Operation not permitted")
    'PermissionError: [Errno 1] Operation not permitted (sandbox: no network, no such call)'
    """
    for mark, rule in _RULES.items():
        if mark in reason:
            return f"{reason} (sandbox: {rule})"
    return reason


_RULES = {
    "Operation not permitted": "no network, no such call",
    "Permission denied": "own files only",
    "MemoryError": "memory_mb",
    "bad_alloc": "memory_mb",
    "Cannot allocate memory": "memory_mb",
    "Unable to allocate": "memory_mb",
    "File too large": "disk_mb",
    "Resource temporarily unavailable": "processes",
    "can't start new thread": "processes",
    "Too many open files": "open files",
}


def open_to_all(path: str) -> bool:
    """Whether any user of this machine may reach and read a path."""
    real = Path(path).resolve()
    needed = 0o5 if real.is_dir() else 0o4
    return real.exists() and all(
        place.stat().st_mode & bits == bits
        for place, bits in ((real, needed), *((parent, 0o1) for parent in real.parents))
    )


def users_are_ours() -> bool:
    """Whether a program can become another user: we are root, and all users are there."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return False
    last = _FIRST_USER + (1 << 24)
    with open("/proc/self/uid_map") as file:
        spans = [tuple(map(int, line.split())) for line in file]
    return any(inside <= _FIRST_USER and last < inside + count for inside, _, count in spans)


def _joined(means: Sequence[tuple[str, bool]]) -> str:
    return ", ".join(name for name, holds in means if holds)


def _guard(report: int, told: Mapping[str, Any]) -> list[str]:
    text = json.dumps({**told, "report": report})
    return [sys.executable, "-S", "-P", "-c", _PROGRAM, text]


def _common(report: int) -> dict[str, Any]:
    # The guard needs this package and nothing else; it holds no secret that it could lose.
    environment = {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return {"pass_fds": (report,), "env": environment, "start_new_session": True}


def _quiet(report: int) -> dict[str, Any]:
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    return {**_common(report), **streams}


def _all_of(report: int) -> dict[str, Any]:
    """What the guard reported; empty when it could not."""
    with os.fdopen(report, "rb") as file:
        text = file.read()
    return json.loads(text) if text else {}


def _own(environment: Mapping[str, str], work: str) -> dict[str, str]:
    """The program's environment with its own folder as home, for temporary files and imports."""
    made = {**environment, "HOME": work, "TMPDIR": work, "PYTHONDONTWRITEBYTECODE": "1"}
    if "PYTHONPATH" in made:
        made["PYTHONPATH"] = os.pathsep.join([made["PYTHONPATH"], work])
    return made


def _give(folder: str, user: int) -> None:
    for where, _, names in os.walk(folder):
        for name in (".", *names):
            os.chown(os.path.join(where, name), user, user, follow_symlinks=False)
