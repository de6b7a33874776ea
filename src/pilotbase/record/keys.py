"""The base's own key: one Ed25519 key that signs checkpoints, plans and verdicts.

``keys/base.key`` (mode 0600, Go's text form) is secret; others verify with ``keys/base.vkey``.
While the key is rotated, the new one waits as ``keys/next-<ID>.key``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.home import MARKER, storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.record.rules.cosignature import CosignerSecret
from pilotbase.record.rules.note import KEY_SIZE, SigningKey, VerifierKey, public_key

K = TypeVar("K")
SECRET = Path("keys", "base.key")
PUBLIC = Path("keys", "base.vkey")
WITNESS = Path("keys", "witness.key")
NEXT = Path("keys", "next-*.key")
PARTS = tuple(Path("keys", f".{name}.*.part") for name in (SECRET.name, NEXT.name))


def load(home: Path) -> SigningKey | None:
    """The base's key, or None when it was never made.

    Raises:
        RecordError: the file is not a key, or the key is gone while its public half is still there.
    """
    path = home / SECRET
    with storage_errors(path):
        if path.exists():
            return _parsed(path, SigningKey.parse)
        if not (home / PUBLIC).exists():
            return None
    raise lost(home)


def load_public(home: Path) -> VerifierKey | None:
    """The base's public key, without touching the secret one where that can be avoided."""
    path = home / PUBLIC
    with storage_errors(path):
        if path.exists():
            return _parsed(path, VerifierKey.parse)
    key = load(home)
    return key.verifier if key else None


def make(home: Path, entropy: Callable[[int], bytes], name: str = "") -> SigningKey:
    """Make the base's key; the caller sees to it that only one process does so at a time.

    It is called ``name``, or what ``home.json`` says under ``"name"``, or `default_name`.
    """
    chosen = name or _name_in(home)
    key = SigningKey.generate(entropy, lambda public: chosen or default_name(public))
    with storage_errors(home / SECRET):
        write_secret(home / SECRET, (key.encode() + "\n").encode())
        write_whole(home / PUBLIC, (key.verifier.encode() + "\n").encode())
    return key


def waiting(home: Path) -> list[Path]:
    """The secrets of rotations that are under way (see `pilotbase.record.rotation`)."""
    with storage_errors(home / SECRET):
        return sorted(home.glob(str(NEXT)))


def read(path: Path) -> SigningKey:
    """The secret key in a file. Raises RecordError when it holds none."""
    with storage_errors(path):
        return _parsed(path, SigningKey.parse)


def keep_waiting(home: Path, key: SigningKey) -> None:
    """Keep the secret of a key that is not in force yet."""
    path = home / str(NEXT).replace("*", key.verifier.key_id.hex())
    with storage_errors(path):
        write_secret(path, (key.encode() + "\n").encode())


def promote(home: Path, key: SigningKey) -> None:
    """Put a waiting key into force; the old secret is gone after this."""
    with storage_errors(home / SECRET):
        # The public half first: as long as the secret waits, this is done again after a kill.
        write_whole(home / PUBLIC, (key.verifier.encode() + "\n").encode())
        write_secret(home / SECRET, (key.encode() + "\n").encode())
        for done in waiting(home):
            done.unlink(missing_ok=True)
        remove_parts(home)


def remove_parts(home: Path) -> None:
    """Remove what a process that was killed while it wrote a secret has left of it.

    No other is writing one meanwhile: that is done under the log's lock, as this has to be.
    """
    with storage_errors(home / SECRET):
        for part in [path for pattern in PARTS for path in home.glob(str(pattern))]:
            part.unlink(missing_ok=True)


def load_witness(home: Path) -> CosignerSecret | None:
    """The key with which this home cosigns other bases' checkpoints, None when never made."""
    path = home / WITNESS
    with storage_errors(path):
        return _parsed(path, CosignerSecret.parse) if path.exists() else None


def make_witness(home: Path, entropy: Callable[[int], bytes], name: str = "") -> CosignerSecret:
    """Make that key; it must serve nothing else (c2sp.org/tlog-cosignature)."""
    seed = entropy(KEY_SIZE)
    key = CosignerSecret(name or default_name(public_key(seed)) + "/witness", seed)
    with storage_errors(home / WITNESS):
        write_secret(home / WITNESS, (key.encode() + "\n").encode())
    return key


def default_name(public: bytes) -> str:
    """``pilotbase.local/`` and 16 hex digits of SHA-256(public key): distinct without a registry.

    A name has to be there before the key ID can be computed (the ID hashes the name), so it is made
    from the key alone. It is the log's origin too, as the checkpoint specification recommends.
    """
    return f"pilotbase.local/{hashlib.sha256(public).hexdigest()[:16]}"


def lost(home: Path) -> RecordError:
    return RecordError(
        "record.key_lost",
        Text(
            "the base's signing key is gone; a new one would not continue this log",
            "基地签名密钥已丢失; 新密钥无法延续本日志",
        ),
        where=str(home / SECRET),
        next_step=Text(
            "Put the file back from a backup. Reading and verifying work without it.",
            "请从备份恢复该文件。没有它仍可读取和核验。",
        ),
    )


def _parsed(path: Path, parse: Callable[[str], K]) -> K:
    try:
        return parse(path.read_text("utf-8").strip())
    except (RecordError, UnicodeDecodeError) as error:
        raise RecordError(
            "record.bad_key",
            Text("this file holds no key that can be read", "该文件中没有可读取的密钥"),
            where=str(path),
            next_step=Text("Put the file back from a backup.", "请从备份恢复该文件。"),
        ) from error


def _name_in(home: Path) -> str:
    marker = home / MARKER
    with storage_errors(marker):
        return str(json.loads(marker.read_bytes()).get("name", "")) if marker.exists() else ""


def write_secret(path: Path, data: bytes) -> None:
    """Like `write_whole`, but never readable by others, not even while it is written."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    if hasattr(os, "O_DIRECTORY"):
        # The key must not be lost to a power cut after something was signed with it.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
