"""The seccomp filter: which calls a sandboxed program may not make, as a BPF program.

Everything is allowed but what is named here, because providers' programs are written in any
language. Refused are new sockets, and what reaches other processes, the machine's settings or
memory that nobody counts. The numbers are those of Linux (arch/x86/entry/syscalls/syscall_64.tbl,
include/uapi/asm-generic/unistd.h); the machine of the filter is that of BPF (seccomp(2)).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_X32 = 0x40000000
_UNIX, _STREAM, _SEQUENCED = 1, 1, 5

# From 424 on all architectures share their numbers.
_SHARED = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "clone3": 435, "pidfd_getfd": 438, "mount_setattr": 442, "quotactl_fd": 443,
    "memfd_secret": 447, "open_tree_attr": 467,
}  # fmt: skip
_SHARED_METADATA = {"fchmodat2": 452, "setxattrat": 463, "removexattrat": 466}
_SHARED_SIGNALS = {"pidfd_send_signal": 424}


@dataclass(frozen=True)
class Table:
    """Numbers of one architecture.

    Attributes:
        audit: its AUDIT_ARCH word.
        refused: never allowed.
        metadata: change owner, rights, times or attributes of files; Landlock does not see them.
        signals: reach other processes of the same user.
    """

    audit: int
    refused: Mapping[str, int]
    metadata: Mapping[str, int]
    signals: Mapping[str, int]
    clone: int
    socketpair: int
    prlimit: int


_X86_64 = Table(
    audit=0xC000003E,
    refused={
        **_SHARED,
        "shmget": 29, "socket": 41, "connect": 42, "bind": 49, "listen": 50, "semget": 64,
        "msgget": 68, "ptrace": 101, "syslog": 103, "uselib": 134, "modify_ldt": 154,
        "pivot_root": 155, "adjtimex": 159, "chroot": 161, "acct": 163, "settimeofday": 164,
        "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169,
        "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "init_module": 175,
        "delete_module": 176, "quotactl": 179, "lookup_dcookie": 212, "clock_settime": 227,
        "mq_open": 240, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
        "migrate_pages": 256, "unshare": 272, "move_pages": 279, "perf_event_open": 298,
        "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304,
        "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311,
        "kcmp": 312, "finit_module": 313, "memfd_create": 319, "kexec_file_load": 320, "bpf": 321,
        "userfaultfd": 323,
    },
    metadata={
        **_SHARED_METADATA,
        "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "utime": 132,
        "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197,
        "lremovexattr": 198, "fremovexattr": 199, "utimes": 235, "fchownat": 260,
        "futimesat": 261, "fchmodat": 268, "utimensat": 280,
    },
    signals={
        **_SHARED_SIGNALS,
        "kill": 62, "rt_sigqueueinfo": 129, "tkill": 200, "tgkill": 234, "rt_tgsigqueueinfo": 297,
    },
    clone=56,
    socketpair=53,
    prlimit=302,
)  # fmt: skip
_AARCH64 = Table(
    audit=0xC00000B7,
    refused={
        **_SHARED,
        "lookup_dcookie": 18, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51,
        "quotactl": 60, "acct": 89, "unshare": 97, "kexec_load": 104, "init_module": 105,
        "delete_module": 106, "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142,
        "sethostname": 161, "setdomainname": 162, "settimeofday": 170, "adjtimex": 171,
        "mq_open": 180, "msgget": 186, "semget": 190, "shmget": 194, "socket": 198, "bind": 200,
        "listen": 201, "connect": 203, "add_key": 217, "request_key": 218, "keyctl": 219,
        "swapon": 224, "swapoff": 225, "migrate_pages": 238, "move_pages": 239,
        "perf_event_open": 241, "fanotify_init": 262, "name_to_handle_at": 264,
        "open_by_handle_at": 265, "clock_adjtime": 266, "setns": 268, "process_vm_readv": 270,
        "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "memfd_create": 279,
        "bpf": 280, "userfaultfd": 282, "kexec_file_load": 294,
    },
    metadata={
        **_SHARED_METADATA,
        "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15,
        "fremovexattr": 16, "fchmod": 52, "fchmodat": 53, "fchownat": 54, "fchown": 55,
        "utimensat": 88,
    },
    signals={
        **_SHARED_SIGNALS,
        "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138,
        "rt_tgsigqueueinfo": 240,
    },
    clone=220,
    socketpair=199,
    prlimit=261,
)  # fmt: skip
TABLES: Mapping[str, Table] = {"x86_64": _X86_64, "aarch64": _AARCH64, "arm64": _AARCH64}

Instruction = tuple[int, int, int, int]


def filter_of(machine: str, *, own_user: bool, own_processes: bool) -> bytes:
    """The filter as an array of ``struct sock_filter``.

    Args:
        machine: as `platform.machine` says, one of `TABLES`.
        own_user: it runs as a user who owns nothing else, so the rights of its files are its own.
        own_processes: it sees and reaches no process but its own.
    """
    table = TABLES[machine]
    program = list(_instructions(table, own_user=own_user, own_processes=own_processes))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def _instructions(table: Table, *, own_user: bool, own_processes: bool) -> Iterator[Instruction]:
    denied = _ERROR | errno.EPERM
    # Another architecture's numbers mean other calls.
    yield from ((_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, table.audit), (_RETURN, 0, 0, denied))
    yield (_LOAD, 0, 0, _NUMBER)
    if table is _X86_64:
        yield from ((_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, denied))
    refused = dict(table.refused)
    if not own_user:
        refused |= table.metadata
    if not own_processes:
        refused |= table.signals
    for name, number in refused.items():
        # The C library falls back to clone, whose flags a filter can read.
        word = _ERROR | errno.ENOSYS if name == "clone3" else denied
        yield from ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, word))
    yield from _no_namespaces(table.clone, denied)
    yield from _only_own_limits(table.prlimit, denied)
    yield from _only_connected_pairs(table.socketpair, denied)
    yield (_RETURN, 0, 0, _ALLOW)


def _no_namespaces(clone: int, denied: int) -> Iterator[Instruction]:
    yield from ((_EQUAL, 0, 4, clone), (_LOAD, 0, 0, _argument(0)))
    yield from ((_ANY_BIT, 0, 1, _NAMESPACES), (_RETURN, 0, 0, denied), (_RETURN, 0, 0, _ALLOW))


def _only_own_limits(prlimit: int, denied: int) -> Iterator[Instruction]:
    yield from ((_EQUAL, 0, 4, prlimit), (_LOAD, 0, 0, _argument(0)))
    yield from ((_EQUAL, 1, 0, 0), (_RETURN, 0, 0, denied), (_RETURN, 0, 0, _ALLOW))


def _only_connected_pairs(socketpair: int, denied: int) -> Iterator[Instruction]:
    """Event loops wake themselves through a pair. One of datagrams could address others."""
    yield from ((_EQUAL, 0, 7, socketpair), (_LOAD, 0, 0, _argument(0)), (_EQUAL, 0, 4, _UNIX))
    yield from ((_LOAD, 0, 0, _argument(1)), (_AND, 0, 0, 0xF))
    yield from ((_EQUAL, 2, 0, _STREAM), (_EQUAL, 1, 0, _SEQUENCED), (_RETURN, 0, 0, denied))


def _argument(number: int) -> int:
    """Offset of an argument's low word; both architectures are little-endian."""
    return _ARGUMENTS + 8 * number
