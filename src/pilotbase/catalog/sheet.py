"""Read a YAML sheet that people hand in: all its faults at once, each with line and column.

The text is read as scenario files are (`pilotbase.scenario.tree`): no tags, no aliases, nothing
executed, sizes and depths limited. What a sheet may say is a pydantic model.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pilotbase.catalog.rules.mending import mended, within
from pilotbase.kernel.errors import Fault, SheetError
from pilotbase.kernel.text import Text
from pilotbase.scenario.check import fault_at
from pilotbase.scenario.decode import BYTES_MAX, check_lines, decoded
from pilotbase.scenario.finding import Finding, Unreadable, listed, nearest, shown
from pilotbase.scenario.finding import Path as Where
from pilotbase.scenario.grammar import strictly
from pilotbase.scenario.offer import Key
from pilotbase.scenario.section import Bilingual, Section
from pilotbase.scenario.tree import Tree, tree_of

FAULTS_MAX = 200
S = TypeVar("S", bound=Section)
Check = Callable[[Any], Iterable[Finding]]

NO_FILE = Text("there is no such file", "没有这个文件")
NOT_A_FILE = Text("this is no ordinary file", "这不是普通文件")
TOO_LARGE = Text(f"the file has more than {BYTES_MAX:,} bytes", f"文件超过 {BYTES_MAX:,} 字节")
NOT_A_SECTION = Text("the file holds no words and values", "文件中没有字段与值")
MORE = Text("and more faults from here on", "由此往后还有更多错误")
SEVERAL = Text("one list in one file", "一个文件只写一份清单")
SPLIT = Text("several smaller files", "拆分为几个较小的文件")


@dataclass(frozen=True)
class Sheet(Generic[S]):
    """A sheet, and the place of every word.

    ``wrong`` are its faults of grammar, and ``mended`` the places where something else stands in
    ``said`` for them: both empty unless a caller asked for it. Then nothing may be done with the
    sheet before `refuse` was asked.
    """

    file: Path
    said: S
    tree: Tree
    wrong: tuple[Fault, ...] = ()
    mended: tuple[Where, ...] = ()

    def refuse(self, found: Iterable[Finding]) -> None:
        """Raises SheetError with these findings at their places and all that is ``wrong``, if there
        is any; what was found where something was mended is not told."""
        sound = [f for f in found if not within(f.path, self.mended)]
        told = [fault_at(f, self.tree.place(f.path, at_key=f.at_key)) for f in sound]
        if told or self.wrong:
            raise _refusal(self.file, [*self.wrong, *told])


def read_sheet(file: Path, model: type[S], whole: Mapping[str, Any] | None = None) -> Sheet[S]:
    """The sheet in a file.

    Args:
        whole: a sheet without faults. Where it is given, its words stand in for those that are
            faulty, and the caller goes on to find what else does not hold (see `rules.mending`).

    Raises:
        SheetError: with all faults of grammar; also where it is missing or no file.
    """
    try:
        text = decoded(_bytes(file))
        check_lines(text)
        tree = tree_of(text)
    except Unreadable as error:
        raise SheetError(str(file), [_named(fault_at(error.finding, error.place))]) from error
    told = [fault_at(finding, place) for finding, place in tree.findings]
    if not isinstance(tree.data, dict):
        told.append(Fault("sheet.not_a_section", NOT_A_SECTION, line=1, column=1))
        raise _refusal(file, told)
    spoilt = {finding.path for finding, _ in tree.findings}
    said, found = _grammar(model, tree.data)
    sound = [(f, at) for f, at in found if not within(f.path, spoilt)]
    told += [fault_at(f, tree.place(f.path, at_key=f.at_key)) for f, _ in sound]
    places = (*spoilt, *(at for _, at in sound))
    if told and whole is not None and () not in places:
        said, more = _grammar(model, mended(tree.data, places, whole))
        if not more and said is not None:
            return Sheet(file, said, tree, tuple(told), places)
    if told or said is None:
        raise _refusal(file, told)
    return Sheet(file, said, tree)


def _refusal(file: Path, told: list[Fault]) -> SheetError:
    told = sorted(map(_named, told), key=lambda fault: (fault.line, fault.column))
    if len(told) > FAULTS_MAX:
        last = told[FAULTS_MAX]
        more = Fault("sheet.more_faults", MORE, line=last.line, column=last.column)
        told = [*told[:FAULTS_MAX], more]
    return SheetError(str(file), told)


def _named(fault: Fault) -> Fault:
    """A fault of the shared reader under this reader's name."""
    ours = {"scenario.several_documents": SEVERAL, "scenario.too_many_entries": SPLIT}
    code = fault.code.replace("scenario.", "sheet.", 1)
    return replace(fault, code=code, expected=ours.get(fault.code, fault.expected))


def _bytes(file: Path) -> bytes:
    try:
        # Asked before it is opened: a pipe would wait and a device go on for ever.
        if not stat.S_ISREG(file.stat().st_mode):
            raise _unreadable("no_regular_file", NOT_A_FILE)
        with file.open("rb") as opened:
            data = opened.read(BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise _unreadable("no_file", NO_FILE) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        said = Text(f"the file cannot be read: {reason}", f"无法读取文件: {reason}")
        raise _unreadable("cannot_read", said) from error
    if len(data) > BYTES_MAX:
        raise _unreadable("too_large", TOO_LARGE)
    return data


def _unreadable(code: str, said: Text) -> Unreadable:
    return Unreadable(Finding((), f"sheet.{code}", said), (0, 0))


def _grammar(model: type[S], data: dict[str, Any]) -> tuple[S | None, list[tuple[Finding, Where]]]:
    """The sheet or its faults, each with the place that has to change."""
    try:
        return strictly(model, data), []
    except ValidationError as error:
        found: dict[tuple[Where, str], tuple[Finding, Where]] = {}
        for detail in error.errors(include_url=False)[: 10 * FAULTS_MAX]:
            finding = _finding(model, detail, data)
            missing = detail["loc"][-1:] if detail["type"] == "missing" else ()
            place = (*finding.path, *missing)
            found.setdefault((finding.path, finding.message.en), (finding, place))
        return None, list(found.values())


def _finding(model: type[Section], detail: ErrorDetails, data: Any) -> Finding:
    kind, location = detail["type"], detail["loc"]
    path, value = _walk(location, data)
    if kind == "extra_forbidden":
        word = str(location[-1])
        words = _words(model, location[:-1])
        meant = nearest(word, words)
        said = Text(f"unknown word “{shown(word)}”", f"未知的字段 “{shown(word)}”")
        if meant is None and _may_be_secret(path[:-1]):
            path, said = path[:-1], Text("an unknown word stands here", "此处有未知的字段")
        expected = None if meant or not words else Text(listed(words), listed(words))
        return Finding(path, "sheet.unknown_key", said, expected, meant, at_key=True)
    if kind == "missing":
        word = str(location[-1])
        said = Text(f"“{word}” is missing", f"缺少 “{word}”")
        return Finding(path, "sheet.missing_key", said, at_key=True)
    said = Text(f"{shown(value)} does not fit here", f"{shown(value)} 不适用于此处")
    if _may_be_secret(path):
        said = Text("what stands here does not fit", "此处的内容不适用")
    if value is None or value == "":
        said = Text("this is left empty", "此处未填写")
    return Finding(path, "sheet.value", said, _wanted(detail))


def _may_be_secret(path: Where) -> bool:
    """Whether a secret may stand at a place by mistake; then nothing of it is repeated."""
    return any(isinstance(part, str) and _SECRET.search(part) for part in path)


_SECRET = re.compile(r"key|secret|token$|password|passwd|credential|auth|url|webhook", re.I)


def _walk(location: tuple[str | int, ...], data: Any) -> tuple[Where, Any]:
    """The part of pydantic's location that is in the file, and what stands there."""
    path, value = list[str | int](), data
    for part in location:
        in_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if not in_list and not (isinstance(value, dict) and part in value):
            continue  # pydantic's own tail: which alternative it tried
        value = value[part]
        path.append(part)
    return tuple(path), value


def _words(model: type[Section], location: tuple[str | int, ...]) -> list[str]:
    """The words that a section of the model knows."""
    node: Any = model.model_json_schema(by_alias=True)
    schemas = node.get("$defs", {})
    for part in location:
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part, {})
        for option in node.get("anyOf", []):
            node = option if "$ref" in option or option.get("type") == "array" else node
        if "$ref" in node:
            node = schemas[node["$ref"].rpartition("/")[2]]
    return list(node.get("properties", {}))


_WANTED = {
    "string_pattern_mismatch": Text("the form {pattern}", "形式 {pattern}"),
    "literal_error": Text("one of {expected}", "{expected} 之一"),
    "string_too_long": Text("at most {max_length} characters", "最多 {max_length} 个字符"),
    "string_too_short": Text("some text", "文本"),
    "too_long": Text("at most {max_length} entries", "最多 {max_length} 项"),
    "too_short": Text("at least {min_length} entries", "至少 {min_length} 项"),
    "string_type": Text(
        'a text, "in quotes" if it looks like a number', "文本; 形似数字的请加引号"
    ),
    "bool_type": Text("true or false", "true 或 false"),
    "int_type": Text("a whole number", "整数"),
    "int_parsing": Text("a whole number", "整数"),
    "int_from_float": Text("a whole number", "整数"),
    "bool_parsing": Text("true or false", "true 或 false"),
    "float_type": Text("a number", "数值"),
    "float_parsing": Text("a number", "数值"),
    "greater_than": Text("a number above {gt}", "大于 {gt} 的数"),
    "greater_than_equal": Text("a number from {ge}", "不小于 {ge} 的数"),
    "less_than": Text("a number below {lt}", "小于 {lt} 的数"),
    "less_than_equal": Text("a number up to {le}", "不大于 {le} 的数"),
    "tuple_type": Text("a list", "列表"),
    "model_type": Text("a section", "小节"),
    "dict_type": Text("a section", "小节"),
}
_KEY = Text("where it lies: {env: NAME} or {file: PATH}", "密钥所在: {env: 变量名} 或 {file: 路径}")
_BOTH = Text("the text in both languages: {en: …, zh: …}", "中英文两种文本: {en: 英文, zh: 中文}")


def _wanted(detail: ErrorDetails) -> Text | None:
    ctx = detail.get("ctx", {})
    if ctx.get("class_name") == Bilingual.__name__:
        return _BOTH
    if ctx.get("class_name") == Key.__name__:
        return _KEY
    wanted = _WANTED.get(detail["type"])
    return wanted.format(**ctx) if wanted else None
