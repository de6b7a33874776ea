"""Making data of other data. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pilotbase.desk.data import events as events
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

DATA = ("The id of a data set of the catalog.", "目录中数据集的编号。")
ROWS = (
    "Its file (CSV, XLSX or Parquet), with the hash that the catalog has.",
    "该数据集的文件 (CSV、XLSX 或 Parquet), 其哈希须与目录一致。",
)


@dataclass(frozen=True)
class SynthesiseRequest:
    asset: str = asked(*DATA)
    file: Path = asked(*ROWS)
    out: Path = asked("Write the synthetic rows here (CSV).", "将合成数据写入此文件 (CSV)。")
    id: str = asked(
        "Id of the new data set (default: ASSET-synthetic).",
        "新数据集的编号 (默认: 原编号-synthetic)。",
        default="",
    )
    method: Literal["rows", "columns"] = asked(
        "rows: whole rows resampled and blurred; columns: every column by itself.",
        "rows: 整行重抽样并加扰动; columns: 逐列独立抽样。",
        default="rows",
    )
    rows: int = asked(
        "How many rows (0: as many as there are).", "行数 (0: 与原数据相同)。", default=0
    )
    seed: int = asked(
        "Seed: the same seed gives the same rows.", "种子: 相同种子得到相同数据。", default=1
    )
    noise: float = asked(
        "rows: how much is blurred, from 0 to 1.", "rows: 扰动程度, 0 至 1。", default=0.1
    )


@dataclass(frozen=True)
class SynthesiseResponse:
    """Synthetic rows in a file, and what became of them in the catalog (``new``, ``changed`` or
    ``unchanged``); ``withheld`` are columns whose values were not carried over."""

    asset: str
    state: str
    version: str
    file: Path
    rows: int
    withheld: tuple[str, ...]


@verb(
    "catalog.synthesise",
    summary=Text(
        "Make synthetic rows of a data set; they are marked as synthetic for ever.",
        "由数据集生成合成数据; 合成标记永久保留。",
    ),
    changes=True,
    roles=("data steward", "provider"),
)
def synthesise(context: Context, request: SynthesiseRequest) -> SynthesiseResponse:
    from pilotbase.desk.data.synthesis import synthesise as made_of
    from pilotbase.record.opened import open_record

    with open_record(context) as record:
        added, made = made_of(
            record, context, request.asset, request.file, request.out, id_=request.id,
            method=request.method, rows=request.rows, seed=request.seed, noise=request.noise,
        )  # fmt: skip
    return SynthesiseResponse(
        added.id, added.state, added.version, request.out, made.rows, made.withheld
    )


TASK = ("The labelling task.", "标注任务。")


@dataclass(frozen=True)
class TaskResponse:
    """A labelling task.

    Attributes:
        items: different rows. wanted: labels still wanted. given: labels that were given so far.
        agreement: Krippendorff's alpha, nominal, with interval. state: open or finished.
    """

    task: str
    asset: str
    state: str
    items: int
    raters: int
    given: int
    wanted: int
    agreement: dict[str, Any]


@dataclass(frozen=True)
class LabelStartRequest:
    sheet: Path = asked("The task's sheet (YAML).", "任务表 (YAML)。")


@verb(
    "catalog.label.start",
    summary=Text(
        "Open a labelling task over the rows of a data set.", "为数据集的各行开设标注任务。"
    ),
    changes=True,
    roles=("data steward",),
)
def label_start(context: Context, request: LabelStartRequest) -> TaskResponse:
    from pilotbase.desk.data.label_show import task_shown
    from pilotbase.desk.data.labelling import start
    from pilotbase.record.opened import open_record

    with open_record(context) as record:
        entry = start(record, context, request.sheet)
        return TaskResponse(**task_shown(record, entry.body["task"]))


@dataclass(frozen=True)
class LabelGiveRequest:
    task: str = asked(*TASK)
    as_: str = asked(
        "Your name as a rater; choose a pseudonym.", "标注人名称, 请用化名。", default=""
    )
    answers: Path | None = asked(
        "Record the labels of this file: CSV with item, label, why, or a JSON list.",
        "记录此文件中的标签: 含 item, label, why 的 CSV, 或 JSON 列表。",
        default=None,
    )
    page: bool = asked(
        "Label on a page in the browser of this machine; ends with Ctrl-C.",
        "在本机浏览器页面中标注; 按 Ctrl-C 结束。",
        default=False,
    )


@dataclass(frozen=True)
class LabelGiveResponse:
    """What waits for a rater: ``items`` as ``{"item", "row"}`` in the rater's own order; ``given``
    were recorded just now, ``left`` are to come. ``labels`` are what one may choose."""

    task: str
    rater: str
    given: int
    left: int
    labels: tuple[str, ...]
    items: tuple[dict[str, str], ...]


@verb(
    "catalog.label.give",
    summary=Text(
        "Label rows blind: in a terminal, on a page or from a file.",
        "盲标数据: 可用终端、页面或文件。",
    ),
    changes=True,
    roles=("evaluator",),
)
def label_give(context: Context, request: LabelGiveRequest) -> LabelGiveResponse:
    from pilotbase.desk.data.label_show import read_labels
    from pilotbase.desk.data.labelling import LabelDesk

    desk = LabelDesk.of(context, request.task, request.as_)
    given = desk.give(read_labels(request.answers, request.as_)) if request.answers else 0
    left = desk.left()
    return LabelGiveResponse(
        request.task,
        request.as_,
        given,
        len(left),
        tuple(value for value, _ in desk.marks),
        tuple({"item": id_, "row": waiting.item.question} for id_, waiting in left),
    )


@dataclass(frozen=True)
class LabelShowRequest:
    task: str = asked(*TASK)


@verb(
    "catalog.label.show",
    summary=Text(
        "Show how far a labelling task is and how far people agree.",
        "显示标注任务的进度与一致程度。",
    ),
    changes=False,
    roles=("data steward", "evaluator"),
)
def label_show(context: Context, request: LabelShowRequest) -> TaskResponse:
    from pilotbase.desk.data.label_show import task_shown
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        return TaskResponse(**task_shown(record, request.task))


@dataclass(frozen=True)
class LabelFinishRequest:
    task: str = asked(*TASK)
    file: Path = asked(*ROWS)
    out: Path = asked("Write the labelled rows here (CSV).", "将标注后的数据写入此文件 (CSV)。")
    partly: bool = asked(
        "Also where labels are missing; such rows stay without one.",
        "缺少标注时也完成; 相应的行留空。",
        default=False,
    )


@dataclass(frozen=True)
class LabelFinishResponse:
    """The new version of the data set, with the agreement that its card states; ``left`` rows have
    no label, because people differ or too few labelled them."""

    asset: str
    version: str
    number: int
    file: Path
    alpha: float | None
    interval: tuple[float, float] | None
    raters: int
    rows: int
    left: int


@verb(
    "catalog.label.finish",
    summary=Text(
        "Make the labels a column of the data set's new version, with how far people agree.",
        "将标签写成数据集新版本的一列, 并注明一致程度。",
    ),
    changes=True,
    roles=("data steward",),
)
def label_finish(context: Context, request: LabelFinishRequest) -> LabelFinishResponse:
    from pilotbase.desk.data.label_finish import finish
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        added, made = finish(
            record, context, request.task, request.file, request.out, partly=request.partly
        )
    return LabelFinishResponse(
        added.id, added.version, added.number, request.out, made.alpha, made.interval,
        made.raters, made.rows, made.left,
    )  # fmt: skip
