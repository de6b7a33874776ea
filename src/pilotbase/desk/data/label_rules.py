"""From people's labels to one label a row, and how far people agree. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pilotbase.trial.rules.agreement import Agreement, krippendorff_alpha


@dataclass(frozen=True)
class Given:
    """One person's label of one item, and why."""

    rater: str
    item: str
    label: str
    why: str = ""


@dataclass(frozen=True)
class Settled:
    """What an item's labels come to: ``label`` is empty where no label leads alone."""

    label: str
    raters: int
    agreed: int


def by_item(given: Sequence[Given]) -> dict[str, list[Given]]:
    """By item, the labels that it got, in the order in which they came."""
    found: dict[str, list[Given]] = {}
    for one in given:
        found.setdefault(one.item, []).append(one)
    return found


def settled(labels: Sequence[str]) -> Settled:
    """The label that more people chose than any other; nobody's vote counts twice.

    A tie stays open: whoever broke it would label alone what people could not agree on.

    >>> settled(["kind", "kind", "rude"]), settled(["kind", "rude"]).label
    (Settled(label='kind', raters=3, agreed=2), '')
    """
    counts = Counter(labels).most_common()
    if not counts:
        return Settled("", 0, 0)
    leads = len(counts) == 1 or counts[0][1] > counts[1][1]
    return Settled(counts[0][0] if leads else "", len(labels), counts[0][1])


def agreement(given: Sequence[Given], labels: Sequence[str]) -> Agreement:
    """Krippendorff's alpha on a nominal scale; rules/agreement explains it."""
    raters = _numbered(sorted({one.rater for one in given}))
    items = _numbered(sorted({one.item for one in given}))
    code = _numbered(labels)
    table = np.full((max(1, len(raters)), max(1, len(items))), np.nan)
    for one in given:
        table[raters[one.rater], items[one.item]] = code[one.label]
    return krippendorff_alpha(table, "nominal", seed=1)


def _numbered(names: Sequence[str]) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(names)}
