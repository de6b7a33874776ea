"""What is written is Croissant and JSON-LD: official validator and an independent processor."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import mlcroissant
import pandas as pd
import pytest
import rdflib

from pilotbase.catalog.croissant import verbs
from pilotbase.catalog.croissant.verbs import ReadRequest, WriteRequest
from pilotbase.kernel.errors import DataError, InputError
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context

CSV = "name,就诊 次数,ok,when,share\na,1,true,2026-01-02,0.5\nb,2,false,2026-01-03,\n"
SCHEMA, CR = rdflib.Namespace("https://schema.org/"), "http://mlcommons.org/croissant/"
SAID = {"text": "Two visits", "licence": "CC-BY-4.0", "creator": "City Hospital"}

# rdflib 7 still uses its own older class inside.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")


@pytest.fixture
def base(tmp_path: Path) -> Context:
    return Context(tmp_path / "home", clock=fixed_clock("2026-11-22T08:00:00Z"))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the writer nor the validators reach out: loopback, or nothing."""

    def refused(self: socket.socket, address: Any) -> None:
        raise AssertionError(f"somebody called {address}")

    monkeypatch.setattr(socket.socket, "connect", refused)


def written(base: Context, target: str, **more: Any) -> tuple[dict[str, Any], Path]:
    out = base.home.parent / "described.json"
    verbs.write(base, WriteRequest(target, out, **more))
    return json.loads(out.read_text("utf-8")), out


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_csv_file_is_described_and_read_by_the_official_library(
    base: Context, version: str
) -> None:
    file = base.home.parent / "visits.csv"
    file.write_text(CSV, "utf-8")
    document, out = written(base, str(file), version=version, **SAID)
    dataset = mlcroissant.Dataset(jsonld=str(out))
    assert not dataset.metadata.ctx.issues.errors
    assert str(dataset.metadata.ctx.conforms_to.value) == CR + version
    rows = list(dataset.records("records"))
    assert [row["records/name"] for row in rows] == [b"a", b"b"]
    assert [row["records/column-2"] for row in rows] == [1, 2]
    assert document["@context"]["@vocab"] == "https://schema.org/"
    assert document["datePublished"] == "2026-11-22"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_independent_processor_finds_the_same_statements(base: Context, version: str) -> None:
    file = base.home.parent / "visits.csv"
    file.write_text(CSV, "utf-8")
    document, _ = written(base, str(file), version=version, **SAID)
    graph = rdflib.Graph().parse(data=json.dumps(document), format="json-ld")
    (dataset,) = graph.subjects(rdflib.RDF.type, SCHEMA.Dataset)
    assert rdflib.Literal("visits", "en") in set(graph.objects(dataset, SCHEMA.name))
    conforms = rdflib.URIRef("http://purl.org/dc/terms/conformsTo")
    assert str(graph.value(dataset, conforms)) == CR + version
    types = {
        str(graph.value(field, SCHEMA.name)): graph.value(field, rdflib.URIRef(CR + "dataType"))
        for field in graph.subjects(rdflib.RDF.type, rdflib.URIRef(CR + "Field"))
    }
    assert types == {
        "name": SCHEMA.Text, "就诊 次数": SCHEMA.Integer, "ok": SCHEMA.Boolean,
        "when": SCHEMA.Date, "share": SCHEMA.Float,
    }  # fmt: skip
    file_node = next(graph.subjects(rdflib.RDF.type, rdflib.URIRef(CR + "FileObject")))
    assert len(str(graph.value(file_node, SCHEMA.sha256))) == 64


def test_a_loader_s_rows_are_written_beside(base: Context) -> None:
    document, out = written(base, "vega.barley")
    assert (out.parent / "described.csv").exists()
    dataset = mlcroissant.Dataset(jsonld=str(out))
    assert len(list(dataset.records("records"))) == 120
    assert document["license"]["@type"] == "sc:CreativeWork"


def test_parquet_and_workbooks_are_described(base: Context, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a b": [1, 2], "t": ["x", "y"]})
    frame.to_excel(tmp_path / "w.xlsx", index=False)
    import duckdb

    with duckdb.connect() as connection:
        connection.register("frame", frame)
        connection.execute(f"COPY frame TO '{tmp_path / 'p.parquet'}' (FORMAT parquet)")
    for name in ("w.xlsx", "p.parquet"):
        document, out = written(base, str(tmp_path / name), **SAID)
        assert not mlcroissant.Dataset(jsonld=str(out)).metadata.ctx.issues.errors
        fields = document["recordSet"][0]["field"]
        assert [(f["name"], f["dataType"]) for f in fields] == [
            ("a b", "sc:Integer"), ("t", "sc:Text"),
        ]  # fmt: skip


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_what_is_written_is_read_back(base: Context, version: str) -> None:
    file = base.home.parent / "visits.csv"
    file.write_text(CSV, "utf-8")
    _, out = written(base, str(file), version=version, title="Visits", **SAID)
    found = verbs.read(base, ReadRequest((out,)))
    (one,) = found.datasets
    assert not found.remarks
    assert one["card"]["id"] == "visits" and one["card"]["licence"] == "CC-BY-4.0"
    assert one["card"]["digest"].startswith("sha256:")
    assert one["described"]["conforms"] == version
    assert [c["name"] for c in one["described"]["columns"]] == CSV.split("\n")[0].split(",")
    assert one["described"]["creators"] == ["City Hospital"]


def test_what_the_specification_requires_has_to_be_said(base: Context, tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text(CSV, "utf-8")
    with pytest.raises(InputError, match="--text, --licence, --creator"):
        verbs.write(base, WriteRequest(str(tmp_path / "visits.csv")))
    with pytest.raises(DataError, match=r"vega\.barley"):
        verbs.write(base, WriteRequest("vega.barly.csv"))
