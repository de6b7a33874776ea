"""The contract of a vault. A store joins by a line in `STORES`: its name and what opens one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pilotbase.record.adapters.sqlite_vault import SqliteVault
from pilotbase.record.encryption import EncryptedVault, VaultKey
from pilotbase.record.ports import Sealed, Vault
from pilotbase.record.stores import open_stores


def _sqlite(folder: Path) -> Vault:
    return SqliteVault(folder / "vault.db")


def _encrypted(folder: Path) -> Vault:
    return EncryptedVault(SqliteVault(folder / "vault.db"), folder, VaultKey(bytes(range(32))))


STORES: dict[str, Callable[[Path], Vault]] = {"sqlite": _sqlite, "encrypted": _encrypted}
POSTGRES = "postgresql"


def sealed(n: int) -> Sealed:
    return Sealed(bytes([n]) * 32, f"body {n}".encode())


@pytest.fixture(params=[*STORES, POSTGRES])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vault]:
    if request.param == POSTGRES:
        home = request.getfixturevalue("in_postgres")(tmp_path)
        log, opened = open_stores(home)
        log.close()
    else:
        opened = STORES[request.param](tmp_path)
    yield opened
    opened.close()


def test_what_is_put_is_there(vault: Vault) -> None:
    vault.put({"a": sealed(1), "b": sealed(2)})
    vault.put({"b": sealed(2), "c": Sealed(bytes(32), b"")})
    assert vault.get("a") == sealed(1) and vault.get("c") == Sealed(bytes(32), b"")
    assert vault.get("d") is None and vault.keeps("b") and not vault.keeps("d")
    assert vault.total() == 3 and list(vault.faults()) == []
    assert list(vault.commitments()) == ["a", "b", "c"]


def test_erased_is_gone_and_the_rest_stays(vault: Vault) -> None:
    vault.put({name: sealed(n) for n, name in enumerate("abcd")})
    assert vault.erase(["a", "c", "nothing"]) == 2 and vault.erase(["a"]) == 0
    assert vault.erase([]) == 0
    assert vault.get("a") is None and vault.get("b") == sealed(1)
    assert list(vault.commitments()) == ["b", "d"] and vault.total() == 2


def test_erasing_while_listing(vault: Vault) -> None:
    names = [f"{n:04}" for n in range(600)]
    vault.put({name: sealed(1) for name in names})
    seen = []
    for name in vault.commitments():
        seen.append(name)
        if len(seen) % 100 == 1:
            vault.erase([name])
    assert seen == names and vault.total() == 594


def test_replaced(vault: Vault) -> None:
    vault.put({"a": sealed(1), "b": sealed(2)})
    vault.replace({"a": sealed(3), "nothing": sealed(4)})
    vault.scrub()
    assert vault.get("a") == sealed(3) and vault.get("b") == sealed(2) and vault.total() == 2


def test_large_bodies(vault: Vault) -> None:
    body = Sealed(bytes(32), bytes(range(256)) * 10_000)
    vault.put({"a": body})
    assert vault.get("a") == body and vault.erase(["a"]) == 1
