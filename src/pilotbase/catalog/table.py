"""A table in plain types, and the digest that names its content on every platform.

Whatever the source, a column of a `Table` is one of five types:

===========  ==========================  ==========================================
type         pandas dtype                missing
===========  ==========================  ==========================================
``int``      int64                       never (an integer column with gaps is ``float``)
``float``    float64                     NaN
``bool``     bool                        never
``bool?``    object of bool and None     None
``text``     object of str and None      None; dates and times are ISO 8601 text
===========  ==========================  ==========================================
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilotbase.catalog.sealed.sets import SealedSet
from pilotbase.kernel.canonical import encode
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import ROWS_MAX

COLUMNS_MAX = 5_000
CELLS_MAX = 50_000_000
CELL_CHARACTERS_MAX = 32_767  # Excel's own limit; a longer cell is a broken file or a document
NAME_CHARACTERS_MAX = 200
MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none"})
FORMAT = "pilotbase/table/1"


@dataclass(frozen=True, eq=False)
class Table:
    """Data as everyone gets them.

    Attributes:
        frame: the rows after `prepare`, in plain types, index 0 … rows-1.
        source: where the data come from, for a reader.
        digest: sha256 of the content of ``frame``; see `content_digest`.
        loaded_digest: the same before `prepare`; equal to ``digest`` where nothing is prepared.
        raw_digest: sha256 of the file's bytes (of all files' for a query); None for a loader.
        about: what the data are, where the loader says so.
        licence: on which terms they may be used, where the loader says so.
        sealed: the sealed test set that the rows are; None where they are open.
        reported_by: the tool that reports scores in it; None where it is plain data.
        synthetic: how many of the ``loaded_rows`` rows before `prepare` are marked as synthetic.
    """

    frame: pd.DataFrame
    source: Text
    digest: str
    loaded_digest: str
    raw_digest: str | None = None
    about: Text | None = None
    licence: Text | None = None
    sealed: SealedSet | None = None
    reported_by: Text | None = None
    synthetic: int = 0
    loaded_rows: int = 0

    @property
    def rows(self) -> int:
        return len(self.frame)


def content_digest(frame: pd.DataFrame) -> str:
    """``sha256:<hex>`` of names, types and values of a frame in plain types.

    A canonical JSON header (RFC 8785) is followed by the columns: integers and floats as 8 bytes
    little-endian (IEEE 754; one NaN, one zero), truth values as one byte, text as the lengths of
    its UTF-8 cells (-1 where missing) and then the cells.
    """
    columns = [(str(name), _type_of(frame[name]), frame[name]) for name in frame.columns]
    header = encode(
        {
            "format": FORMAT,
            "rows": len(frame),
            "columns": [{"name": name, "type": kind} for name, kind, _ in columns],
        }
    )
    hasher = hashlib.sha256(len(header).to_bytes(8, "little") + header)
    for _, kind, values in columns:
        hasher.update(_column_bytes(kind, values))
    return "sha256:" + hasher.hexdigest()


def _type_of(values: pd.Series[Any]) -> str:
    kinds = {"i": "int", "f": "float", "b": "bool"}
    if values.dtype.kind in kinds:
        return kinds[values.dtype.kind]
    return "bool?" if any(isinstance(value, bool) for value in values) else "text"


def _column_bytes(kind: str, values: pd.Series[Any]) -> bytes:
    if kind == "int":
        return bytes(values.to_numpy("<i8").tobytes())
    if kind == "float":
        numbers = values.to_numpy("<f8") + 0.0  # turns -0.0 into 0.0
        return np.where(np.isnan(numbers), np.nan, numbers).astype("<f8").tobytes()
    if kind == "bool":
        return bytes(values.to_numpy(np.uint8).tobytes())
    if kind == "bool?":
        return bytes(2 if value is None else int(value) for value in values)
    cells = [None if v is None else v.encode("utf-8", "surrogatepass") for v in values]
    lengths = np.array([-1 if cell is None else len(cell) for cell in cells], "<i8")
    return lengths.tobytes() + b"".join(cell for cell in cells if cell is not None)


def plain_frame(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """The frame in plain types with a fresh index.

    Raises:
        DataError: names that are empty, too long or double; a column that mixes numbers and text
            or holds neither; more than `ROWS_MAX` rows, `COLUMNS_MAX` columns, `CELLS_MAX` cells.
    """
    check_names([str(name) for name in frame.columns], where)
    check_size(len(frame), frame.shape[1], where)
    names = [str(name) for name in frame.columns]
    columns = {name: _plain_column(frame.iloc[:, at], name, where) for at, name in enumerate(names)}
    return pd.DataFrame(columns, columns=pd.Index(names, dtype=object))


def check_names(names: list[str], where: str) -> None:
    """Raises DataError for a column name that is empty, too long or given twice."""
    seen: dict[str, int] = {}
    for at, name in enumerate(names, start=1):
        if not name.strip():
            raise DataError(
                "data.unnamed_column",
                Text(f"column {at} has no name", f"第 {at} 列没有列名"),
                where=where,
                next_step=Text("Give every column a name.", "请为每一列写上列名。"),
            )
        if len(name) > NAME_CHARACTERS_MAX:
            raise DataError(
                "data.long_name",
                Text(
                    f"the name of column {at} has {len(name)} characters, "
                    f"more than {NAME_CHARACTERS_MAX}",
                    f"第 {at} 列的列名有 {len(name)} 个字符, 超过 {NAME_CHARACTERS_MAX} 个",
                ),
                where=where,
                next_step=Text(
                    "Check that the first row holds the names.", "请检查首行是否为列名。"
                ),
            )
        if name in seen:
            raise DataError(
                "data.duplicate_column",
                Text(
                    f"columns {seen[name]} and {at} are both called {name!r}",
                    f"第 {seen[name]} 列与第 {at} 列同名: {name!r}",
                ),
                where=where,
                next_step=Text("Rename one of them.", "请为其中一列改名。"),
            )
        seen[name] = at


def check_size(rows: int, columns: int, where: str) -> None:
    """Raises DataError where a table is larger than the base takes."""
    for count, limit, unit in (
        (rows, ROWS_MAX, Text("rows", "行")),
        (columns, COLUMNS_MAX, Text("columns", "列")),
        (rows * columns, CELLS_MAX, Text("cells", "个单元格")),
    ):
        if count > limit:
            raise DataError(
                "data.too_large",
                Text(
                    f"{count:,} {unit.en}; at most {limit:,} are taken",
                    f"共 {count:,} {unit.zh}, 上限为 {limit:,}",
                ),
                where=where,
                next_step=Text(
                    "Keep only the rows and columns that the trial needs.",
                    "请只保留试验需要的行和列。",
                ),
            )


def _plain_column(values: pd.Series[Any], name: str, where: str) -> pd.Series[Any]:
    dtype = values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "bif":
        kinds = {"b": np.bool_, "i": np.int64, "f": np.float64}
        return pd.Series(values.to_numpy(kinds[dtype.kind]))
    if isinstance(dtype, (np.dtype, pd.DatetimeTZDtype)) and dtype.kind == "M":
        if isinstance(dtype, pd.DatetimeTZDtype):
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)
        return _iso(values.to_numpy())
    cells = [None if v is None or v is pd.NA or v != v else v for v in values.tolist()]
    return column_of(cells, name, where)


def column_of(cells: list[Any], name: str, where: str) -> pd.Series[Any]:
    """A column in plain types from Python values, None where missing.

    A text such as ``NA`` (`MISSING_WORDS`) in a column of numbers counts as missing.

    Raises:
        DataError: the column mixes numbers and text, or holds what is neither.
    """
    kinds = {_kind(cell) for cell in cells if cell is not None}
    if kinds == {"number", "text"}:
        cells = [None if _is_missing_word(cell) else cell for cell in cells]
        kinds = {_kind(cell) for cell in cells if cell is not None}
    if not kinds:
        return pd.Series(np.full(len(cells), np.nan))
    if len(kinds) > 1 or kinds == {"other"}:
        raise _mixed(cells, name, where)
    kind = kinds.pop()
    if kind == "number":
        return _numbers(cells)
    if kind == "date":
        return _iso(np.array([_in_utc(cell) for cell in cells], "datetime64[us]"))
    if kind == "time":
        cells = [None if cell is None else cell.isoformat() for cell in cells]
    if kind == "bool" and None not in cells:
        return pd.Series(np.array(cells, np.bool_))
    return pd.Series(cells, dtype=object)


def _kind(cell: Any) -> str:
    if isinstance(cell, (bool, np.bool_)):
        return "bool"
    for kind, types in (
        ("number", (int, float, np.number, Decimal)),
        ("text", str),
        ("date", (date, datetime)),
        ("time", time),
    ):
        if isinstance(cell, types):
            return kind
    return "other"


def _is_missing_word(cell: Any) -> bool:
    return isinstance(cell, str) and cell.strip().lower() in MISSING_WORDS


def _numbers(cells: list[Any]) -> pd.Series[Any]:
    whole = all(isinstance(cell, (int, np.integer)) for cell in cells)
    if whole and all(-(2**63) <= cell < 2**63 for cell in cells):
        return pd.Series(np.array(cells, np.int64))
    return pd.Series(np.array([np.nan if c is None else float(c) for c in cells], np.float64))


def _in_utc(cell: Any) -> Any:
    if isinstance(cell, datetime) and cell.tzinfo is not None:
        return cell.astimezone(UTC).replace(tzinfo=None)
    return cell


def _iso(values: NDArray[np.datetime64]) -> pd.Series[Any]:
    """Dates as ISO 8601 text; the day alone where every time is midnight."""
    moments = values.astype("datetime64[us]")
    known = moments[~np.isnat(moments)]
    units: tuple[Literal["D", "s", "us"], ...] = ("D", "s", "us")
    unit = next(u for u in units if (known == known.astype(f"datetime64[{u}]")).all())
    texts = np.datetime_as_string(moments, unit=unit)
    return pd.Series([None if t == "NaT" else str(t) for t in texts], dtype=object)


def _mixed(cells: list[Any], name: str, where: str) -> DataError:
    """Names the first cell of the rarer kind: most likely the one that is wrong."""
    kinds = [None if cell is None else _kind(cell) for cell in cells]
    counts = {kind: kinds.count(kind) for kind in kinds if kind is not None}
    rare = min(counts, key=lambda kind: (kind != "other", counts[kind]))
    row = kinds.index(rare)
    shown = repr(cells[row])[:40]
    return DataError(
        "data.mixed_column",
        Text(
            f"column {name!r} holds more than numbers, truth values or text alone: "
            f"row {row + 1} is {shown}",
            f"列 {name!r} 的类型不一致(应全为数值、真假值或文本): 第 {row + 1} 行为 {shown}",
        ),
        where=where,
        next_step=Text(
            "Correct that cell, or leave it empty where the value is missing.",
            "请更正该单元格; 若值缺失请留空。",
        ),
    )
