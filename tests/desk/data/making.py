"""A home with one data set in its catalog, for tests of what is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pilotbase.catalog.assets.verbs import AddRequest, add
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context

BOTH = {"en": "As it says.", "zh": "如所述。"}
COMMENTS = [
    ("1", "thank you, that helped"),
    ("2", "this is useless"),
    ("3", "it is ok"),
    ("4", "thank you, that helped"),
    ("5", "never again"),
    ("6", "很好, 谢谢"),
]


def base_with(folder: Path, name: str, text: str, **card: Any) -> Context:
    """The context of a home whose catalog has the data set ``name`` with that content."""
    (folder / f"{name}.csv").write_text(text, "utf-8")
    said = {"id": name, "kind": "dataset", "title": {"en": name, "zh": name}, "file": f"{name}.csv"}
    listing = {"catalog": 1, "assets": [{**said, **card}]}
    (folder / "assets.yaml").write_text(json.dumps(listing), "utf-8")
    context = Context(folder / "home", clock=fixed_clock("2026-11-22T08:00:00Z"))
    add(context, AddRequest(folder / "assets.yaml"))
    return context


def comments(folder: Path) -> Context:
    rows = "\n".join(f'{id_},"{text}"' for id_, text in COMMENTS)
    return base_with(folder, "comments", f"id,text\n{rows}\n")


SHEET: dict[str, Any] = {
    "labelling": 1,
    "id": "tone",
    "asset": "comments",
    "file": "comments.csv",
    "show": ["text"],
    "column": "tone",
    "labels": [
        {"id": "kind", "title": {"en": "kind", "zh": "友善"}},
        {"id": "plain", "title": {"en": "plain", "zh": "平常"}},
        {"id": "rude", "title": {"en": "rude", "zh": "粗鲁"}},
    ],
    "instructions": {"en": "How does it sound?", "zh": "语气如何?"},
    "raters": 2,
}


def sheet(folder: Path, **changes: Any) -> Path:
    file = folder / "sheet.yaml"
    file.write_text(json.dumps({**SHEET, **changes}), "utf-8")
    return file
