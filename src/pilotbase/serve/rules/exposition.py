"""Metrics as text: Prometheus' exposition format, version 0.0.4
(prometheus.io/docs/instrumenting/exposition_formats). Pure.

All samples of a metric stand together under one ``# HELP`` and one ``# TYPE`` line; a histogram's
buckets are cumulative and end with ``+Inf``. Labels hold names that the base itself gives: a
filing, an upstream, a code; never a key, a person or a caller's text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
Kind = Literal["counter", "gauge", "histogram"]
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Sample:
    """One line: ``suffix`` is ``_bucket``, ``_sum`` or ``_count`` in a histogram, else empty."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


@dataclass(frozen=True)
class Family:
    """A metric with all its samples. Raises ValueError for a name that is none."""

    name: str
    kind: Kind
    help: str
    samples: Sequence[Sample]

    def __post_init__(self) -> None:
        labels = {label for sample in self.samples for label in sample.labels}
        if not _NAME.fullmatch(self.name) or not all(map(_LABEL.fullmatch, labels)):
            raise ValueError(f"no name of a metric: {self.name!r} {sorted(labels)}")


def exposition(families: Iterable[Family]) -> str:
    r"""The page.

    >>> one = Family("a_total", "counter", "A.", [Sample({"b": 'x"\n'}, 2.0)])
    >>> print(exposition([one]), end="")
    # HELP a_total A.
    # TYPE a_total counter
    a_total{b="x\"\n"} 2
    """
    return "".join(_written(family) for family in families)


def merged(pages: Iterable[Iterable[Family]]) -> list[Family]:
    """Families of several processes as one page: those of one name stand together."""
    found: dict[str, Family] = {}
    for page in pages:
        for one in page:
            known = found.get(one.name)
            samples = one.samples if known is None else (*known.samples, *one.samples)
            found[one.name] = Family(one.name, one.kind, one.help, samples)
    return list(found.values())


class Histogram:
    """Counts of values by upper bounds (inclusive, ascending), with their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def samples(self, labels: Mapping[str, str]) -> list[Sample]:
        """Its lines.

        >>> one = Histogram([1.0, 2.0])
        >>> for value in (0.5, 1.0, 3.0):
        ...     one.observe(value)
        >>> [(s.suffix, s.labels.get("le", ""), s.value) for s in one.samples({})]
        [('_bucket', '1.0', 2), ('_bucket', '2.0', 2), ('_bucket', '+Inf', 3), ('_sum', '', 4.5), \
('_count', '', 3)]
        """
        lines, total = list[Sample](), 0
        for bound, count in zip((*map(repr, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            lines.append(Sample({**labels, "le": bound}, total, "_bucket"))
        return [*lines, Sample(labels, self.sum, "_sum"), Sample(labels, total, "_count")]


def _written(family: Family) -> str:
    about = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    lines = [f"# HELP {family.name} {about}\n# TYPE {family.name} {family.kind}\n"]
    for sample in family.samples:
        labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in sample.labels.items())
        lines.append(f"{family.name}{sample.suffix}{{{labels}}} {_number(sample.value)}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    """As Go reads it: integers plainly, infinities by name."""
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)
