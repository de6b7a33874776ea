"""Encrypting a vault that is already there, or changing its key; goes on where it was killed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.encryption import (
    CIPHER,
    EncryptedVault,
    VaultKey,
    is_sealed,
    make_key,
    read_key,
    read_setting,
    write_setting,
)
from pilotbase.record.events import Encrypted
from pilotbase.record.opened import Record
from pilotbase.record.ports import Sealed

BATCH = 64


def key_of(context: Context, file: Path) -> tuple[VaultKey, bool]:
    """The key of a key file, made now if there is no such file; whether it was made.

    Raises:
        InputError: the file lies in the home, where whoever copies the vault copies its key.
    """
    file = file.expanduser().absolute()
    if file.resolve().is_relative_to(context.home.resolve()):
        raise InputError(
            "vault.key_in_home",
            Text("the key must not lie beside what it protects", "密钥不得与其保护的数据同处"),
            where=str(file),
            next_step=Text("Choose a place outside the home.", "请选择主目录之外的位置。"),
        )
    if not file.exists():
        return make_key(file, context.entropy), True
    key = read_key(file)
    assert key is not None
    return key, False


def encrypt_vault(record: Record, key: VaultKey, *, by: Actor) -> int:
    """Encrypt every body under the key and record that; how many had to be rewritten.

    Nothing else is appended meanwhile. Killed in between, some bodies are under the new key and
    some are not: all can still be read with the keys they are under, and doing it again goes on.

    Raises:
        RecordError: the vault is encrypted under another key than the one that was given.
    """
    vault = record.vault
    assert isinstance(vault, EncryptedVault)
    rewritten = 0
    with record.log.transaction():
        setting = read_setting(record.home)
        if setting is None:
            # At once, so that no new body is kept in the clear while the old ones are rewritten.
            write_setting(record.home, key)
        names = vault.inner.commitments()
        while page := list(islice(names, BATCH)):
            changed = {name: made for name in page if (made := _under(key, vault, name))}
            vault.inner.replace(changed)
            rewritten += len(changed)
        vault.scrub()
        write_setting(record.home, key)
    record.vault = EncryptedVault(vault.inner, record.home, key)
    fact = f"vault.encrypted:{key.id.hex()}:{setting}"
    record.append(Draft(Encrypted(CIPHER, key.id.hex()), by, key=fact))
    return rewritten


def _under(key: VaultKey, vault: EncryptedVault, name: str) -> Sealed | None:
    """The body encrypted under the key; None when it is already, or is gone."""
    stored = vault.inner.get(name)
    if stored is None or (is_sealed(stored) and key.is_of(stored)):
        return None
    plain = vault.get(name)
    return None if plain is None or not plain.salt else key.seal(name, plain)
