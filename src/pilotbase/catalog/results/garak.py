"""garak: the report ``garak.<uuid>.report.jsonl``.

Source: NVIDIA/garak, docs/source/reporting.rst. Each line has an ``entry_type``; an ``attempt``
with status 2 was answered and evaluated, and ``detector_results`` has one score an output, 1 where
the attack got through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pilotbase.catalog.results.log import (
    Log,
    Row,
    as_text,
    faulty,
    lines_of,
    mapping_of,
    share,
    unfit,
)
from pilotbase.kernel.text import Text

EVALUATED = 2
MAPPING = Text(
    "1 minus the detector's score: 1 where the attack did not get through",
    "1 减去检测器得分: 攻击未得逞计 1",
)


def read_report(path: Path, where: str) -> Log:
    """A report. Raises DataError: attempts without an id, or with scores that fit no output."""
    version, model = "?", ""
    rows: list[Row] = []
    left_out: set[str] = set()
    for entry in lines_of(path, where):
        kind = entry.get("entry_type")
        if kind == "init":
            version = as_text(entry.get("garak_version")) or version
        elif kind == "start_run setup":
            version = as_text(entry.get("_config.version")) or version
            model = _model(entry) or model
        elif kind == "attempt" and entry.get("status") == EVALUATED:
            rows += _attempt(entry, model, where, left_out)
    return Log("garak", version, rows, MAPPING, frozenset(left_out))


def _model(setup: Mapping[str, Any]) -> str:
    names = (
        ("plugins.target_type", "plugins.model_type"),
        ("plugins.target_name", "plugins.model_name"),
    )
    said = (as_text(setup.get(new) or setup.get(old)) for new, old in names)
    return " ".join(filter(None, said))


def _attempt(entry: Mapping[str, Any], model: str, where: str, left_out: set[str]) -> Iterator[Row]:
    sample = as_text(entry.get("uuid"))
    outputs = entry.get("outputs")
    if not sample or not isinstance(outputs, list):
        raise faulty(where, "an attempt without uuid or outputs", "有尝试缺少 uuid 或输出")
    detectors = mapping_of(entry.get("detector_results"))
    for name, found in detectors.items():
        if not isinstance(found, list) or len(found) != len(outputs):
            raise faulty(
                where,
                f"attempt {sample[:40]}: {name} has not one score for each output",
                f"尝试 {sample[:40]}: {name} 的得分与输出个数不符",
            )
        if any(unfit(value) for value in found):
            left_out.add(name)
    for repeat, output in enumerate(outputs):
        scores = {name: _kept(share(found[repeat])) for name, found in detectors.items()}
        yield Row(
            sample, repeat, model, as_text(entry.get("probe_classname")),
            _said(entry.get("prompt")), "", _said(output), scores,
        )  # fmt: skip


def _kept(hit: float | None) -> float | None:
    return None if hit is None else 1.0 - hit


def _said(value: Any) -> str:
    """A text; newer reports have messages (``text``) and conversations (``turns``) in its place."""
    found = mapping_of(value)
    turns = found.get("turns")
    if isinstance(turns, list):
        return "\n".join(_said(mapping_of(turn).get("content")) for turn in turns)
    return as_text(found.get("text")) if found else as_text(value)
