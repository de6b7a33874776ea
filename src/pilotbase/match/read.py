"""Read a list of needs or products from CSV, a workbook or YAML: all its faults at once.

Every fault has file, row and column: the line of a CSV or YAML file, the row of a sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pilotbase.kernel.canonical import digest_bytes
from pilotbase.kernel.errors import Fault, InputError, SheetError
from pilotbase.kernel.text import Text
from pilotbase.match.cells import Unfit, cell
from pilotbase.match.lists import (
    NEED_COLUMNS,
    PRODUCT_COLUMNS,
    Column,
    Need,
    Product,
    need_of,
    product_of,
)
from pilotbase.match.rows import FAULTS_MAX, Row, Sheet
from pilotbase.scenario.finding import nearest, shown

BYTES_MAX = 64 * 2**20
R = TypeVar("R", Need, Product)


@dataclass(frozen=True)
class Read:
    """A list without faults: its rows, and the digest of the file's bytes."""

    rows: tuple[Any, ...]
    digest: str


def read_needs(file: Path) -> Read:
    """The list of needs. Raises SheetError, with all faults; DataError for a broken workbook."""
    return _read(file, NEED_COLUMNS, need_of, "needs")


def read_products(file: Path) -> Read:
    """The list of products. Errors as `read_needs`."""
    return _read(file, PRODUCT_COLUMNS, product_of, "products")


def _read(
    file: Path, columns: tuple[Column, ...], make: Callable[[dict[str, Any]], Any], section: str
) -> Read:
    raw = _bytes(file)
    sheet = _sheet(file, raw, section)
    faults = list(sheet.faults)
    known = _known(columns)
    faults += _head_faults(sheet, columns, known)
    if not sheet.rows and not faults:
        faults.append(Fault("sheet.no_rows", Text("the list has no row", "列表没有任何行")))
    made = [] if any(f.code in _HEADS for f in faults) else _rows(sheet, known, columns, faults)
    if faults:
        raise SheetError(str(file), _cut(faults))
    return Read(tuple(make(cells) for cells in made), digest_bytes(raw))


_HEADS = ("sheet.missing_column", "sheet.unreadable", "sheet.encoding", "sheet.too_many_rows")


def _bytes(file: Path) -> bytes:
    try:
        if not file.is_file():
            raise _no_file(file, Text("there is no such file", "没有这个文件"))
        with file.open("rb") as opened:
            raw = opened.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _no_file(file, Text(f"cannot be read: {reason}", f"无法读取: {reason}")) from error
    if len(raw) > BYTES_MAX:
        raise _no_file(
            file,
            Text(f"the list has more than {BYTES_MAX:,} bytes", f"列表超过 {BYTES_MAX:,} 字节"),
        )
    return raw


def _no_file(file: Path, said: Text) -> InputError:
    return InputError(
        "match.file",
        said,
        where=str(file),
        next_step=Text("Give a CSV, XLSX or YAML file.", "请给出 CSV、XLSX 或 YAML 文件。"),
    )


def _sheet(file: Path, raw: bytes, section: str) -> Sheet:
    if raw.startswith(b"PK\x03\x04"):
        from pilotbase.match.read_workbook import workbook_sheet

        return workbook_sheet(raw, str(file))
    if file.suffix.lower() in (".yaml", ".yml"):
        from pilotbase.match.read_yaml import yaml_sheet

        return yaml_sheet(raw, section)
    from pilotbase.match.read_csv import csv_sheet

    return csv_sheet(raw)


def _known(columns: Iterable[Column]) -> dict[str, Column]:
    """Columns by every name that a file may call them."""
    names: dict[str, Column] = {}
    for column in columns:
        for name in (column.name, column.title.en, column.title.zh, *column.also):
            names[name.casefold()] = column
    return names


def _head_faults(
    sheet: Sheet, columns: tuple[Column, ...], known: Mapping[str, Column]
) -> list[Fault]:
    faults, given = [], dict[str, str]()
    for name, (line, place) in sheet.columns.items():
        column = known.get(name.casefold())
        if column is None:
            said = Text(f"the column {shown(name)!r} is not known", f"未知的列 {shown(name)!r}")
            faults.append(
                Fault("sheet.unknown_column", said, "", line, place, None, nearest(name, known))
            )
        elif column.name in given:
            other = given[column.name]
            said = Text(
                f"{name!r} and {other!r} are the same column", f"{name!r} 与 {other!r} 是同一列"
            )
            faults.append(Fault("sheet.column_twice", said, "", line, place))
        else:
            given[column.name] = name
    if sheet.rows:
        faults += [
            Fault(
                "sheet.missing_column",
                Text(f"the column {one.name!r} is missing", f"缺少列 {one.name!r}"),
                expected=one.title,
            )
            for one in columns
            if one.needed and one.name not in given
        ]
    return faults


def _rows(
    sheet: Sheet, known: Mapping[str, Column], columns: tuple[Column, ...], faults: list[Fault]
) -> list[dict[str, Any]]:
    """Rows as values by column; what is wrong is added to the faults."""
    made, first = [], dict[str, int]()
    for row in sheet.rows:
        values: dict[str, Any] = {}
        spoilt: set[str] = set()  # told already, and not once more for what follows from it
        for name, (value, place) in row.cells.items():
            column = known.get(name.casefold())
            if column is None:
                continue
            try:
                values[column.name] = cell(column.kind, value)
            except Unfit as unfit:
                spoilt.add(column.name)
                said = Text(f"{shown(value)!r} does not fit", f"{shown(value)!r} 不符合要求")
                faults.append(
                    Fault("sheet.cell", said, column.name, row.line, place, unfit.expected)
                )
        faults += _row_faults(row, values, spoilt, columns, first)
        made.append(values)
    return made


def _row_faults(
    row: Row,
    values: Mapping[str, Any],
    spoilt: set[str],
    columns: tuple[Column, ...],
    first: dict[str, int],
) -> list[Fault]:
    faults = [
        Fault("sheet.empty", Text(f"no {one.title.en}", f"缺少{one.title.zh}"), one.name, row.line)
        for one in columns
        if one.needed and one.name not in spoilt and values.get(one.name) is None
    ]
    texts = {f"{name}_{language}" for name in ("title", "text") for language in ("en", "zh")}
    if not texts & spoilt and not any(values.get(name) for name in texts):
        said = Text("neither title nor text in any language", "既无名称也无说明")
        faults.append(Fault("sheet.no_text", said, "", row.line))
    name = values.get("id")
    if name in first:
        said = Text(
            f"the id {name!r} is taken by row {first[name]}",
            f"编号 {name!r} 已用于第 {first[name]} 行",
        )
        faults.append(Fault("sheet.id_twice", said, "id", row.line))
    elif name:
        first[name] = row.line
    return faults


def _cut(faults: list[Fault]) -> list[Fault]:
    """The faults in the order of the file, with a line that counts those left out."""
    faults.sort(key=lambda fault: (fault.line, fault.column))
    if len(faults) <= FAULTS_MAX:
        return faults
    more = len(faults) - FAULTS_MAX
    rest = Fault("sheet.more_faults", Text(f"and {more} faults more", f"另有 {more} 处错误"))
    return [*faults[:FAULTS_MAX], rest]
