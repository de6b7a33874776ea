"""How a labelling task stands, and labels that come from a file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from pilotbase.desk.data.label_rules import Given, agreement, by_item
from pilotbase.desk.data.labelling import Task
from pilotbase.desk.rating import FILE_MAX, WHY_MAX
from pilotbase.kernel.errors import Fault, InputError, SheetError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record

HOW = Text(
    "A CSV file with the columns item, label, why; or a JSON list of such objects.",
    "请提供含 item, label, why 三列的 CSV 文件, 或由此类对象组成的 JSON 列表。",
)


def task_shown(record: Record, id_: str) -> dict[str, Any]:
    """A task as `verbs.TaskResponse`. Raises InputError when there is none of that name."""
    task = Task.of(record, id_)
    given, said = task.given(record), task.entry.body
    done = sum(min(said["raters"], len(labels)) for labels in by_item(given).values())
    return {
        "task": id_,
        "asset": said["source"]["asset"],
        "state": "finished" if task.finished else "open",
        "items": said["items"],
        "raters": said["raters"],
        "given": len(given),
        "wanted": said["items"] * said["raters"] - done,
        "agreement": agreement(given, said["labels"]).as_dict(),
    }


def read_labels(file: Path, rater: str) -> list[Given]:
    """Labels from a CSV file with the columns item, label, why, or a JSON list of such objects.

    Raises:
        InputError: no such file, or no such list. SheetError: rows with faults, all named.
    """
    with storage_errors(file):
        try:
            data = file.read_bytes()[:FILE_MAX]
        except FileNotFoundError as error:
            said = Text("there is no such file", "没有此文件")
            raise InputError("label.file", said, where=str(file), next_step=HOW) from error
    try:
        text = data.decode("utf-8-sig")
        rows = json.loads(text) if text.lstrip().startswith("[") else _table(text)
    except ValueError as error:
        said = Text(f"neither CSV nor JSON: {error}", "既非 CSV 也非 JSON")
        raise InputError("label.file", said, where=str(file), next_step=HOW) from error
    faults = [
        Fault("label.row", Text("item and label are needed", "须有 item 与 label"), f"row {number}")
        for number, row in enumerate(rows, 1)
        if not _is_whole(row)
    ]
    if faults:
        raise SheetError(str(file), faults)
    return [
        Given(rater, row["item"], row["label"], str(row.get("why") or "")[:WHY_MAX])
        for row in rows
        if row["label"]
    ]


def _table(text: str) -> list[dict[str, Any]]:
    return [dict(row) for row in csv.DictReader(io.StringIO(text, newline=""))]


def _is_whole(row: Any) -> bool:
    return isinstance(row, dict) and all(isinstance(row.get(w), str) for w in ("item", "label"))
