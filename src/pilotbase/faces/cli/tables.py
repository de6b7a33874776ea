"""Tables on a terminal of any width: texts wrap at spaces, and no id, name or amount is broken.

Where a terminal is too narrow for the longest word of each column, every row is printed as a block
of lines, one for each column that has something to say; what is copied from it is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_WORD = re.compile(r"-?\d[\d.]* [A-Z]{3}\b|[^\s\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+")
"""What must not be broken, an amount with its currency too; Chinese may be, at any character."""


def table(console: Console, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their heads."""
    told = [["–" if cell is None else str(cell) for cell in row] for row in rows]
    columns = [*zip(heads, *told, strict=True)] if told else [(head,) for head in heads]
    most = [max(map(_line_width, column)) for column in columns]
    least = [max([_head_width(head), *map(_word_width, cells)]) for head, *cells in columns]
    # One space beside each cell, one for each edge and each border between two.
    room = console.width - (3 * len(columns) - 1)
    if sum(least) > room and told:
        _blocks(console, heads, told)
        return
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head, width in zip(heads, widths(least, most, room), strict=True):
        made.add_column(escape(head), overflow="fold", width=width)
    for row in told:
        made.add_row(*map(escape, row))
    console.print(made)


def widths(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """How wide each column is: the room is shared out evenly, to none more than it needs.

    >>> widths([2, 3], [4, 20], 15), widths([2, 3], [4, 5], 80)
    ([4, 11], [4, 5])
    """
    found = [*least]
    while sum(found) < room and found != [*most]:
        for number, wanted in enumerate(most):
            if found[number] < wanted and sum(found) < room:
                found[number] += 1
    return found


def _line_width(cell: str) -> int:
    return max(map(cell_len, cell.splitlines()), default=0)


def _head_width(head: str) -> int:
    """Cells of a heading's longest word; a Chinese one is not broken either."""
    return max(map(cell_len, head.split()), default=0)


def _word_width(cell: str) -> int:
    """Cells of the longest part that is not to be broken; a character is two cells at most."""
    return max((cell_len(word) for word in _WORD.findall(cell)), default=min(2, _line_width(cell)))


def _blocks(console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for row in rows:
        console.print(f"[bold]{escape(row[0])}[/]", soft_wrap=True)
        for head, cell in zip(heads[1:], row[1:], strict=True):
            if cell:
                console.print(f"  {head}: {cell}", markup=False, soft_wrap=True)
