"""Calls to the Linux kernel that Python's library does not wrap. Nothing here knows a sandbox."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable

_PDEATHSIG, _NO_NEW_PRIVILEGES, _SECCOMP, _BOUNDING_DROP = 1, 38, 22, 24
_SECUREBITS, _SUBREAPER, _FILTER_MODE = 28, 36, 2
_NO_ROOT_EVER = 0x2F  # user 0 gets no capabilities, locked (capabilities(7))
_CAPABILITY_VERSION_3 = 0x20080522
NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x08000000, 0x10000000, 0x20000000, 0x40000000

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
(EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR, MAKE_REG,
 MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV) = (
    1 << bit for bit in range(16)
)  # fmt: skip
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
_BITS_BY_ABI = (0, 13, 14, 15, 15, 16)  # how many of the rights each version knows


class Refused(OSError):
    """The kernel did not do what was asked."""


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise Refused(number, f"{what}: {os.strerror(number)}")
    return result


def _prctl(option: int, value: int, third: int = 0) -> None:
    words = (ctypes.c_ulong(value), ctypes.c_ulong(third), ctypes.c_ulong(0), ctypes.c_ulong(0))
    _checked(_libc().prctl(option, *words), f"prctl {option}")


def die_with_parent(signal: int) -> None:
    _prctl(_PDEATHSIG, signal)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    _prctl(_SUBREAPER, 1)


def no_new_privileges() -> None:
    _prctl(_NO_NEW_PRIVILEGES, 1)


def install_filter(program: bytes) -> None:
    """Hand a seccomp filter to the kernel; it holds for all that this process will ever start."""
    instructions = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    holder = ctypes.create_string_buffer(head, len(head))
    _prctl(_SECCOMP, _FILTER_MODE, ctypes.addressof(holder))


def unshare(flags: int) -> None:
    _checked(_libc().unshare(flags), "unshare")


def drop_capabilities() -> None:
    """Give up every capability, now and over exec. Quiet where there are none to give up."""
    for number in range(64):
        try:
            _prctl(_BOUNDING_DROP, number)
        except Refused:
            break
    # Refused without CAP_SETPCAP; no_new_privileges keeps exec from adding any.
    with contextlib.suppress(Refused):
        _prctl(_SECUREBITS, _NO_ROOT_EVER)
    head = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _checked(_libc().capset(head, bytes(24)), "capset")


def landlock_version() -> int:
    """The version of Landlock's interface; 0 where the kernel has none."""
    version = int(_libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(1)))
    return max(version, 0)


def landlock_rules(version: int, rules: Iterable[tuple[str, int]]) -> int:
    """A ruleset that allows only what the rules say; returns its descriptor.

    Args:
        rules: a path and the rights on it and all beneath; paths that are missing allow nothing.

    From version 4 on TCP is refused too, and from 6 on abstract sockets and signals to others.
    """
    known = (1 << _BITS_BY_ABI[min(version, len(_BITS_BY_ABI) - 1)]) - 1
    words = [known, *([3] if version >= 4 else []), *([3] if version >= 6 else [])]
    head = struct.pack(f"{len(words)}Q", *words)
    create = _libc().syscall(_CREATE_RULESET, head, ctypes.c_size_t(len(head)), ctypes.c_uint(0))
    ruleset = _checked(create, "landlock_create_ruleset")
    for path, rights in rules:
        _allow(ruleset, path, rights & known)
    return ruleset


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        added = _libc().syscall(_ADD_RULE, ruleset, ctypes.c_int(1), rule, ctypes.c_uint(0))
        _checked(added, f"landlock_add_rule {path}")
    finally:
        os.close(place)


def landlock_restrict(ruleset: int) -> None:
    """Hold this process and all that it starts to the ruleset."""
    _checked(_libc().syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint(0)), "landlock_restrict_self")
    os.close(ruleset)
