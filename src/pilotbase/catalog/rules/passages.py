"""From a description in reStructuredText to short passages that can be cited. Pure.

A passage is its document's title and then one line a sentence, list item or table row. So what an
agent quotes is a whole line, and a reader finds it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

WORDS_MAX = 90  # of the body of a passage, unless a single line is longer
WORDS_MIN = 40  # a passage with fewer is filled up, even if that cuts a block

_DROPPED = re.compile(r"\.\. _[\w ]+:|\.\. \w+::|\[source\]|::")
_RULED = re.compile(r"[=\-~^\s]{3,}")
_ROLE = re.compile(r":\w+:`~?([^`<]+?)`")
_LINK = re.compile(r"`([^`<]+?)\s*<([^>`]+)>`_{0,2}")
# A line that begins something new: a list item, a field, a reference, code, columns of a table, or
# a name and what it stands for.
_ITEM = re.compile(
    r"[-*] |:\w[^:]*:|\(\d\)|\.\. \[|\[\w\]|>>>|\.\.\. |.*[^\s.!?] {2,}\S|[^,.]*\S [-=:] \S"
)
_WRAPPED = 58  # characters from which a line is taken to go on in the next one
# A full stop ends a sentence unless it follows an initial or one of these abbreviations.
_SENTENCE = re.compile(
    r"(?<![A-Z]\.)(?<!Dr\.)(?<!St\.)(?<!Vol\.)(?<!No\.)(?<!al\.)(?<!pp\.)(?<!Bil\.)(?<!Rep\.)(?<!Tech\.)"
    r"(?<!Intern\.)(?<!Dept\.)(?<!Dec\.)(?<!i\.e\.)(?<!e\.g\.)(?<=[.!?])\s+(?=[\"(\[]?[A-Z])"
)


def passages(title: str, text: str, words_max: int = WORDS_MAX) -> list[str]:
    """The passages of one document, in its order.

    Args:
        title: put first in each passage, as the passage is read alone.
        text: reStructuredText, or plain text with indented lists.
        words_max: a passage's body has at most so many words, unless one line has more.

    >>> for passage in passages("Tides", "High water twice a day. Low water too.\\n\\n- unit  m"):
    ...     print(passage)
    Tides
    High water twice a day.
    Low water too.
    unit m
    """
    bodies: list[list[str]] = []
    room = 0
    for block in _blocks(text):
        lines = [sentence for item in _items(block) for sentence in _SENTENCE.split(item)]
        # A block stays whole where it can: a new passage starts rather than cutting it.
        if room < _words(lines) <= words_max and words_max - room >= WORDS_MIN:
            room = 0
        for line in lines:
            size = _words([line])
            if size > room or not bodies:
                bodies.append([])
                room = words_max
            bodies[-1].append(line)
            room -= size
    return ["\n".join([title, *body]) for body in bodies]


def _blocks(text: str) -> Iterator[list[str]]:
    """Runs of lines between empty ones, without what is only layout."""
    block: list[str] = []
    for raw in [*text.expandtabs().splitlines(), ""]:
        line = "" if _RULED.fullmatch(raw) else raw.rstrip()
        if line.strip():
            if not _DROPPED.fullmatch(line.strip()):
                block.append(line)
        elif block and not raw.strip():
            yield block
            block = []


def _items(block: list[str]) -> list[str]:
    """The lines of a block, those that only go on joined to the one before."""
    items: list[str] = []
    indent = 0
    before = ""
    for line in block:
        depth, last = _depth(line), _depth(before)
        # A line goes on the one before: deeper, or as deep after a full line or in mid-sentence.
        full = len(before) >= _WRAPPED or line.lstrip()[0].islower()
        goes_on = depth > indent or (depth == indent == last and full)
        new = _ITEM.match(line.lstrip()) and not (depth > indent and before.endswith(","))
        if items and goes_on and not new:
            items[-1] += " " + line.strip()
        else:
            items.append(line.strip())
            indent = depth
        before = line
    return [shown for item in items if (shown := _plain(item))]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _plain(item: str) -> str:
    """An item without its marks.

    >>> _plain("- ``data``: see :func:`~sklearn.datasets.load_iris` and [2]_::")
    'data: see sklearn.datasets.load_iris and [2]:'
    """
    text = _LINK.sub(r"\1 (\2)", _ROLE.sub(r"\1", item))
    text = re.sub(r"``|\*\*|`_?|(?<=\])_", "", text).replace("::", ":")
    text = re.sub(r"\*(\w[^*]*)\*", r"\1", text)
    text = re.sub(r"^(?:[-*] |>>> |\.\. (?=\[)|\.\. \w+: )", "", text)
    text = re.sub(r"^:(\w[^:]*):", r"\1:", text)
    text = re.sub(r"^(?:rubric|dropdown): *", "", text)
    return " ".join(text.split())


def _words(lines: list[str]) -> int:
    return sum(len(line.split()) for line in lines)
