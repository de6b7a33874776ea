"""Which encoding a text file has; where lines of it have several, which lines they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pilotbase.kernel.errors import Fault, SheetError
from pilotbase.kernel.text import Text

ENCODINGS = ("utf-8", "gb18030")
FAULTS_MAX = 200
CHUNK = 2**20
LINE_BYTES_MAX = 2**21
_ONE = Text(
    "one encoding in the whole file: UTF-8 or GB18030", "整个文件使用同一编码: UTF-8 或 GB18030"
)


def encoding_of(file: Path) -> str:
    """``utf-8`` or ``gb18030``.

    Raises:
        SheetError: neither, or lines of several encodings; all the lines that do not fit.
    """
    with file.open("rb") as opened:
        start = opened.read(4)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        said = Text("the file is UTF-16", "文件为 UTF-16 编码")
        raise SheetError(str(file), [Fault("data.encoding", said, line=1, expected=_ONE)])
    if _decodes(file, "utf-8"):
        return "utf-8"
    if _decodes(file, "gb18030") and not any(_kinds(file, only="utf-8")):
        return "gb18030"
    raise SheetError(str(file), _faults(file))


def utf8_copy(file: Path, encoding: str, copy: Path) -> None:
    """The file as UTF-8 without byte order mark, its lines ended by ``\\n``.

    Raises:
        SheetError: a NUL byte; says in which line. UnicodeDecodeError: another encoding.
    """
    line = 1
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    with file.open(encoding=name, newline=None) as text, copy.open("w", encoding="utf-8") as out:
        while chunk := text.read(CHUNK):
            if "\0" in chunk:
                line += chunk.count("\n", 0, chunk.index("\0"))
                said = Text("a NUL byte", "NUL 字节")
                raise SheetError(str(file), [Fault("data.character", said, line=line)])
            line += chunk.count("\n")
            out.write(chunk)


def _decodes(file: Path, encoding: str) -> bool:
    try:
        with file.open(encoding=encoding, newline="") as text:
            while text.read(CHUNK):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _kinds(file: Path, only: str = "") -> Iterator[tuple[int, str]]:
    """Number and encoding ("" for none) of each line that is not ASCII."""
    with file.open("rb") as opened:
        number = 0
        while line := opened.readline(LINE_BYTES_MAX):
            number += 1
            if line.isascii():
                continue
            kind = _kind(line)
            if kind != "either" and only in ("", kind):
                yield number, kind


def _kind(line: bytes) -> str:
    """``either`` where too little is said to tell; "" where neither fits.

    Chinese text in GB18030 is hardly ever valid UTF-8; three or more characters decide.
    """
    utf8, gb18030 = (_text(line, name) for name in ENCODINGS)
    if utf8 is not None:
        strong = sum(ord(character) > 127 for character in utf8) >= 3
        return "utf-8" if strong or gb18030 is None else "either"
    return "gb18030" if gb18030 is not None else ""


def _text(line: bytes, encoding: str) -> str | None:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return None


def _faults(file: Path) -> list[Fault]:
    """The lines of the rarer encoding, or of none."""
    found = list(_kinds(file))
    counts = {name: sum(kind == name for _, kind in found) for name in ENCODINGS}
    main = max(ENCODINGS, key=lambda name: counts[name])
    faults = []
    for number, kind in found:
        if kind == main:
            continue
        english = f"this line is {kind.upper()}" if kind else "this line has no encoding known here"
        chinese = f"该行为 {kind.upper()} 编码" if kind else "该行不符合任何已知编码"
        said = Text(f"{english}, others are {main.upper()}", f"{chinese}, 其余为 {main.upper()}")
        faults.append(Fault("data.encoding", said, line=number, expected=_ONE))
    more = len(faults) - FAULTS_MAX
    if more > 0:
        said = Text(f"and {more:,} more lines", f"另有 {more:,} 行")
        faults = [*faults[:FAULTS_MAX], Fault("data.encoding", said)]
    return faults
