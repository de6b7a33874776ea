"""Charts as inline SVG, drawn by pure functions.

A chart stretches to its place: positions across are percentages, sizes are pixels, so text keeps
its size on a phone. Marks carry the path of the proven figure they stand for (``data-x``,
``data-x1``, ``data-x2``), so that the page's script can check their places too. What a chart shows
is always said in words next to it, which is its text alternative.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from pilotbase.register.documents.figures import fixed, printed

_SIDE = 0.16  # of the data's width, kept free on either side


@dataclass(frozen=True)
class Axis:
    """The part of the number line that a chart shows, and its tick marks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Percent from the left; what lies outside stands at the edge."""
        return 100.0 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


@dataclass(frozen=True)
class Mark:
    """A number on the axis and the path of the proven figure it is."""

    value: float
    path: str


def axis_around(
    values: Iterable[float], *, least: float = -math.inf, most: float = math.inf, ticks: int = 6
) -> Axis:
    """An axis that shows all (finite) values with some room, inside what is possible."""
    finite = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    room = (high - low) * _SIDE or max(abs(high) * _SIDE, 0.05)
    low = max(least, low - room) if low >= least else low - room
    high = min(most, high + room) if high <= most else high + room
    step = _nice((high - low) / ticks)
    first = math.ceil(low / step - 1e-9)
    marks = (first + k for k in range(math.floor(high / step + 1e-9) - first + 1))
    digits = 1 - math.floor(math.log10(step))
    return Axis(low, high, tuple(round(k * step, digits) + 0.0 for k in marks))


def _nice(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(f * power for f in (1.0, 2.0, 5.0, 10.0) if f * power >= step * (1.0 - 1e-9))


def _across(value: float) -> str:
    return fixed(value, 2) + "%"


def _element(name: str, *, inside: str = "", **attributes: object) -> Markup:
    """An element; underscores in attribute names stand for hyphens, ``class_`` for class."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{said}>{inside}</{name}>")


def _svg(parts: Sequence[str], *, height: int, class_: str, axis: Axis, label: str) -> Markup:
    return _element(
        "svg", inside="".join(parts), class_=f"chart {class_}", width="100%", height=height,
        role="img", aria_labelledby=label, data_low=repr(axis.low), data_high=repr(axis.high),
    )  # fmt: skip


def _shading(axis: Axis, direction: str, bounds: Sequence[Mark], height: int) -> Markup:
    """The good side of the bound."""
    first, last = axis.place(bounds[0].value), axis.place(bounds[-1].value)
    start, stop = {"at_least": (first, 100.0), "at_most": (0.0, first)}.get(
        direction, (first, last)
    )
    width = max(0.0, stop - start)
    shape = {"x": _across(start), "width": _across(width)}
    return _element("rect", class_="good", y=0, height=height, **shape)


def _bounds(axis: Axis, bounds: Sequence[Mark], height: int) -> list[Markup]:
    lines = []
    for bound in bounds:
        x = _across(axis.place(bound.value))
        at = bound.path or None
        lines.append(
            _element("line", class_="bound", x1=x, x2=x, y1=0, y2=height, data_x1=at, data_x2=at)
        )
    return lines


@dataclass(frozen=True)
class Drawn:
    """What an interval chart shows.

    Attributes:
        direction: ``at_least``, ``at_most``, ``between`` (then two bounds), or ``none`` where no
            side of the bound is good.
        verdict: ``meets``, ``fails`` or ``undecided``: shape and colour of the estimate's mark;
            ``point`` where there is none.
        label: id of the element that says the same in words.
    """

    direction: str
    bounds: Sequence[Mark]
    interval: tuple[Mark, Mark] | None
    estimate: Mark | None
    verdict: str
    label: str


def interval_chart(
    axis: Axis, drawn: Drawn, *, claim: Mark | None = None, height: int = 34
) -> Markup:
    """An interval against the bound it has to clear; the good side is shaded.

    Args:
        claim: what the provider said.
    """
    middle = height / 2
    shaded = drawn.bounds and drawn.direction != "none"
    parts = [_shading(axis, drawn.direction, drawn.bounds, height)] if shaded else []
    if drawn.interval is not None:
        (low, high) = drawn.interval
        parts.append(_line(axis, low, high, middle, f"interval is-{drawn.verdict}"))
    parts += _bounds(axis, drawn.bounds, height)
    if claim is not None:
        parts.append(_glyph("claim", axis, claim, middle))
    if drawn.estimate is not None:
        parts.append(_glyph(drawn.verdict, axis, drawn.estimate, middle))
    return _svg(parts, height=height, class_="interval-chart", axis=axis, label=drawn.label)


def _line(axis: Axis, low: Mark, high: Mark, y: float, class_: str) -> Markup:
    ends = {"x1": _across(axis.place(low.value)), "x2": _across(axis.place(high.value))}
    paths = {"data_x1": low.path, "data_x2": high.path}
    return _element("line", class_=class_, y1=y, y2=y, **ends, **paths)


_GLYPHS = {
    "meets": '<circle class="is-meets" r="6.5"/>',
    "fails": '<rect class="is-fails" x="-6" y="-6" width="12" height="12"/>',
    "undecided": '<circle class="is-undecided" r="5.5"/>',
    "point": '<circle class="point" r="4.5"/>',
    "claim": '<path class="claim" d="M0-7 6 0 0 7-6 0z"/>',
}


def _glyph(kind: str, axis: Axis, mark: Mark, middle: float) -> Markup:
    """A mark of its own shape: disc, square, ring; diamond for a claim; a point for an effect."""
    x, path = _across(axis.place(mark.value)), mark.path or None
    inside = _GLYPHS[kind]
    return _element(
        "svg", inside=inside, class_="mark", overflow="visible", x=x, y=middle, data_x=path
    )


def scale_chart(axis: Axis, how: str, *, label: str) -> Markup:
    """The number line under a set of interval charts that share it."""
    parts = [_element("line", class_="rule", x1="0%", x2="100%", y1=0.5, y2=0.5)]
    for tick in axis.ticks:
        place = axis.place(tick)
        x, text = _across(place), str(escape(printed(tick, f"{how}-bound")))
        anchor = "start" if place < 4 else "end" if place > 96 else "middle"
        parts.append(_element("line", class_="rule", x1=x, x2=x, y1=0, y2=5))
        parts.append(_element("text", inside=text, x=x, y=18, text_anchor=anchor))
    return _svg(parts, height=22, class_="scale", axis=axis, label=label)


def effect_chart(axis: Axis, low: Mark, middle: Mark, high: Mark, *, label: str) -> Markup:
    """An effect with its interval against zero (how much worse without a column)."""
    zero = _across(axis.place(0.0))
    parts = [
        _element("line", class_="bound", x1=zero, x2=zero, y1=0, y2=20),
        _line(axis, low, high, 10, "interval"),
        _glyph("point", axis, middle, 10),
    ]
    return _svg(parts, height=20, class_="effect", axis=axis, label=label)


def shares_chart(shares: Sequence[tuple[str, Mark]], *, label: str) -> Markup:
    """Shares that sum to one as one bar; each piece has its own pattern and its own words."""
    axis, start, parts = Axis(0.0, 1.0, ()), 0.0, list[Markup]()
    for kind, share in shares:
        width = 100.0 * share.value
        shape = {"x": _across(start), "width": _across(width)}
        parts.append(_element("rect", class_=f"share is-{kind}", y=0, height=18, **shape))
        start += width
    return _svg(parts, height=18, class_="shares", axis=axis, label=label)
