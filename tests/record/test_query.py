"""Segments that are what the log says, and questions in SQL that can do nothing but ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pilotbase.kernel.errors import InputError, PilotbaseError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context, as_data
from pilotbase.record import segments, verbs
from pilotbase.record.opened import open_record
from pilotbase.record.query_process import answer
from pilotbase.record.rules.merkle import leaf_hash, root
from pilotbase.record.verbs.asking import QueryRequest, SegmentsRequest
from pilotbase.record.verbs.reading import ShowRequest

Make = Callable[..., Draft]


@pytest.fixture
def home(context: Context, make: Make, make_other: Make) -> Context:
    with open_record(context) as record:
        record.append_many([make(n, e=b"x") if n % 2 else make_other(n) for n in range(10)])
    return context


def refused(code: str, error: type[PilotbaseError], ask: Callable[[], object]) -> PilotbaseError:
    with pytest.raises(error) as caught:
        ask()
    assert caught.value.code == code
    return caught.value


def rows(home: Context, sql: str, **more: Any) -> list[list[Any]]:
    return as_data(verbs.query(home, QueryRequest(sql, **more)))["rows"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import duckdb

    path = tmp_path_factory.mktemp("query") / "q.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE entries AS SELECT 1 AS index, 'x' AS kind")
    return path


class TestSegments:
    def test_roots_are_those_of_the_entries(
        self, home: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import duckdb

        monkeypatch.setattr(segments, "SIZE", 4)
        out = tmp_path / "it's out"
        made = verbs.segments(home, SegmentsRequest(out))
        assert [(s["start"], s["stop"]) for s in made.segments] == [(0, 4), (4, 8), (8, 10)]
        with open_record(home) as record:
            leaves = [leaf_hash(entry.data) for entry in record.entries(0, 10)]
            said = record.entry(made.recorded)
            # A full segment's root is a node of the log's own tree.
            assert made.segments[0]["root"] == record.inclusion(4, 8)[-1].hex()
        assert said.kind == "record.sealed/1" and said.index == 10
        for segment, recorded in zip(made.segments, said.body["segments"], strict=True):
            part = leaves[segment["start"] : segment["stop"]]
            assert segment["root"] == recorded["root"] == root(part).hex()
            query = (
                f"SELECT entry FROM '{str(out / segment['file']).replace(chr(39), chr(39) * 2)}'"
            )
            entries = [leaf_hash(text.encode()) for (text,) in duckdb.sql(query).fetchall()]
            assert root(entries).hex() == segment["root"]

    def test_again_adds_nothing_and_later_only_what_is_new(
        self, home: Context, tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(segments, "SIZE", 4)
        first = verbs.segments(home, SegmentsRequest(tmp_path / "s"))
        times = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "s").iterdir()}
        again = verbs.segments(home, SegmentsRequest(tmp_path / "s"))
        assert (again.recorded, again.segments) == (first.recorded, first.segments)
        with open_record(home) as record:
            assert record.size == 11
            record.append(make(50))
        later = verbs.segments(home, SegmentsRequest(tmp_path / "s"))
        assert [(s["start"], s["stop"]) for s in later.segments] == [(0, 4), (4, 8), (8, 12)]
        names = {p.name for p in (tmp_path / "s").iterdir()}
        assert names == {"segments.json", *(s["file"] for s in later.segments)}
        full = first.segments[0]["file"]
        assert (tmp_path / "s" / full).stat().st_mtime_ns == times[full]

    def test_a_changed_file_is_not_asked(self, home: Context, tmp_path: Path) -> None:
        out = tmp_path / "s"
        made = verbs.segments(home, SegmentsRequest(out))
        assert rows(home, "SELECT count(*) FROM entries", segments=out) == [[10]]
        file, listed = out / made.segments[0]["file"], out / segments.LIST
        data, said = file.read_bytes(), listed.read_text()
        for spoil in (
            lambda: file.write_bytes(data[:-1] + b"?"),
            file.unlink,
            lambda: listed.write_text("{"),
            lambda: listed.write_text("[]"),
            lambda: listed.write_text(said.replace('"file":"', '"file":"../')),
            listed.unlink,
        ):
            spoil()
            ask = lambda: rows(home, "SELECT 1", segments=out)  # noqa: E731
            refused("segments.changed", RecordError, ask)
            file.write_bytes(data)
            listed.write_text(said)


class TestQuery:
    def test_questions(self, home: Context) -> None:
        assert rows(home, "SELECT kind, count(*) FROM entries GROUP BY 1 ORDER BY 1") == [
            ["test.counted/1", 5],
            ["test.other/1", 5],
        ]
        last = rows(home, "SELECT index, recorded_at, body->>'n', bodies FROM entries LIMIT 1")
        assert last == [[0, "2026-11-21T08:00:01", "0", 0]]
        assert rows(home, "SELECT DISTINCT actor, role FROM entries") == [["Li Hua", "evaluator"]]
        with open_record(home) as record:
            said = record.entry(3).data.decode()
        assert rows(home, "SELECT entry FROM entries WHERE index = 3") == [[said]]

    def test_values_that_json_has_no_form_for(self, home: Context) -> None:
        sql = "SELECT 2::HUGEINT**100, 'inf'::DOUBLE, '\\x01'::BLOB, {'a': [1]}, DATE '2026-01-02'"
        found = rows(home, sql)
        assert found[0][2:] == ["01", {"a": [1]}, "2026-01-02"] and found[0][1] == "inf"
        assert json.dumps(found)

    def test_an_empty_log(self, context: Context) -> None:
        open_record(context).close()
        assert rows(context, "SELECT count(*) FROM entries") == [[0]]

    def test_limits(self, home: Context) -> None:
        some = verbs.query(home, QueryRequest("SELECT index FROM entries", limit=3))
        assert len(some.rows) == 3 and some.more and some.columns == ("index",)
        assert not verbs.query(home, QueryRequest("SELECT 1", limit=1)).more
        for bad in (QueryRequest("SELECT 1", limit=-1), QueryRequest("SELECT 1", seconds=0)):
            refused("query.bad_limit", InputError, lambda bad=bad: verbs.query(home, bad))
        forever = (
            "WITH RECURSIVE t AS (SELECT 1 a UNION ALL SELECT a + 1 FROM t) SELECT max(a) FROM t"
        )
        ask = QueryRequest(forever, seconds=1)
        refused("query.too_long", InputError, lambda: verbs.query(home, ask))
        ask = QueryRequest("SELECT repeat('x', 4000000000)", seconds=4)
        with pytest.raises(InputError) as caught:
            verbs.query(home, ask)
        assert caught.value.code in ("query.too_long", "query.too_large", "query.refused")
        wide = "SELECT repeat('x', 1000000) FROM range(100)"
        refused("query.refused", InputError, lambda: rows(home, wide))

    @pytest.mark.parametrize(
        "sql",
        [
            "COPY entries TO '{folder}/out.csv'",
            "COPY (SELECT 1) TO '{folder}/out.parquet' (FORMAT parquet)",
            "COPY entries FROM '/etc/passwd'",
            "ATTACH '{folder}/other.db'",
            "ATTACH '{folder}/other.db' AS x; SELECT 1",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM read_csv_auto('{folder}/secret.csv')",
            "SELECT * FROM '{folder}/secret.csv'",
            "SELECT * FROM read_text('/etc/passwd')",
            "SELECT * FROM read_blob('{folder}/secret.csv')",
            "SELECT * FROM read_json('{folder}/secret.csv')",
            "SELECT * FROM read_parquet('{folder}/x.parquet')",
            "SELECT * FROM sniff_csv('{folder}/secret.csv')",
            "SELECT * FROM glob('/etc/*')",
            "SELECT * FROM query('COPY entries TO ''{folder}/out.csv''')",
            "SELECT * FROM read_csv('https://example.invalid/x.csv')",
            "EXPORT DATABASE '{folder}/out'",
            "IMPORT DATABASE '{folder}/out'",
            "SET enable_external_access = true",
            "RESET lock_configuration",
            "PRAGMA database_list",
            "CALL pragma_version()",
            "CREATE TABLE t (i INT)",
            "CREATE TEMP TABLE t (i INT)",
            "CREATE VIEW v AS SELECT 1",
            "INSERT INTO entries (index) VALUES (1)",
            "UPDATE entries SET kind = 'x'",
            "DELETE FROM entries",
            "DROP TABLE entries",
            "DETACH query",
            "CHECKPOINT",
            "SELECT 1; SELECT 2",
            "SELECT 1; DROP TABLE entries",
            "EXPLAIN SELECT 1",
            "SELECT getenv('HOME')",
            "SELECT * FROM context",
            "SELECT * FROM asked",
            "SELEC 1",
            "",
            ";",
            "\x00",
        ],
    )
    def test_hostile_questions(self, database: Path, tmp_path: Path, sql: str) -> None:
        (tmp_path / "secret.csv").write_text("word\nsecret\n")
        words = sql.replace("{folder}", str(tmp_path))
        asked = {"database": str(database), "sql": words, "rows": 10, "memory_mib": 200}
        before = database.read_bytes()
        assert answer(asked).keys() == {"refused"}
        assert [p.name for p in tmp_path.iterdir()] == ["secret.csv"]
        assert database.read_bytes() == before

    def test_a_refusal_is_an_error_with_the_reason(self, home: Context) -> None:
        error = refused("query.refused", InputError, lambda: rows(home, "DROP TABLE entries"))
        assert "not one SELECT" in error.message.en


class TestShow:
    def show(self, home: Context, **asked: Any) -> list[int]:
        return [e["index"] for e in verbs.show(home, ShowRequest(**asked)).entries]

    def test_filters(self, home: Context) -> None:
        assert self.show(home, start=2, stop=5) == [2, 3, 4]
        assert self.show(home, actor="Li Hua", limit=2) == [0, 1]
        assert self.show(home, actor="evaluator", limit=1) == [0]
        assert self.show(home, actor="nobody") == []
        since, until = "2026-11-21T08:00:03Z", "2026-11-21T16:00:06+08:00"
        assert self.show(home, since=since, until=until) == [2, 3, 4]
        assert self.show(home, since=since, until=until, kind="test.other/1") == [2, 4]
        refused("record.bad_time", InputError, lambda: self.show(home, since="today"))
