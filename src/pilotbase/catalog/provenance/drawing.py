"""Lineage drawn: one HTML file that stands by itself, with all its statements in words below.

Entities are rounded, activities square, agents have a pointed head, as in the PROV primer. Causes
stand above what came of them. The page runs no script and asks nothing of any network.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pilotbase.catalog.provenance.layers import Arc, Placed, layered
from pilotbase.catalog.provenance.prov import RELATIONS, Edge, Lineage, Node
from pilotbase.kernel.text import Language, Text

_PACKAGE = "pilotbase.catalog.provenance"
WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 184, 46, 204, 106, 16
"""Sizes in pixels: of a box, from place to place, from layer to layer, around the whole."""
LABEL_MAX = 24
KINDS = {
    "entity": Text("thing", "实体"),
    "activity": Text("activity", "活动"),
    "agent": Text("who answers or acts", "责任方或执行者"),
}


def page(lineage: Lineage, title: Text, language: Language) -> str:
    """The page in one language, a complete HTML document."""
    style = (files(_PACKAGE) / "static" / "lineage.css").read_text("utf-8")
    hash_ = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template("lineage.html.j2")
        .render(
            t=lambda en, zh: zh if language == "zh" else en,
            lang="zh-CN" if language == "zh" else "en",
            title=title.in_language(language),
            policy=f"default-src 'none'; style-src 'sha256-{hash_}'; base-uri 'none'",
            style=Markup(style),
            drawing=drawn(lineage, language),
            statements=list(_statements(lineage, language)),
            nodes=[
                (KINDS[node.kind].in_language(language), node.label.in_language(language), node)
                for node in lineage.nodes.values()
            ],
        )
    )


def drawn(lineage: Lineage, language: Language) -> Markup:
    """The graph as an SVG element."""
    edges = shown_edges(lineage)
    arcs = list(dict.fromkeys(map(_arc, edges)))
    placed = layered(list(lineage.nodes), arcs)
    width = int(placed.width * ACROSS - (ACROSS - WIDTH) + 2 * MARGIN)
    height = (max(placed.layer.values(), default=0)) * DOWN + HEIGHT + 2 * MARGIN
    shapes = [*_lines(edges, placed), *_boxes(lineage, placed, language)]
    return Markup(
        '<svg class="lineage" viewBox="0 0 {} {}" width="{}" height="{}" role="img" '
        'aria-labelledby="statements-title">{}{}</svg>'
    ).format(width, height, width, height, _ARROW, Markup("").join(shapes))


_ARROW = Markup(
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker></defs>'
)


def _arc(edge: Edge) -> Arc:
    """From cause to what came of it: PROV's relations point the other way."""
    return edge.target, edge.source


def shown_edges(lineage: Lineage) -> list[Edge]:
    """The statements that are drawn: a derivation by way of a drawn activity is seen already."""
    used = {(e.source, e.target) for e in lineage.edges if e.relation == "used"}
    ways = {
        (e.source, target)
        for e in lineage.edges
        if e.relation == "wasGeneratedBy"
        for activity, target in used
        if activity == e.target
    }
    return [
        edge
        for edge in lineage.edges
        if edge.relation != "wasDerivedFrom" or (edge.source, edge.target) not in ways
    ]


def _lines(edges: Sequence[Edge], placed: Placed) -> Iterator[Markup]:
    for edge in edges:
        points = [_point(*at) for at in placed.paths[_arc(edge)]]
        path = _curve(points)
        yield Markup('<path class="edge is-{}" d="{}" marker-start="url(#tip)"/>').format(
            edge.relation, path
        )


def _point(place: float, layer: int) -> tuple[float, float]:
    return MARGIN + place * ACROSS + WIDTH / 2, MARGIN + layer * DOWN + HEIGHT / 2


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """From below the first box to above the last, straight down at every layer between."""
    sign = 1 if points[-1][1] >= points[0][1] else -1
    half = sign * HEIGHT / 2
    ends = [
        (points[0][0], points[0][1] + half),
        *points[1:-1],
        (points[-1][0], points[-1][1] - half),
    ]
    said = [f"M{ends[0][0]:g} {ends[0][1]:g}"]
    for (x0, y0), (x1, y1) in pairwise(ends):
        middle = (y0 + y1) / 2
        said.append(f"C{x0:g} {middle:g} {x1:g} {middle:g} {x1:g} {y1:g}")
    return "".join(said)


def _boxes(lineage: Lineage, placed: Placed, language: Language) -> Iterator[Markup]:
    for node in lineage.nodes.values():
        x, y = _point(placed.place[node.id], placed.layer[node.id])
        label = node.label.in_language(language)
        yield Markup(
            '<g class="node is-{}{}" transform="translate({:g} {:g})"><title>{}</title>{}'
            '<text y="{}">{}</text>{}</g>'
        ).format(
            node.kind,
            " is-synthetic" if "pb:synthetic" in node.attributes else "",
            x - WIDTH / 2,
            y - HEIGHT / 2,
            f"{KINDS[node.kind].in_language(language)}: {label} ({node.id})",
            _SHAPES[node.kind],
            19 if node.note else 28,
            shortened(label),
            _note(node),
        )


_SHAPES = {
    "entity": Markup(f'<rect width="{WIDTH}" height="{HEIGHT}" rx="{HEIGHT // 2}"/>'),
    "activity": Markup(f'<rect width="{WIDTH}" height="{HEIGHT}"/>'),
    "agent": Markup(
        f'<path d="M0 8 {WIDTH // 2} 0 {WIDTH} 8V{HEIGHT}H0z"/>',
    ),
}


def _note(node: Node) -> Markup:
    if not node.note:
        return Markup("")
    return Markup('<text class="note" y="35">{}</text>').format(shortened(node.note))


def shortened(text: str, most: int = LABEL_MAX) -> str:
    """Text of at most ``most`` columns; a Chinese character takes two.

    >>> shortened("follow-up triage of persons with diabetes"), shortened("糖尿病", 4)
    ('follow-up triage of per…', '糖…')
    """
    wide = [2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text]
    if sum(wide) <= most:
        return text
    used, kept = 0, ""
    for c, columns in zip(text, wide, strict=True):
        used += columns
        if used > most - 1:
            break
        kept += c
    return kept + "…"


def _statements(lineage: Lineage, language: Language) -> Iterator[tuple[str, str, str, str]]:
    for edge in lineage.edges:
        words = RELATIONS[edge.relation][4].in_language(language)
        ends = (
            lineage.nodes[id_].label.in_language(language) for id_ in (edge.source, edge.target)
        )
        said = ", ".join(f"{name.partition(':')[2]}: {value}" for name, value in edge.attributes)
        source, target = ends
        yield source, words, target, said


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
