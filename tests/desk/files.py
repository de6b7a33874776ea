"""A small scenario on a CSV file, for tests that need a run of their own within a second or two."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROWS = 120


def write_data(folder: Path, rows: int = ROWS, seed: int = 7) -> Path:
    """x1 and x2 tell most of y; group is a or b."""
    draw = random.Random(seed)
    file = folder / "data.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["x1", "x2", "group", "y"])
        for _ in range(rows):
            x1, x2 = draw.gauss(0, 1), draw.gauss(0, 1)
            y = int(x1 + x2 + draw.gauss(0, 0.7) > 0)
            writer.writerow([f"{x1:.4f}", f"{x2:.4f}", draw.choice("ab"), y])
    return file


def scenario(**changes: Any) -> dict[str, Any]:
    """A good scenario over `write_data`, with top-level sections replaced."""
    return {
        "pilotbase": 1,
        "id": "small",
        "title": {"en": "A small trial", "zh": "小型试验"},
        "need": {"en": "To test the desk.", "zh": "用于测试。"},
        "item": "A2.2",
        "owner": {"name": "Test body", "principal": "Li Wen"},
        "affects_people": False,
        "task": "detection",
        "estimand": "these cases",
        "data": {"csv": "data.csv"},
        "target": "y",
        "positive": 1,
        "groups": {"group": {"column": "group"}},
        "split": {"by": "random", "folds": 3, "stratify": True},
        "acceptance": [
            {"metric": "recall", "at_least": 0.8},
            {"metric": "recall", "gap_by": "group", "at_most": 0.9, "blocking": False},
        ],
        "plan": {"alpha": 0.05, "evidence": "fixed"},
        "candidates": [
            {
                "id": "logit",
                "estimator": "sklearn.linear_model.LogisticRegression",
                "claims": [{"metric": "recall", "value": 0.9}],
            }
        ],
        **changes,
    }


def write(folder: Path, name: str = "scenario.yaml", **changes: Any) -> Path:
    """Data and scenario in a folder; the scenario's path."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "data.csv").exists():
        write_data(folder)
    file = folder / name
    with file.open("w", encoding="utf-8") as opened:
        YAML().dump(scenario(**changes), opened)
    return file
