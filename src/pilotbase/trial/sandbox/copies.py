"""What a sandboxed program gets to see of the scenario's folder: copies of what is named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.home import MARKER
from pilotbase.kernel.text import Text

Copies = tuple[tuple[Path, str], ...]
BYTES_MAX = 1 << 31
ENTRIES_MAX = 20_000


def copies_of(folder: Path, names: Sequence[str], where: str) -> Copies:
    """The real path of each name and its relative name in the copy.

    Raises:
        CandidateError: missing, outside the folder (also by a link), a base's home, or too much.
    """
    root = folder.resolve()
    found = []
    size = count = 0
    for name in dict.fromkeys(names):
        path = root / name
        if not path.exists():
            raise _refused(name, where, "no_file", "is not there", "不存在")
        for entry in _entries(path):
            real = entry.resolve()
            if not real.is_relative_to(root) or real == root:
                raise _refused(name, where, "outside", "leads out of the folder", "指向文件夹之外")
            if entry.name == MARKER:
                raise _refused(name, where, "home", "holds a base's home", "含有基地主目录")
            size, count = size + real.stat().st_size, count + 1
            if size > BYTES_MAX or count > ENTRIES_MAX:
                raise _refused(name, where, "too_much", "is too much to copy", "过大, 无法复制")
        found.append((path, str(Path(os.path.normpath(name)))))
    return tuple(found)


def copy_into(work: str, copies: Copies) -> None:
    for source, name in copies:
        target = Path(work) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)


def _entries(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir():
        for where, folders, files in os.walk(path):
            for name in (*folders, *files):
                yield Path(where) / name


def _refused(name: str, where: str, word: str, en: str, zh: str) -> CandidateError:
    return CandidateError(
        f"sandbox.{word}",
        Text(f"{name!r} {en}", f"{name!r} {zh}"),
        where=where,
        next_step=Text(
            "Name files and folders inside the scenario's folder, beside the scenario file.",
            "请写明场景文件所在文件夹内的文件或文件夹。",
        ),
    )
