"""SQL over DuckDB in a locked room: one SELECT, named files only, one thread, bounded.

What a query cannot do here: reach the network or a file that it does not name in plain sight below
the scenario's folder, write, load an extension, see the program's own variables, use more than
`MEMORY_LIMIT` or `SECONDS_MAX`, or return something else on the next run (random numbers, the
clock). DuckDB's own guard is documented under "Securing DuckDB"; naming the files first makes it an
allow-list of single files, which a link inside the folder cannot widen.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from pilotbase.catalog.paths import inside
from pilotbase.catalog.table import check_names, check_size, plain_frame
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text

MEMORY_LIMIT = "1GB"
SECONDS_MAX = 60.0
ROW_COLUMN = "_row"
FILE_FUNCTIONS = frozenset(
    {
        "read_csv", "read_csv_auto", "read_parquet", "parquet_scan", "read_json",
        "read_json_auto", "read_ndjson", "read_ndjson_auto",
    }
)  # fmt: skip
CLOCK_WORDS = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
)
TYPES = frozenset(
    {
        "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
        "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "VARCHAR", "DATE",
        "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIME", "ENUM", "UUID",
        '"NULL"',
    }
)  # fmt: skip


def prepared(frame: pd.DataFrame, sql: str) -> pd.DataFrame:
    """The `prepare` step: the query over the table ``data``, in plain types.

    Raises:
        DataError: see `run_query`; also names that differ only in case, or a column `_row`.
    """
    where = "data.prepare"
    folded = [str(name).casefold() for name in frame.columns]
    check_names([*folded, ROW_COLUMN], where)
    table = frame.copy()
    for name in table.select_dtypes(object).columns:
        # DuckDB guesses an object column's type from a sample; a declared one it takes as it is.
        truths = any(isinstance(value, bool) for value in table[name])
        table[name] = table[name].astype("boolean" if truths else "string")
    table.insert(0, ROW_COLUMN, range(len(table)))
    return run_query(sql, where, table=table)


def read_files(sql: str, folder: Path) -> tuple[pd.DataFrame, list[Path]]:
    """The result of a query over files below the folder, and the files it names.

    Raises:
        DataError: see `run_query`; also a file that is missing or lies outside the folder.
    """
    where = "data.sql"
    located, files = _locate(sql, folder, where)
    return run_query(located, where, files=files), files


def run_query(
    sql: str,
    where: str,
    *,
    table: pd.DataFrame | None = None,
    files: Sequence[Path] = (),
    seconds: float = SECONDS_MAX,
) -> pd.DataFrame:
    """The rows of one SELECT in plain types.

    Raises:
        DataError: not one SELECT, a function that is random or reads the clock, an error of
            DuckDB, a column of an unfit type, a result that is too large or comes too late.
    """
    connection = locked(files)
    timer = threading.Timer(seconds, connection.interrupt)
    try:
        _check_statement(sql, connection, where)
        if table is not None:
            connection.register("data", table)
        timer.start()
        return plain_frame(_fetched(connection.execute(sql), where), where)
    except duckdb.InterruptException as error:
        raise _refused(
            where,
            f"the query took longer than {seconds:g} s",
            f"查询超过 {seconds:g} 秒",
            Text("Prepare the data beforehand and load the result.", "请事先整理数据再加载。"),
        ) from error
    except duckdb.Error as error:
        raise _explained(error, where) from error
    finally:
        timer.cancel()
        connection.close()


def locked(files: Sequence[Path], *, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that reaches the named files and nothing else; it loads nothing.

    Args:
        spill: a folder for what does not fit into `MEMORY_LIMIT`; then two threads work. Without
            it everything has to fit.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": 2 if spill else 1,
            "memory_limit": MEMORY_LIMIT,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
        },
    )
    connection.execute("SET temp_directory = ?", [str(spill) if spill else ""])
    connection.execute("SET allowed_paths = ?", [[str(path) for path in files]])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _fetched(result: duckdb.DuckDBPyConnection, where: str) -> pd.DataFrame:
    columns = [(str(name), str(kind)) for name, kind, *_ in result.description or ()]
    names = [name for name, _ in columns]
    check_names(names, where)
    for name, kind in columns:
        if kind.split("(")[0] not in TYPES or kind.endswith("]"):
            raise _refused(
                where,
                f"column {name!r} is of type {kind}",
                f"列 {name!r} 的类型为 {kind}",
                Text(
                    "Cast it to a number, a truth value, text, DATE or TIMESTAMP.",
                    "请转换为数值、真假值、文本、DATE 或 TIMESTAMP。",
                ),
            )
    chunks: list[pd.DataFrame] = []
    rows = 0
    while True:
        chunk = result.fetch_df_chunk(20)
        rows += len(chunk)
        check_size(rows, len(names), where)
        chunks.append(chunk)
        if not len(chunk):
            break
    if not rows:
        raise _refused(where, "the query returns no row", "查询没有返回任何行")
    frame = pd.concat([c for c in chunks if len(c)] or chunks[:1], ignore_index=True)
    frame.columns = pd.Index(names, dtype=object)
    return _whole_again(frame, dict(columns))


def _whole_again(frame: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """Sums of integers are HUGEINT and arrive as floats: integers again where that is exact."""
    for name, kind in kinds.items():
        values = frame[name]
        if kind.endswith("HUGEINT") and values.notna().all() and (values.abs() < 2**53).all():
            frame[name] = values.astype("int64")
    return frame


@dataclass(frozen=True)
class _Token:
    text: str
    kind: str
    start: int


def _tokens(sql: str) -> list[_Token]:
    """DuckDB's own tokens, without comments; places are bytes of the UTF-8 text."""
    raw = sql.encode()
    marks: list[tuple[int, Any]] = duckdb.tokenize(sql)
    ends = [start for start, _ in marks[1:]] + [len(raw)]
    found = []
    for (start, kind), end in zip(marks, ends, strict=True):
        name = str(kind).rsplit(".", 1)[-1]
        if name != "comment":
            found.append(_Token(raw[start:end].decode().rstrip(), name, start))
    return found


def _check_statement(sql: str, connection: duckdb.DuckDBPyConnection, where: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise _explained(error, where) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise _refused(
            where,
            "the query has to be one SELECT",
            "只允许一条 SELECT 查询",
            Text(
                "Write one SELECT (WITH … is fine; a PIVOT lists its values with IN).",
                "请写成一条 SELECT(可用 WITH; PIVOT 须以 IN 列出取值)。",
            ),
        )
    word = _unrepeatable(sql, connection)
    if word is not None:
        raise _refused(
            where,
            f"{word!r} gives another result on another run",
            f"{word!r} 每次运行的结果不同",
            Text("Use only what is in the data.", "请只使用数据本身的内容。"),
        )


def _unrepeatable(sql: str, connection: duckdb.DuckDBPyConnection) -> str | None:
    """The first word of the query that depends on chance, the clock or the session."""
    found = connection.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY') AND function_name <> 'error'"
    ).fetchall()
    volatile = {str(name) for (name,) in found}
    tokens = _tokens(sql)
    for at, token in enumerate(tokens):
        word = token.text.strip('"').lower()
        follows = tokens[at + 1].text if at + 1 < len(tokens) else ""
        before = tokens[at - 1].text.lower() if at else ""
        sampled = word == "tablesample" or (word == "sample" and before == "using")
        if sampled or token.text.lower() in CLOCK_WORDS or (word in volatile and follows == "("):
            return word
    return None


def _locate(sql: str, folder: Path, where: str) -> tuple[str, list[Path]]:
    """The query with its files' full paths, and the files.

    A file is named by a plain string right after FROM or JOIN, or by the first argument (one string
    or a list) of a `FILE_FUNCTIONS`; there a pattern such as ``'*.csv'`` stands for all that match.
    """
    raw = sql.encode()
    files: list[Path] = []
    pieces: list[bytes] = []
    done = 0
    for token, place in _file_tokens(_tokens(sql)):
        name = token.text[1:-1].replace("''", "'")
        found = inside(folder, name, where, pattern=place != "table")
        files += [path for path in found if path not in files]
        quoted = ", ".join("'" + str(path).replace("'", "''") + "'" for path in found)
        pieces += [raw[done : token.start], (f"[{quoted}]" if place == "call" else quoted).encode()]
        done = token.start + len(token.text.encode())
    return b"".join([*pieces, raw[done:]]).decode(), files


def _file_tokens(tokens: list[_Token]) -> list[tuple[_Token, str]]:
    """The strings that name files: as a table, as the argument of a call, or in a call's list."""
    found: list[tuple[_Token, str]] = []
    texts = [token.text.lower() for token in tokens]
    for at, token in enumerate(tokens):
        if token.kind != "string_const" or not token.text.startswith("'"):
            continue
        first = at
        while first >= 2 and texts[first - 1] == "," and tokens[first - 2].kind == "string_const":
            first -= 2
        in_list = first >= 1 and texts[first - 1] == "["
        opening = first - 2 if in_list else at - 1
        if opening >= 1 and texts[opening] == "(" and texts[opening - 1] in FILE_FUNCTIONS:
            found.append((token, "list" if in_list else "call"))
        elif at and texts[at - 1] in ("from", "join"):
            found.append((token, "table"))
    return found


def _explained(error: duckdb.Error, where: str) -> DataError:
    if isinstance(error, duckdb.OutOfMemoryException):
        return _refused(
            where,
            f"the query needs more than {MEMORY_LIMIT} of memory",
            f"查询所需内存超过 {MEMORY_LIMIT}",
            Text("Prepare the data beforehand and load the result.", "请事先整理数据再加载。"),
        )
    reason = str(error).strip()
    advice = None
    if isinstance(error, duckdb.PermissionException):
        advice = Text(
            "A query reads only files that it names in plain sight: FROM 'visits.csv', or "
            "read_csv, read_parquet or read_json with a name, a list or a pattern.",
            "查询只能读取明确写出的文件: FROM 'visits.csv', 或在 read_csv、read_parquet、read_json "
            "中写文件名、列表或通配符。",
        )
    return _refused(where, f"DuckDB: {reason}", f"DuckDB 报错: {reason}", advice)


def _refused(where: str, english: str, chinese: str, next_step: Text | None = None) -> DataError:
    return DataError(
        "data.query",
        Text(english, chinese),
        where=where,
        next_step=next_step or Text("Correct the query.", "请更正查询语句。"),
    )
