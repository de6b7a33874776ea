"""PostgreSQL as a store: what can go wrong with a server, and rows that somebody changed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
import pytest

from pilotbase.kernel.errors import HomeError, InputError, PilotbaseError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record import stores
from pilotbase.record.adapters import blocks, postgres
from pilotbase.record.audit import VerifyReport, verify
from pilotbase.record.opened import Record, open_record
from tests.record.cluster import Cluster

Make = Callable[..., Draft]
SIZE, CHECKPOINTS = 7, (3, 5, 7)
TABLES = ("entry", "node", "checkpoint", "body")


def refused(error: pytest.ExceptionInfo[PilotbaseError], code: str) -> None:
    assert error.value.code == code
    assert error.value.message.zh and error.value.next_step.zh and error.value.next_step.en


class Scene:
    """Seven entries, three checkpoints and a body, and a hand to change the rows."""

    def __init__(self, record: Record, dsn: str, schema: str) -> None:
        self.record = record
        self.hand = psycopg.connect(dsn, autocommit=True)
        self.run(f"SET search_path = {schema}")
        self.run("SET synchronous_commit = off")
        for table in TABLES:
            self.run(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}")

    def run(self, query: str, values: tuple[Any, ...] = ()) -> psycopg.Cursor[Any]:
        return self.hand.execute(cast(LiteralString, query), values or None)

    def read(self, query: str) -> list[tuple[Any, ...]]:
        return self.run(query).fetchall()

    def report(self, *statements: str | tuple[str, tuple[Any, ...]]) -> VerifyReport:
        """The audit's report while the statements hold; afterwards all is as it was."""
        try:
            for statement in statements:
                query, values = (statement, ()) if isinstance(statement, str) else statement
                self.run(query, values)
            return verify(self.record)
        finally:
            with self.hand.transaction():
                for table in TABLES:
                    self.run(f"DELETE FROM {table}")
                    self.run(f"INSERT INTO {table} SELECT * FROM kept_{table}")


@pytest.fixture
def home(in_postgres: Callable[[Path], Path], tmp_path: Path) -> Path:
    return in_postgres(tmp_path / "home")


@pytest.fixture
def scene(
    home: Path,
    fixed: Callable[[Path], Context],
    make: Make,
    make_other: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Scene]:
    monkeypatch.setattr(blocks, "NODES", 4)
    store = stores.store_of(home)
    assert store is not None
    with open_record(fixed(home)) as record:
        for n in range(SIZE):
            record.append(make(n, a=b"a") if n == 4 else make_other(n) if n % 3 else make(n))
            if n + 1 in CHECKPOINTS:
                record.checkpoint()
        assert verify(record).ok and verify(record).findings == ()
        opened = Scene(record, store.dsn, store.schema)
        yield opened
        opened.hand.close()
        assert verify(record).ok, "each change was taken back"


def flips(data: bytes, step: int) -> Iterator[bytes]:
    for at in range(0, len(data), step):
        yield data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]


def said(report: VerifyReport) -> str:
    return " | ".join(f"{f.where.en}: {f.message.en}" for f in report.findings)


class TestTampering:
    def test_flipped_bytes(self, scene: Scene) -> None:
        for index, data in scene.read("SELECT leaf_index, data FROM entry"):
            update = f"UPDATE entry SET data = %s WHERE leaf_index = {index}"
            for changed in flips(data, 67):
                report = scene.report((update, (changed,)))
                assert report.first_bad_index == index and "do not have the hash" in said(report)
        for block, data in scene.read("SELECT block, hashes FROM node"):
            update = f"UPDATE node SET hashes = %s WHERE block = {block}"
            for changed in flips(data, 29):
                assert scene.report((update, (changed,))).first_bad_index is not None
        for size, data in scene.read("SELECT size, note FROM checkpoint"):
            update = f"UPDATE checkpoint SET note = %s WHERE size = {size}"
            for changed in flips(data, 53):
                assert f"checkpoint of size {size}" in said(scene.report((update, (changed,))))
        ((data,),) = scene.read("SELECT data FROM body")
        for changed in flips(data, 1):
            report = scene.report(("UPDATE body SET data = %s", (changed,)))
            assert report.first_bad_index == 4 and "not what was committed" in said(report)

    @pytest.mark.parametrize("column", ["key", "kind", "about"])
    def test_what_stands_beside_an_entry(self, scene: Scene, column: str) -> None:
        for index in range(SIZE):
            change = f"UPDATE entry SET {column} = {column} || '\\x78' WHERE leaf_index = {index}"
            report = scene.report(change)
            assert report.first_bad_index == index and column in said(report)
        report = scene.report("UPDATE entry SET count = count + 1 WHERE leaf_index = 2")
        assert report.first_bad_index == 2 and "count" in said(report)

    def test_removed_swapped_inserted(self, scene: Scene) -> None:
        for index in range(SIZE):
            report = scene.report(f"DELETE FROM entry WHERE leaf_index = {index}")
            assert not report.ok and report.first_bad_index == index
            two = (index + 2) % SIZE
            report = scene.report(
                f"UPDATE entry SET leaf_index = -1 WHERE leaf_index = {index}",
                f"UPDATE entry SET leaf_index = {index} WHERE leaf_index = {two}",
                f"UPDATE entry SET leaf_index = {two} WHERE leaf_index = -1",
            )
            assert report.first_bad_index == min(index, two)
        for at in (SIZE, 99, -1, 2**63 - 1):
            report = scene.report(
                f"INSERT INTO entry SELECT {at}, data, key || '\\x78', kind, 9, about "
                "FROM entry WHERE leaf_index = 2"
            )
            assert not report.ok and f"entry {at}" in said(report)
        for block in range(3):
            assert not scene.report(f"DELETE FROM node WHERE block = {block}").ok
        assert not scene.report("INSERT INTO node VALUES (3, '\\x00')").ok
        assert not scene.report("DELETE FROM checkpoint WHERE size = 7").ok

    def test_indexes_that_are_missing(self, scene: Scene) -> None:
        scene.run("DROP INDEX entry_key")
        assert "missing: CREATE UNIQUE INDEX entry_key" in said(verify(scene.record))
        scene.run("CREATE UNIQUE INDEX entry_key ON entry (sha256(key))")
        scene.run("CREATE TABLE more () INHERITS (node)")
        assert "unknown: CREATE TABLE more INHERITS (node)" in said(verify(scene.record))
        scene.run("DROP TABLE more")

    @pytest.mark.parametrize(
        ("made", "taken_back", "named"),
        [
            ("ALTER TABLE entry ADD x int", "ALTER TABLE entry DROP x", "entry.x integer YES"),
            ("CREATE INDEX mine ON entry (count)", "DROP INDEX mine", "CREATE INDEX mine ON entry"),
            (
                "CREATE RULE mine AS ON DELETE TO entry DO INSTEAD NOTHING",
                "DROP RULE mine ON entry",
                "CREATE RULE mine ON entry",
            ),
            (
                "CREATE TRIGGER mine BEFORE UPDATE ON body FOR EACH ROW EXECUTE FUNCTION "
                "suppress_redundant_updates_trigger()",
                "DROP TRIGGER mine ON body",
                "CREATE TRIGGER mine ON body",
            ),
            (
                "CREATE POLICY mine ON node USING (false)",
                "DROP POLICY mine ON node",
                "CREATE POLICY mine ON node",
            ),
        ],
    )
    def test_what_acts_on_its_tables(
        self, scene: Scene, made: str, taken_back: str, named: str
    ) -> None:
        scene.run(made)
        report = verify(scene.record)
        assert f"unknown: {named}" in said(report)
        assert {f.where.zh for f in report.findings} == {scene.record.log.where}, "not record.db"
        scene.run(taken_back)

    def test_other_tables_of_the_schema_are_none_of_the_records(self, scene: Scene) -> None:
        scene.run("CREATE TABLE gateway_claim (usage_id text PRIMARY KEY, at bigint)")
        report = verify(scene.record)
        assert report.ok and report.findings == ()

    def test_a_log_put_back(self, scene: Scene, make: Make) -> None:
        for table, column in (("entry", "leaf_index"), ("node", "block"), ("checkpoint", "size")):
            scene.run(f"DELETE FROM {table} WHERE {column} >= 0")
        with open_record(scene.record.context) as again, pytest.raises(RecordError) as error:
            again.append(make(0))
        refused(error, "record.put_back")
        assert "#" in error.value.where and not verify(scene.record).ok
        scene.run("DELETE FROM body")
        for name in ("checkpoint",):
            (scene.record.home / name).unlink()


@pytest.mark.parametrize(
    ("dsn", "where"),
    [
        ("postgresql://li@127.0.0.1:27431/nodb", "postgresql://127.0.0.1:27431/nodb#s8"),
        ("host=db port=5433 user=li password=secret", "postgresql://db:5433#s8"),
        ("host=a,b port=5433 dbname=x", "postgresql://a:5433,b:5433/x#s8"),
        ("postgresql://[::1]:5433/x", "postgresql://[::1]:5433/x#s8"),
        ("postgresql:///x?host=/var/run", "postgresql://%2Fvar%2Frun/x#s8"),
    ],
)
def test_the_place_is_an_address(dsn: str, where: str) -> None:
    assert postgres.Database(dsn, "s8").where == where


class TestServer:
    def test_a_read_only_database(self, scene: Scene, make: Make) -> None:
        log = scene.record.log
        log._connection.execute("SET default_transaction_read_only = on")  # type: ignore[attr-defined]
        with pytest.raises(HomeError) as error:
            scene.record.append(make(50))
        refused(error, "home.not_writable")
        log._connection.execute("SET default_transaction_read_only = off")  # type: ignore[attr-defined]
        assert scene.record.append(make(50)).index == SIZE

    def test_a_writer_that_does_not_let_go(
        self, home: Path, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "BUSY_SECONDS", 0.1)
        with open_record(Context(home)) as one, open_record(Context(home)) as two:
            with one.log.transaction():
                with pytest.raises(HomeError) as error:
                    two.append(make(0))
                refused(error, "home.busy")
            assert two.append(make(0)).index == 0

    def test_newer_tables(self, home: Path) -> None:
        with open_record(Context(home)) as record:
            log = record.log
            log._connection.execute("INSERT INTO version VALUES (99)")  # type: ignore[attr-defined]
        with pytest.raises(HomeError) as error:
            open_record(Context(home))
        refused(error, "home.newer")

    def test_a_server_that_is_not_there(self, tmp_path: Path) -> None:
        pytest.importorskip("psycopg")
        stores.choose(tmp_path, stores.Postgres(f"postgresql:///x?host={tmp_path}"))
        with pytest.raises(HomeError) as error:
            open_record(Context(tmp_path))
        refused(error, "home.store_unreachable")

    def test_a_record_that_has_yet_to_begin(self, home: Path, make: Make) -> None:
        with pytest.raises(RecordError) as error:
            open_record(Context(home), create=False)
        refused(error, "record.missing")
        with open_record(Context(home)) as record:
            record.append(make(0))
        with open_record(Context(home), create=False) as record:
            assert record.size == 1

    @pytest.mark.parametrize(
        ("state", "code"),
        [
            ("53100", "home.disk_full"),
            ("58030", "home.io_error"),
            ("42501", "home.not_writable"),
            ("XX001", "record.damaged"),
            ("42P01", "record.damaged"),
            ("57P01", "home.store_unreachable"),
        ],
    )
    def test_errors_by_their_state(self, state: str, code: str) -> None:
        error = postgres.translated(psycopg.errors.lookup(state)("said\nmore"), "here")
        assert error.code == code and error.where == "here" and error.next_step.zh
        assert "more" not in error.message.en


class TestSetting:
    def test_the_environment_decides_for_a_new_home(
        self, cluster: Cluster, tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with open_record(Context(tmp_path / "older")) as record:
            record.append(make(0))
        monkeypatch.setenv(stores.VARIABLE, cluster.dsn)
        with open_record(Context(tmp_path / "older"), create=False) as record:
            assert record.size == 1, "a record that has begun stays where it is"
        with open_record(Context(tmp_path / "new")) as record:
            record.append(make(1))
        monkeypatch.delenv(stores.VARIABLE)
        assert not (tmp_path / "new" / stores.LOG).exists()
        with open_record(Context(tmp_path / "new"), create=False) as record:
            assert record.size == 1 and record.log.where.endswith("#pilotbase")

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("store =", "record.bad_store"),
            ('store = "sqlit\xe9"', "record.bad_store"),
            ('store = "postgresql"\ndsn = "dbname=x"\nschema = ""', "record.bad_store"),
            ('store = "oracle"', "record.bad_store"),
            ('store = "postgresql"', "record.bad_store"),
            ('store = "postgresql"\ndsn = 5', "record.bad_store"),
            ('store = "postgresql"\ndsn = "no=such=thing"', "record.bad_store"),
            ('store = "postgresql"\ndsn = "postgresql://a:secret@b/c"', "record.store_password"),
        ],
    )
    def test_settings_that_are_refused(self, tmp_path: Path, text: str, code: str) -> None:
        (tmp_path / stores.SETTING).write_text(text, "latin-1")
        with pytest.raises(InputError) as error:
            open_record(Context(tmp_path))
        refused(error, code)
        assert "secret" not in str(error.value)

    def test_sqlite_may_be_said(self, tmp_path: Path, make: Make) -> None:
        (tmp_path / stores.SETTING).write_text('store = "sqlite"\n', "utf-8")
        with open_record(Context(tmp_path)) as record:
            assert record.append(make(0)).index == 0
        assert (tmp_path / stores.LOG).exists()

    def test_without_the_driver_it_says_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / stores.SETTING).write_text('store = "postgresql"\ndsn = "dbname=x"\n', "utf-8")
        monkeypatch.setitem(sys.modules, "psycopg", None)
        monkeypatch.delitem(sys.modules, "pilotbase.record.adapters.postgres")
        with pytest.raises(HomeError) as error:
            open_record(Context(tmp_path))
        refused(error, "home.no_driver")
        assert "pilotbase[postgres]" in error.value.next_step.zh
