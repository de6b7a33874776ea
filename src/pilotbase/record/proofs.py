"""Making proof files from a record and reading them back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError, RecordError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.rules.checkpoint import verify_checkpoint
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.proof import proof_file

FILE_SIZE_MAX = 64 * 2**20


def prove(record: Record, index: int) -> dict[str, Any]:
    """The proof file of an entry, under the newest checkpoint if it has the entry, else a new one.

    Raises:
        RecordError: there is no such entry; or a checkpoint has to be made and the key is lost.
    """
    entry = record.entry(index)
    last = record.log.last_checkpoint()
    note = last[1] if last is not None and last[0] > index else record.checkpoint()
    key = record.verifier
    size = verify_checkpoint(note, key).size
    return proof_file(index, entry.data, record.inclusion(index, size), note, key.encode())


def read_json(file: Path) -> Any:
    """The JSON of a file. Raises InputError when it is missing, too large or not JSON."""
    text = read_text(file)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            "record.not_a_proof",
            Text("this file is not JSON", "该文件不是 JSON"),
            where=str(file),
            next_step=Text(
                "Give a file made by `pilotbase record prove INDEX -o FILE`.",
                "请给出由 `pilotbase record prove 序号 -o 文件` 生成的文件。",
            ),
        ) from error


def read_text(file: Path) -> str:
    """The text of a file. Raises InputError when it is missing or too large."""
    with storage_errors(file):
        try:
            with file.open("rb") as opened:
                data = opened.read(FILE_SIZE_MAX + 1)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise _unusable(file, Text("there is no such file", "没有此文件")) from error
    if len(data) > FILE_SIZE_MAX:
        raise _unusable(file, Text("the file is too large", "文件过大"))
    return data.decode("utf-8", "replace")


def read_key(vkey: str) -> VerifierKey | None:
    """The key of a vkey, None for an empty one. Raises InputError when it is malformed."""
    try:
        return VerifierKey.parse(vkey.strip()) if vkey else None
    except RecordError as error:
        raise InputError(
            error.code, error.message, where="--key", next_step=error.next_step
        ) from error


def _unusable(file: Path, message: Text) -> InputError:
    step = Text("Check the path.", "请检查路径。")
    return InputError("record.bad_file", message, where=str(file), next_step=step)
