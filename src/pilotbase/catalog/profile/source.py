"""Data of any source as one table in DuckDB, so that what is measured never has to fit in memory.

The table is called ``data``; its columns are ``c0``, ``c1`` …, since names may hold anything. Cells
of a CSV file stay text: what type a column has is for `measure` to say.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pilotbase.catalog.adding import hash_file
from pilotbase.catalog.csv_file import check_delimiter
from pilotbase.catalog.profile.encoding import FAULTS_MAX, encoding_of, utf8_copy
from pilotbase.catalog.query import locked
from pilotbase.catalog.table import COLUMNS_MAX, Table, check_names
from pilotbase.kernel.errors import DataError, Fault, SheetError
from pilotbase.kernel.plugins import names as installed
from pilotbase.kernel.scratch import scratch
from pilotbase.kernel.text import Text

DATA = "data"
LOADERS = "pilotbase.datasets"
FORMATS = {
    "csv": "text/csv",
    "parquet": "application/x-parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
KINDS = Text("a .csv, .parquet or .xlsx file, or the name of an installed loader",
             "扩展名为 .csv、.parquet 或 .xlsx 的文件, 或已安装的数据加载器名称")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Source:
    """Data that lie open in DuckDB.

    Attributes:
        name: of the file or the loader. kind: csv, parquet, xlsx or loader.
        digest: sha256 of the file's bytes; of a loader's the content digest of its table.
        stored: by column, the type it has in DuckDB.
        encoding: of a CSV file. size: bytes of the file.
        table: the loader's table.
    """

    name: str
    kind: str
    digest: str
    names: tuple[str, ...]
    stored: tuple[str, ...]
    connection: duckdb.DuckDBPyConnection
    encoding: str = ""
    size: int | None = None
    table: Table | None = None


@contextmanager
def opened(target: str, encoding: str = "") -> Iterator[Source]:
    """The data of a file or of an installed loader.

    Args:
        encoding: of a CSV file, where it is not to be found out.

    Raises:
        SheetError: all rows of a CSV file that do not fit, by line. DataError: no such file or
            loader, another kind of file, broken or empty. PluginError: a loader that fails.
    """
    with scratch() as folder:
        path = Path(target)
        connection = None
        try:
            if path.is_file():
                connection = locked([path, folder / "data.csv"], spill=folder)
                yield _of_file(connection, path, encoding, folder)
            elif target in installed(LOADERS):
                connection = locked([])
                yield _of_loader(connection, target)
            else:
                raise _no_such(target)
        except duckdb.Error as error:
            raise _broken(target, error) from error
        finally:
            if connection is not None:
                connection.close()


def is_data(target: str) -> bool:
    """Whether a target names a file or a loader."""
    return Path(target).is_file() or target in installed(LOADERS)


def _of_file(
    connection: duckdb.DuckDBPyConnection, path: Path, encoding: str, folder: Path
) -> Source:
    kind = path.suffix.lower().removeprefix(".")
    if kind == "csv":
        encoding = encoding or encoding_of(path)
        names = _read_csv(connection, path, encoding, folder / "data.csv")
    elif kind == "parquet":
        encoding, names = "", _read_parquet(connection, path)
    elif kind == "xlsx":
        encoding, names = "", _read_xlsx(connection, path)
    else:
        raise _no_such(str(path))
    digest, size = hash_file(path), path.stat().st_size
    stored = _stored(connection)
    return Source(path.name, kind, digest, tuple(names), stored, connection, encoding, size)


def _read_csv(
    connection: duckdb.DuckDBPyConnection, path: Path, encoding: str, copy: Path
) -> list[str]:
    try:
        utf8_copy(path, encoding, copy)
    except (UnicodeDecodeError, LookupError) as error:
        said = Text(f"the file is not {encoding.upper()}", f"文件不是 {encoding.upper()} 编码")
        raise SheetError(str(path), [Fault("data.encoding", said)]) from error
    names = _header(path, copy)
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(names)))
    connection.execute(
        f"CREATE TABLE {DATA} AS SELECT * FROM read_csv(?, auto_detect = false, header = true, "
        f"delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}}, new_line = '\\n', "
        f"strict_mode = true, store_rejects = true, rejects_limit = {FAULTS_MAX + 1})",
        [str(copy)],
    )
    _refuse_rejected(connection, path)
    copy.unlink()  # the rows are in the table now: no copy lies about while they are measured
    return names


def _header(path: Path, copy: Path) -> list[str]:
    with copy.open(encoding="utf-8", newline="") as text:
        try:
            row = next(csv.reader(text, strict=True), [])
        except csv.Error as error:
            said = Text(
                f"the header breaks the rules of CSV: {error}", f"表头不符合 CSV 规则: {error}"
            )
            raise DataError("data.csv", said, where=str(path)) from error
    names = [name.strip() for name in row]
    if not names:
        raise DataError("data.empty", Text("the file is empty", "文件为空"), where=str(path))
    check_delimiter(names, str(path))
    _check_head(names, str(path))
    return names


def _check_head(names: Sequence[str], where: str) -> None:
    check_names(list(names), where)
    if len(names) > COLUMNS_MAX:
        said = Text(f"{len(names):,} columns; at most {COLUMNS_MAX:,} are taken",
                    f"共 {len(names):,} 列, 上限为 {COLUMNS_MAX:,}")  # fmt: skip
        raise DataError("data.too_large", said, where=where)


_REJECTED = {
    "MISSING COLUMNS": Text("too few cells", "单元格过少"),
    "TOO MANY COLUMNS": Text("too many cells", "单元格过多"),
    "UNQUOTED VALUE": Text("a quotation mark that is not closed", "引号未闭合"),
    "LINE SIZE OVER MAXIMUM": Text("the line is too long", "该行过长"),
}


def _refuse_rejected(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Every row that does not fit, by its line: none is dropped in silence."""
    rows = connection.execute(
        "SELECT line, any_value(error_type), any_value(error_message) FROM reject_errors "
        "GROUP BY line ORDER BY line"
    ).fetchall()
    faults = []
    for line, kind, message in rows[:FAULTS_MAX]:
        said = _REJECTED.get(str(kind), Text(str(message), str(message)))
        faults.append(Fault("data.row", said, line=int(line)))
    if len(rows) > FAULTS_MAX:
        faults.append(Fault("data.row", Text("and more rows", "以及更多行")))
    if faults:
        raise SheetError(str(path), faults)


def _read_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    found = connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [str(path)]).description
    names = [str(one[0]) for one in found or ()]
    _check_head(names, str(path))
    renamed = ", ".join(
        'p."{}" AS c{}'.format(name.replace('"', '""'), at) for at, name in enumerate(names)
    )
    connection.execute(
        f"CREATE TABLE {DATA} AS SELECT {renamed} FROM read_parquet(?) AS p", [str(path)]
    )
    return names


def _read_xlsx(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    from pilotbase.catalog.workbook import read_workbook

    return _take(connection, read_workbook(path.read_bytes(), None, str(path)))


def _of_loader(connection: duckdb.DuckDBPyConnection, name: str) -> Source:
    from pilotbase.catalog.load import load_table
    from pilotbase.scenario.schema import Data

    table = load_table(Data(dataset=name), Path())
    names = _take(connection, table.frame)
    stored = _stored(connection)
    return Source(name, "loader", table.digest, tuple(names), stored, connection, table=table)


def _take(connection: duckdb.DuckDBPyConnection, frame: Any) -> list[str]:
    """A frame in plain types as the table; what is text is declared so, not guessed."""
    names = [str(name) for name in frame.columns]
    plain = frame.copy()
    plain.columns = [f"c{at}" for at in range(len(names))]
    for name in plain.select_dtypes(object).columns:
        truths = any(isinstance(value, bool) for value in plain[name])
        plain[name] = plain[name].astype("boolean" if truths else "string")
    connection.register("frame", plain)
    connection.execute(f"CREATE TABLE {DATA} AS SELECT * FROM frame")
    connection.unregister("frame")
    return names


def _stored(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    found = connection.execute(f"SELECT * FROM {DATA} LIMIT 0").description or ()
    return tuple(str(kind) for _, kind, *_ in found)


def _no_such(target: str) -> DataError:
    from pilotbase.scenario.finding import nearest

    meant = nearest(target, installed(LOADERS))
    hint = Text(f"Did you mean {meant!r}?", f"是否想写 {meant!r}?") if meant else Text(
        f"Give {KINDS.en}.", f"请给出{KINDS.zh}。"
    )  # fmt: skip
    said = Text(f"no data are read from {target!r}", f"无法从 {target!r} 读取数据")
    return DataError("data.no_source", said, where=target, next_step=hint)


def _broken(target: str, error: duckdb.Error) -> DataError:
    reason = " ".join(str(error).split())[:300]
    said = Text(f"the file cannot be read: {reason}", f"无法读取文件: {reason}")
    return DataError("data.broken", said, where=target)
