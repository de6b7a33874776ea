"""The guard of one sandboxed program: starts it, watches its group, ends it, sweeps its folder.

A process of its own between the base and the program. It is told all in one JSON argument and
imports only the standard library. Two processes stand guard: this one outside, and within (the
first of a process namespace where there is one) one that adopts orphans, so that nothing that the
program starts outlives it. What it has to say goes to a pipe that the program does not hold.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from pilotbase.trial.sandbox import kernel
from pilotbase.trial.sandbox.confine import can_filter, confine
from pilotbase.trial.sandbox.group import (
    Processor,
    below,
    disk_of,
    end_below,
    memory_of,
    process_of,
)
from pilotbase.trial.sandbox.sweeping import sweep
from pilotbase.trial.sandbox.walls import MIB, THREADS_PER_PROCESS, Limits, Walls

LOOK_SECONDS = 0.02
DISK_LOOK_SECONDS = 0.25
FILES_MAX = 4_000
_WATCHED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> None:
    """``python -c ... JSON``: see `boxed` for what it is told."""
    told = json.loads(sys.argv[1])
    report = os.fdopen(int(told["report"]), "w", encoding="ascii")
    os.set_inheritable(report.fileno(), False)
    said = guard(told) if "command" in told else possible()
    with contextlib.suppress(OSError):  # a base that is gone reads nothing
        report.write(json.dumps(said))
        report.close()
    os._exit(0)


def possible() -> dict[str, Any]:
    """What this machine lets us do, found by doing it in children."""
    ways = [*(["root"] if os.geteuid() == 0 else []), "user"]
    return {
        "namespaces": next((way for way in ways if _works(way)), ""),
        "landlock": kernel.landlock_version(),
        "filter": can_filter(),
    }


def _works(namespaces: str) -> bool:
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            enter(namespaces)
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def guard(told: Mapping[str, Any]) -> dict[str, Any]:
    """Run the program to its end: ``code`` or ``refused``, and the ``reason`` if there is one."""
    base = os.getppid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    reason = ""
    said: dict[str, Any] = {}
    try:
        size, _ = disk_of(told["walls"]["folder"], [])
        within, status_end = _start(told)
        reason = _watch(told, base, within, size)
        end_below(os.getpid())
        for line in os.read(status_end, 4096).splitlines():
            said |= json.loads(line)
    except (OSError, ValueError) as error:
        end_below(os.getpid())
        said = {"refused": str(error)}
    sweep(told["sweep"])
    return {**said, "reason": reason or _told_by(said)}


def _start(told: Mapping[str, Any]) -> tuple[int, int]:
    """Start the inner guard and the program: its number, and a pipe that says how it went."""
    limits, walls = Limits(**told["limits"]), Walls(**told["walls"])
    kernel.adopt_orphans()
    enter(told["namespaces"])
    read, write = os.pipe()
    within = os.fork()
    if within == 0:
        _guard_within(told, limits, walls, write)
    os.close(write)
    _leave_streams()
    return within, read


def _leave_streams() -> None:
    """The streams are the program's alone, so that their end is its end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)


def enter(namespaces: str) -> None:
    """Namespaces without network and with processes of their own.

    Args:
        namespaces: "root" for who may make them, "user" to make a user namespace for them, "".
    """
    kinds = kernel.NEW_NET | kernel.NEW_PID | kernel.NEW_IPC
    if namespaces == "root":
        kernel.unshare(kinds)
    elif namespaces == "user":
        user, group = os.getuid(), os.getgid()
        kernel.unshare(kinds | kernel.NEW_USER)
        for name, line in (("setgroups", "deny"), ("uid_map", user), ("gid_map", group)):
            text = line if name == "setgroups" else f"{line} {line} 1"
            with open(f"/proc/self/{name}", "w") as file:
                file.write(str(text))


def _guard_within(told: Mapping[str, Any], limits: Limits, walls: Walls, write: int) -> None:
    """Reap until the program has ended; the kernel then ends what it left in the namespace."""
    kernel.adopt_orphans()
    kernel.die_with_parent(signal.SIGKILL)
    program = os.fork()
    if program == 0:
        _become(told, limits, walls, write)
    _leave_streams()
    while True:
        number, status = os.wait()
        if number == program:
            code = os.waitstatus_to_exitcode(status)
            with contextlib.suppress(OSError):
                os.write(write, json.dumps({"code": code}).encode() + b"\n")
            os._exit(0)


def _become(told: Mapping[str, Any], limits: Limits, walls: Walls, write: int) -> None:
    try:
        confine(limits, walls)
        command = told["command"]
        os.closerange(3, write)
        os.closerange(write + 1, 4096)
        os.execve(command[0], command, told["environment"])
    except (OSError, ValueError) as error:
        os.write(write, json.dumps({"refused": str(error)}).encode() + b"\n")
    os._exit(127)


def _watch(told: Mapping[str, Any], base: int, within: int, size_before: int) -> str:
    """Look until the program has ended, has to end ("" then), or passes a limit (which)."""
    limits, folder = Limits(**told["limits"]), told["walls"]["folder"]
    processor = Processor()
    disk_next = 0.0
    while True:
        signal_ = signal.sigtimedwait(_WATCHED, LOOK_SECONDS)
        told_to = signal_ is not None and signal_.si_signo != signal.SIGCHLD
        if told_to or os.getppid() != base or _over(within):
            return ""
        processes = [found for found in map(process_of, below(within)) if found]
        passed = _passed(limits, processes, processor)
        if not passed and time.monotonic() >= disk_next:
            disk_next = time.monotonic() + DISK_LOOK_SECONDS
            size, files = disk_of(folder, processes)
            if size - size_before > limits.disk_mb * MIB:
                passed = f"more than {limits.disk_mb} MiB written (disk_mb)"
            elif files > FILES_MAX:
                passed = f"more than {FILES_MAX} files written"
        if passed:
            return passed


def _over(number: int) -> bool:
    """Whether our child has ended; it is left to be reaped with the rest."""
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return True


def _passed(limits: Limits, processes: list[Any], processor: Processor) -> str:
    """The limit that the group passes, or ""."""
    memory = limits.memory_mb * MIB
    if len(processes) > limits.processes:
        return f"more than {limits.processes} processes (processes)"
    if sum(one.threads for one in processes) > limits.processes * THREADS_PER_PROCESS:
        return f"more than {limits.processes * THREADS_PER_PROCESS} threads (processes)"
    if memory_of(processes, memory) > memory:
        return f"more than {limits.memory_mb} MiB of memory (memory_mb)"
    if processor.seconds(processes) > limits.cpu_seconds:
        return f"more than {limits.cpu_seconds} s of processor time (cpu_seconds)"
    return ""


def _told_by(said: Mapping[str, Any]) -> str:
    """A limit of the kernel's that the way it ended speaks of."""
    kinds = {-signal.SIGXCPU: "cpu_seconds", -signal.SIGXFSZ: "disk_mb"}
    limit = kinds.get(said.get("code", 0))
    return f"the limit {limit}" if limit else ""
