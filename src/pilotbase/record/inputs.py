"""Reading what people hand in: proof files, checkpoints, keys, policies; each with a limit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pilotbase.kernel.errors import InputError, RecordError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.record.rules.merkle import HASH_SIZE
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.policy import Policy, parse
from pilotbase.record.rules.tiles import CHECKPOINT

FILE_SIZE_MAX = 64 * 2**20
_CHECKPOINT = re.compile(
    r"^[^\n]+\n(?:0|[1-9][0-9]{0,18})\n[A-Za-z0-9+/]{43}=\n(?:[^\n]+\n)*\n(?:— [^\n]+\n)+", re.M
)

_NO_PROOF = Text("this file is no proof and no checkpoint", "该文件既非证明也非检查点")


def not_a_proof(file: Path, why: Text = _NO_PROOF) -> InputError:
    """The error for a file that is no proof in any form known here."""
    return InputError(
        "record.not_a_proof",
        why,
        where=str(file),
        next_step=Text(
            "Give a file made by `pilotbase record prove INDEX -o FILE`.",
            "请给出由 `pilotbase record prove 序号 -o 文件` 生成的文件。",
        ),
    )


def read_checkpoint(file: Path) -> str:
    """The checkpoint in a file, also with text around it, as in a mail or a page.

    What is taken is the last empty line with signature lines after it, and of the lines before as
    many as a checkpoint has.

    Raises:
        InputError: missing, too large, or without any checkpoint.
    """
    text = read_text(file).replace("\r\n", "\n")
    match = _CHECKPOINT.search(text if text.endswith("\n") else text + "\n")
    if match is None:
        raise InputError(
            "record.no_checkpoint",
            Text("there is no checkpoint in this file", "该文件中没有检查点"),
            where=str(file),
            next_step=Text(
                "Give a file with what `pilotbase record checkpoint` prints, whole.",
                "请给出完整保存 `pilotbase record checkpoint` 输出的文件。",
            ),
        )
    return match[0]


def log_folder(folder: Path) -> Path:
    """A folder that something of a log was published to. Raises InputError for any other."""
    with storage_errors(folder):
        if any((folder / name).exists() for name in (CHECKPOINT, "tile")):
            return folder
    raise InputError(
        "record.no_log_folder",
        Text("no log was published to this folder", "此文件夹中没有已发布的日志"),
        where=str(folder),
        next_step=Text(
            "Give the folder that `pilotbase record publish` wrote to.",
            "请给出 `pilotbase record publish` 写入的文件夹。",
        ),
    )


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
    return verifier_key(vkey) if vkey else None


def verifier_key(vkey: str) -> VerifierKey:
    """The key of a vkey. Raises InputError when it is malformed."""
    with handed_in("--key"):
        return VerifierKey.parse(vkey.strip())


@contextmanager
def handed_in(where: str) -> Iterator[None]:
    """A key or a note that somebody gave and that is malformed is their fault, not the record's."""
    try:
        yield
    except RecordError as error:
        raise InputError(
            error.code, error.message, where=where, next_step=error.next_step
        ) from error


def read_policy(file: Path | None) -> Policy | None:
    """The trust policy in a file. Raises InputError when it is missing or malformed."""
    return parse(read_text(file).encode()) if file is not None else None


def read_hash(text: str) -> bytes:
    """A SHA-256 hash in hex. Raises InputError when it is none."""
    try:
        value = bytes.fromhex(text.removeprefix("sha256:"))
    except ValueError:
        value = b""
    if len(value) != HASH_SIZE:
        raise InputError(
            "record.bad_hash",
            Text("a hash has 64 hex digits", "哈希应为 64 位十六进制"),
            where=text,
        )
    return value


def read_since(text: str) -> tuple[int, str | None]:
    """A checkpoint named by its size, or by the file it is in: size (-1 if in a file) and text."""
    if text.isascii() and text.isdecimal() and len(text) < 19:
        return int(text), None
    return -1, read_checkpoint(Path(text))


def _unusable(file: Path, message: Text) -> InputError:
    step = Text("Check the path.", "请检查路径。")
    return InputError("record.bad_file", message, where=str(file), next_step=step)
