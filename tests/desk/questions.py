"""A small scenario in words, whose questions and answers carry marks that a test can look for."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

UNITS = 60
SECRET = "zanzibar"
"""In every question, expected answer, unit, label and reply; nowhere else."""

ANSWERER = f"""
class Answerer:
    def answer(self, question, columns=None):
        number = int(question.split()[1])
        if number % 7 == 0:
            raise ValueError("cannot do " + question)
        return {{"text": f"{SECRET} answer {{number + (number % 5 == 0)}}"}}

def make():
    return Answerer()
"""


def write_questions(folder: Path, units: int = UNITS) -> Path:
    """Questions in two topics; the answerer of `write` knows most of them."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "questions.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["item", "question", "answer", "topic"])
        for n in range(units):
            writer.writerow(
                [f"{SECRET}-{n}", f"{SECRET} {n} ?", f"{SECRET} answer {n}", ("far", "near")[n % 2]]
            )
    return file


def scenario(**changes: Any) -> dict[str, Any]:
    """A good scenario over a sealed set called ``kept``."""
    return {
        "pilotbase": 1,
        "id": "asked",
        "title": {"en": "Questions", "zh": "问答"},
        "need": {"en": "To test sealed sets.", "zh": "用于测试封存测试集。"},
        "item": "A2.1",
        "owner": {"name": "Test body", "principal": "Li Wen"},
        "affects_people": False,
        "task": "answer",
        "estimand": "these cases",
        "data": {"sealed": "kept"},
        "question": "question",
        "target": "answer",
        "unit": "item",
        "label": "question",
        "features": [],
        "groups": {"topic": {"column": "topic"}},
        "split": {"by": "frozen"},
        "acceptance": [{"metric": "exact_match", "at_least": 0.4}],
        "candidates": [{"id": "agent", "callable": "answerer:make"}],
        **changes,
    }


def write(folder: Path, name: str = "scenario.yaml", **changes: Any) -> Path:
    """The scenario and its candidate in a folder; the scenario's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answerer.py").write_text(ANSWERER, encoding="utf-8")
    said = scenario(**changes)
    file = folder / name
    with file.open("w", encoding="utf-8") as opened:
        YAML().dump(said, opened)
    return file
