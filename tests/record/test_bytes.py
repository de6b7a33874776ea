"""Any byte of the database files: no flip goes unnoticed that changes what is kept."""

from __future__ import annotations

import random
from collections.abc import Callable

from pilotbase.kernel.errors import HomeError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import LOG, VAULT, open_record
from pilotbase.record.ports import FIRST

Make = Callable[..., Draft]


def test_any_byte_of_the_file(context: Context, make: Make) -> None:
    """A flipped byte is reported, or refused at opening, or stands where nothing is kept."""
    with open_record(context) as record:
        record.append_many([make(n, e=b"body") for n in range(40)])
        record.checkpoint()
    choose = random.Random(9162)
    found = {"refused": 0, "reported": 0, "idle": 0}
    for name in (LOG, VAULT):
        path = context.home / name
        pristine, expected = path.read_bytes(), _kept(context)
        for at in choose.sample(range(len(pristine)), 80):
            flipped = pristine[:at] + bytes([pristine[at] ^ 1 << at % 8]) + pristine[at + 1 :]
            path.write_bytes(flipped)
            try:
                found[_fate(context, expected)] += 1
            finally:
                for stale in context.home.glob(f"{name}-*"):
                    stale.unlink()
                path.write_bytes(pristine)
    assert found["refused"] + found["reported"] > 15 and found["idle"] > 15


def _fate(context: Context, expected: object) -> str:
    try:
        with open_record(context, create=False) as record:
            if not verify(record).ok:
                return "reported"
            if verify(record).findings:
                assert {f.severity for f in verify(record).findings} == {"note"}
                return "reported"
        assert _kept(context) == expected
        return "idle"
    except (RecordError, HomeError):
        return "refused"


def _kept(context: Context) -> object:
    with open_record(context, create=False) as record:
        rows = list(record.log.rows(FIRST, None))
        bodies = [record.body(entry, "e") for entry in record.entries()]
        return rows, list(record.log.all_nodes()), list(record.log.checkpoints()), bodies
