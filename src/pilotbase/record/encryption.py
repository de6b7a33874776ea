"""The vault at rest: each body, with its salt, encrypted under a key that is not in the home.

::

    body key = HMAC-SHA-256(vault key, "pilotbase/vault-body/v1\\n" || commitment)
    stored   = AES-256-GCM(body key, nonce 0, salt || body, additional data = commitment)

A commitment stands for exactly one salt and body, so each body key encrypts one text only: a fixed
nonce is safe, and no number of bodies wears the vault key out, as random nonces would (NIST SP
800-38D, 8.3: 2^32 uses). The salt is encrypted too: with it in the clear, whoever has vault and log
could test guesses of a body. Commitments are over the plain body; the log does not change.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pilotbase.kernel.errors import HomeError, InputError, RecordError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.record.keys import write_secret
from pilotbase.record.ports import Sealed, Vault
from pilotbase.record.rules.commitment import SALT_SIZE

SETTING = "vault.json"
"""In the home: under which key bodies are encrypted. It names the key and does not hold it."""
CIPHER = "AES-256-GCM"
KEY_MISSING = "vault.key_missing"
KEY_SIZE = 32
_PREFIX = "PILOTBASE+VAULT+KEY+"
_MARK = b"PBAESG1\n"
_NONCE = bytes(12)
_FILE_SIZE_MAX = 1000


@dataclass(frozen=True, slots=True)
class VaultKey:
    """The key of an encrypted vault; `id` names it without giving it away."""

    secret: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(b"pilotbase/vault-key/v1\n" + self.secret).digest()[:8]

    def is_of(self, stored: Sealed) -> bool:
        """Whether an encrypted body lies under this key."""
        return stored.salt[len(_MARK) :] == self.id

    def seal(self, commitment: str, kept: Sealed) -> Sealed:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        cipher = AESGCM(self._body_key(commitment))
        data = cipher.encrypt(_NONCE, kept.salt + kept.body, commitment.encode())
        return Sealed(_MARK + self.id, data)

    def open(self, commitment: str, stored: Sealed) -> Sealed:
        """The plain body; empty bytes, which fit no commitment, where the stored ones changed."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            cipher = AESGCM(self._body_key(commitment))
            data = cipher.decrypt(_NONCE, stored.body, commitment.encode())
        except (InvalidTag, ValueError):
            return Sealed(b"", b"")
        return Sealed(data[:SALT_SIZE], data[SALT_SIZE:])

    def _body_key(self, commitment: str) -> bytes:
        context = b"pilotbase/vault-body/v1\n" + commitment.encode()
        return hmac.new(self.secret, context, hashlib.sha256).digest()


class EncryptedVault:
    """A vault over another: encrypts what goes in when there is a key; opens what comes out.

    Args:
        inner: where things are kept. home: whose `SETTING` says under which key.
        key: None when none was given; then encrypted bodies cannot be read, nor new ones kept in a
            vault that is encrypted.

    Raises:
        RecordError: ``vault.wrong_key``.
    """

    def __init__(self, inner: Vault, home: Path, key: VaultKey | None) -> None:
        self.inner = inner
        self._home = home
        self._key = key
        setting = read_setting(home)
        if key is not None and setting not in (None, key.id.hex()):
            inner.close()
            raise _wrong(home, str(setting), key)

    def put(self, bodies: Mapping[str, Sealed]) -> None:
        setting = read_setting(self._home)
        if self._key is None:
            if setting is not None:
                raise _missing(self._home, setting)
            self.inner.put(bodies)
            return
        if setting is None:
            write_setting(self._home, self._key)
        elif setting != self._key.id.hex():
            raise _wrong(self._home, setting, self._key)
        self.inner.put({name: self._key.seal(name, kept) for name, kept in bodies.items()})

    def get(self, commitment: str) -> Sealed | None:
        stored = self.inner.get(commitment)
        if stored is None or not is_sealed(stored):
            return stored
        said = stored.salt[len(_MARK) :]
        if self._key is None:
            raise _missing(self._home, said.hex())
        if not self._key.is_of(stored):
            raise _wrong(self._home, said.hex(), self._key)
        return self._key.open(commitment, stored)

    def keeps(self, commitment: str) -> bool:
        return self.inner.keeps(commitment)

    def commitments(self) -> Iterator[str]:
        return self.inner.commitments()

    def erase(self, commitments: Sequence[str]) -> int:
        return self.inner.erase(commitments)

    def replace(self, bodies: Mapping[str, Sealed]) -> None:
        key = self._key
        sealed = {name: key.seal(name, kept) for name, kept in bodies.items()} if key else bodies
        self.inner.replace(sealed)

    def scrub(self) -> None:
        self.inner.scrub()

    def total(self) -> int:
        return self.inner.total()

    def faults(self) -> Iterator[str]:
        return self.inner.faults()

    def close(self) -> None:
        self.inner.close()


def is_sealed(stored: Sealed) -> bool:
    """Whether a stored body is encrypted; a plain one has a salt of another length."""
    return len(stored.salt) == len(_MARK) + 8 and stored.salt.startswith(_MARK)


def read_key(file: Path | None) -> VaultKey | None:
    """The key of a key file, None where no file is named.

    Raises:
        InputError: ``vault.bad_key_file``: missing, or not a vault key.
    """
    if file is None:
        return None
    with storage_errors(file):
        try:
            with file.open("rb") as opened:
                said = opened.read(_FILE_SIZE_MAX).decode("ascii").strip()
        except (FileNotFoundError, IsADirectoryError) as error:
            raise _bad_file(file, Text("there is no such key file", "没有此密钥文件")) from error
        except UnicodeDecodeError as error:
            raise _bad_file(file, _NO_KEY) from error
    try:
        secret = base64.b64decode(said.removeprefix(_PREFIX), validate=True)
    except ValueError as error:
        raise _bad_file(file, _NO_KEY) from error
    if not said.startswith(_PREFIX) or len(secret) != KEY_SIZE:
        raise _bad_file(file, _NO_KEY)
    return VaultKey(secret)


def make_key(file: Path, entropy: Callable[[int], bytes]) -> VaultKey:
    """Make a key file, readable by its owner only. Raises HomeError when it cannot be written."""
    secret = entropy(KEY_SIZE)
    with storage_errors(file):
        write_secret(file, (_PREFIX + base64.b64encode(secret).decode() + "\n").encode())
    return VaultKey(secret)


def read_setting(home: Path) -> str | None:
    """The hexadecimal id of the key that the home's vault is encrypted under, None if it is not.

    Raises:
        HomeError: the setting cannot be read; going on as if there were none would keep new bodies
            in the clear.
    """
    path = home / SETTING
    with storage_errors(path):
        if not path.exists():
            return None
        try:
            said = json.loads(path.read_bytes())
            if said["cipher"] == CIPHER:
                return str(said["key"])
        except (ValueError, KeyError, TypeError):
            pass
    raise HomeError(
        "home.unreadable",
        Text("the vault's setting cannot be read", "无法读取保险库的设置"),
        where=str(path),
        next_step=Text("Restore the file from a backup.", "请从备份恢复该文件。"),
    )


def write_setting(home: Path, key: VaultKey) -> None:
    """Say in the home which key the vault is encrypted under."""
    with storage_errors(home / SETTING):
        said = {"cipher": CIPHER, "key": key.id.hex()}
        write_whole(home / SETTING, json.dumps(said).encode())


def _missing(home: Path, key_id: str) -> RecordError:
    return RecordError(
        KEY_MISSING,
        Text(f"the vault is encrypted under the key {key_id}", f"保险库已用密钥 {key_id} 加密"),
        where=str(home),
        next_step=Text(
            "Name its key file with --vault-key or PILOTBASE_VAULT_KEY.",
            "请用 --vault-key 或 PILOTBASE_VAULT_KEY 指定密钥文件。",
        ),
    )


def _wrong(home: Path, key_id: str, given: VaultKey) -> RecordError:
    return RecordError(
        "vault.wrong_key",
        Text(
            f"the vault is encrypted under the key {key_id}; the key given is {given.id.hex()}",
            f"保险库用密钥 {key_id} 加密; 给出的密钥为 {given.id.hex()}",
        ),
        where=str(home),
        next_step=Text(
            "Name the other key file. If a change of keys was interrupted, run `pilotbase vault "
            "encrypt NEW --vault-key OLD` again.",
            "请指定另一密钥文件。如更换密钥时中断, 请再次运行 "
            "`pilotbase vault encrypt 新密钥 --vault-key 旧密钥`。",
        ),
    )


def _bad_file(file: Path, message: Text) -> InputError:
    step = Text(
        "Name the right file; `pilotbase vault encrypt FILE` makes one for a new key.",
        "请指定正确的文件; `pilotbase vault encrypt 文件` 可生成新密钥。",
    )
    return InputError("vault.bad_key_file", message, where=str(file), next_step=step)


_NO_KEY = Text("this file holds no vault key", "该文件中没有保险库密钥")
