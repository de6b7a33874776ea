"""Backing up a home while it is in use: one archive, whole or not there at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import only_one, storage_errors
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.record.adapters.sqlite_copy import copy_database, is_sqlite, settle
from pilotbase.record.adapters.sqlite_log import SqliteLog
from pilotbase.record.adapters.sqlite_vault import SqliteVault
from pilotbase.record.archive import Manifest, item_of, write_archive
from pilotbase.record.copying import copy_log, copy_vault
from pilotbase.record.encryption import EncryptedVault
from pilotbase.record.erasure import LOCK
from pilotbase.record.opened import LATEST, LOG, VAULT, Record
from pilotbase.record.stores import SETTING, store_of
from pilotbase.record.tree import root_of
from pilotbase.record.views import FOLDER as VIEWS

KEYS = "keys"
_SIDECARS = ("-wal", "-shm", "-journal", ".lock", ".part")


def back_up(record: Record, out: Path, *, keys: bool) -> tuple[Path, Manifest]:
    """Write an archive of the record's home; its path and what it holds.

    Others may append meanwhile, not erase: the copy of the log is taken first and that of the vault
    after it, so that the bodies of all entries are there.

    Args:
        out: a new file, or a folder in which a file named after the moment is made.
        keys: with the secret keys. Whoever has such an archive can sign as the base.

    Raises:
        InputError: the file is there already. HomeError: disk full; an erasure is under way.
    """
    made_at = stamp(record.context.clock())
    if out.is_dir():
        out = out / f"pilotbase-{made_at.replace(':', '').replace('.', '')}.tar"
    if out.exists():
        raise _exists(out)
    with storage_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
    try:
        with storage_errors(out), only_one(record.home / LOCK):
            manifest = _gather(record, folder, out, made_at, keys)
            part = folder / "archive"
            # Bodies are in it: nobody else may read it, not even while it is written.
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                write_archive(file, folder / "home", manifest)
                file.flush()
                os.fsync(file.fileno())
            _put(part, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return out, manifest


def _gather(record: Record, folder: Path, out: Path, made_at: str, keys: bool) -> Manifest:
    home, copy = record.home, folder / "home"
    copy.mkdir(mode=0o700)
    names = [n for n in files_beside(home, keys) if not _is_of(home / n, out, folder)]
    # The newest checkpoint first: whatever it was made of is then in the copy of the log.
    names.sort(key=lambda name: name != LATEST)
    if LATEST in names:
        _copy(home / LATEST, copy / LATEST)
    _copy_stores(record, copy)
    for name in names[LATEST in names :]:
        try:
            _copy(home / name, copy / name)
        except FileNotFoundError:
            names.remove(name)  # a report, say, that was removed meanwhile
    size, root = _state(copy / LOG)
    items = tuple(item_of(copy, name) for name in [LOG, VAULT, *names])
    return Manifest(made_at, size, root, keys, items)


def _copy_stores(record: Record, copy: Path) -> None:
    """Log, then vault, as SQLite files, in whatever store they are."""
    if store_of(record.home) is None:
        for name in (LOG, VAULT):
            copy_database(record.home / name, copy / name)
        return
    assert isinstance(record.vault, EncryptedVault)
    with (
        closing(SqliteLog(copy / LOG)) as log,
        closing(SqliteVault(copy / VAULT)) as vault,
        record.log.snapshot() as source,
    ):
        copy_log(source, log, lambda _: None)
        copy_vault(record.vault.inner, vault)
    for name in (LOG, VAULT):
        settle(copy / name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    (copy_database if is_sqlite(source) else shutil.copyfile)(source, target)


def _state(log: Path) -> tuple[int, str]:
    with closing(SqliteLog(log)) as opened:
        state = opened.size(), root_of(opened, opened.size()).hex()
    settle(log)
    return state


def files_beside(home: Path, keys: bool) -> Iterator[str]:
    """Names of the home's files beside the stores: no views, which are made again, and no locks."""
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home)
        if path.is_symlink() or not path.is_file():
            continue
        secret = name.parts[0] == KEYS and path.suffix != ".vkey"
        if name.parts[0] == VIEWS or path.name.endswith(_SIDECARS) or (secret and not keys):
            continue
        if name.as_posix() not in (LOG, VAULT, SETTING):
            yield name.as_posix()


def _is_of(path: Path, out: Path, folder: Path) -> bool:
    """Whether a file belongs to the backup that is being made."""
    return path == out or folder in path.parents


def _put(part: Path, out: Path) -> None:
    """Give the finished file its name, unless another file has taken it meanwhile."""
    try:
        os.link(part, out)
    except FileExistsError as error:
        raise _exists(out) from error
    except OSError:  # a file system without hard links
        if out.exists():
            raise _exists(out) from None
        os.replace(part, out)


def _exists(out: Path) -> InputError:
    return InputError(
        "backup.exists",
        Text("there is a file of this name already", "已有同名文件"),
        where=str(out),
        next_step=Text("Choose another name.", "请另选文件名。"),
    )
