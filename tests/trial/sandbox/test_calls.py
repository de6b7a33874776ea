"""The filter of calls: its numbers are Linux's, and every instruction lands where it should."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from pilotbase.trial.sandbox.calls import TABLES, filter_of

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
ALLOWED, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026


def run(program: bytes, audit: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What the filter says of a call: a small machine for the instructions of classic BPF."""
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("IIQ6Q", number, audit, 0, *padded)
    code = list(struct.iter_unpack("HBBI", program))
    at = word = 0
    while True:
        kind, yes, no, value = code[at]
        at += 1
        if kind == 0x20:
            (word,) = struct.unpack_from("I", data, value)
        elif kind == 0x54:
            word &= value
        elif kind == 0x06:
            return int(value)
        else:
            holds = {0x15: word == value, 0x35: word >= value, 0x45: bool(word & value)}[kind]
            at += yes if holds else no


@pytest.mark.parametrize("machine", HEADERS)
def test_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("no kernel headers here")
    text = HEADERS[machine].read_text()
    pairs = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)
    known = {name: int(number) for name, number in pairs}
    table = TABLES[machine]
    named: Mapping[str, int] = {
        **table.refused, **table.metadata, **table.signals,
        "clone": table.clone, "socketpair": table.socketpair, "prlimit64": table.prlimit,
    }  # fmt: skip
    missing = {name for name in named if name not in known}
    assert len(missing) <= 6, missing  # what is newer than the headers
    assert {name: known[name] for name in named if name in known} == {
        name: number for name, number in named.items() if name in known
    }


@pytest.mark.parametrize("machine", HEADERS)
@pytest.mark.parametrize("own", [True, False])
def test_each_refused_call_is_refused_and_others_are_not(machine: str, own: bool) -> None:
    table = TABLES[machine]
    program = filter_of(machine, own_user=own, own_processes=own)
    assert len(program) // 8 < 4096  # BPF_MAXINSNS
    refused = set(table.refused.values())
    refused |= set() if own else {*table.metadata.values(), *table.signals.values()}
    special = {table.clone, table.socketpair, table.prlimit}
    for number in range(500):
        said = run(program, table.audit, number)
        if number == 435:
            assert said == ENOSYS
        elif number in refused:
            assert said == EPERM
        elif number not in special:
            assert said == ALLOWED, number


@pytest.mark.parametrize("machine", HEADERS)
def test_calls_that_are_refused_by_their_arguments(machine: str) -> None:
    table = TABLES[machine]
    program = filter_of(machine, own_user=True, own_processes=True)

    def said(number: int, *arguments: int) -> int:
        return run(program, table.audit, number, arguments)

    assert said(table.clone, 0x1200011) == ALLOWED  # fork
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert said(table.clone, flag | 17) == EPERM
    assert said(table.prlimit, 0) == ALLOWED and said(table.prlimit, 4711) == EPERM
    close_on_exec = 0o2000000
    assert said(table.socketpair, 1, 1 | close_on_exec) == ALLOWED
    assert said(table.socketpair, 1, 5) == ALLOWED
    assert said(table.socketpair, 1, 2) == said(table.socketpair, 2, 1) == EPERM


def test_numbers_of_another_architecture_are_refused() -> None:
    program = filter_of("x86_64", own_user=True, own_processes=True)
    assert run(program, TABLES["aarch64"].audit, 63) == EPERM
    assert run(program, 0x40000003, 3) == EPERM  # i386 by int 0x80
    assert run(program, TABLES["x86_64"].audit, 0x40000000 | 1) == EPERM  # x32
