"""What a process gives up, once and for all, before it becomes a sandboxed program."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import signal
from collections.abc import Iterator

from pilotbase.trial.sandbox import kernel
from pilotbase.trial.sandbox.calls import TABLES, filter_of
from pilotbase.trial.sandbox.walls import (
    MIB,
    OWN_SIGNALS_FROM,
    THREADS_PER_PROCESS,
    Limits,
    Walls,
)

DESCRIPTORS_MAX = 256

# What programs in any language need of the system, and nothing that is somebody's.
SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.conf",
    "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime", "/etc/timezone",
    "/etc/locale.alias", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/mime.types",
    "/etc/fonts",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/filesystems", "/sys/devices/system/cpu",
    "/nix/store",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_READ = kernel.EXECUTE | kernel.READ_FILE | kernel.READ_DIR
_WRITE = (
    kernel.WRITE_FILE | kernel.TRUNCATE | kernel.REMOVE_DIR | kernel.REMOVE_FILE | kernel.MAKE_DIR
    | kernel.MAKE_REG | kernel.MAKE_FIFO | kernel.MAKE_SYM | kernel.REFER
)  # fmt: skip


def confine(limits: Limits, walls: Walls) -> None:
    """Give it all up. Raises OSError when something that can be had does not hold."""
    os.setsid()
    os.chdir(walls.folder)
    os.umask(0o077)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # The kernel's own remedy against too little memory shall fall on this program first.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    rules = kernel.landlock_rules(walls.landlock, _rules(walls)) if walls.landlock else None
    _limit(limits, own_user=walls.user is not None)
    if walls.user is not None:
        os.setgroups([])
        os.setresgid(walls.user, walls.user, walls.user)
        os.setresuid(walls.user, walls.user, walls.user)
    kernel.drop_capabilities()
    kernel.die_with_parent(signal.SIGKILL)
    kernel.no_new_privileges()
    if rules is not None:
        kernel.landlock_restrict(rules)
    program = filter_of(
        platform.machine(),
        own_user=walls.user is not None,
        own_processes=walls.own_processes or walls.landlock >= OWN_SIGNALS_FROM,
    )
    kernel.install_filter(program)


def can_filter() -> bool:
    return platform.machine() in TABLES and os.path.exists("/proc/sys/kernel/seccomp")


def _rules(walls: Walls) -> Iterator[tuple[str, int]]:
    for path in (*SYSTEM, *walls.readable):
        yield path, _READ
    for path in walls.listed:
        yield path, kernel.READ_DIR
    for path in DEVICES:
        yield path, kernel.READ_FILE | kernel.WRITE_FILE
    yield walls.folder, _READ | _WRITE


def _limit(limits: Limits, *, own_user: bool) -> None:
    """The kernel's limits hold for each process; the group is watched from outside.

    Memory and disk get some more here than there, so that it is the watch, which can say why, that
    ends a program which grows; these stop the one that grows faster than the watch looks.
    """
    memory = 2 * limits.memory_mb * MIB
    disk = (limits.disk_mb + 1) * MIB
    pairs = [
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, limits.cpu_seconds + 1),
        (resource.RLIMIT_FSIZE, disk),
        (resource.RLIMIT_NOFILE, DESCRIPTORS_MAX),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ]
    if own_user:  # the kernel counts by user; others' processes are not this program's fault
        pairs.append((resource.RLIMIT_NPROC, limits.processes * THREADS_PER_PROCESS))
    for which, most in pairs:
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))
