"""Restoring a home from a backup: checked file by file, audited as a whole, and only then there."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from pilotbase.kernel.errors import InputError, RecordError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.archive import Manifest, damaged, read_archive
from pilotbase.record.audit import VerifyReport, verify
from pilotbase.record.opened import LOG, open_record
from pilotbase.record.rules.checkpoint import verify_checkpoint
from pilotbase.record.stores import SETTING
from pilotbase.record.tree import root_of


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, what its audit found, and how many entries a held checkpoint has more."""

    manifest: Manifest
    report: VerifyReport
    behind: int


def restore(context: Context, file: Path, *, held: str | None = None) -> Restored:
    """Make the context's home from an archive.

    Args:
        held: the newest checkpoint that someone else keeps. What it has more than the backup is
            lost with the old home; one that the backup does not fit is refused.

    Raises:
        InputError: the home is not empty, or the archive is damaged. RecordError: its record does
            not hold. Nothing is restored then.
    """
    home = context.home
    with storage_errors(home):
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise _not_empty(home)
        home.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{home.name}.", suffix=".part", dir=home.parent))
    try:
        with storage_errors(home):
            manifest = read_archive(file, folder)
            if (folder / SETTING).exists():  # by another name, where letter case is no difference
                raise damaged(file, [SETTING])
        report, behind = _audited(replace(context, home=folder), manifest, file, held)
        with storage_errors(home):
            if home.exists():
                home.rmdir()
            os.rename(folder, home)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Restored(manifest, report, behind)


def _audited(
    context: Context, manifest: Manifest, file: Path, held: str | None
) -> tuple[VerifyReport, int]:
    with open_record(context, create=False) as record:
        if (record.size, record.root().hex()) != (manifest.size, manifest.root):
            raise damaged(file, [LOG])
        report = verify(record)
        if not report.ok:
            raise _not_sound(file, report)
        if held is None:
            return report, 0
        signed = verify_checkpoint(held, record.chain())
        behind = max(signed.size - record.size, 0)
        if not behind and root_of(record.log, signed.size) != signed.root:
            raise _other_history(file)
        return report, behind


def _not_empty(home: Path) -> InputError:
    return InputError(
        "restore.not_empty",
        Text("there is something here already", "此处已有内容"),
        where=str(home),
        next_step=Text(
            "Choose a new folder with --home; move the old one away first if it is to be replaced.",
            "请用 --home 指定新目录; 如需替换, 请先移走旧目录。",
        ),
    )


def _not_sound(file: Path, report: VerifyReport) -> RecordError:
    first = next(found for found in report.findings if found.severity == "fault")
    said = Text("{where}: {what}", "{where}: {what}").format(where=first.where, what=first.message)
    return RecordError(
        "restore.not_sound",
        Text("the record in the backup does not hold: {said}", "备份中的记录有误: {said}").format(
            said=said
        ),
        where=str(file),
        next_step=Text(
            "Use another backup. Nothing was restored.", "请使用其他备份。未恢复任何内容。"
        ),
    )


def _other_history(file: Path) -> RecordError:
    return RecordError(
        "restore.other_history",
        Text(
            "the backup does not have the entries that the held checkpoint was signed for",
            "备份与另行保存的检查点所签署的内容不一致",
        ),
        where=str(file),
        next_step=Text(
            "One of the two is of another history of this base. Nothing was restored.",
            "二者之一属于该基地的另一份历史。未恢复任何内容。",
        ),
    )
