"""From the scenario's ``data:`` section to a `Table`, the same on every machine."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pilotbase.catalog.datasets import Loaded, Loader
from pilotbase.catalog.paths import inside
from pilotbase.catalog.rules.synthetic import MARKER, marked_rows
from pilotbase.catalog.sealed.sets import Opener, SealedSet
from pilotbase.catalog.table import Table, content_digest, plain_frame
from pilotbase.kernel import plugins
from pilotbase.kernel.canonical import digest, digest_bytes
from pilotbase.kernel.errors import DataError, PilotbaseError, PluginError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import SOURCES, Data

__all__ = ["Table", "load_table"]

GROUP = "pilotbase.datasets"

ELSEWHERE = Text(
    "If they stay with their owner, the owner runs this scenario: page “Run where the data are”.",
    "若数据留在所有者处, 由其运行本场景: 见“在数据所在处运行”页。",
)
WHERE_THEY_ARE = Text(
    "They stay with their owner, who runs the same file where they are: pilotbase plan FILE -o "
    "plan.txt; you witness it: pilotbase witness sign plan.txt KEYFILE -o receipt.txt; the owner: "
    "pilotbase run FILE --receipt receipt.txt, and hands you the report (page “Run where the data "
    "are”).",
    "数据留在所有者处, 由其在数据所在处运行同一文件: pilotbase plan 文件 -o plan.txt; "
    "由你作见证: pilotbase witness sign plan.txt 密钥文件 -o receipt.txt; 所有者再运行 "
    "pilotbase run 文件 --receipt receipt.txt, 并交回报告 (见“在数据所在处运行”页)。",
)


@dataclass(frozen=True, eq=False)
class _Read:
    frame: pd.DataFrame
    source: Text
    raw_digest: str | None = None
    about: Text | None = None
    licence: Text | None = None
    sealed: SealedSet | None = None
    reported_by: Text | None = None
    synthetic: int = 0


def load_table(
    data: Data,
    folder: Path,
    *,
    trust: bool = False,
    loaders: Mapping[str, Loader] | None = None,
    sealed: Opener | None = None,
    marked: bool = False,
) -> Table:
    """The table that a scenario's data section describes, prepared and in plain types.

    Args:
        data: the section; exactly one source is set.
        folder: where the scenario file lies; the files it names lie in it or below.
        trust: files may lie elsewhere, and ``dataset`` may be ``module:function``.
        loaders: loaders by name; those that are installed as plug-ins if left out.
        sealed: opens sealed test sets; without it they stay closed.
        marked: keep the column that marks synthetic rows; else it is left out, because it is
            nothing to learn from.

    Raises:
        DataError: a file, an encoding, a shape or a query that does not hold; says where.
        PluginError: a loader that is unknown, fails, or hands over something else than `Loaded`.
    """
    read = _read(data, folder, trust, loaders, sealed)
    loaded_digest = content_digest(read.frame)
    _check_digest(data, read.raw_digest or loaded_digest)
    frame = _prepared(read.frame, data, marked)
    return Table(
        frame=frame,
        source=read.source,
        digest=content_digest(frame),
        loaded_digest=loaded_digest,
        raw_digest=read.raw_digest,
        about=read.about,
        licence=read.licence,
        sealed=read.sealed,
        reported_by=read.reported_by,
        synthetic=max(read.synthetic, _marked(read.frame)),
        loaded_rows=len(read.frame),
    )


def _read(
    data: Data,
    folder: Path,
    trust: bool,
    loaders: Mapping[str, Loader] | None,
    sealed: Opener | None,
) -> _Read:
    """The rows as their source holds them, before anything is prepared."""
    source = _source(data)
    if source == "dataset":
        return _from_loader(str(data.dataset), trust, loaders)
    if source == "sql":
        return _from_query(str(data.sql), folder)
    if source == "sealed":
        return _from_keeping(str(data.sealed), sealed)
    if source == "results":
        return _from_results(str(data.results), folder, trust)
    return _from_file(data, source, folder, trust)


def _source(data: Data) -> str:
    """The word that says where the data come from; refused where it is not exactly one."""
    named = [source for source in SOURCES if getattr(data, source) is not None]
    if len(named) != 1:
        raise DataError(
            "data.source",
            Text(
                f"{len(named)} sources of data are named; it takes exactly one",
                f"写了 {len(named)} 个数据来源; 必须恰好一个",
            ),
            where="data",
            next_step=Text(
                f"Keep one of: {', '.join(SOURCES)}.", f"请只保留其一: {', '.join(SOURCES)}。"
            ),
        )
    return named[0]


def _prepared(frame: pd.DataFrame, data: Data, marked: bool) -> pd.DataFrame:
    if data.prepare is not None:
        from pilotbase.catalog.query import prepared  # DuckDB takes a while to import

        frame = prepared(frame, data.prepare)
    if MARKER in frame and not marked:
        frame = frame.drop(columns=MARKER)
    return frame


def _marked(frame: pd.DataFrame) -> int:
    return marked_rows(frame[MARKER].tolist()) if MARKER in frame else 0


def _check_digest(data: Data, found: str) -> None:
    """The data are those that the scenario means, to the byte."""
    if data.digest not in (None, found):
        raise DataError(
            "data.other_content",
            Text(f"these are other data: their hash is {found}", f"数据不符: 其哈希为 {found}"),
            where="data.digest",
            next_step=Text(
                f"Use the data of hash {data.digest}, or correct `digest`.",
                f"请使用哈希为 {data.digest} 的数据, 或更正 `digest`。",
            ),
        )


def _located(data: Data, name: str, folder: Path, where: str, trust: bool) -> Path:
    """The file; where it is not here, how the trial can still be run."""
    try:
        return inside(folder, name, where, trust=trust)[0]
    except DataError as error:
        if error.code != "data.no_file":
            raise
        if data.digest is None:
            beside = error.next_step
            step = Text(f"{beside.en} {ELSEWHERE.en}", f"{beside.zh} {ELSEWHERE.zh}")
            raise DataError(error.code, error.message, where=where, next_step=step) from error
        said = Text(
            f"the data {name!r} of hash {data.digest} are not held here",
            f"本处不持有数据 {name!r} (哈希 {data.digest})",
        )
        raise DataError("data.not_held", said, where=where, next_step=WHERE_THEY_ARE) from error


def _from_keeping(name: str, sealed: Opener | None) -> _Read:
    if sealed is None:
        raise DataError(
            "sealed.closed",
            Text(
                f"the sealed test set {name!r} is read by official runs alone",
                f"封存测试集 {name!r} 仅供正式试验读取",
            ),
            where=f"data.sealed: {name}",
            next_step=Text(
                "Rehearse on cases of your own: name them under `data` in a copy of the scenario.",
                "演练请用自有案例: 复制场景文件并在 `data` 下写明。",
            ),
        )
    opened = sealed(name)
    source = Text(f"sealed test set {name}", f"封存测试集 {name}")
    return _Read(opened.frame, source, sealed=opened.set)


def _from_results(name: str, folder: Path, trust: bool) -> _Read:
    from pilotbase.catalog.results.read import read_results

    where = f"data.results: {name}"
    found = read_results(inside(folder, name, where, trust=trust)[0], where)
    source = Text(f"{name} ({found.source.en})", f"{name}({found.source.zh})")
    return _Read(found.frame, source, found.digest, reported_by=found.tool)


def _from_file(data: Data, kind: str, folder: Path, trust: bool) -> _Read:
    name = str(getattr(data, kind))
    where = f"data.{kind}: {name}"
    path = _located(data, name, folder, where, trust)
    raw = path.read_bytes()
    if kind == "csv":
        from pilotbase.catalog.csv_file import read_csv

        frame = read_csv(raw, data.encoding, where)
        source = Text(
            f"{name} (CSV, {data.encoding.upper()})", f"{name}(CSV, {data.encoding.upper()})"
        )
    elif kind == "xlsx":
        from pilotbase.catalog.workbook import read_workbook

        frame = read_workbook(raw, data.sheet, where)
        sheet = data.sheet or "1"
        source = Text(f"{name} (workbook, sheet {sheet})", f"{name}(工作簿, 工作表 {sheet})")
    else:
        from pilotbase.catalog.query import run_query

        quoted = str(path).replace("'", "''")
        frame = run_query(f"SELECT * FROM read_parquet(['{quoted}'])", where, files=[path])
        source = Text(f"{name} (Parquet)", f"{name}(Parquet)")
    return _Read(frame, source, digest_bytes(raw))


def _from_query(sql: str, folder: Path) -> _Read:
    from pilotbase.catalog.query import read_files

    frame, files = read_files(sql, folder)
    home = folder.resolve()
    names = [path.relative_to(home).as_posix() for path in files]
    read = {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in zip(names, files, strict=True)
    }
    listed = ", ".join(names)
    source = Text(f"query over {listed or 'no file'}", f"对 {listed or '(无文件)'} 的查询")
    # A query may leave the marker out of its answer, but not what it was made of.
    synthetic = len(frame) if any(map(_marks_rows, files)) else 0
    return _Read(frame, source, digest(read), synthetic=synthetic)


def _marks_rows(file: Path) -> bool:
    """Whether a file of a query holds rows that are marked as synthetic."""
    from pilotbase.catalog.query import run_query

    quoted = str(file).replace("'", "''")
    try:
        found = run_query(f"SELECT {MARKER} FROM '{quoted}'", "data.sql", files=[file])
    except DataError:  # the column is not there
        return False
    return marked_rows(found[MARKER].tolist()) > 0


def _from_loader(name: str, trust: bool, loaders: Mapping[str, Loader] | None) -> _Read:
    where = f"data.dataset: {name}"
    if loaders is not None and name in loaders:
        loader: Any = loaders[name]
    elif ":" in name:
        loader = _trusted(name, trust, where)
    else:
        loader = plugins.load(GROUP, name)
    try:
        loaded = loader()
    except PilotbaseError:
        raise
    except Exception as error:  # a loader is a plug-in: it may fail in any way
        raise _broken(where, f"{type(error).__name__}: {error}") from error
    if not isinstance(loaded, Loaded):
        raise _broken(where, f"it returns {type(loaded).__name__}, not catalog.datasets.Loaded")
    source = Text(f"{name}: {loaded.source}", f"{name}: {loaded.source}")
    return _Read(plain_frame(loaded.frame, where), source, None, loaded.about, loaded.licence)


def _trusted(name: str, trust: bool, where: str) -> Any:
    if not trust:
        raise DataError(
            "data.untrusted",
            Text(
                "the scenario names code that is not an installed plug-in",
                "场景文件指定了未安装为插件的代码",
            ),
            where=where,
            next_step=Text(
                "Read that code; if you trust it, run again with --trust.",
                "请先阅读该代码; 若信任它, 请加上 --trust 重新运行。",
            ),
        )
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except Exception as error:  # importing runs foreign code: it may fail in any way
        raise _broken(where, f"{type(error).__name__}: {error}") from error


def _broken(where: str, reason: str) -> PluginError:
    return PluginError(
        "dataset.broken",
        Text(f"the loader fails: {reason}", f"数据加载器出错: {reason}"),
        where=where,
        next_step=Text(
            "Repair the loader, or load the data from a file.",
            "请修复该加载器, 或改为从文件加载数据。",
        ),
    )
