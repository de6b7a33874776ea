"""Rate in the terminal: one answer after the other, blind; leave at any time, go on later."""

from __future__ import annotations

import unicodedata

import click

from pilotbase.desk.queue import Waiting
from pilotbase.desk.rating import Choosing
from pilotbase.kernel.text import Language, Text

SKIP, QUIT = "s", "q"
HOW = Text(
    "Mark each answer by the rubric: 0 (fails it), 1, 2, 3, 4 (fulfils it); s skips, q ends. "
    "What is rated is kept.",
    "请按评分标准为每个回答打分: 0 (不符合)、1、2、3、4 (完全符合); s 跳过, q 结束。"
    "已评的都会保存。",
)
LABELS = Text(
    "Choose a label for each row by its number; s skips, q ends. What is labelled is kept.",
    "请按编号为每行数据选择标签; s 跳过, q 结束。已标注的都会保存。",
)
PARTS = {
    "rubric": Text("Rubric", "评分标准"),
    "question": Text("Question", "问题"),
    "expected": Text("Expected", "预期答案"),
    "cited": Text("Cited passage", "所引段落"),
    "answer": Text("ANSWER", "回答"),
    "refused": Text("(it declines to answer)", "(拒绝作答)"),
    "empty": Text("(empty)", "(空)"),
}


def rate_here(desk: Choosing, language: Language) -> int:
    """Ask for marks until nothing is left or the rater ends; how many were given."""
    left = desk.left()
    keys = [str(number) for number in range(len(desk.marks))]
    click.echo((LABELS if desk.labels else HOW).in_language(language))
    for key, (_, words) in zip(keys, desk.marks if desk.labels else (), strict=False):
        click.echo(f"  {key}: {harmless(words.in_language(language))}")
    given = 0
    for number, (id_, waiting) in enumerate(left, 1):
        click.echo(f"\n[{number}/{len(left)}] " + "─" * 40)
        click.echo(row_shown(waiting) if desk.labels else shown(waiting, language))
        mark = _asked(keys, language)
        if mark == QUIT:
            break
        if mark != SKIP:
            why = click.prompt(
                Text("Why (may be empty)", "理由 (可留空)").in_language(language),
                default="",
                show_default=False,
            )
            given += desk.choose(id_, desk.marks[int(mark)][0], why)
    return given


def shown(waiting: Waiting, language: Language) -> str:
    """An item as lines for a terminal."""
    item = waiting.item
    parts = [("rubric", item.rubric), ("question", item.question)]
    parts += [("expected", " | ".join(item.expected))] if item.expected else []
    parts += [("cited", f"[{one['id']}] {one['text']}") for one in item.passages]
    refused = f" {PARTS['refused'].in_language(language)}" if item.refused else ""
    empty = PARTS["empty"].in_language(language)
    parts.append(("answer", (item.answer or empty) + refused))
    return "\n".join(
        f"{PARTS[name].in_language(language)}: {harmless(text)}" for name, text in parts
    )


def row_shown(waiting: Waiting) -> str:
    """A row, below the instructions, as lines for a terminal."""
    return harmless(f"{waiting.item.rubric}\n\n{waiting.item.question}")


def harmless(text: str) -> str:
    """Text that cannot steer the terminal: no escape sequences, nothing that turns its direction.

    >>> harmless("\\x1b[2Jgone")
    '�[2Jgone'
    """
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "�" for c in text
    )


def _asked(keys: list[str], language: Language) -> str:
    said: str = click.prompt(
        Text("Mark", "评分").in_language(language),
        type=click.Choice([*keys, SKIP, QUIT]),
        show_choices=True,
    )
    return said
