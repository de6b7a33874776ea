"""Lay out an acyclic graph in layers, the same for the same input. Pure.

Method: Sugiyama, Tagawa and Toda (1981), *Methods for visual understanding of hierarchical system
structures*: layers by longest path, long edges through empty places, order within layers by
barycentres swept down and up, then places by the means of neighbours without overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8
Arc = tuple[str, str]


@dataclass(frozen=True)
class Placed:
    """Where things stand.

    Attributes:
        layer: by node, from 0 (what nothing leads to). place: by node, its place across.
        paths: by arc, the places it goes through, ends included, as (place, layer).
        width: of the widest layer, in places.
    """

    layer: Mapping[str, int]
    place: Mapping[str, float]
    paths: Mapping[Arc, Sequence[tuple[float, int]]]
    width: float


def layered(nodes: Sequence[str], arcs: Sequence[Arc]) -> Placed:
    """Lay out nodes so that every arc leads downwards; arcs that close a circle are turned.

    Args:
        nodes: in the order in which ties are settled. arcs: (from, to), both of them nodes.

    >>> layered(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")]).layer
    {'a': 0, 'b': 1, 'c': 2}
    """
    down = _acyclic(nodes, list(dict.fromkeys(arcs)))
    layer = _tightened(nodes, down, _longest(nodes, down))
    chains = {arc: _chain(arc, layer) for arc in down}
    rows = _rows(nodes, layer, chains)
    neighbours = _neighbours(chains)
    _order(rows, neighbours)
    place = _places(rows, neighbours)
    level = {name: number for number, row in enumerate(rows) for name in row}
    paths = {
        arc: [(place[name], level[name]) for name in chains[down_arc]]
        for arc in arcs
        for down_arc in (arc if arc in chains else arc[::-1],)
    }
    own = {node: place[node] for node in nodes}
    return Placed(layer, own, paths, max(place.values(), default=0.0) + 1)


def _acyclic(nodes: Sequence[str], arcs: Sequence[Arc]) -> list[Arc]:
    """The arcs, turned where they lead back to what is still being walked (depth first)."""
    out: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in arcs:
        out[source].append(target)
    state: dict[str, int] = {}
    turned: set[Arc] = set()
    for root in nodes:
        waiting = [(root, iter(out[root]))] if root not in state else []
        state.setdefault(root, 1)
        while waiting:
            node, left = waiting[-1]
            following = next(left, None)
            if following is None:
                state[node] = 2
                waiting.pop()
            elif state.get(following) == 1:
                turned.add((node, following))
            elif following not in state:
                state[following] = 1
                waiting.append((following, iter(out[following])))
    kept = [arc[::-1] if arc in turned else arc for arc in arcs if arc[0] != arc[1]]
    return list(dict.fromkeys(kept))


def _longest(nodes: Sequence[str], arcs: Sequence[Arc]) -> dict[str, int]:
    """By node, the length of the longest way to it."""
    out: dict[str, list[str]] = {node: [] for node in nodes}
    left = dict.fromkeys(nodes, 0)
    for source, target in arcs:
        out[source].append(target)
        left[target] += 1
    layer = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if not left[node]]
    for node in ready:
        for following in out[node]:
            layer[following] = max(layer[following], layer[node] + 1)
            left[following] -= 1
            if not left[following]:
                ready.append(following)
    return layer


def _tightened(
    nodes: Sequence[str], arcs: Sequence[Arc], layer: Mapping[str, int]
) -> dict[str, int]:
    """What nothing leads to stands right above what it leads to, so that its arcs are short."""
    below: dict[str, list[int]] = {}
    for source, target in arcs:
        below.setdefault(source, []).append(layer[target])
    led = {target for _, target in arcs}
    return {
        node: layer[node] if node in led or node not in below else min(below[node]) - 1
        for node in nodes
    }


def _chain(arc: Arc, layer: Mapping[str, int]) -> list[str]:
    """The arc's nodes with an empty place on every layer between; a name with a line break is no
    node's."""
    source, target = arc
    empty = [f"{source}\n{target}\n{n}" for n in range(layer[source] + 1, layer[target])]
    return [source, *empty, target]


def _rows(
    nodes: Sequence[str], layer: Mapping[str, int], chains: Mapping[Arc, Sequence[str]]
) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in nodes:
        rows[layer[node]].append(node)
    for (source, _), chain in chains.items():
        for number, name in enumerate(chain[1:-1], layer[source] + 1):
            rows[number].append(name)
    return rows


def _neighbours(chains: Mapping[Arc, Sequence[str]]) -> tuple[dict[str, list[str]], ...]:
    """By node, those above it and those below it, one layer away."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for chain in chains.values():
        for source, target in pairwise(chain):
            above.setdefault(target, []).append(source)
            below.setdefault(source, []).append(target)
    return above, below


def _order(rows: list[list[str]], neighbours: tuple[dict[str, list[str]], ...]) -> None:
    """Sort each row by the mean place of its neighbours, down and up, several times."""
    for sweep in range(SWEEPS):
        near = neighbours[sweep % 2]
        numbers = range(1, len(rows)) if sweep % 2 == 0 else range(len(rows) - 2, -1, -1)
        for number in numbers:
            beside = rows[number - 1 if sweep % 2 == 0 else number + 1]
            at = {name: float(place) for place, name in enumerate(beside)}
            own = {name: float(place) for place, name in enumerate(rows[number])}
            wished = {name: _mean(name, near, at, own) for name in rows[number]}
            rows[number].sort(key=wished.__getitem__)


def _mean(
    name: str, near: Mapping[str, Sequence[str]], at: Mapping[str, float], own: Mapping[str, float]
) -> float:
    places = [at[one] for one in near.get(name, ()) if one in at]
    return sum(places) / len(places) if places else own[name]


def _places(
    rows: Sequence[Sequence[str]], neighbours: tuple[dict[str, list[str]], ...]
) -> dict[str, float]:
    """Each near the mean of its neighbours, in the order of its row, at least one place apart."""
    place = {name: float(n) for row in rows for n, name in enumerate(row)}
    for sweep in range(SWEEPS):
        near = neighbours[sweep % 2]
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wished = [_mean(name, near, place, place) for name in row]
            for name, value in zip(row, _apart(wished), strict=True):
                place[name] = value
    least = min(place.values(), default=0.0)
    return {name: round(value - least, 3) for name, value in place.items()}


def _apart(wished: Sequence[float]) -> list[float]:
    """Values at least 1 apart in the given order, as near the wished ones as least squares gets
    (pool adjacent violators on the values less their rank)."""
    blocks: list[tuple[float, int]] = []
    for rank, value in enumerate(wished):
        mean, count = value - rank, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    return [value + rank for rank, value in enumerate(flat)]
