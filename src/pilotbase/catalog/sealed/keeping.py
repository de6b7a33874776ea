"""Keeping sealed test sets: into the vault, out of it for an official run, and counting the uses.

The vault encrypts what it keeps where the home has a key (see `pilotbase.record.encryption`).
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from pilotbase.catalog.sealed.events import Added, Exposed
from pilotbase.catalog.sealed.sets import Opener, SealedSet, Unsealed
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import VAULT, Record, open_record

BYTES_MAX = 256 * 2**20
CASES, SECRET = "cases", "secret"
KINDS = {b"PAR1": "parquet", b"PK\x03\x04": "xlsx"}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def add(
    record: Record, context: Context, file: Path, said: Added, *, encoding: str, sheet: str
) -> Entry:
    """Take a file into keeping under the name in ``said``, whose rows and columns are filled in.

    Raises:
        InputError: no such file, a bad name or budget, or a name that is taken.
        DataError: the file is no table.
    """
    if not _NAME.fullmatch(said.name) or said.exposures < 1:
        raise _unusable(
            said.name,
            Text(
                "the name takes small letters, digits and dashes, the exposures at least 1",
                "名称只能用小写字母、数字和连字符, 使用次数至少为 1",
            ),
        )
    if find(record, said.name) is not None:
        raise _unusable(
            said.name, Text("a sealed set of that name is kept already", "已有同名的封存测试集")
        )
    frame = _read(file, encoding, sheet)
    added = Added(
        said.name, said.owner, len(frame), tuple(frame.columns), said.exposures, said.names
    )
    bodies = {CASES: encode_frame(frame), SECRET: context.entropy(32)}
    draft = Draft(added, context.actor("data steward"), _about(said.name), bodies)
    entry = record.append(draft)
    vault = record.home / VAULT
    with storage_errors(vault):
        if vault.exists():  # in a store of its own, PostgreSQL has its own rights
            vault.chmod(0o600)
    return entry


def _read(file: Path, encoding: str, sheet: str) -> pd.DataFrame:
    from pilotbase.catalog.load import load_table
    from pilotbase.scenario.schema import Data

    if not file.is_file() or file.stat().st_size > BYTES_MAX:
        raise _unusable(
            str(file),
            Text(
                f"there is no such file, or it has more than {BYTES_MAX:,} bytes",
                f"没有此文件, 或超过 {BYTES_MAX:,} 字节",
            ),
        )
    with file.open("rb") as opened:
        kind = KINDS.get(opened.read(4), "csv")
    words: dict[str, Any] = {kind: file.name}
    if kind == "csv":
        words["encoding"] = encoding
    if kind == "xlsx" and sheet:
        words["sheet"] = sheet
    return load_table(Data(**words), file.resolve().parent).frame


def find(record: Record, name: str) -> Entry | None:
    """The entry with which the set of that name was added."""
    return next(record.entries(kind="sealed.added/1", about=_about(name)), None)


def listed(record: Record) -> list[tuple[Added, list[str]]]:
    """Every set in the order of adding, with the runs that it was exposed in."""
    found = []
    for entry in record.entries(kind="sealed.added/1"):
        body = entry.body
        added = Added(**{**body, "columns": tuple(body["columns"])})
        found.append((added, exposed_in(record, added.name)))
    return found


def kept_named(record: Record, name: str) -> tuple[Added, list[str]]:
    """One of `listed`. Raises InputError: ``sealed.unknown``."""
    found = next((kept for kept in listed(record) if kept[0].name == name), None)
    if found is None:
        raise _unknown(record, name)
    return found


def opener(context: Context) -> Opener:
    """How an official run reads sealed sets of the context's home."""

    def opened(name: str) -> Unsealed:
        with open_record(context, create=False) as record:
            entry = find(record, name)
            if entry is None:
                raise _unknown(record, name)
            body = entry.body
            secret = record.body(entry, SECRET)
            kept = SealedSet(name, body["owner"], body["exposures"], body["names"], secret)
            return Unsealed(decode_frame(record.body(entry, CASES)), kept)

    return opened


def expose(record: Record, context: Context, name: str, run: str) -> int:
    """Record that a run exposes a set; its number among all exposures, from 1.

    A run that was interrupted and goes on is the same exposure.
    """
    draft = Draft(
        Exposed(name, run), context.actor("evaluator"), _about(name), key=f"sealed:{name}:{run}"
    )
    record.append(draft)
    return exposed_in(record, name).index(run) + 1


def exposed_in(record: Record, name: str) -> list[str]:
    """The runs that a set was exposed in, first to last."""
    entries = record.entries(kind="sealed.exposed/1", about=_about(name))
    return [str(entry.body["run"]) for entry in entries]


def encode_frame(frame: pd.DataFrame) -> bytes:
    """A frame in plain types as compressed JSON; the same bytes for the same frame."""
    columns = [
        {"name": str(name), "type": _type(frame[name]), "cells": _cells(frame[name])}
        for name in frame.columns
    ]
    text = json.dumps({"format": "pilotbase/sealed/1", "columns": columns}, allow_nan=False)
    return gzip.compress(text.encode(), mtime=0)


def decode_frame(data: bytes) -> pd.DataFrame:
    """Inverse of `encode_frame`."""
    said = json.loads(gzip.decompress(data))
    kinds = {"i": "int64", "f": "float64", "b": "bool"}
    columns = {
        column["name"]: (
            pd.Series(column["cells"], dtype=kinds[column["type"]])
            if column["type"] in kinds
            else pd.Series(column["cells"], dtype=object)
        )
        for column in said["columns"]
    }
    names = pd.Index([column["name"] for column in said["columns"]], dtype=object)
    return pd.DataFrame(columns, columns=names)


def _type(values: pd.Series[Any]) -> str:
    return values.dtype.kind if values.dtype.kind in "ifb" else "o"


def _cells(values: pd.Series[Any]) -> list[Any]:
    if values.dtype.kind != "f":
        return list(values)
    # JSON has no infinity; a text that float() reads keeps it.
    return [None if v != v else v if abs(v) != float("inf") else str(v) for v in values.tolist()]


def _about(name: str) -> str:
    return f"sealed:{name}"


def _unusable(where: str, message: Text) -> InputError:
    return InputError(
        "sealed.unusable",
        message,
        where=where,
        next_step=Text(
            "`pilotbase sealed list` shows what is kept.", "`pilotbase sealed list` 可列出已有的。"
        ),
    )


def _unknown(record: Record, name: str) -> InputError:
    names = ", ".join(added.name for added, _ in listed(record)) or "-"
    return InputError(
        "sealed.unknown",
        Text(f"no sealed set is called {name!r}", f"没有名为 {name!r} 的封存测试集"),
        where="data.sealed",
        next_step=Text(f"Kept here: {names}.", f"此处已有: {names}。"),
    )
