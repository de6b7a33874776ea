"""Strangers' JSON: of bounded size and depth, with no name given twice, and no archive."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import Fault, SheetError
from pilotbase.kernel.text import Text
from pilotbase.scenario.decode import HIDDEN
from pilotbase.scenario.finding import shown

BYTES_MAX = 16 * 2**20
DEPTH_MAX = 64
VALUES_MAX = 500_000
# A text that is never closed goes on to the end, so that it is looked at once.
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_ARCHIVES = {
    b"PK\x03\x04": "ZIP", b"PK\x05\x06": "ZIP", b"\x1f\x8b": "gzip", b"BZh": "bzip2",
    b"\xfd7zXZ": "xz", b"7z\xbc\xaf": "7z", b"\x28\xb5\x2f\xfd": "Zstandard", b"Rar!": "RAR",
}  # fmt: skip


def read_json(file: Path) -> Any:
    """The JSON of a file, after every limit held.

    Raises:
        SheetError: missing, no ordinary file, too large, an archive, not UTF-8, no JSON, nested too
            deeply, too many values, a name given twice, a number that JSON does not have.
    """
    raw = _bytes(file)
    for start, kind in _ARCHIVES.items():
        if raw.startswith(start):
            raise refused(file, "archive", Text(
                f"this is a {kind} archive; nothing is unpacked here",
                f"这是 {kind} 压缩包; 此处不解压任何内容"),
                Text("the description itself, a JSON file", "描述文件本身 (JSON)"))  # fmt: skip
    return _parsed(file, raw)


def _parsed(file: Path, raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        said = Text(f"byte {error.start} is not UTF-8", f"第 {error.start} 字节不符合 UTF-8")
        raise refused(file, "encoding", said, line=line) from error
    hidden = HIDDEN.search(text)
    if hidden is not None:
        line = text.count("\n", 0, hidden.start()) + 1
        raise refused(file, "character", _not_allowed(hidden[0]), line=line)
    _check_depth(file, text)
    twice: list[str] = []
    try:
        value = json.loads(text, object_pairs_hook=_once(twice), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        said = Text(f"this is no JSON: {error.msg}", f"不是有效的 JSON: {error.msg}")
        raise refused(file, "json", said, line=error.lineno, column=error.colno) from error
    except ValueError as error:
        said = Text(f"a number that cannot be kept: {error}", f"无法保存的数值: {error}")
        raise refused(file, "json", said) from error
    if twice:
        raise SheetError(str(file), [_twice(word) for word in dict.fromkeys(twice)])
    if sum(1 for _ in _values(value)) > VALUES_MAX:
        said = Text(f"more than {VALUES_MAX:,} values", f"超过 {VALUES_MAX:,} 个值")
        raise refused(file, "too_large", said)
    hidden = _escaped(value) if "\\" in text else None
    if hidden is not None:
        raise refused(file, "character", _not_allowed(hidden[0]))
    return value


def _escaped(value: Any) -> re.Match[str] | None:
    """A character that is not allowed and that JSON wrote as an escape, in a value or a name."""
    for found in _values(value):
        for part in found if isinstance(found, dict) else (found,):
            if isinstance(part, str) and (hidden := HIDDEN.search(part)):
                return hidden
    return None


def _not_allowed(character: str) -> Text:
    code = f"U+{ord(character):04X}"
    return Text(f"the character {code} is not allowed", f"不允许出现字符 {code}")


def refused(
    file: Path, code: str, said: Text, expected: Text | None = None, line: int = 0, column: int = 0
) -> SheetError:
    """The error of a file in which nothing else can be read."""
    return SheetError(str(file), [Fault(f"json.{code}", said, "", line, column, expected)])


def _bytes(file: Path) -> bytes:
    try:
        # Asked before it is opened: a pipe would wait and a device go on for ever.
        if not stat.S_ISREG(file.stat().st_mode):
            raise refused(file, "no_regular_file", Text("this is no ordinary file", "不是普通文件"))
        with file.open("rb") as opened:
            raw = opened.read(BYTES_MAX + 1)
    except FileNotFoundError as error:
        said = Text("there is no such file", "没有这个文件")
        raise refused(file, "no_file", said) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        said = Text(f"the file cannot be read: {reason}", f"无法读取文件: {reason}")
        raise refused(file, "cannot_read", said) from error
    if len(raw) > BYTES_MAX:
        said = Text(f"the file has more than {BYTES_MAX:,} bytes", f"文件超过 {BYTES_MAX:,} 字节")
        raise refused(file, "too_large", said)
    return raw


def _check_depth(file: Path, text: str) -> None:
    """Before it is parsed: a parser that goes down as deep as it is told breaks."""
    depth = 0
    for found in _MARKS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > DEPTH_MAX:
            said = Text(f"nested more than {DEPTH_MAX} deep", f"嵌套超过 {DEPTH_MAX} 层")
            raise refused(file, "too_deep", said)


def _once(twice: list[str]) -> Any:
    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice.extend(name for name in found if names.count(name) > 1)
        return found

    return made


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _twice(word: str) -> Fault:
    said = Text(f"“{shown(word)}” stands twice in one object",
                f"同一对象中 “{shown(word)}” 出现两次")  # fmt: skip
    return Fault("json.name_twice", said)


def _values(value: Any) -> Iterator[Any]:
    stack = [value]
    while stack:
        found = stack.pop()
        yield found
        if isinstance(found, dict):
            stack += found.values()
        elif isinstance(found, list):
            stack += found
