"""What the logs of all tools come down to: one row a sample and repeat, scores in [0, 1]."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from pilotbase.catalog.table import CELL_CHARACTERS_MAX, plain_frame
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import ROWS_MAX

JSON_BYTES_MAX = 128 * 2**20
LINE_BYTES_MAX = 32 * 2**20
SCORERS_MAX = 200
SCORE = "score:"


@dataclass(frozen=True)
class Row:
    """One sample as a tool logged it.

    Attributes:
        repeat: from 0. scores: by scorer; None where the tool gives none.
        task: the task, probe or description it belongs to.
    """

    sample: str
    repeat: int
    model: str
    task: str
    input: str
    expected: str
    answer: str
    scores: Mapping[str, float | None]


@dataclass(frozen=True)
class Log:
    """A tool's log.

    Attributes:
        mapping: how the tool's own scores became numbers from 0 to 1.
        left_out: scorers whose values are no numbers from 0 to 1.
    """

    tool: str
    version: str
    rows: Sequence[Row]
    mapping: Text
    left_out: frozenset[str] = field(default_factory=frozenset)

    @property
    def models(self) -> list[str]:
        return sorted({row.model for row in self.rows})


def frame_of(log: Log, where: str) -> pd.DataFrame:
    """The table of a log: sample, repeat, model, task, input, expected, answer, ``score:<name>``.

    Raises:
        DataError: no sample, too many, or one that is logged twice.
    """
    if not log.rows:
        raise faulty(where, "it logs no sample", "其中没有样本")
    if len(log.rows) > ROWS_MAX:
        raise faulty(where, f"more than {ROWS_MAX:,} samples", f"样本超过 {ROWS_MAX:,} 个")
    seen: set[tuple[str, str, str, int]] = set()
    for row in log.rows:
        key = (row.model, row.task, row.sample, row.repeat)
        if key in seen:
            raise faulty(
                where,
                f"sample {row.sample[:60]!r}, repeat {row.repeat}, is logged twice",
                f"样本 {row.sample[:60]!r} 的第 {row.repeat} 次重复出现两次",
            )
        seen.add(key)
    # Sorted, so that one log gives one table in whichever form it was saved.
    rows = sorted(log.rows, key=lambda row: (row.model, row.task, row.sample, row.repeat))
    scorers = sorted({name for row in log.rows for name in row.scores} - log.left_out)
    if len(scorers) > SCORERS_MAX:
        raise faulty(where, f"more than {SCORERS_MAX} scorers", f"评分项超过 {SCORERS_MAX} 个")
    columns: dict[str, list[Any]] = {
        "sample": [row.sample for row in rows],
        "repeat": [row.repeat for row in rows],
        "model": [row.model for row in rows],
        "task": [row.task for row in rows],
        "input": [_cell(row.input or f"({row.sample})") for row in rows],
        "expected": [_cell(row.expected) for row in rows],
        "answer": [_cell(row.answer) for row in rows],
    }
    frame = pd.DataFrame({name: pd.Series(cells) for name, cells in columns.items()})
    for name in scorers:
        scores = [row.scores.get(name) for row in rows]
        frame[SCORE + name] = pd.Series(scores, dtype="float64")
    for name in ("sample", "model", "task", "input", "expected", "answer"):
        frame[name] = frame[name].astype(object)
    return plain_frame(frame, where)


def _cell(text: str) -> str:
    """A text that fits a cell; a cut says how much it takes away."""
    if len(text) <= CELL_CHARACTERS_MAX:
        return text
    kept = CELL_CHARACTERS_MAX - 40
    return f"{text[:kept]} … ({len(text) - kept} more characters)"


def share(value: Any) -> float | None:
    """A number or yes/no as a score from 0 to 1; None where it is none."""
    if isinstance(value, bool):
        return float(value)
    if not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= 1 else None


def unfit(value: Any) -> bool:
    """Whether a value is there and is no score: a number outside of 0 to 1, a list, a text."""
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return not missing and share(value) is None


def as_text(value: Any) -> str:
    """A value as a reader sees it; what is no text as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def mapping_of(value: Any) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one: a stranger's file may hold anything."""
    return value if isinstance(value, Mapping) else {}


def parsed(data: bytes | str, where: str) -> Any:
    """JSON of someone else; NaN and infinities count as missing.

    Raises:
        DataError: larger than `JSON_BYTES_MAX`, no JSON, or nested too deeply.
    """
    if len(data) > JSON_BYTES_MAX:
        raise faulty(
            where,
            f"more than {JSON_BYTES_MAX:,} bytes of JSON in one piece",
            f"单个 JSON 超过 {JSON_BYTES_MAX:,} 字节",
        )
    try:
        return json.loads(data, parse_constant=lambda constant: None)
    except (ValueError, RecursionError) as error:
        raise faulty(
            where, f"no JSON that can be read: {error}", f"无法读取的 JSON: {error}"
        ) from error


def lines_of(path: Path, where: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a JSON lines file, one at a time.

    Raises:
        DataError: a line that is too long or no JSON object; says which.
    """
    with path.open("rb") as opened:
        for number in range(1, 2**31):
            line = opened.readline(LINE_BYTES_MAX + 1)
            if not line:
                return
            place = f"{where}: line {number}"
            if len(line) > LINE_BYTES_MAX:
                raise faulty(place, "the line is too long", "该行过长")
            if not line.strip():
                continue
            found = parsed(line, place)
            if not isinstance(found, dict):
                raise faulty(place, "no JSON object", "不是 JSON 对象")
            yield found


def faulty(where: str, en: str, zh: str) -> DataError:
    """The error of a log that cannot be taken over."""
    return DataError(
        "data.results",
        Text(en, zh),
        where=where,
        next_step=Text(
            "Give a whole log of Inspect, lm-eval, garak or promptfoo; the page on results of "
            "other tools says which.",
            "请提供 Inspect、lm-eval、garak 或 promptfoo 的完整日志; 见“其他工具的结果”页。",
        ),
    )
