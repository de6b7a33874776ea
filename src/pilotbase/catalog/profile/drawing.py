"""Small charts of a profile as inline SVG: pure, without style of their own. Text says the same."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 160, 28


def bars(counts: Sequence[int], label: str) -> Markup:
    """Counts side by side as upright bars; the highest fills the height."""
    top = max(counts, default=0)
    if not top:
        return Markup("")
    step = WIDTH / len(counts)
    shapes = [
        _rectangle(at * step, HEIGHT * (1 - count / top), step - 1, HEIGHT * count / top, "bar")
        for at, count in enumerate(counts)
    ]
    return _svg(shapes, label)


def share(value: float, label: str, kind: str = "bar") -> Markup:
    """A share from 0 to 1 as a lying bar in its frame."""
    frame = _rectangle(0, HEIGHT / 3, WIDTH, HEIGHT / 3, "frame")
    return _svg([frame, _rectangle(0, HEIGHT / 3, WIDTH * value, HEIGHT / 3, kind)], label)


def spark(counts: Sequence[int]) -> str:
    """The same for a terminal.

    >>> spark([0, 1, 4, 8])
    ' ▁▄█'
    """
    marks = " ▁▂▃▄▅▆▇█"
    top = max(counts, default=0)
    return "".join(marks[-(-8 * count // top)] for count in counts) if top else ""


def _rectangle(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    return Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>').format(
        kind, x, y, max(width, 0.5), height
    )


def _svg(shapes: Sequence[Markup], label: str) -> Markup:
    return Markup(
        '<svg role="img" viewBox="0 0 {} {}" width="{}" height="{}" aria-label="{}">{}</svg>'
    ).format(WIDTH, HEIGHT, WIDTH, HEIGHT, escape(label), Markup("").join(shapes))
