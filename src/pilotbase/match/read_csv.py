"""A list as CSV, in UTF-8 or GB18030 and never in both."""

from __future__ import annotations

import csv
import io

from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.match.rows import FAULTS_MAX, ROWS_MAX, Row, Sheet, too_many

_SAVE = Text("the whole file saved as “CSV UTF-8”", "将整个文件另存为 “CSV UTF-8”")


def csv_sheet(raw: bytes) -> Sheet:
    """Rows of a comma-separated file; what is wrong with lines is in its faults."""
    text, faults = _decoded(raw)
    if faults:
        return Sheet({}, (), faults)
    try:
        return _rows(text)
    except csv.Error as error:
        said = Text(f"this breaks the rules of CSV: {error}", f"不符合 CSV 规则: {error}")
        return Sheet({}, (), (Fault("sheet.unreadable", said),))


def _decoded(raw: bytes) -> tuple[str, tuple[Fault, ...]]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw:
        said = Text("this is UTF-16 or no text", "这是 UTF-16 编码或不是文本")
        return "", (Fault("sheet.encoding", said, "", 1, 0, _SAVE),)
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    lines = raw.split(b"\n")
    kinds = [_kind(line) for line in lines]
    wrong = [at for at, kind in enumerate(kinds, 1) if kind == "neither"]
    if not wrong and "gb18030" in kinds:
        wrong = [at for at, kind in enumerate(kinds, 1) if kind == "utf-8"]
    if not wrong:
        return raw.decode("gb18030"), ()
    mixed = Text("this line is UTF-8, others are GB18030", "此行为 UTF-8 编码, 其他行为 GB18030")
    neither = Text("this line is neither UTF-8 nor GB18030", "此行既非 UTF-8 也非 GB18030")
    faults = [
        Fault("sheet.encoding", neither if kinds[at - 1] == "neither" else mixed, "", at, 0, _SAVE)
        for at in wrong[:FAULTS_MAX]
    ]
    return "", tuple(faults)


def _kind(line: bytes) -> str:
    """The encoding that a line is in: Chinese text in GB18030 is hardly ever valid UTF-8."""
    if line.isascii():
        return "ascii"
    for encoding in ("utf-8", "gb18030"):
        try:
            said = line.decode(encoding)
        except UnicodeDecodeError:
            continue
        # One or two characters may be valid in both by chance.
        if encoding == "gb18030" or sum(not c.isascii() for c in said) >= 3:
            return encoding
    return "neither"


def _rows(text: str) -> Sheet:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    head = [name.strip() for name in next(reader, [])]
    columns: dict[str, tuple[int, int]] = {}
    faults: list[Fault] = []
    for place, name in enumerate(head, 1):
        if not name or name in columns:
            said = Text(f"column {place} has no name of its own", f"第 {place} 列没有独立的列名")
            faults.append(Fault("sheet.unreadable", said, "", 1, place))
        columns[name] = (1, place)
    rows: list[Row] = []
    begins = reader.line_num + 1
    for cells in reader:
        line, begins = begins, reader.line_num + 1
        if not any(word.strip() for word in cells):
            continue
        if len(rows) == ROWS_MAX:
            faults.append(too_many(ROWS_MAX + 1, line))
            break
        if len(cells) != len(head):
            faults.append(_ragged(line, len(cells), len(head)))
        named = zip(head, cells, strict=False)
        rows.append(Row(line, {name: (word, at) for at, (name, word) in enumerate(named, 1)}))
    return Sheet(columns, tuple(rows), tuple(faults))


def _ragged(line: int, cells: int, head: int) -> Fault:
    return Fault(
        "sheet.ragged",
        Text(f"{cells} cells, the header has {head}", f"有 {cells} 个单元格, 表头有 {head} 个"),
        "",
        line,
    )
