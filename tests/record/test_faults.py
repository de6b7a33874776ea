"""Full disks, read-only and strange files, newer versions: a clear error, and nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pilotbase.kernel.errors import HomeError, PilotbaseError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.adapters import sqlite
from pilotbase.record.adapters.sqlite_log import PAGE_SIZE, SqliteLog
from pilotbase.record.adapters.sqlite_vault import SqliteVault
from pilotbase.record.audit import verify
from pilotbase.record.encryption import EncryptedVault
from pilotbase.record.opened import LOG, VAULT, Record, open_record

Make = Callable[..., Draft]


def refused(error: pytest.ExceptionInfo[PilotbaseError], code: str, where: Path) -> None:
    assert error.value.code == code and error.value.where == str(where)
    assert error.value.message.zh and error.value.next_step.zh


def vault_of(record: Record) -> SqliteVault:
    """The store under the encryption."""
    assert isinstance(record.vault, EncryptedVault)
    assert isinstance(record.vault.inner, SqliteVault)
    return record.vault.inner


class TestDiskFull:
    """SQLite's own page limit gives the same SQLITE_FULL as a full disk."""

    def limited(self, connection: sqlite3.Connection) -> Callable[[], None]:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")
        return lambda: connection.execute("PRAGMA max_page_count=1000000").close()

    def test_of_the_log(self, record: Record, make: Make) -> None:
        record.append(make(0))
        assert isinstance(record.log, SqliteLog)
        free = self.limited(record.log._connection)
        batch = [make(n, e=b"body") for n in range(1, 400)]
        with pytest.raises(HomeError) as error:
            record.append_many(batch)
        refused(error, "home.disk_full", record.home / LOG)
        report = verify(record)
        assert report.ok and record.size == 1
        assert "belong to no entry" in report.findings[0].message.en
        free()
        assert record.append_many(batch)[-1].index == 399 and verify(record).ok

    def test_of_the_vault(self, record: Record, make: Make) -> None:
        record.append(make(0, e=b"small"))
        free = self.limited(vault_of(record)._connection)
        with pytest.raises(HomeError) as error:
            record.append(make(1, e=bytes(100_000)))
        refused(error, "home.disk_full", record.home / VAULT)
        assert record.size == 1 and verify(record).findings == ()
        free()
        assert record.append(make(1, e=bytes(100_000))).index == 1 and verify(record).ok


class TestRefusals:
    def test_a_read_only_database(self, record: Record, make: Make) -> None:
        assert isinstance(record.log, SqliteLog)
        record.log._connection.execute("PRAGMA query_only=ON")
        with pytest.raises(HomeError) as error:
            record.append(make(0))
        refused(error, "home.not_writable", record.home / LOG)

    def test_a_read_only_file(self, tmp_path: Path) -> None:
        path = tmp_path / "x.db"
        SqliteLog(path).close()
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection,
            pytest.raises(HomeError) as error,
            sqlite.database_errors(path),
        ):
            connection.execute("DELETE FROM entry")
        refused(error, "home.not_writable", path)

    def test_a_folder_in_the_place_of_the_log(self, context: Context) -> None:
        (context.home / LOG).mkdir(parents=True)
        with pytest.raises(HomeError) as error:
            open_record(context)
        refused(error, "home.not_writable", context.home / LOG)

    def test_another_process_that_does_not_let_go(
        self, record: Record, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
        with (
            closing(sqlite3.connect(record.home / LOG, isolation_level=None)) as other,
            open_record(record.context) as impatient,
        ):
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(HomeError) as error:
                impatient.append(make(0))
            refused(error, "home.busy", record.home / LOG)
            other.execute("ROLLBACK")
            assert impatient.append(make(0)).index == 0


class TestStrangeFiles:
    @pytest.mark.parametrize("name", [LOG, VAULT])
    def test_not_a_database(self, context: Context, name: str) -> None:
        context.home.mkdir()
        (context.home / name).write_bytes(b"These are notes about dinner.\n" * 100)
        with pytest.raises(RecordError) as error:
            open_record(context)
        refused(error, "record.not_a_database", context.home / name)

    def test_the_database_of_something_else_is_left_as_it_is(self, context: Context) -> None:
        context.home.mkdir()
        path = context.home / LOG
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE recipe (name TEXT)")
        before = path.read_bytes()
        with pytest.raises(RecordError) as error:
            open_record(context)
        refused(error, "record.not_ours", path)
        assert path.read_bytes() == before

    def test_log_and_vault_exchanged(self, context: Context) -> None:
        open_record(context).close()
        (context.home / LOG).rename(context.home / "x")
        (context.home / VAULT).rename(context.home / LOG)
        (context.home / "x").rename(context.home / VAULT)
        with pytest.raises(RecordError) as error:
            open_record(context)
        refused(error, "record.not_ours", context.home / LOG)

    @pytest.mark.parametrize("name", [LOG, VAULT])
    def test_a_newer_schema(self, context: Context, name: str) -> None:
        open_record(context).close()
        with closing(sqlite3.connect(context.home / name)) as newer:
            newer.execute("PRAGMA user_version=99")
        with pytest.raises(HomeError) as error:
            open_record(context)
        refused(error, "home.newer", context.home / name)

    def test_a_newer_home(self, context: Context) -> None:
        context.home.mkdir()
        (context.home / "home.json").write_text('{"format": 99}')
        with pytest.raises(HomeError) as error:
            open_record(context)
        assert error.value.code == "home.newer"

    def test_a_torn_file(self, context: Context, make: Make) -> None:
        with open_record(context) as record:
            record.append_many([make(n) for n in range(200)])
        path = context.home / LOG
        whole = path.read_bytes()
        path.write_bytes(whole[:-PAGE_SIZE])
        with pytest.raises(RecordError) as error:
            open_record(context)
        refused(error, "record.damaged", path)
        for part in (1, 512, PAGE_SIZE // 2):
            path.write_bytes(whole[:-part])
            with open_record(context, create=False) as record:
                assert verify(record).first_bad_index is not None, f"{part} bytes are gone"
        for page in range(1, len(whole) // PAGE_SIZE):
            start = PAGE_SIZE * page
            path.write_bytes(whole[:start] + bytes(PAGE_SIZE) + whole[start + PAGE_SIZE :])
            with open_record(context, create=False) as record:
                assert not verify(record).ok, f"page {page} was zeroed"

    def test_a_lost_log_beside_its_checkpoint(self, context: Context, make: Make) -> None:
        with open_record(context) as record:
            record.append(make(0))
            record.checkpoint()
        (context.home / LOG).unlink()
        with open_record(context) as record:
            assert not verify(record).ok
            with pytest.raises(RecordError) as error:
                record.append(make(0))
        refused(error, "record.put_back", context.home / LOG)


def test_durability_is_asked_for(record: Record) -> None:
    assert isinstance(record.log, SqliteLog)
    vault = vault_of(record)
    for connection in (record.log._connection, vault._connection):
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "2 is FULL"
    assert vault._connection.execute("PRAGMA secure_delete").fetchone() == (1,)
