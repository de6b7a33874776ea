"""A home moved between stores keeps every byte, hash, signature and body; both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pilotbase.kernel.errors import InputError, PilotbaseError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record import stores, verbs
from pilotbase.record.opened import LOG, Record, open_record
from pilotbase.record.proofs import prove
from pilotbase.record.rules.proof import check
from pilotbase.record.verbs.keeping import BackupRequest, MigrateRequest, RestoreRequest
from pilotbase.record.verbs.vault import EncryptRequest, EraseRequest
from tests.record.hands import change_entry

Make = Callable[..., Draft]


@pytest.fixture
def home(
    new_home: Callable[[Path], Path], context: Context, make: Make, make_other: Make
) -> Context:
    new_home(context.home)
    fill(context, make, make_other)
    return context


def fill(context: Context, make: Make, make_other: Make) -> None:
    with open_record(context) as record:
        record.append_many([make(n, e=b"body %d" % n) for n in range(5)])
        record.checkpoint()
        record.append_many([make_other(n) for n in range(300)])
        record.checkpoint()
        record.append(make(9))


def state(record: Record) -> tuple[object, ...]:
    log = record.log
    bodies = [record.vault.get(name) for name in record.vault.commitments()]
    return (list(log.rows(0, None)), list(log.all_nodes()), list(log.checkpoints()), bodies)


def refused(code: str, error: type[PilotbaseError], ask: Callable[[], object]) -> None:
    with pytest.raises(error) as caught:
        ask()
    assert caught.value.code == code


def test_to_sqlite(
    home: Context, tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOTBASE_STORE", "postgresql://nobody@localhost/nothing")
    done = verbs.migrate(home, MigrateRequest(tmp_path / "new"))
    assert done.ok and done.size == 306 and done.bodies == 5 and done.findings == ()
    there = replace(home, home=tmp_path / "new")
    assert stores.store_of(there.home) is None
    with open_record(home) as old, open_record(there) as new:
        assert state(new) == state(old) and new.root() == old.root() and new.vkey == old.vkey
        assert check(prove(new, 3), old.verifier).ok
        assert new.append(make(9)).index == 305 and new.append(make(10)).index == 306


def test_to_postgresql_and_back(
    context: Context, tmp_path: Path, in_postgres: Callable[[Path], Path], make: Make,
    make_other: Make,
) -> None:  # fmt: skip
    fill(context, make, make_other)
    store = stores.store_of(in_postgres(tmp_path / "elsewhere"))
    assert store is not None
    done = verbs.migrate(context, MigrateRequest(tmp_path / "pg", store.dsn, store.schema + "_m"))
    assert done.ok and done.size == 306 and done.bodies == 5
    there = replace(context, home=tmp_path / "pg")
    assert not (there.home / LOG).exists()
    verbs.migrate(there, MigrateRequest(tmp_path / "back"))
    back = replace(context, home=tmp_path / "back")
    with open_record(context) as old, open_record(there) as new, open_record(back) as again:
        assert state(old) == state(new) == state(again)
        assert new.append(make(10)).index == 306


def test_a_backup_of_either_store_becomes_a_home_of_files(home: Context, tmp_path: Path) -> None:
    verbs.erase(home, EraseRequest("why", "law", entry=1))
    made = verbs.backup(home, BackupRequest(tmp_path / "b.tar", with_keys=True))
    there = replace(home, home=tmp_path / "restored")
    done = verbs.restore(there, RestoreRequest(made.file))
    assert done.bodies == 4 and done.size == 307 and (there.home / LOG).exists()
    with open_record(home) as old, open_record(there) as new:
        assert state(new) == state(old)


def test_an_encrypted_vault(home: Context, tmp_path: Path) -> None:
    key = tmp_path / "key"
    verbs.encrypt(home, EncryptRequest(key))
    verbs.migrate(home, MigrateRequest(tmp_path / "new"))
    there = replace(home, home=tmp_path / "new")
    with open_record(there) as record:
        ask = lambda: record.body(record.entry(0), "e")  # noqa: E731
        refused("vault.key_missing", RecordError, ask)
    with open_record(replace(there, vault_key=key)) as record:
        assert record.body(record.entry(0), "e") == b"body 0"


def test_not_over_something(home: Context, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "x").write_text("")
    ask = MigrateRequest(tmp_path / "new")
    refused("migrate.not_empty", InputError, lambda: verbs.migrate(home, ask))


@pytest.mark.parametrize("word", ["mysql://x", "", "postgresql://a:secret@b/c"])
def test_a_store_that_is_none(context: Context, tmp_path: Path, word: str) -> None:
    with pytest.raises(InputError) as error:
        verbs.migrate(context, MigrateRequest(tmp_path / "new", word))
    assert error.value.where == "--store" and "secret" not in str(error.value)
    assert not (tmp_path / "new").exists()


def test_a_damaged_record_does_not_arrive_as_a_sound_one(
    context: Context, tmp_path: Path, make: Make, make_other: Make
) -> None:
    fill(context, make, make_other)
    change_entry(context.home, 2, lambda data: data.replace(b'"n":2', b'"n":7'))
    ask = MigrateRequest(tmp_path / "new")
    refused("record.not_copied", RecordError, lambda: verbs.migrate(context, ask))
    assert not (tmp_path / "new").exists()


def test_what_fails_leaves_nothing(
    context: Context, tmp_path: Path, make: Make, make_other: Make,
    in_postgres: Callable[[Path], Path],
) -> None:  # fmt: skip
    fill(context, make, make_other)
    whole = (context.home / LOG).read_bytes()
    change_entry(context.home, 2, lambda data: data.replace(b'"n":2', b'"n":7'))
    store = stores.store_of(in_postgres(tmp_path / "elsewhere"))
    assert store is not None
    ask = MigrateRequest(tmp_path / "pg", store.dsn, store.schema)
    refused("record.not_copied", RecordError, lambda: verbs.migrate(context, ask))
    assert {path.name for path in tmp_path.iterdir()} == {"home", "elsewhere"}
    (context.home / LOG).write_bytes(whole)
    assert verbs.migrate(context, ask).ok, "the same place is free for the next attempt"
    again = replace(ask, to=tmp_path / "pg2")
    refused("migrate.in_use", InputError, lambda: verbs.migrate(context, again))
    with open_record(replace(context, home=tmp_path / "pg")) as record:
        assert record.size == 306, "and nothing of what is there is touched"
