"""Queries: what they may see, that they end, and that everyone gets the same rows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog import query
from pilotbase.catalog.query import prepared, read_files, run_query
from pilotbase.catalog.table import content_digest, plain_frame
from pilotbase.kernel.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "it's a folder"
    (home / "sub").mkdir(parents=True)
    (home / "x.csv").write_text("a,b\n1,x\n2,y\n", encoding="utf-8")
    (home / "sub" / "y.csv").write_text("a,b\n3,z\n", encoding="utf-8")
    (home / "n.json").write_text('[{"a": 5}]', encoding="utf-8")
    (tmp_path / "secret.csv").write_text("s\nclassified\n", encoding="utf-8")
    (home / "link.csv").symlink_to(tmp_path / "secret.csv")
    return home


TABLE = plain_frame(
    pd.DataFrame({"n": [3, 1, 2], "w": ["c", None, "b"], "x": [0.5, np.nan, 2.0]}), "test"
)


def refused(sql: str) -> DataError:
    with pytest.raises(DataError) as caught:
        prepared(TABLE, sql)
    assert caught.value.where == "data.prepare"
    return caught.value


# -- prepare ---------------------------------------------------------------------------------------


def test_prepare_sees_the_table_with_its_row_numbers() -> None:
    frame = prepared(TABLE, "SELECT _row, n, w, x IS NULL AS gap FROM data ORDER BY n")
    assert frame["_row"].tolist() == [1, 2, 0]
    assert frame["w"].tolist() == [None, "b", "c"]
    assert frame["gap"].tolist() == [True, False, False]


def test_results_are_in_plain_types() -> None:
    frame = prepared(
        TABLE,
        "SELECT sum(n) OVER () AS total, count(*) OVER () AS rows, CAST(n AS DECIMAL(9, 2)) AS d, "
        "DATE '2020-01-31' + CAST(n AS INTEGER) AS day, TIMESTAMP '2020-01-01 10:00' AS moment, "
        "CASE WHEN n = 3 THEN true END AS maybe, CAST(n AS UTINYINT) AS small, NULL AS nothing "
        "FROM data ORDER BY _row",
    )
    assert frame.dtypes.astype(str).tolist() == [
        "int64", "int64", "float64", "object", "object", "object", "int64", "float64",
    ]  # fmt: skip
    assert frame["total"].tolist() == [6, 6, 6]
    assert frame["day"].tolist() == ["2020-02-03", "2020-02-01", "2020-02-02"]
    assert frame["moment"].iloc[0] == "2020-01-01T10:00:00"
    assert frame["maybe"].tolist() == [True, None, None]
    pd.testing.assert_frame_equal(plain_frame(frame, "test"), frame)


def test_a_truth_column_with_gaps_arrives_as_truth() -> None:
    table = plain_frame(pd.DataFrame({"t": pd.array([None, True, False], dtype="boolean")}), "t")
    frame = prepared(table, "SELECT t, NOT t AS opposite FROM data ORDER BY _row")
    assert frame["opposite"].tolist() == [None, False, True]


def test_a_text_column_that_starts_empty_is_read_as_text() -> None:
    words = [None] * 3000 + ["late"]
    table = pd.DataFrame({"w": pd.Series(words, dtype=object)})
    assert prepared(table, "SELECT max(w) AS w FROM data")["w"].tolist() == ["late"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 1 AS a; SELECT 2 AS a", "one SELECT"),
        ("DROP TABLE data", "one SELECT"),
        ("COPY data TO 'out.csv'", "one SELECT"),
        ("ATTACH 'other.db'", "one SELECT"),
        ("INSTALL httpfs", "one SELECT"),
        ("SET threads = 8", "one SELECT"),
        ("", "one SELECT"),
        ("SELEC 1", "syntax error"),
        ("SELECT missing FROM data", "missing"),
        ("WITH q AS (INSERT INTO data VALUES (1) RETURNING n) SELECT * FROM q", "DuckDB"),
        ("SELECT n AS a, w AS a FROM data", "both called 'a'"),
        ("SELECT n FROM data WHERE n > 9", "no row"),
        ("SELECT [n] AS a FROM data", "type INTEGER[]"),
        ("SELECT INTERVAL 1 DAY AS a", "type INTERVAL"),
        ("SELECT * FROM range(3000000)", "at most 2,000,000"),
        ("SELECT list(range) AS a FROM range(900000000)", "memory"),
    ],
)
def test_queries_that_are_refused(sql: str, said: str) -> None:
    assert said in refused(sql).message.en.replace("BIGINT[]", "INTEGER[]")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT random() AS r FROM data",
        "SELECT n FROM data ORDER BY RANDOM ()",
        "SELECT uuid() AS u",
        "SELECT now()::VARCHAR AS t",
        "SELECT today()::VARCHAR AS t",
        "SELECT current_date AS d",
        "SELECT CURRENT_TIMESTAMP::VARCHAR AS d",
        "SELECT * FROM data USING SAMPLE 1",
        "SELECT * FROM data TABLESAMPLE 50%",
        "SELECT nextval('s') AS n",
    ],
)
def test_what_changes_from_run_to_run_is_refused(sql: str) -> None:
    assert "another result on another run" in refused(sql).message.en


def test_names_that_only_look_like_the_clock_are_fine() -> None:
    table = pd.DataFrame({"today": [1], "random": [2], "sample": [3]})
    sql = "SELECT today, random, sample -- random() in a comment\nFROM data"
    assert prepared(table, sql).iloc[0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("columns", [["A", "a"], ["_row", "b"]])
def test_names_that_sql_cannot_tell_apart(columns: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        prepared(pd.DataFrame([[1, 2]], columns=columns), "SELECT 1 AS one")
    assert caught.value.code == "data.duplicate_column"


def test_the_program_s_own_variables_are_out_of_reach() -> None:
    outside = pd.DataFrame({"a": [1]})
    assert len(outside) == 1
    assert "outside" in refused("SELECT * FROM outside").message.en


def test_a_query_that_does_not_end_is_stopped() -> None:
    endless = (
        "SELECT count(*) AS n FROM range(9000000) a, range(9000000) b WHERE a.range = -b.range"
    )
    endless += " AND a.range * b.range % 7 = 3 OR a.range + b.range = -1"
    with pytest.raises(DataError, match=r"longer than 0\.3 s"):
        run_query(endless, "test", seconds=0.3)


def test_the_number_of_threads_does_not_matter() -> None:
    """The rows a pack gets on one thread are those of an ordinary connection with four."""
    size = 50_000
    table = pd.DataFrame({"g": np.arange(size) % 97, "x": np.arange(size) * 0.25})
    sql = "SELECT g, sum(x) AS s, max(_row) AS last FROM data GROUP BY g ORDER BY g"
    with duckdb.connect(config={"threads": 4}) as free:
        free.register("data", table.assign(_row=np.arange(size)))
        expected = free.execute(sql).df()
    assert content_digest(prepared(table, sql)) == content_digest(plain_frame(expected, "test"))


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "values", "names"),
    [
        ("SELECT a FROM 'x.csv' ORDER BY a", [1, 2], ["x.csv"]),
        ("SELECT a FROM read_csv('sub/y.csv', delim = ',')", [3], ["y.csv"]),
        ("SELECT a FROM read_csv(['x.csv', 'sub/y.csv']) ORDER BY a", [1, 2, 3],
         ["x.csv", "y.csv"]),
        ("SELECT a FROM read_csv('sub/*.csv')", [3], ["y.csv"]),
        ("SELECT a FROM read_json('n.json')", [5], ["n.json"]),
        ("SELECT t.a FROM 'x.csv' AS t JOIN 'sub/y.csv' AS u ON t.a < u.a ORDER BY 1", [1, 2],
         ["x.csv", "y.csv"]),
        ("SELECT 'x.csv' AS a -- 'secret'", ["x.csv"], []),
        ("SELECT 'é' || a AS a FROM 'x.csv' ORDER BY 1", ["é1", "é2"], ["x.csv"]),
    ],
)  # fmt: skip
def test_files_are_found_beside_the_scenario(
    folder: Path, sql: str, values: list[object], names: list[str]
) -> None:
    frame, files = read_files(sql, folder)
    assert frame["a"].tolist() == values
    assert [path.name for path in files] == names


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM '../secret.csv'", "data.outside"),
        ("SELECT * FROM 'link.csv'", "data.outside"),
        ("SELECT * FROM read_csv('*.csv')", "data.outside"),  # the link is among them
        ("SELECT * FROM '/etc/passwd'", "data.outside"),
        ("SELECT * FROM read_csv('/etc/*')", "data.no_file"),
        ("SELECT * FROM 'missing.csv'", "data.no_file"),
        ("SELECT * FROM read_csv('li' || 'nk.csv')", "data.no_file"),
        ("SELECT * FROM read_text('x.csv')", "data.query"),
        ("SELECT * FROM glob('*')", "data.query"),
        ("SELECT * FROM read_csv(getvariable('x'))", "data.query"),
        ("SELECT * FROM 'https://example.org/x.csv'", "data.no_file"),
        ("SELECT * FROM duckdb_secrets()", "data.query"),
        ("COPY (SELECT 1) TO 'x.csv'", "data.query"),
    ],
)
def test_nothing_else_is_in_reach(folder: Path, sql: str, code: str) -> None:
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(DataError) as caught:
        read_files(sql, folder)
    assert caught.value.code == code
    assert "classified" not in caught.value.message.en
    assert sorted(path.name for path in folder.iterdir()) == before


def test_the_guard_holds_when_a_path_is_put_together(folder: Path) -> None:
    path = str(folder.parent / "secret.csv").replace("'", "''")
    with pytest.raises(DataError, match="disabled by configuration"):
        run_query(f"SELECT * FROM read_csv('{path[:4]}' || '{path[4:]}')", "test")


def test_the_connection_is_locked() -> None:
    connection = query.locked([])
    try:
        for statement in ("SET enable_external_access = true", "SET threads = 4", "LOAD httpfs"):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)
    finally:
        connection.close()
