"""What can be wrong with the YAML itself, in words of both languages."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Finding, Path, shown

DEPTH_MAX = 20
NODES_MAX = 20_000

# What the parser says (a part of it) → what a person understands. First match wins.
_PROBLEMS = (
    (
        "mapping values are not allowed",
        Text(
            "a second colon in one line, or a line that is indented wrongly",
            "同一行出现第二个冒号, 或缩进有误",
        ),
    ),
    ("could not find expected ':'", Text("a colon is missing here", "此处缺少冒号")),
    ("'\\t'", Text("a tab stands where spaces belong", "此处应使用空格而不是制表符")),
    ("start any token", Text("this character cannot begin a value", "该字符不能作为值的开头")),
    ("escape", Text("an unknown escape after a backslash", "反斜杠后的转义符无效")),
    ("quoted scalar", Text("a quotation mark is opened and not closed", "引号没有成对出现")),
    ("'<scalar>'", Text("more text follows where a value has ended", "值已结束, 后面多出文字")),
    ("block", Text("this line is indented wrongly", "此行缩进有误")),
    ("expected ',' or", Text("a bracket or a comma is missing", "缺少括号或逗号")),
    ("flow", Text("a bracket or a comma is missing", "缺少括号或逗号")),
)
_DEFAULT = Text("this is not YAML", "此处不符合 YAML 语法")
_QUOTE = Text(
    'YAML; a text with a colon, a bracket or a quotation mark goes "in quotes"',
    "YAML 语法; 含冒号、括号或引号的文本请用双引号括起",
)


def syntax_error(problem: str) -> Finding:
    """The parser's problem as a finding."""
    said = next((text for part, text in _PROBLEMS if part in problem), _DEFAULT)
    return Finding((), "scenario.syntax", said, _QUOTE)


TOO_MANY = Finding(
    (),
    "scenario.too_many_entries",
    Text("the file has too many entries", "文件条目过多"),
    Text(f"at most {NODES_MAX} words and values", f"最多 {NODES_MAX} 个字段与值"),
)
TOO_DEEP = Finding(
    (),
    "scenario.too_deep",
    Text("sections are nested too deeply here", "此处嵌套过深"),
    Text(f"at most {DEPTH_MAX} levels", f"最多 {DEPTH_MAX} 层"),
)
SEVERAL = Finding(
    (),
    "scenario.several_documents",
    Text("a second document begins after `---`", "`---` 之后又开始了第二个文档"),
    Text("one scenario in one file", "一个文件只写一个场景"),
)
NO_WORD = Finding(
    (),
    "scenario.key_not_text",
    Text("a list or section stands where a word is expected", "字段名的位置上是列表或小节"),
    Text("a word and a colon, e.g. `task: regression`", "字段名加冒号, 如 `task: regression`"),
)


def alias(path: Path, anchor: str) -> Finding:
    """``*anchor`` repeats a part of the file; a chain of them can fill any memory."""
    return Finding(
        path,
        "scenario.alias",
        Text(f"the alias *{shown(anchor)} is not allowed", f"不允许使用别名 *{shown(anchor)}"),
        Text("the text itself, written out once more", "把内容完整写出"),
    )


def tag(path: Path, name: str) -> Finding:
    """``!tag`` asks for an object to be built; a scenario file is data."""
    word = name.replace("tag:yaml.org,2002:", "!!")
    return Finding(
        path,
        "scenario.tag",
        Text(f"the tag {shown(word)} is not allowed", f"不允许使用标签 {shown(word)}"),
        Text('a plain value; for text, "in quotes"', "普通的值; 文本请用双引号括起"),
    )


def duplicate(path: Path, word: str, first_line: int) -> Finding:
    """The same word twice in one section."""
    return Finding(
        path,
        "scenario.duplicate_key",
        Text(
            f"“{shown(word)}” is written twice; first in line {first_line}",
            f"“{shown(word)}” 重复出现; 第一次在第 {first_line} 行",
        ),
        Text("each word once in a section", "同一小节中每个字段只写一次"),
        at_key=True,
    )


def bad_number(path: Path, text: str) -> Finding:
    """A number that no double holds, or NaN, which means nothing in a record."""
    return Finding(
        path,
        "scenario.number",
        Text(f"{shown(text)} is no usable number", f"{shown(text)} 不是可用的数"),
        Text(
            "a number of at most 40 characters within ±1.7e308",
            "不超过 40 个字符、绝对值不超过 1.7e308 的数",
        ),
    )
