"""The end of a labelling task: a new version of the data set, with how far people agreed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pilotbase.catalog.adding import Added, asset_draft
from pilotbase.desk.data.events import LabellingFinished
from pilotbase.desk.data.label_rules import Given, agreement, by_item, settled
from pilotbase.desk.data.label_sheet import LabelSheet, added_columns
from pilotbase.desk.data.labelling import Task, item_id, items_of, queue_file, subject
from pilotbase.desk.data.rows import csv_bytes, data_set, rows_of
from pilotbase.kernel.canonical import digest_bytes
from pilotbase.kernel.errors import RunError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record


def finish(
    record: Record, context: Context, id_: str, file: Path, out: Path, *, partly: bool
) -> tuple[Added, LabellingFinished]:
    """Write the rows with their labels to ``out`` and make them the data set's new version.

    Args:
        file: the rows as they were when the task started. partly: also where labels are missing;
            rows with too few stay without one.

    Raises:
        InputError: no such task, or another file. RunError: labels are missing, it is over, or the
            data set has another version since.
    """
    task = Task.of(record, id_)
    known = data_set(record, task.sheet.asset)
    if task.finished is not None or known["version"] != task.entry.body["source"]["version"]:
        raise _not_now(id_, over=task.finished is not None)
    frame = rows_of(file, known).frame
    items = [item_id(text) for text in items_of(task.sheet, frame)]
    given = [one for one in task.given(record) if one.item in set(items)]
    missing = _missing(task.sheet, items, given)
    if missing and not partly:
        raise _unfinished(id_, missing)
    labelled = _labelled(frame, task.sheet, items, given)
    data = csv_bytes(labelled)
    made = _made(task, given, digest_bytes(data), labelled)
    added, draft = asset_draft(context, _card(known["card"], task, made), known)
    with storage_errors(out):
        write_whole(out, data)
    happened = Draft(made, context.actor("data steward"), subject(id_), key=f"{subject(id_)}:end")
    record.append_many([*([draft] if draft else []), happened])
    queue_file(context.home, id_).unlink(missing_ok=True)
    return added, made


def _missing(sheet: LabelSheet, items: list[str], given: list[Given]) -> int:
    """How many labels are still wanted."""
    counts = {id_: len(labels) for id_, labels in by_item(given).items()}
    return sum(max(0, sheet.raters - counts.get(id_, 0)) for id_ in set(items))


def _labelled(
    frame: pd.DataFrame, sheet: LabelSheet, items: list[str], given: list[Given]
) -> pd.DataFrame:
    """The rows with three more columns; empty where too few labelled a row or none leads."""
    found = by_item(given)
    told = [settled([one.label for one in found.get(id_, ())]) for id_ in items]
    label, raters, agreed = added_columns(sheet.column)
    added = pd.DataFrame(
        {
            label: [one.label if one.raters >= sheet.raters else "" for one in told],
            raters: [one.raters for one in told],
            agreed: [one.agreed for one in told],
        }
    )
    return pd.concat([frame, added], axis=1)


def _made(task: Task, given: list[Given], digest: str, labelled: pd.DataFrame) -> LabellingFinished:
    found = agreement(given, [label.id for label in task.sheet.labels])
    named = tuple(sorted({one.rater for one in given}))
    left = int((labelled[task.sheet.column] == "").sum())
    return LabellingFinished(
        task=task.id,
        asset=task.sheet.asset,
        source=task.entry.body["source"],
        digest=digest,
        alpha=found.alpha,
        interval=found.interval,
        raters=len(named),
        named=named,
        labels=len(given),
        rows=len(labelled),
        left=left,
    )


def _card(card: Mapping[str, Any], task: Task, made: LabellingFinished) -> dict[str, Any]:
    column = task.sheet.column
    said = {
        f"labels_{column}": task.id,
        f"labels_{column}_raters": made.raters,
        f"labels_{column}_alpha": made.alpha,
        f"labels_{column}_left": made.left,
    }
    return {
        **card,
        "digest": made.digest,
        "properties": {**card.get("properties", {}), **said, "rows": made.rows},
    }


def _not_now(task: str, *, over: bool) -> RunError:
    said = Text("the data set has another version since", "该数据集已有新版本")
    if over:
        said = Text("the task is finished already", "该任务已完成")
    return RunError(
        "label.not_now",
        said,
        where=task,
        next_step=Text("`pilotbase catalog history ASSET` shows its versions.",
                       "`pilotbase catalog history 资产` 可查看各版本。"),
    )  # fmt: skip


def _unfinished(task: str, missing: int) -> RunError:
    return RunError(
        "label.unfinished",
        Text(f"{missing} labels are still wanted", f"尚缺 {missing} 个标注"),
        where=task,
        next_step=Text(
            f"`pilotbase catalog label give {task} --as NAME`; or --partly leaves rows without.",
            f"`pilotbase catalog label give {task} --as 名称`; 或加 --partly, 未标的行留空。",
        ),
    )
