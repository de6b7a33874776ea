"""Synthesis: from a seed, marked for ever, and never better than conditional in a trial."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase import Base
from pilotbase.catalog.adding import hash_file
from pilotbase.catalog.assets.verbs import AddRequest, add
from pilotbase.catalog.croissant.verbs import WriteRequest
from pilotbase.catalog.croissant.verbs import write as write_croissant
from pilotbase.catalog.reading import assets_of
from pilotbase.catalog.rules.synthetic import MARKER, is_synthetic
from pilotbase.desk.data.synthesis_rules import synthesised
from pilotbase.desk.data.verbs import SynthesiseRequest, synthesise
from pilotbase.desk.provenance.verbs import BomRequest, LineageRequest, bom, lineage
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.time import fixed_clock
from pilotbase.record.opened import open_record
from tests.desk.data.making import base_with
from tests.desk.files import write, write_data

FRAME = pd.DataFrame(
    {
        "n": np.arange(60),
        "x": np.round(np.linspace(-1, 1, 60), 2),
        "group": pd.Series(["a", "b", None] * 20, dtype=object),
        "name": pd.Series([f"person {i}" for i in range(60)], dtype=object),
        "yes": [True, False] * 30,
    }
)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["rows", "columns"]), st.integers(1, 80), st.integers(0, 9), st.floats(0, 1))
def test_rows_keep_types_and_ranges_and_bear_the_mark(method, rows, seed, noise) -> None:
    made, withheld = synthesised(FRAME, method, rows=rows, seed=seed, noise=noise)
    again, _ = synthesised(FRAME, method, rows=rows, seed=seed, noise=noise)
    assert made.equals(again) and len(made) == rows and bool(made[MARKER].all())
    assert withheld == ("name",) and set(made["name"]).isdisjoint(FRAME["name"])
    assert made["n"].dtype == np.int64 and made["n"].between(0, 59).all()
    assert made["x"].between(-1, 1).all() and (made["x"].round(2) == made["x"]).all()
    assert set(made["group"]) <= {"a", "b", None} and set(made["yes"]) <= {True, False}


def test_rows_keep_relations_and_columns_do_not() -> None:
    frame = pd.DataFrame({"a": np.arange(400.0), "b": np.arange(400.0)})
    kept, _ = synthesised(frame, "rows", rows=400, seed=1, noise=0.1)
    lost, _ = synthesised(frame, "columns", rows=400, seed=1, noise=0.1)
    assert np.corrcoef(kept["a"], kept["b"])[0, 1] > 0.95
    assert abs(np.corrcoef(lost["a"], lost["b"])[0, 1]) < 0.2


def test_columns_by_which_somebody_is_known_are_withheld() -> None:
    calls = [13_800_000_000 + n for n in range(40)]
    ages = [20 + n % 30 for n in range(40)]
    frame = pd.DataFrame({"c7": calls, "gap": [None, *map(float, calls[1:])], "age": ages,
                          "surname": ["Lee", "Wu"] * 20, "ward": ["A", "B"] * 20})  # fmt: skip
    made, withheld = synthesised(frame, "columns", rows=9, seed=1, noise=0)
    assert withheld == ("c7", "gap", "surname") and made["c7"].tolist() == list(range(1, 10))
    assert set(made["surname"]).isdisjoint({"Lee", "Wu"}) and set(made["age"]) <= set(ages)
    said = {"c7": "none", "ward": "location"}
    _, withheld = synthesised(frame, "rows", rows=9, seed=1, noise=0, known=said)
    assert withheld == ("gap", "surname", "ward"), "a person's word goes before a guess"


def test_they_come_into_the_catalog_with_their_source(tmp_path: Path) -> None:
    context = base_with(tmp_path, "small", write_data(tmp_path).read_text(), licence="CC0-1.0")
    asked = SynthesiseRequest("small", tmp_path / "small.csv", tmp_path / "s.csv", seed=3)
    first, again = synthesise(context, asked), synthesise(context, asked)
    assert (first.state, again.state) == ("new", "unchanged") and first.version == again.version
    with open_record(context) as record:
        card = assets_of(record)["small-synthetic"]["card"]
        (entry,) = record.entries(kind="data.synthesised/1")
    assert card["digest"] == hash_file(tmp_path / "s.csv") == entry.body["digest"]
    assert card["properties"]["synthetic"] is True and card["licence"] == "CC0-1.0"
    assert entry.body["source"]["digest"] == hash_file(tmp_path / "small.csv")
    made = bom(context, BomRequest("small-synthetic")).bom
    said = {p["name"]: p["value"] for p in made["metadata"]["component"]["properties"]}
    assert said["pilotbase:synthetic"] == "true" and said["pilotbase:synthetic_source"] == "small"
    document = lineage(context, LineageRequest("small-synthetic")).prov
    assert any("pb:synthetic" in entity for entity in document["entity"].values())
    assert len(document["used"]) == 1
    # Another base that reads its Croissant description learns it too.
    asked_for = WriteRequest(
        "small-synthetic", tmp_path / "s.json", text="Nice rows.", creator="Lab"
    )
    write_croissant(context, asked_for)
    other = dataclasses.replace(context, home=tmp_path / "other")
    add(other, AddRequest(tmp_path / "s.json"))
    with open_record(other) as record:
        assert is_synthetic(assets_of(record)["small-synthetic"]["card"])
    # Its owner may say what it likes: the next version is synthetic too.
    plain = {"id": "small-synthetic", "kind": "dataset", "title": card["title"]}
    (tmp_path / "a.yaml").write_text(json.dumps({"catalog": 1, "assets": [plain]}))
    add(context, AddRequest(tmp_path / "a.yaml"))
    with open_record(context) as record:
        assert assets_of(record)["small-synthetic"]["card"]["properties"]["synthetic"] is True


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"noise": 1.5}, "data.synthesis"),
        ({"rows": -1}, "data.synthesis"),
        ({"id": "small"}, "data.synthesis_id"),
        ({"asset": "smal"}, "catalog.unknown"),
        ({"file": Path("notes.txt")}, "data.kind"),
    ],
)
def test_what_cannot_be_made(tmp_path: Path, changes: dict, code: str) -> None:
    context = base_with(tmp_path, "small", "a,b\n1,2\n")
    (tmp_path / "notes.txt").write_text("")
    asked = {"asset": "small", "file": tmp_path / "small.csv", "out": tmp_path / "s.csv", **changes}
    with pytest.raises(InputError) as caught:
        synthesise(context, SynthesiseRequest(**asked))
    assert caught.value.code == code and not (tmp_path / "s.csv").exists()


MET = [{"metric": "recall", "at_least": 0.8}]


def trial(folder: Path, **data: str) -> dict:
    """The candidate of a run on ``data.csv`` whose first ten rows are marked, with its plan."""
    folder.mkdir(exist_ok=True)
    lines = write_data(folder).read_text().splitlines()
    marked = [f"{line},{'true' if n < 10 else 'false'}" for n, line in enumerate(lines[1:])]
    (folder / "data.csv").write_text("\n".join([f"{lines[0]},{MARKER}", *marked]) + "\n")
    base = Base(folder / "home", clock=fixed_clock("2026-11-22T08:00:00Z"))
    run = base.run(write(folder, data=data, acceptance=MET))
    return {**run.candidates[0], "chosen": run.chosen, "report": run.report}


def test_a_trial_on_synthetic_rows_admits_nobody(tmp_path: Path) -> None:
    found = trial(tmp_path, csv="data.csv")
    assert found["verdict"] == "conditional" and found["chosen"] is None
    assert found["criteria"][0]["verdict"] == "meets"
    assert "10 of 120" in found["condition"]["en"] and "120" in found["condition"]["zh"]
    report = found["report"].read_text("utf-8")
    assert "rows are synthetic" in report and "合成数据" in report
    twin = json.loads(found["report"].with_suffix(".json").read_bytes())
    assert twin["plan"]["data"]["synthetic"] == {"rows": 10, "of": 120}
    assert MARKER not in json.dumps(twin["evidence"])  # nothing to learn from


@pytest.mark.parametrize(
    "data",
    [
        {"sql": "SELECT x1, x2, \"group\", y FROM 'data.csv'"},
        {"csv": "data.csv", "prepare": 'SELECT x1, x2, "group", y FROM data'},
    ],
)
def test_leaving_the_mark_out_does_not_help(tmp_path: Path, data: dict[str, str]) -> None:
    assert trial(tmp_path, **data)["verdict"] == "conditional"
