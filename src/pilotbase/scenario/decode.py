"""From a scenario file's bytes to its text: UTF-8, of bounded size, nothing invisible in it."""

from __future__ import annotations

import re

from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Finding, Path, Place, Unreadable

BYTES_MAX = 1 << 20
LINE_CHARACTERS_MAX = 32_768

# Control characters could drive a terminal, bidirectional ones make a line read otherwise than it
# is (CVE-2021-42574), and half a surrogate pair has no UTF-8 form.
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_HAN = re.compile("[\u4e00-\u9fff]")
_BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}

UTF_8 = Text("UTF-8 text", "UTF-8 编码的文本")
TOO_LARGE = Finding(
    (),
    "scenario.too_large",
    Text("the file is too large for a scenario", "文件过大, 不像场景文件"),
    Text("at most 1 MiB; data belong in files of their own", "最多 1 MiB; 数据应另存文件"),
)
LONG_LINE = Finding(
    (),
    "scenario.long_line",
    Text("this line is too long", "此行过长"),
    Text(f"at most {LINE_CHARACTERS_MAX} characters", f"最多 {LINE_CHARACTERS_MAX} 个字符"),
)


def decoded(raw: bytes) -> str:
    """The text without byte order mark, its lines ended by ``\\n``.

    Raises:
        Unreadable: too large, or not UTF-8; the likely encoding is named.
    """
    if len(raw) > BYTES_MAX:
        raise Unreadable(TOO_LARGE, (0, 0))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = raw.rfind(b"\n", 0, error.start) + 1
        column = len(raw[start : error.start].decode("utf-8", "replace")) + 1
        place = (raw.count(b"\n", 0, error.start) + 1, column)
        raise Unreadable(_not_utf8(_guess(raw)), place) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _guess(raw: bytes) -> str | None:
    if raw[:2] in _BYTE_ORDER_MARKS:
        return _BYTE_ORDER_MARKS[raw[:2]]
    if b"\x00" in raw:
        return None
    try:
        return "GB18030" if _HAN.search(raw.decode("gb18030")) else None
    except UnicodeDecodeError:
        return None


def _not_utf8(encoding: str | None) -> Finding:
    en, zh = "this is not UTF-8 text", "此处不是 UTF-8 文本"
    if encoding:
        en, zh = f"{en}; it looks like {encoding}", f"{zh}, 看起来是 {encoding} 编码"
    save = Text("UTF-8 text; save the file as UTF-8", "UTF-8 编码; 请将文件另存为 UTF-8")
    return Finding((), "scenario.encoding", Text(en, zh), save if encoding else UTF_8)


def check_lines(text: str) -> None:
    """Raises Unreadable for a control character or a line that is too long."""
    hidden = HIDDEN.search(text)
    if hidden:
        at = hidden.start()
        raise Unreadable(hidden_character((), hidden.group()), _place(text, at))
    at = 0
    for line in text.split("\n"):
        if len(line) > LINE_CHARACTERS_MAX:
            raise Unreadable(LONG_LINE, _place(text, at))
        at += len(line) + 1


def _place(text: str, at: int) -> Place:
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1


def hidden_character(path: Path, character: str) -> Finding:
    """The finding on an invisible character, which may also come from an escape like ``\\x1b``."""
    name = f"U+{ord(character):04X}"
    return Finding(
        path,
        "scenario.hidden_character",
        Text(f"the invisible control character {name} is in here", f"此处含不可见控制字符 {name}"),
        Text("plain text, line breaks and tabs", "普通文本、换行与制表符"),
    )
