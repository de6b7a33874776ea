"""The rows of a catalog's data set: they stay with their owner, who hands in the file each time."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pilotbase.catalog.adding import hash_file
from pilotbase.catalog.load import Table, load_table
from pilotbase.catalog.parties.registry import unknown
from pilotbase.catalog.reading import assets_of
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.scenario.schema import Data

ENDINGS = {".csv": "csv", ".xlsx": "xlsx", ".parquet": "parquet"}


def data_set(record: Record, id_: str) -> Mapping[str, Any]:
    """What the catalog has of a data set. Raises InputError: it has none of that id."""
    found = {k: said for k, said in assets_of(record).items() if said["what"] == "dataset"}
    if id_ not in found:
        raise unknown(Text("data set", "数据集"), id_, found)
    said: Mapping[str, Any] = found[id_]
    return said


def rows_of(file: Path, said: Mapping[str, Any]) -> Table:
    """The rows in a file that is the data set of that card, by its hash or its content's.

    Raises:
        InputError: of another kind, or another content than the catalog's. DataError: unreadable.
    """
    kind = ENDINGS.get(file.suffix.lower())
    if kind is None:
        known = ", ".join(ENDINGS)
        raise InputError(
            "data.kind",
            Text(f"{file.name} is of no kind that is read", f"无法读取此类文件: {file.name}"),
            where=str(file),
            next_step=Text(f"Hand in one of: {known}.", f"请提供: {known}。"),
        )
    data = Data.model_validate({kind: file.name})
    table = load_table(data, file.absolute().parent, marked=True)
    expected = said["card"].get("digest", "")
    if expected not in (hash_file(file), table.loaded_digest):
        raise InputError(
            "data.other_content",
            Text(
                f"{file.name} is not version {said['number']} of the data set",
                f"{file.name} 不是该数据集的第 {said['number']} 版",
            ),
            where=str(file),
            next_step=Text(
                f"Its hash is to be {expected or '(none stated)'}; `pilotbase catalog add` takes "
                "in a new version.",
                f"其哈希应为 {expected or '(未注明)'}; 新版本请先用 `pilotbase catalog add` 录入。",
            ),
        )
    return table


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A frame in plain types as CSV (RFC 4180, UTF-8): the same rows give the same bytes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(frame.columns)
    columns = [frame[name].tolist() for name in frame.columns]
    writer.writerows([_cell(value) for value in row] for row in zip(*columns, strict=True))
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
