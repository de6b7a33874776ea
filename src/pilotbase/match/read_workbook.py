"""A list as the first sheet of a workbook; formulas and packed bombs are refused by the catalog."""

from __future__ import annotations

from pilotbase.catalog.workbook import sheet_values
from pilotbase.match.rows import ROWS_MAX, Row, Sheet, too_many


def workbook_sheet(raw: bytes, where: str) -> Sheet:
    """Rows of the first sheet: names in row 1, one need or product a row. Raises DataError."""
    columns: dict[str, tuple[int, int]] = {}
    head: list[str] = []
    rows: list[Row] = []
    faults = []
    for number, values in sheet_values(raw, where):
        if not head:
            head = ["" if value is None else str(value).strip() for value in values]
            columns = {name: (number, at) for at, name in enumerate(head, 1)}
            continue
        if not values:
            continue
        if len(rows) == ROWS_MAX:
            faults.append(too_many(ROWS_MAX + 1, number))
            break
        cells = {name: (values[at] if at < len(values) else None, at + 1)
                 for at, name in enumerate(head)}  # fmt: skip
        rows.append(Row(number, cells))
    return Sheet(columns, tuple(rows), tuple(faults))
