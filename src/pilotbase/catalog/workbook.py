"""Excel workbooks: one sheet of plain values; formulas and packed bombs are refused."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from pilotbase.catalog.table import (
    CELL_CHARACTERS_MAX,
    COLUMNS_MAX,
    check_names,
    check_size,
    column_of,
)
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import ROWS_MAX

UNPACKED_BYTES_MAX = 512 * 1024 * 1024
SHEET_ROWS_MAX = 1_048_576  # Excel's own limit; a row number beyond it is a trap
PARTS_MAX = 10_000


def read_workbook(raw: bytes, sheet: str | None, where: str) -> pd.DataFrame:
    """The table of a sheet (the first if none is named): names in the first row, values below.

    Empty rows and columns at the end are left out. Dates become ISO text.

    Raises:
        DataError: not a workbook, unpacks to more than `UNPACKED_BYTES_MAX`, unknown sheet, a cell
            that is a formula, an error or too long, an empty row, cells without a column name.
    """
    with _opened(raw, where):
        return _table(_sheet_rows(raw, sheet, where), where)


def sheet_values(raw: bytes, where: str) -> list[tuple[int, list[Any]]]:
    """The values of the first sheet, row by row with their numbers, without reading a table into
    them: cells of any kind, empty rows as empty lists. Limits and errors as in `read_workbook`."""
    with _opened(raw, where):
        rows = []
        for number, row in enumerate(_sheet_rows(raw, None, where), start=1):
            if number > ROWS_MAX:
                check_size(number, 1, where)
            rows.append((number, _values(row, number, where)))
        return rows


@contextmanager
def _opened(raw: bytes, where: str) -> Iterator[None]:
    _check_archive(raw, where)
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # a broken part fails in any way inside the XML reader
        raise DataError(
            "data.workbook",
            Text(
                f"the workbook cannot be read: {type(error).__name__}: {error}",
                f"无法读取该工作簿: {type(error).__name__}: {error}",
            ),
            where=where,
            next_step=Text(
                "Open it in a spreadsheet program and save it again as .xlsx, or export CSV.",
                "请用表格软件打开并重新保存为 .xlsx, 或导出为 CSV。",
            ),
        ) from error


def _check_archive(raw: bytes, where: str) -> None:
    """Limits on what is packed; `zipfile` never unpacks more than the size it declares."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile as error:
        raise DataError(
            "data.workbook",
            Text("this is no .xlsx workbook", "这不是 .xlsx 工作簿"),
            where=where,
            next_step=Text(
                "Save it as .xlsx (not .xls), without a password.",
                "请另存为 .xlsx 格式(不是 .xls), 且不设密码。",
            ),
        ) from error
    size = sum(part.file_size for part in parts)
    if size > UNPACKED_BYTES_MAX or len(parts) > PARTS_MAX:
        raise DataError(
            "data.too_large",
            Text(
                f"the workbook unpacks to {size:,} bytes in {len(parts)} parts; at most "
                f"{UNPACKED_BYTES_MAX:,} bytes are taken",
                f"工作簿解压后为 {size:,} 字节、{len(parts)} 个部件; 上限为 "
                f"{UNPACKED_BYTES_MAX:,} 字节",
            ),
            where=where,
            next_step=Text("Export the one sheet as CSV.", "请将所需工作表导出为 CSV。"),
        )


def _sheet_rows(raw: bytes, sheet: str | None, where: str) -> Iterator[tuple[Any, ...]]:
    import openpyxl  # takes a tenth of a second, and few scenarios need it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and validation lists, never about values
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, keep_links=False)
        try:
            names = [page.title for page in book.worksheets]
            if not names or (sheet is not None and sheet not in names):
                raise DataError(
                    "data.sheet",
                    Text(
                        f"the workbook has no sheet {sheet!r}" if names else "no sheet of cells",
                        f"工作簿中没有工作表 {sheet!r}" if names else "工作簿中没有单元格工作表",
                    ),
                    where=where,
                    next_step=Text(
                        f"Choose one of: {', '.join(names) or '-'}.",
                        f"可选: {', '.join(names) or '-'}。",
                    ),
                )
            page = book[sheet or names[0]]
            page.reset_dimensions()  # the declared size may be false: rows say how long they are
            yield from page.iter_rows()
        finally:
            book.close()


def _table(rows: Iterator[tuple[Any, ...]], where: str) -> pd.DataFrame:
    names = [str(value).strip() for value in _values(next(rows, ()), 1, where)]
    if not names:
        raise DataError(
            "data.empty",
            Text("the first row of the sheet is empty", "工作表首行为空"),
            where=where,
            next_step=Text("Put the column names in row 1.", "请把列名写在第 1 行。"),
        )
    check_names(["" if name == "None" else name for name in names], where)
    body = list(_body(rows, len(names), where))
    if not body:
        raise DataError(
            "data.no_rows",
            Text("there is a header row but no row below it", "工作表只有表头, 没有数据行"),
            where=where,
        )
    columns = {
        name: column_of([row[at] for row in body], name, where) for at, name in enumerate(names)
    }
    return pd.DataFrame(columns, columns=pd.Index(names, dtype=object))


def _body(rows: Iterator[tuple[Any, ...]], width: int, where: str) -> Iterator[list[Any]]:
    """Rows padded to the header's width; an empty row is a fault unless only empty ones follow."""
    kept, empty_since = 0, 0
    for number, row in enumerate(rows, start=2):
        if number > SHEET_ROWS_MAX:
            raise _misshapen(f"a row numbered {number}", f"有编号为 {number} 的行", where)
        values = _values(row, number, where)
        if not values:
            empty_since = empty_since or number
            continue
        if empty_since:
            raise _misshapen(
                f"row {empty_since} is empty but rows follow",
                f"第 {empty_since} 行为空, 但其后仍有数据",
                where,
            )
        if len(values) > width:
            raise _misshapen(
                f"row {number} has a cell in column {len(values)}, the header has {width}",
                f"第 {number} 行在第 {len(values)} 列有内容, 而表头只有 {width} 列",
                where,
            )
        kept += 1
        check_size(kept, width, where)
        yield values + [None] * (width - len(values))


def _misshapen(english: str, chinese: str, where: str) -> DataError:
    return DataError(
        "data.ragged",
        Text(english, chinese),
        where=where,
        next_step=Text(
            "Keep one table in the sheet: names in row 1, one case a row.",
            "工作表中只保留一张表: 第 1 行为列名, 每行一个案例。",
        ),
    )


def _values(row: tuple[Any, ...], number: int, where: str) -> list[Any]:
    """The row's values without the empty cells at its end."""
    if len(row) > COLUMNS_MAX:
        check_size(1, len(row), where)
    values = [_value(cell, number, at, where) for at, cell in enumerate(row, start=1)]
    while values and values[-1] is None:
        values.pop()
    return values


def _value(cell: Any, row: int, column: int, where: str) -> Any:
    value = cell.value
    if cell.data_type in ("f", "e"):
        formula = cell.data_type == "f"
        raise DataError(
            "data.formula" if formula else "data.error_cell",
            Text(
                f"row {row}, column {column} holds "
                + ("a formula" if formula else f"the error {value}"),
                f"第 {row} 行第 {column} 列是" + ("公式" if formula else f"错误值 {value}"),
            ),
            where=where,
            next_step=Text(
                "Paste the values over the formulas, so that what is tried is what you see.",
                "请将公式粘贴为数值, 使试验所用的数据与您所见一致。",
            ),
        )
    if isinstance(value, str) and len(value) > CELL_CHARACTERS_MAX:
        raise DataError(
            "data.long_cell",
            Text(
                f"row {row}, column {column} holds {len(value):,} characters",
                f"第 {row} 行第 {column} 列含有 {len(value):,} 个字符",
            ),
            where=where,
        )
    return value if value != "" else None
