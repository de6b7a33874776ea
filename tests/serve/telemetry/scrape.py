"""A strict reader of Prometheus' text format 0.0.4, written from its specification (for tests)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HELP = re.compile(rf"# HELP ({NAME}) ((?:[^\\\n]|\\\\|\\n)*)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
LINE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf)|NaN")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
Labels = tuple[tuple[str, str], ...]


@dataclass
class Metric:
    kind: str
    help: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)


def read(text: str) -> dict[str, Metric]:
    """All metrics of a page. Raises AssertionError where the page breaks the format."""
    assert text == "" or text.endswith("\n")
    found: dict[str, Metric] = {}
    about = current = ""
    for line in text.split("\n")[:-1]:
        if said := HELP.fullmatch(line):
            assert said[1] not in found, f"{said[1]} stands in two places"
            current, about = said[1], said[2]
        elif said := TYPE.fullmatch(line):
            assert said[1] == current and said[1] not in found
            found[current] = Metric(said[2], about)
        else:
            _sample(line, current, found[current])
    for metric in found.values():
        if metric.kind == "histogram":
            _check_histogram(metric)
    return found


def _sample(line: str, current: str, metric: Metric) -> None:
    said = LINE.fullmatch(line)
    assert said, line
    suffix = said[1].removeprefix(current)
    assert said[1].startswith(current) and suffix in SUFFIXES[metric.kind], line
    labels = list(PAIR.finditer(said[2] or ""))
    assert ",".join(one[0] for one in labels) == (said[2] or ""), line
    names = [one[1] for one in labels]
    assert len(set(names)) == len(names) and NUMBER.fullmatch(said[3]), line
    key = suffix, tuple((one[1], _plain(one[2])) for one in labels)
    assert key not in metric.samples, f"twice: {line}"
    value = float(said[3])
    assert metric.kind == "gauge" or value >= 0
    metric.samples[key] = value


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda one: {"n": "\n"}.get(one[1], one[1]), text)


def _check_histogram(metric: Metric) -> None:
    series: dict[Labels, list[tuple[float, float]]] = {}
    for (suffix, labels), value in metric.samples.items():
        if suffix == "_bucket":
            bound = float(dict(labels)["le"])
            rest = tuple(one for one in labels if one[0] != "le")
            series.setdefault(rest, []).append((bound, value))
    for labels, buckets in series.items():
        bounds, counts = [one[0] for one in buckets], [one[1] for one in buckets]
        assert bounds == sorted(bounds) and bounds[-1] == float("inf")
        assert counts == sorted(counts)
        assert counts[-1] == metric.samples["_count", labels]
        assert ("_sum", labels) in metric.samples
