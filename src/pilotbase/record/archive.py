"""The archive of a backup: a tar file whose first member says what every other has to be.

::

    manifest.json   {"format": "pilotbase-backup/1", "made_at", "size", "root", "keys",
                     "files": [{"name", "size", "sha256"}]}
    record.db ...   the files, in the manifest's order

Reading trusts nothing: names stay inside the folder and are such as a backup writes, only plain
files are taken, each is compared with the manifest while it is written, and what differs is named.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.record.stores import LOG, SETTING, VAULT
from pilotbase.record.views import FOLDER as VIEWS

FORMAT = "pilotbase-backup/1"
MANIFEST = "manifest.json"
MANIFEST_SIZE_MAX = 64 * 2**20
FILES_MAX = 1_000_000
CHUNK = 2**20
_SHA256 = re.compile(r"[0-9a-f]{64}")
KEYS = "keys"
NAME_SHOWN_MAX = 80
_SIDECARS = ("-wal", "-shm", "-journal", ".lock", ".part")
# A colon is as good as a letter (reports are named after times), but on Windows it names a drive.
_RESERVED = re.compile(
    r"[\\\x00-\x1f\ud800-\udfff:]" if os.name == "nt" else r"[\\\x00-\x1f\ud800-\udfff]"
)
# What a file system says of names that it cannot hold, by themselves or beside others.
_NO_NAME = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EEXIST, errno.ENOTDIR)
_BEGIN = json.dumps({"format": FORMAT})[:-1].encode()


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the archive: its path in the home with ``/``, its size in bytes, its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds: when it was made, the log's size and root, and every file.

    ``keys``: whether the base's secret keys are in it.
    """

    made_at: str
    size: int
    root: str
    keys: bool
    files: tuple[Item, ...]

    def encode(self) -> bytes:
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False).encode()

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Raises ValueError, KeyError or TypeError for anything else."""
        said = json.loads(data)
        if said["format"] != FORMAT or len(said["files"]) > FILES_MAX:
            raise ValueError("another format")
        files = tuple(Item(item["name"], item["size"], item["sha256"]) for item in said["files"])
        size, keys = said["size"], said["keys"]
        if type(size) is not int or type(keys) is not bool:
            raise TypeError("size and keys")
        names = {item.name for item in files}
        if not all(_is_plain(item) and is_taken(item.name, keys) for item in files):
            raise ValueError("names or sizes that cannot be")
        if len(names) != len(files) or not {LOG, VAULT} <= names:
            raise ValueError("a name twice, or no record")
        return cls(str(said["made_at"]), size, str(said["root"]), keys, files)


def is_taken(name: str, keys: bool) -> bool:
    """Whether a backup takes a file of the home: no view, which is made again, no lock, no setting.

    What it never takes, restoring refuses: a setting in an archive would name the database whose
    record is audited instead of the archive's own.

    Args:
        name: its path in the home with ``/``. keys: whether the secret keys are taken.
    """
    path = PurePosixPath(name)
    secret = path.parts[0] == KEYS and path.suffix != ".vkey"
    own = path.parts[0] == VIEWS or name == SETTING or name.endswith(_SIDECARS)
    return not own and (keys or not secret)


def can_stand(name: str) -> bool:
    """Whether an archive can hold a name: inside the home, UTF-8, no control characters."""
    path = PurePosixPath(name)
    inside = str(path) == name and not path.is_absolute() and ".." not in path.parts
    return inside and name not in (".", MANIFEST) and not _RESERVED.search(name)


def is_archive(path: Path) -> bool:
    """Whether a file is a backup, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(tarfile.BLOCKSIZE)
        return head.startswith(MANIFEST.encode() + b"\0") and file.read(len(_BEGIN)) == _BEGIN


def item_of(folder: Path, name: str) -> Item:
    """The item of a file in a folder."""
    digest, size = hashlib.sha256(), 0
    with (folder / name).open("rb") as file:
        for chunk in _chunks(file):
            digest.update(chunk)
            size += len(chunk)
    return Item(name, size, digest.hexdigest())


def write_archive(file: IO[bytes], folder: Path, manifest: Manifest) -> None:
    """Write an archive of the manifest's files, which lie in the folder.

    Raises:
        InputError: more files than reading takes.
    """
    said = manifest.encode()
    if len(manifest.files) > FILES_MAX or len(said) > MANIFEST_SIZE_MAX:
        raise _too_many(len(manifest.files))
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(_member(MANIFEST, len(said)), io.BytesIO(said))
        for item in manifest.files:
            with (folder / item.name).open("rb") as source:
                archive.addfile(_member(item.name, item.size), source)


def read_archive(file: Path, folder: Path) -> Manifest:
    """Write the archive's files into an empty folder, and give what its manifest says.

    Raises:
        InputError: ``restore.not_a_backup``, or ``restore.damaged`` with the names of all files
            that are missing, changed or not in the manifest.
        HomeError: disk full, not writable.
    """
    wrong = list[str]()
    try:
        with storage_errors(file), tarfile.open(file, mode="r|") as archive:
            members = iter(archive)
            manifest = _manifest(archive, members, file)
            missing = {item.name: item for item in manifest.files}
            for member in members:
                item = missing.pop(member.name, None)
                source = archive.extractfile(member) if member.isreg() else None
                if item is None or source is None or not _extract(source, folder, item):
                    wrong.append(member.name)
            wrong += missing
    except FileNotFoundError as error:
        raise _no_backup(file, Text("there is no such file", "没有此文件")) from error
    except (tarfile.TarError, EOFError, IsADirectoryError) as error:
        if not wrong:
            raise _no_backup(file, _UNREADABLE) from error
    if wrong:
        raise damaged(file, wrong)
    return manifest


def damaged(file: Path, names: Iterable[str]) -> InputError:
    """The error that names what differs."""
    return InputError(
        "restore.damaged",
        Text("the backup is not what was made: {names}", "备份与制作时不一致: {names}").format(
            names=listed(names)
        ),
        where=str(file),
        next_step=Text(
            "Use another backup, or get this one again. Nothing was restored.",
            "请使用其他备份, 或重新取得此备份。未恢复任何内容。",
        ),
    )


def listed(names: Iterable[str]) -> str:
    """Names in one line, of whoever they are: not all of too many, and nothing unprintable."""
    given = sorted(names)
    return ", ".join(map(_shown, given[:20])) + (" …" if len(given) > 20 else "")


def _shown(name: str) -> str:
    cut = name if len(name) <= NAME_SHOWN_MAX else f"{name[: NAME_SHOWN_MAX - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def _manifest(archive: tarfile.TarFile, members: Iterator[tarfile.TarInfo], file: Path) -> Manifest:
    first = next(members, None)
    source = archive.extractfile(first) if first is not None and first.isreg() else None
    if first is None or source is None or first.name != MANIFEST:
        raise _no_backup(file, _UNREADABLE)
    if first.size > MANIFEST_SIZE_MAX:
        raise _no_backup(file, _UNREADABLE)
    try:
        return Manifest.parse(source.read())
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(file, [MANIFEST]) from error


def _extract(source: IO[bytes], folder: Path, item: Item) -> bool:
    """Write a file; whether it is what the manifest says."""
    path = folder / item.name
    digest, size = hashlib.sha256(), 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        if error.errno in _NO_NAME:
            return False
        raise
    with os.fdopen(descriptor, "wb") as target:
        for chunk in _chunks(source):
            size += len(chunk)
            if size > item.size:
                break
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return size == item.size and digest.hexdigest() == item.sha256


def _is_plain(item: Item) -> bool:
    counted = type(item.size) is int and item.size >= 0
    named = isinstance(item.name, str) and can_stand(item.name)
    return named and counted and _SHA256.fullmatch(str(item.sha256)) is not None


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _too_many(count: int) -> InputError:
    return InputError(
        "backup.too_many_files",
        Text(
            f"the home holds more files than a backup can: {count}",
            f"主目录中的文件多于备份所能容纳: {count}",
        ),
        next_step=Text(
            "Move files that are not Pilotbase's out of the home, then back up again.",
            "请将不属于 Pilotbase 的文件移出主目录, 然后重新备份。",
        ),
    )


def _no_backup(file: Path, message: Text) -> InputError:
    return InputError(
        "restore.not_a_backup",
        message,
        where=str(file),
        next_step=Text(
            "Give a file made by `pilotbase backup`.", "请给出由 `pilotbase backup` 生成的文件。"
        ),
    )


_UNREADABLE = Text("this is no backup, or is cut off", "这不是备份文件, 或文件不完整")
