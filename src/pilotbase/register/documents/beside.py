"""The figures that stand beside a verdict and decide nothing: usual estimates, groups, confusion,
reliability; and whatever else the evidence carries, as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pilotbase.kernel.errors import PluginError
from pilotbase.kernel.plugins import load
from pilotbase.kernel.text import Text
from pilotbase.register.documents.charts import Axis, Drawn, Mark, axis_around, interval_chart
from pilotbase.register.documents.figures import kind_of, step

_SHOWN = frozenset({"note", "rows", "metrics", "groups", "confusion", "reliability"})
_OWN_FORM = frozenset({"estimates", "audits", "people", "examples"})
_NAMES = {
    "acting": Text(
        "Acting: steps, and approvals by a simulated person", "行事: 步骤, 以及由模拟人员作出的批准"
    ),
    "cut": Text("Cut short by the budget", "因预算提前结束"),
    "warnings": Text("Warnings", "警告"),
    "sealed": Text("Sealed test set", "封存测试集"),
    "trust": Text("Grade of trust", "可信等级"),
}


@dataclass(frozen=True)
class EstimateView:
    """A usual estimate: of which group, of which metric, and how it reads."""

    path: str
    group: str
    name: Text
    how: str
    said: Mapping[str, Any]


@dataclass(frozen=True)
class ConfusionView:
    """Answers against truth: a path, or None for no row, per target (down) and answer (across)."""

    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str | None, ...]], ...]


@dataclass(frozen=True)
class BinView:
    """Said against seen frequency of one bin of probabilities."""

    path: str
    id: str
    chart: Markup


@dataclass(frozen=True)
class BesideView:
    """All of it; ``other`` are titles, values and paths of what has no picture of its own."""

    estimates: tuple[EstimateView, ...]
    groups: tuple[EstimateView, ...]
    confusion: ConfusionView | None
    bins: tuple[BinView, ...]
    note: Mapping[str, str] | None
    other: tuple[tuple[Text, Any, str], ...]


def beside_view(beside: Mapping[str, Any], path: str, id_: str) -> BesideView:
    """What stands beside the verdict on a candidate.

    Args:
        path: of ``beside`` in the papers. id_: begins the ids of its elements.
    """
    found = beside.get("estimates")
    estimates: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    at = f"{path}/estimates"
    rest = {key: value for key, value in beside.items() if key not in _OWN_FORM and value}
    more = {key: value for key, value in estimates.items() if key not in _SHOWN and value}
    return BesideView(
        _estimates(estimates.get("metrics", ()), f"{at}/metrics"),
        _estimates(estimates.get("groups", ()), f"{at}/groups"),
        _confusion(estimates.get("confusion") or (), f"{at}/confusion"),
        _bins(estimates.get("reliability") or (), f"{at}/reliability", id_),
        estimates.get("note"),
        (
            *((_named(key), value, f"{path}/{step(key)}") for key, value in rest.items()),
            *((_named(key), value, f"{at}/{step(key)}") for key, value in more.items()),
        ),
    )


def _named(key: str) -> Text:
    return _NAMES.get(key, Text(key, key))


def metric_title(name: str) -> Text:
    """The installed metric's title; its name where it is not installed here."""
    try:
        title = load("pilotbase.evaluators", name).title
    except PluginError:
        return Text(name, name)
    return title if isinstance(title, Text) else Text(name, name)


def _estimates(rows: Sequence[Mapping[str, Any]], path: str) -> tuple[EstimateView, ...]:
    return tuple(
        EstimateView(
            f"{path}/{n}",
            f"{row['group']}={row['value']}" if "group" in row else "",
            metric_title(str(row["metric"])),
            kind_of(row),
            row,
        )
        for n, row in enumerate(rows)
    )


def _confusion(rows: Sequence[Mapping[str, Any]], path: str) -> ConfusionView | None:
    if not rows:
        return None
    paths = {
        (str(row["target"]), str(row["answer"])): f"{path}/{n}/rows" for n, row in enumerate(rows)
    }
    labels = tuple(sorted({label for pair in paths for label in pair}))
    return ConfusionView(
        labels,
        tuple(
            (target, tuple(paths.get((target, answer)) for answer in labels)) for target in labels
        ),
    )


def _bins(rows: Sequence[Mapping[str, Any]], path: str, id_: str) -> tuple[BinView, ...]:
    ends = [float(v) for row in rows for v in (row["said"], row["seen"], *row["interval"])]
    axis: Axis = axis_around(ends, least=0.0, most=1.0)
    views = []
    for n, row in enumerate(rows):
        at = f"{path}/{n}"
        low, high = (Mark(float(v), f"{at}/interval/{k}") for k, v in enumerate(row["interval"]))
        drawn = Drawn(
            "none",
            [Mark(float(row["said"]), f"{at}/said")],
            (low, high),
            Mark(float(row["seen"]), f"{at}/seen"),
            "point",
            f"{id_}b{n}",
        )
        views.append(BinView(at, f"{id_}b{n}", interval_chart(axis, drawn, height=20)))
    return tuple(views)
