"""CSV files: strict about encoding and shape, so that no row is read as something it is not."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import numpy as np
import pandas as pd

from pilotbase.catalog.table import MISSING_WORDS, check_names, check_size
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text

# No leading zero: 007 is a code, not a number. ASCII digits only.
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?", re.A)
_NEXT = Text(
    "Correct that line, or export the file again as plain CSV.",
    "请更正该行, 或重新导出为标准 CSV 文件。",
)


def read_csv(raw: bytes, encoding: str, where: str) -> pd.DataFrame:
    """The table of a comma-separated file with one header line.

    Args:
        raw: the file's bytes.
        encoding: ``utf-8`` (a byte-order mark is allowed) or ``gb18030``.

    A column is of numbers when every cell is a number or missing (`MISSING_WORDS`), of truth values
    when every cell is true or false, else text, where only the empty cell is missing.

    Raises:
        DataError: wrong encoding, NUL bytes, a line with more or fewer cells than the header, an
            open quotation mark, an over-long cell, no header, no rows, double or empty names.
    """
    text = _decoded(raw, encoding, where)
    if "\0" in text:
        raise _at(text, text.index("\0"), "a NUL byte", "NUL 字节", where)
    rows = _rows(text, where)
    if not rows:
        raise DataError("data.empty", Text("the file is empty", "文件为空"), where=where)
    names = [name.strip() for name in rows[0]]
    check_delimiter(rows[0], where)
    check_names(names, where)
    if len(rows) == 1:
        raise DataError(
            "data.no_rows",
            Text("there is a header line but no row below it", "文件只有表头, 没有数据行"),
            where=where,
        )
    check_size(len(rows) - 1, len(names), where)
    cells = zip(*rows[1:], strict=True)
    columns = {name: _column(list(column)) for name, column in zip(names, cells, strict=True)}
    return pd.DataFrame(columns, columns=pd.Index(names, dtype=object))


def _decoded(raw: bytes, encoding: str, where: str) -> str:
    """Strict decoding; a wrong encoding is named with its place and the encoding that fits."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _wrong_encoding(raw, 0, encoding, "utf-16", where)
    try:
        text = raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        other = "gb18030" if encoding == "utf-8" else "utf-8"
        fits = other if _decodes(raw, other) else None
        raise _wrong_encoding(raw, error.start, encoding, fits, where) from error
    if encoding == "gb18030" and _is_utf8_prose(raw):
        start = next(at for at, byte in enumerate(raw) if byte > 127)
        raise _wrong_encoding(raw, start, encoding, "utf-8", where)
    return text


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8_prose(raw: bytes) -> bool:
    """Whether bytes are UTF-8 beyond doubt: GB18030 accepts nearly all of it as other characters.

    Chinese text in GB18030 is hardly ever valid UTF-8; three or more characters decide.
    """
    if raw.startswith(b"\xef\xbb\xbf"):
        return True
    return _decodes(raw, "utf-8") and sum(ord(c) > 127 for c in raw.decode("utf-8")) >= 3


def _wrong_encoding(
    raw: bytes, start: int, encoding: str, fits: str | None, where: str
) -> DataError:
    line = raw.count(b"\n", 0, start) + 1
    advice = {
        "utf-8": Text(
            "It reads as UTF-8: write `encoding: utf-8`.",
            "该文件是 UTF-8 编码: 请写 `encoding: utf-8`。",
        ),
        "gb18030": Text(
            "It reads as GB18030 (GBK): write `encoding: gb18030`.",
            "该文件可按 GB18030 (GBK) 读取: 请写 `encoding: gb18030`。",
        ),
        "utf-16": Text(
            "It is UTF-16; save it as “CSV UTF-8”.", "该文件是 UTF-16 编码; 请另存为 “CSV UTF-8”。"
        ),
        None: Text(
            "It is neither UTF-8 nor GB18030; save it as “CSV UTF-8”.",
            "该文件既非 UTF-8 也非 GB18030; 请另存为 “CSV UTF-8”。",
        ),
    }[fits]
    shown = encoding.upper()
    return DataError(
        "data.encoding",
        Text(
            f"byte {start} (line {line}) does not fit {shown}",
            f"第 {start} 字节(第 {line} 行)不符合 {shown} 编码",
        ),
        where=where,
        next_step=advice,
    )


def _rows(text: str, where: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    blank = 0
    try:
        for row in reader:
            if not row:
                blank = blank or (reader.line_num if rows else 0)
                continue
            if rows and (blank or len(row) != len(rows[0])):
                raise _ragged(blank or reader.line_num, 0 if blank else len(row), rows[0], where)
            rows.append(row)
    except csv.Error as error:
        raise DataError(
            "data.csv",
            Text(
                f"line {reader.line_num} breaks the rules of CSV: {error}",
                f"第 {reader.line_num} 行不符合 CSV 规则: {error}",
            ),
            where=where,
            next_step=Text(
                "Look for a quotation mark that is not closed, or a cell that holds a whole file.",
                "请查找未闭合的引号, 或内容过长的单元格。",
            ),
        ) from error
    return rows


def _ragged(line: int, cells: int, header: list[str], where: str) -> DataError:
    return DataError(
        "data.ragged",
        Text(
            f"line {line} has {cells} cells, the header has {len(header)}",
            f"第 {line} 行有 {cells} 个单元格, 表头有 {len(header)} 个",
        ),
        where=where,
        next_step=_NEXT,
    )


def check_delimiter(header: list[str], where: str) -> None:
    """Raises DataError for a header that seems to be parted by something else than commas."""
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise DataError(
            "data.delimiter",
            Text(
                "the header has no comma; cells seem to be kept apart by semicolons or tabs",
                "表头中没有逗号; 单元格似乎以分号或制表符分隔",
            ),
            where=where,
            next_step=Text(
                "Save the file with commas between cells and a point in numbers.",
                "请以逗号分隔单元格、以句点作小数点重新保存。",
            ),
        )


def _at(text: str, start: int, what_en: str, what_zh: str, where: str) -> DataError:
    line = text.count("\n", 0, start) + 1
    return DataError(
        "data.character",
        Text(f"line {line} holds {what_en}", f"第 {line} 行含有 {what_zh}"),
        where=where,
        next_step=_NEXT,
    )


def _column(cells: list[str]) -> pd.Series[Any]:
    if not any(cells):
        return pd.Series(np.full(len(cells), np.nan))
    words = [cell.strip() for cell in cells]
    found = [None if w.lower() in MISSING_WORDS else _NUMBER.fullmatch(w) or w for w in words]
    known = [match for match in found if match is not None]
    if known and all(isinstance(match, re.Match) for match in known):
        return _numbers(words, found)
    truths = {word.lower() for word in words}
    if truths <= {"true", "false"}:
        return pd.Series(np.array([word.lower() == "true" for word in words], np.bool_))
    return pd.Series([None if cell == "" else cell for cell in cells], dtype=object)


def _numbers(words: list[str], found: list[Any]) -> pd.Series[Any]:
    whole = all(match is not None and match.lastindex is None for match in found)
    if whole and all(len(word) <= 18 for word in words):  # 18 digits always fit 64 bits
        return pd.Series(np.array([int(word) for word in words], np.int64))
    numbers = [np.nan if m is None else float(w) for w, m in zip(words, found, strict=True)]
    return pd.Series(np.array(numbers, np.float64))
