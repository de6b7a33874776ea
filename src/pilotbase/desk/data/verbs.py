"""Making data of other data. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
