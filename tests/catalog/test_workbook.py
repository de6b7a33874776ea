"""Workbooks: values are read, formulas and bombs are refused."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest

from pilotbase.catalog import workbook
from pilotbase.catalog.workbook import read_workbook
from pilotbase.kernel.errors import DataError


def packed(rows: Sequence[Sequence[Any]], title: str = "Sheet", more: str | None = None) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = title
    for row in rows:
        page.append(list(row))
    if more:
        book.create_sheet(more).append(["z"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(raw: bytes, part: str, content: bytes) -> bytes:
    """The workbook with one part replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def refused(raw: bytes, sheet: str | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        read_workbook(raw, sheet, "data.xlsx: x.xlsx")
    return caught.value


def test_values_dates_and_gaps() -> None:
    rows: list[list[Any]] = [
        ["人", "n", "x", "day", "ok", "word"],
        ["甲", 1, 1.5, datetime.datetime(2020, 1, 2), True, "a"],
        ["乙", 2, None, datetime.datetime(2020, 1, 3), False, None],
        ["丙", 3, "n/a", datetime.datetime(2020, 1, 4), True, "c"],
        [None] * 6,
    ]
    frame = read_workbook(packed(rows), None, "test")
    assert frame["人"].tolist() == ["甲", "乙", "丙"]
    assert frame["n"].tolist() == [1, 2, 3] and str(frame["n"].dtype) == "int64"
    assert frame["x"].isna().tolist() == [False, True, True]
    assert frame["day"].tolist() == ["2020-01-02", "2020-01-03", "2020-01-04"]
    assert frame["ok"].tolist() == [True, False, True]
    assert frame["word"].tolist() == ["a", None, "c"]


def test_a_named_sheet_and_an_unknown_one() -> None:
    raw = packed([["a"], [1]], title="数据", more="other")
    assert read_workbook(raw, "数据", "test")["a"].tolist() == [1]
    error = refused(raw, "data")
    assert error.code == "data.sheet" and "数据, other" in error.next_step.en


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ([["a", "b"], [1, "=A2+1"]], "data.formula", "row 2, column 2 holds a formula"),
        ([["a", "b"], [1, "#DIV/0!"]], "data.error_cell", "row 2, column 2 holds the error"),
        ([["a"], [1, 2]], "data.ragged", "row 2 has a cell in column 2, the header has 1"),
        ([["a"], [1], [None], [2]], "data.ragged", "row 3 is empty but rows follow"),
        ([["a"]], "data.no_rows", "no row below"),
        ([], "data.empty", "first row"),
        ([["a", "a"], [1, 2]], "data.duplicate_column", "both called 'a'"),
        ([["a", None, "b"], [1, 2, 3]], "data.unnamed_column", "column 2 has no name"),
        ([["a"], [1], ["x"], [3]], "data.mixed_column", "row 2 is 'x'"),
    ],
)
def test_faulty_sheets_are_refused_in_words(rows: list[list[Any]], code: str, said: str) -> None:
    error = refused(packed(rows))
    assert error.code == code
    assert said in error.message.en


def test_an_over_long_cell() -> None:
    raw = packed([["a"], ["short"]])
    part = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        sheet = archive.read(part).decode()
    long = "x" * 40_000
    cell = f'<c r="A2" t="inlineStr"><is><t>{long}</t></is></c>'
    start, end = sheet.index('<c r="A2"'), sheet.index("</row>", sheet.index('<c r="A2"'))
    error = refused(repacked(raw, part, (sheet[:start] + cell + sheet[end:]).encode()))
    assert error.code == "data.long_cell"


def test_what_is_no_workbook() -> None:
    assert refused(b"a,b\n1,2\n").code == "data.workbook"
    assert refused(b"\xd0\xcf\x11\xe0" + b"\0" * 600).code == "data.workbook"  # the old .xls
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    assert refused(out.getvalue()).code == "data.workbook"
    raw = packed([["a"], [1]])
    assert refused(raw[: len(raw) // 2]).code == "data.workbook"


def test_a_zip_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "UNPACKED_BYTES_MAX", 10_000_000)  # a real one takes seconds
    bomb = repacked(packed([["a"], [1]]), "xl/worksheets/sheet1.xml", b" " * 10_000_001)
    assert len(bomb) < 50_000
    assert refused(bomb).code == "data.too_large"


def test_entities_that_multiply_are_refused() -> None:
    part = "xl/worksheets/sheet1.xml"
    levels = "".join(
        f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "haha" * 1000}">' for i in range(9)
    )
    laughs = (
        f'<!DOCTYPE x [{levels}]><worksheet xmlns="http://schemas.openxmlformats.org/'
        'spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&e8;</t>'
        "</is></c></row></sheetData></worksheet>"
    )
    assert refused(repacked(packed([["a"], [1]]), part, laughs.encode())).code == "data.workbook"


@pytest.mark.parametrize("row", ['<row r="999999999">', '<row r="2"><c r="XFD2"><v>1</v></c>'])
def test_false_row_and_column_numbers_cost_nothing(row: str) -> None:
    part = "xl/worksheets/sheet1.xml"
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1" t="inlineStr"><is>'
        f"<t>a</t></is></c></row>{row}</row></sheetData></worksheet>"
    )
    error = refused(repacked(packed([["a"], [1]]), part, sheet.encode()))
    assert error.code in ("data.ragged", "data.too_large")
