"""A labelling task: started from a sheet, labelled blind by several people, finished as a version.

What waits lies beside the home's trials until the task is finished; who labelled what is signed by
each rater and lies in the vault, as ratings do (ADR 15).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pilotbase.catalog.sheet import read_sheet
from pilotbase.desk.data.events import LabelGiven, LabellingStarted
from pilotbase.desk.data.label_rules import Given, by_item
from pilotbase.desk.data.label_sheet import LabelSheet, sheet_findings
from pilotbase.desk.data.rows import data_set, rows_of
from pilotbase.desk.queue import Waiting
from pilotbase.desk.rating import check_name, rater_key
from pilotbase.kernel.canonical import decode, digest, encode
from pilotbase.kernel.errors import InputError, RecordError, RunError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.record.rules import note
from pilotbase.trial.people import Item

HEAD = "pilotbase/label/1"
STARTED, GIVEN, FINISHED = "label.started/1", "label.given/1", "label.finished/1"
ITEMS_MAX = 100_000


def subject(task: str) -> str:
    """What a task's entries are about."""
    return f"labelling:{task}"


def start(record: Record, context: Context, file: Path) -> Entry:
    """Open a labelling task.

    Raises:
        SheetError: with all faults at once. InputError: no such data set, another file than the
            catalog's, or another task of that name.
    """
    sheet = read_sheet(file, LabelSheet)
    said = sheet.said
    known = data_set(record, said.asset)
    table = rows_of(file.absolute().parent / said.file, known)
    sheet.refuse(sheet_findings(said, [str(name) for name in table.frame.columns]))
    items = items_of(said, table.frame)
    written = said.model_dump(mode="json")
    source = {
        "asset": said.asset,
        "version": known["version"],
        "digest": known["card"]["digest"],
    }
    happened = LabellingStarted(
        said.id, source, said.column, tuple(label.id for label in said.labels), said.raters,
        len(set(items)), digest(written),
    )  # fmt: skip
    draft = Draft(
        happened, context.actor("data steward"), subject(said.id), {"sheet": encode(written)},
        key=subject(said.id),
    )  # fmt: skip
    entry = record.append(draft)
    if entry.body != draft.body():
        raise _taken(said.id)
    _write_queue(context.home, said, items)
    return entry


def items_of(sheet: LabelSheet, frame: pd.DataFrame) -> list[str]:
    """By row, what a rater sees of it; rows that look the same are labelled once."""
    shown = [frame[name].tolist() for name in sheet.show]
    rows = zip(*shown, strict=True)
    texts = [
        "\n".join(f"{name}: {_cell(value)}" for name, value in zip(sheet.show, row, strict=True))
        for row in rows
    ]
    if len(set(texts)) > ITEMS_MAX:
        raise InputError(
            "label.too_many",
            Text(f"more than {ITEMS_MAX:,} different rows", f"不同的行超过 {ITEMS_MAX:,}"),
            next_step=Text("Label a part of the rows.", "请只标注其中一部分。"),
        )
    return texts


def item_id(text: str) -> str:
    """Names an item by what is seen: ``sha256:<hex>``."""
    return digest([HEAD, text])


def _cell(value: Any) -> str:
    return "–" if value is None or value != value else str(value)


def queue_file(home: Path, task: str) -> Path:
    return home / "labelling" / f"{task}.json"


def _write_queue(home: Path, sheet: LabelSheet, texts: Sequence[str]) -> None:
    """What raters see, kept private until the task is finished."""
    file = queue_file(home, sheet.id)
    with storage_errors(file):
        file.parent.mkdir(mode=0o700, exist_ok=True)
        data = {"task": sheet.id, "items": list(dict.fromkeys(texts))}
        write_whole(file, json.dumps(data, ensure_ascii=False).encode())
        file.chmod(0o600)


@dataclass(frozen=True)
class Task:
    """A task as the record has it."""

    id: str
    entry: Entry
    sheet: LabelSheet
    finished: Entry | None

    @classmethod
    def of(cls, record: Record, task: str) -> Task:
        """Raises InputError when there is no task of that name."""
        entry = next(record.entries(about=subject(task), kind=STARTED), None)
        if entry is None:
            known = ", ".join(e.body["task"] for e in record.entries(kind=STARTED)) or "-"
            raise InputError(
                "label.unknown",
                Text(f"no labelling task is called {task!r}", f"没有名为 {task!r} 的标注任务"),
                next_step=Text(f"Tasks: {known}.", f"已有任务: {known}。"),
            )
        sheet = LabelSheet.model_validate(decode(record.body(entry, "sheet")))
        finished = next(record.entries(about=subject(task), kind=FINISHED), None)
        return cls(task, entry, sheet, finished)

    def given(self, record: Record) -> list[Given]:
        """All labels that were given and not erased; each as its rater signed it."""
        found = []
        for entry in record.entries(about=subject(self.id), kind=GIVEN):
            try:
                found.append(_read(entry.body, record.body(entry, "label")))
            except RecordError as error:
                if error.code != "record.body_gone":
                    raise
        return found


def _read(said: Mapping[str, Any], body: bytes) -> Given:
    signed = note.verify(body, [note.VerifierKey.parse(str(said["vkey"]))])
    head, task, item, label, why = signed.text.splitlines()
    if (head, task, item) != (HEAD, said["task"], said["item"]):
        raise ValueError("a signed label of something else")
    return Given(str(said["rater"]), item, label, str(json.loads(why)))


@dataclass
class LabelDesk:
    """One rater at one task: what the rating page and the terminal ask of a desk."""

    context: Context
    task: Task
    rater: str
    items: Mapping[str, str]
    labels: bool = True

    @classmethod
    def of(cls, context: Context, task: str, rater: str) -> LabelDesk:
        """Raises InputError: no such task, or a name that cannot be used. RunError: it is over."""
        check_name(rater)
        with open_record(context, create=False) as record:
            found = Task.of(record, task)
        if found.finished is not None:
            raise _over(task)
        file = queue_file(context.home, task)
        with storage_errors(file):
            texts = json.loads(file.read_bytes())["items"]
        return cls(context, found, rater, {item_id(text): text for text in texts})

    @property
    def marks(self) -> list[tuple[str, Text]]:
        """What a rater may choose: value and words."""
        return [
            (label.id, Text(label.title.en, label.title.zh)) for label in self.task.sheet.labels
        ]

    def left(self) -> list[tuple[str, Waiting]]:
        """What this rater has still to label, in an order of its own; nobody's labels are shown."""
        with open_record(self.context) as record:
            seen = by_item(self.task.given(record))
        wanted = self.task.sheet.raters
        own = {id_ for id_, given in seen.items() if self.rater in {one.rater for one in given}}
        left = [id_ for id_ in self.items if id_ not in own and len(seen.get(id_, ())) < wanted]
        return [(id_, Waiting(self._item(id_), 0, True)) for id_ in sorted(left, key=self._lot)]

    def _lot(self, id_: str) -> str:
        return hashlib.sha256(f"{self.task.id}\n{self.rater}\n{id_}".encode()).hexdigest()

    def _item(self, id_: str) -> Item:
        said = self.task.sheet.instructions
        return Item(f"{said.en}\n{said.zh}", self.items[id_], "", (), (), "", False)

    def choose(self, item: str, value: str, why: str) -> int:
        """Record a label that was chosen on the page; 1 where it was new."""
        return self.give([Given(self.rater, item, value, why)])

    def give(self, labels: Sequence[Given]) -> int:
        """Sign and record labels; how many were new. The first label of an item counts.

        Raises:
            InputError: an item or a label that the task does not have. RunError: it is over.
        """
        for one in labels:
            self._check(one)
        key = rater_key(self.context, self.rater)
        with open_record(self.context) as record:
            if Task.of(record, self.task.id).finished is not None:
                raise _over(self.task.id)
            before = {one.item for one in self.task.given(record) if one.rater == self.rater}
            for one in labels:
                self._record(record, one, key)
        return sum(one.item not in before for one in labels)

    def _check(self, one: Given) -> None:
        known = [label.id for label in self.task.sheet.labels]
        if one.item not in self.items or one.label not in known:
            raise InputError(
                "label.no_such",
                Text(
                    f"the task has no item {one.item[:80]!r} or no label {one.label[:80]!r}",
                    f"该任务没有条目 {one.item[:80]!r} 或没有标签 {one.label[:80]!r}",
                ),
                next_step=Text(f"Labels: {', '.join(known)}.", f"标签: {', '.join(known)}。"),
            )

    def _record(self, record: Record, one: Given, key: note.SigningKey) -> None:
        why = json.dumps(one.why, ensure_ascii=False)
        text = f"{HEAD}\n{self.task.id}\n{one.item}\n{one.label}\n{why}\n"
        vkey = key.verifier.encode()
        happened = LabelGiven(self.task.id, one.item, self.rater, vkey)
        bodies = {"label": note.sign(text, [key]).encode()}
        once = f"label:{self.task.id}:{one.item}:{vkey}"
        actor = self.context.actor("evaluator")
        record.append(Draft(happened, actor, subject(self.task.id), bodies, key=once))


def _taken(task: str) -> InputError:
    return InputError(
        "label.taken",
        Text(f"there is another labelling task {task!r}", f"已有另一标注任务 {task!r}"),
        where=task,
        next_step=Text("Choose another id for this one.", "请为本任务另取编号。"),
    )


def _over(task: str) -> RunError:
    return RunError(
        "label.over",
        Text("the task is finished; further labels count for nothing",
             "该任务已完成, 之后的标注不再计入"),
        where=task,
        next_step=Text(f"`pilotbase catalog label show {task}`",
                       f"`pilotbase catalog label show {task}`"),
    )  # fmt: skip
