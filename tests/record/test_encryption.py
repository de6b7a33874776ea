"""The vault at rest: unreadable without the key, the same to everyone who has it."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pilotbase.kernel.errors import HomeError, InputError, PilotbaseError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record import verbs
from pilotbase.record.audit import verify
from pilotbase.record.encryption import SETTING, VaultKey, make_key, read_key
from pilotbase.record.opened import VAULT, open_record
from pilotbase.record.ports import Sealed
from pilotbase.record.verbs.vault import EncryptRequest, EraseRequest, ListRequest

Make = Callable[..., Draft]
BODY = b"a body in the clear, long enough to look for"


def refused(code: str, error: type[PilotbaseError], ask: Callable[[], object]) -> None:
    with pytest.raises(error) as caught:
        ask()
    assert caught.value.code == code


def readable(home: Path) -> bool:
    return any(BODY in p.read_bytes() for p in home.rglob("*") if p.is_file())


@pytest.fixture
def plain(context: Context, make: Make) -> Context:
    with open_record(context) as record:
        record.append_many([make(n, e=BODY + bytes([n])) for n in range(3)])
    return context


@pytest.fixture
def keyed(plain: Context, tmp_path: Path) -> Context:
    file = tmp_path / "safe" / "vault.key"
    verbs.encrypt(plain, EncryptRequest(file))
    return replace(plain, vault_key=file)


def test_converting_leaves_nothing_in_the_clear(plain: Context, tmp_path: Path) -> None:
    assert readable(plain.home)
    with open_record(plain) as record:
        roots = [record.root(n) for n in range(4)]
        salt = record.opening(record.entry(0), "e").salt
    file = tmp_path / "vault.key"
    done = verbs.encrypt(plain, EncryptRequest(file))
    assert done.made and done.rewritten == 3 and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not readable(plain.home)
    assert not any(salt in p.read_bytes() for p in plain.home.rglob("*") if p.is_file())
    with open_record(replace(plain, vault_key=file)) as record:
        assert [record.root(n) for n in range(4)] == roots and verify(record).bodies == 3
        assert record.body(record.entry(2), "e") == BODY + b"\2"
        assert record.entry(3).kind == "vault.encrypted/1"
    assert verbs.list_(plain, ListRequest()).encrypted == done.key


def test_new_bodies_are_encrypted_too(keyed: Context, make: Make) -> None:
    with open_record(keyed) as record:
        entry = record.append(make(9, e=BODY))
        assert record.body(entry, "e") == BODY and verify(record).ok
    assert not readable(keyed.home)


def test_a_fresh_home_with_a_key_begins_encrypted(
    tmp_path: Path, fixed: Callable[[Path], Context], make: Make
) -> None:
    key = tmp_path / "k"
    make_key(key, lambda size: bytes(size))
    with open_record(replace(fixed(tmp_path / "h"), vault_key=key)) as record:
        record.append(make(1, e=BODY))
    assert not readable(tmp_path / "h") and (tmp_path / "h" / SETTING).exists()


def test_without_the_key(keyed: Context, make: Make) -> None:
    without = replace(keyed, vault_key=None)
    with open_record(without) as record:
        report = verify(record)
        assert report.ok and report.bodies == 0
        assert ["not checked" in f.message.en for f in report.findings] == [True]
        refused("vault.key_missing", RecordError, lambda: record.body(record.entry(0), "e"))
        refused("vault.key_missing", RecordError, lambda: record.append(make(9, e=BODY)))
        assert record.append(make(9)).index == 4
    erased = verbs.erase(without, EraseRequest("why", "law", entry=0))
    assert len(erased.erased) == 1


def test_with_another_key(keyed: Context, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    make_key(other, lambda size: bytes([7]) * size)
    refused("vault.wrong_key", RecordError, lambda: open_record(replace(keyed, vault_key=other)))
    (keyed.home / SETTING).unlink()
    with open_record(replace(keyed, vault_key=other)) as record:
        refused("vault.wrong_key", RecordError, lambda: record.body(record.entry(0), "e"))


@pytest.mark.parametrize("text", [b"", b"nonsense", b"\xff", b"PILOTBASE+VAULT+KEY+AAAA"])
def test_a_file_that_is_no_key(plain: Context, tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "k"
    file.write_bytes(text)
    context = replace(plain, vault_key=file)
    refused("vault.bad_key_file", InputError, lambda: open_record(context))
    missing = replace(plain, vault_key=tmp_path / "none")
    refused("vault.bad_key_file", InputError, lambda: open_record(missing))


def test_the_key_does_not_go_into_the_home(plain: Context) -> None:
    ask = EncryptRequest(plain.home / "keys" / "vault.key")
    refused("vault.key_in_home", InputError, lambda: verbs.encrypt(plain, ask))
    assert readable(plain.home)


def test_changing_the_key(keyed: Context, tmp_path: Path) -> None:
    new = tmp_path / "new.key"
    refused(
        "vault.key_missing",
        RecordError,
        lambda: verbs.encrypt(replace(keyed, vault_key=None), EncryptRequest(new)),
    )
    assert verbs.encrypt(keyed, EncryptRequest(new)).rewritten == 3
    assert verbs.encrypt(replace(keyed, vault_key=new), EncryptRequest(new)).rewritten == 0
    refused("vault.wrong_key", RecordError, lambda: open_record(keyed))
    with open_record(replace(keyed, vault_key=new)) as record:
        assert verify(record).bodies == 3


def test_a_change_of_keys_that_was_killed_goes_on(
    keyed: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, real, calls = tmp_path / "new.key", VaultKey.seal, list[str]()

    def killed(self: VaultKey, commitment: str, kept: Sealed) -> Sealed:
        calls.append(commitment)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, commitment, kept)

    monkeypatch.setattr("pilotbase.record.sealing.BATCH", 1)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(VaultKey, "seal", killed)
        verbs.encrypt(keyed, EncryptRequest(new))
    assert verbs.encrypt(keyed, EncryptRequest(new)).rewritten == 1
    with open_record(replace(keyed, vault_key=new)) as record:
        assert verify(record).bodies == 3


def test_every_flipped_byte_is_noticed(keyed: Context) -> None:
    with open_record(keyed) as record, closing(sqlite3.connect(keyed.home / VAULT)) as hand:
        rows = hand.execute("SELECT rowid, salt, data FROM body").fetchall()
        rowid, salt, data = rows[0]
        for place in range(len(data)):
            changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            hand.execute("UPDATE body SET data = ? WHERE rowid = ?", (changed, rowid))
            hand.commit()
            assert not verify(record).ok
        assert rows[0][1] == salt


def test_an_unreadable_setting_does_not_mean_in_the_clear(keyed: Context, make: Make) -> None:
    (keyed.home / SETTING).write_text("{}")
    refused("home.unreadable", HomeError, lambda: open_record(keyed))


def test_a_key_names_itself_without_giving_itself_away(tmp_path: Path) -> None:
    key = make_key(tmp_path / "k", lambda size: bytes(range(size)))
    assert read_key(tmp_path / "k") == key and len(key.id) == 8
    sealed = key.seal("sha256:a", Sealed(bytes(32), b"x"))
    assert key.open("sha256:a", sealed) == Sealed(bytes(32), b"x")
    assert key.open("sha256:b", sealed) == Sealed(b"", b"")


def test_the_command_line_names_the_key(keyed: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from pilotbase.faces.cli.call import invoke
    from pilotbase.main import commands

    def verified(*words: str) -> int:
        command = commands(invoke)
        asked = ["record", "verify", "--home", str(keyed.home), "--json", *words]
        return int(json.loads(CliRunner().invoke(command, asked).output)["bodies"])

    monkeypatch.delenv("PILOTBASE_VAULT_KEY", raising=False)
    assert verified() == 0 and verified("--vault-key", str(keyed.vault_key)) == 3
    monkeypatch.setenv("PILOTBASE_VAULT_KEY", str(keyed.vault_key))
    assert verified() == 3
