"""A short look at a CSV file, to propose a scenario for it: its columns and its first rows."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import listed, nearest, shown

BYTES_MAX = 4 << 20
ROWS_MAX = 1_000
ENCODINGS = ("utf-8", "gb18030")


@dataclass(frozen=True)
class Peek:
    """Columns and the first rows (at most `ROWS_MAX`) of a table, as text."""

    encoding: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def values(self, column: str) -> list[str]:
        """What stands in a column, empty cells left out."""
        at = self.columns.index(column)
        return [row[at].strip() for row in self.rows if at < len(row) and row[at].strip()]

    def classes(self, column: str) -> list[tuple[str, int]]:
        """The different values of a column and how often each was seen, the rarest first."""
        counts = Counter(self.values(column)).items()
        return sorted(counts, key=lambda pair: (pair[1], pair[0]))

    def span(self, column: str) -> float | None:
        """The largest less the smallest number of a column; None where it holds no numbers."""
        try:
            numbers = [float(value) for value in self.values(column)]
        except ValueError:
            return None
        finite = [number for number in numbers if math.isfinite(number)]
        return max(finite) - min(finite) if finite else None

    def check(self, column: str | None, option: str) -> None:
        """Raises InputError, with the nearest name, where the table has no such column."""
        if column is None or column in self.columns:
            return
        meant = nearest(column, self.columns)
        names = listed(shown(name) for name in self.columns[:20])
        raise InputError(
            "data.missing_column",
            Text(f"the table has no column “{shown(column)}”", f"表中没有列 “{shown(column)}”"),
            where=option,
            next_step=Text(
                f"Did you mean “{meant}”?" if meant else f"It has: {names}.",
                f"是否想写 “{meant}”?" if meant else f"现有的列: {names}。",
            ),
        )


def peek(path: Path) -> Peek:
    """Read the beginning of a comma-separated file.

    Raises:
        InputError: no such file, neither UTF-8 nor GB18030, or no header.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MAX)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        said = Text(f"the table cannot be read: {reason}", f"无法读取数据表: {reason}")
        raise InputError("data.no_file", said, where=str(path)) from error
    encoding, text = _decoded(raw, path)
    table = csv.reader(io.StringIO(text, newline=""))
    try:
        rows = [tuple(row) for row in islice(table, ROWS_MAX + 1) if row]
    except csv.Error as error:
        said = Text(f"the table is no CSV: {error}", f"数据表不是合格的 CSV: {error}")
        raise InputError("data.csv", said, where=str(path)) from error
    if not rows:
        raise InputError("data.empty", Text("the table is empty", "数据表为空"), where=str(path))
    return Peek(encoding, tuple(name.strip() for name in rows[0]), tuple(rows[1:]))


def _decoded(raw: bytes, path: Path) -> tuple[str, str]:
    """The text up to the last whole line, in the first encoding that fits."""
    if len(raw) == BYTES_MAX:
        raw = raw[: raw.rfind(b"\n") + 1] or raw
    for encoding in ENCODINGS:
        try:
            return encoding, raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(
        "data.encoding",
        Text("the table is neither UTF-8 nor GB18030", "数据表既非 UTF-8 也非 GB18030 编码"),
        where=str(path),
        next_step=Text("Save it as “CSV UTF-8”.", "请另存为 “CSV UTF-8”。"),
    )
