"""Backing up a home while it is in use: one archive, whole or not there at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import only_one, storage_errors
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.record.adapters.sqlite_copy import copy_database, is_sqlite, settle
from pilotbase.record.adapters.sqlite_log import SqliteLog
from pilotbase.record.adapters.sqlite_vault import SqliteVault
from pilotbase.record.archive import (
    Manifest,
    can_stand,
    is_archive,
    is_taken,
    item_of,
    listed,
    write_archive,
)
from pilotbase.record.copying import copy_log, copy_vault
from pilotbase.record.encryption import EncryptedVault
from pilotbase.record.erasure import LOCK
from pilotbase.record.opened import LATEST, LOG, VAULT, Record
from pilotbase.record.stores import store_of
from pilotbase.record.tree import root_of


def back_up(record: Record, out: Path, *, keys: bool) -> tuple[Path, Manifest]:
    """Write an archive of the record's home; its path and what it holds.

    Others may append meanwhile, not erase: the copy of the log is taken first and that of the vault
    after it, so that the bodies of all entries are there.

    Earlier backups that lie in the home are left out, and so are files whose names no archive can
    hold, with a remark that names them: a stray file must not keep the record from being backed up.

    Args:
        out: a new file, or a folder in which a file named after the moment is made; neither in the
            home, where the next backup would take it for one of the home's files.
        keys: with the secret keys. Whoever has such an archive can sign as the base.

    Raises:
        InputError: the file is there already, its folder is not, or it lies in the home; too many
            files. HomeError: disk full; an erasure is under way.
    """
    made_at = stamp(record.context.clock())
    try:
        with storage_errors(out):
            if out.is_dir():
                out = out / f"pilotbase-{made_at.replace(':', '').replace('.', '')}.tar"
            _check_place(record.home, out)
            folder = Path(tempfile.mkdtemp(prefix=".backup.", suffix=".part", dir=out.parent))
    except OSError as error:  # a name too long, or a folder like /proc, where no file can be made
        said = Text("no file can be made here: {why}", "无法在此处新建文件: {why}")
        raise _misplaced("no_file", said.format(why=error.strerror), out) from error
    try:
        with storage_errors(out), only_one(record.home / LOCK):
            manifest = _gather(record, folder, made_at, keys)
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


def _check_place(home: Path, out: Path) -> None:
    if not out.parent.is_dir():
        said = Text("there is no folder {folder}", "没有文件夹 {folder}")
        raise _misplaced("no_folder", said.format(folder=out.parent), out)
    folder = out.parent.resolve()
    # By what the folders are, not by their names, which links and letter case make several of.
    if any(above.samefile(home) for above in (folder, *folder.parents)):
        said = Text(
            "a backup does not lie in the home that it is of", "备份不能存于其所备份的主目录中"
        )
        raise _misplaced("in_home", said, out)
    if out.exists():
        raise _exists(out)


def _gather(record: Record, folder: Path, made_at: str, keys: bool) -> Manifest:
    home, copy = record.home, folder / "home"
    copy.mkdir(mode=0o700)
    names = _remarked(record, files_beside(home, keys))
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


def _remarked(record: Record, beside: Iterable[str]) -> list[str]:
    """The names that are backed up; it is said which are not."""
    names, unfit, earlier = list[str](), list[str](), list[str]()
    for name in beside:
        with suppress(FileNotFoundError):  # removed meanwhile
            if not can_stand(name):
                unfit.append(name)
            elif is_archive(record.home / name):
                earlier.append(name)
            else:
                names.append(name)
    for left, words in ((unfit, _UNFIT), (earlier, _EARLIER)):
        if left:
            record.context.remark(words.format(names=listed(left)))
    return names


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
    """Names of the home's files beside the stores that are taken; no remains of killed work."""
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home)
        if path.is_symlink() or not path.is_file():
            continue
        remains = any(part.startswith(".") and part.endswith(".part") for part in name.parts)
        if not remains and is_taken(name.as_posix(), keys) and name.as_posix() not in (LOG, VAULT):
            yield name.as_posix()


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


def _misplaced(code: str, message: Text, out: Path) -> InputError:
    return InputError(
        f"backup.{code}",
        message,
        where=str(out),
        next_step=Text(
            "Name a file in another folder that is there, best on another disk.",
            "请指定其他已有文件夹中的文件, 最好在另一磁盘上。",
        ),
    )


_UNFIT = Text(
    "Left out of the backup, because no archive can hold these names; rename the files: {names}",
    "以下文件名无法存入备份, 未予备份; 请重命名: {names}",
)
_EARLIER = Text(
    "Left out of the backup, because these are backups, which may hold keys and erased bodies; "
    "move them out of the home: {names}",
    "以下文件本身是备份, 可能含有私钥与已删除的正文, 未予备份; 请移出主目录: {names}",
)
