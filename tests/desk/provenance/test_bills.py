"""Bills of materials: valid by the official schemas, and saying what the record says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pilotbase.desk.provenance.verbs import BomRequest, bom
from pilotbase.desk.recorded import recorded_verdict
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.verb import Context
from tests.desk.provenance.made import filed

VERSIONS = {"1.6": SchemaVersion.V1_6, "1.7": SchemaVersion.V1_7}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return filed(tmp_path_factory.mktemp("bills"))


def by_ref(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    own = [document["metadata"]["component"], *document["components"]]
    return {component["bom-ref"]: component for component in own}


@pytest.mark.parametrize("spec", VERSIONS)
@pytest.mark.parametrize("word", ["small-logit-1", "small-dummy", "small-data"])
@pytest.mark.parametrize("card", [False, True])
def test_the_official_schema_takes_it(base: Context, spec: Any, word: str, card: bool) -> None:
    made = bom(base, BomRequest(word, spec, card)).bom
    assert JsonStrictValidator(VERSIONS[spec]).validate_str(json.dumps(made)) is None
    refs = set(by_ref(made))
    for line in made["dependencies"]:
        assert {line["ref"], *line.get("dependsOn", ())} <= refs


def test_it_lists_what_is_imported_with_hash_and_licence(base: Context) -> None:
    made = bom(base, BomRequest("small-logit-1")).bom
    packages = {c["name"]: c for c in made["components"] if c["type"] == "library"}
    assert {"scikit-learn", "numpy", "scipy"} <= set(packages)
    assert "duckdb" not in packages  # this base imports it, the candidate does not
    for package in packages.values():
        assert (
            package["purl"].startswith("pkg:pypi/") and len(package["hashes"][0]["content"]) == 64
        )
    assert packages["numpy"]["licenses"]
    (own,) = (d for d in made["dependencies"] if d["ref"] == "model/small-logit")
    assert packages["scikit-learn"]["bom-ref"] in own["dependsOn"]
    assert packages["numpy"]["bom-ref"] not in own["dependsOn"]


def test_the_card_says_what_was_measured(base: Context) -> None:
    made = bom(base, BomRequest("small-logit-1", card=True)).bom
    verdict = next(c for c in recorded_verdict(base, "small").candidates if c["id"] == "logit")
    model = made["metadata"]["component"]
    assert model["supplier"] == {"name": "Acme"}
    card = model["modelCard"]
    first, found = card["quantitativeAnalysis"]["performanceMetrics"][0], verdict["criteria"][0]
    assert first["type"] == "recall" and float(first["value"]) == pytest.approx(found["estimate"])
    bounds = [float(first["confidenceInterval"][w]) for w in ("lowerBound", "upperBound")]
    assert bounds == pytest.approx(found["interval"])
    assert first["slice"] == "these cases; criterion 0"
    said = {p["name"]: p["value"] for p in card["properties"]}
    assert said["pilotbase:verdict"] == "go"
    assert said["pilotbase:criterion:0"] == "at_least 0.8: meets"
    (data,) = made["components"]
    assert card["modelParameters"]["datasets"] == [{"ref": data["bom-ref"]}]
    assert data["type"] == "data" and len(data["hashes"][0]["content"]) == 64


def test_the_same_bill_has_the_same_number(base: Context, tmp_path: Path) -> None:
    first, again = (bom(base, BomRequest("small-logit-1", card=True)).bom for _ in range(2))
    other = bom(base, BomRequest("small-dummy", card=True)).bom
    assert first == again and first["serialNumber"] != other["serialNumber"]
    bom(base, BomRequest("small-logit-1", card=True, out=tmp_path / "bom.json"))
    assert json.loads((tmp_path / "bom.json").read_bytes()) == first


def test_what_has_no_bill(base: Context) -> None:
    for word, code in (("small", "provenance.no_asset"), ("smal-logit", "provenance.unknown")):
        with pytest.raises(InputError) as caught:
            bom(base, BomRequest(word))
        assert caught.value.code == code
