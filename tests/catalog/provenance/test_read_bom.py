"""Bills of materials handed in: what they make of the catalog, what is refused, what stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pilotbase.catalog.assets.verbs import AddRequest, ShowRequest, add, show
from pilotbase.catalog.provenance.bom import Bill, Material, Service, cyclonedx
from pilotbase.kernel.errors import SheetError
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record

LIST = """\
catalog: 1
parties: [{id: person-1, kind: person, name: L}]
assets:
  - id: booker
    kind: model
    title: {en: Room booker, zh: 订座模型}
    provider: person-1
    digest: "sha256:%s"
    parts: [{name: visits, kind: dataset, substitutes: [other]}]
"""
DIGEST = "ab" * 32


def bill(**said: Any) -> dict[str, Any]:
    model = Material("booker", "model", "Room booker", "2", "sha256:" + DIGEST, "MIT", "Acme")
    data = Material("visits", "dataset", "Visits", properties={"synthetic": True, "rows": 9})
    made = Bill(model, "2026-11-22T08:00:00Z", "1", [data], [Service("api", "https://a.example/")])
    return {**cyclonedx(made, "1.6"), **said}


def handed_in(base: Context, document: Any) -> list[tuple[str, str, str]]:
    file = base.home.parent / "bill.json"
    file.write_text(json.dumps(document), "utf-8")
    return [(o["id"], o["what"], o["state"]) for o in add(base, AddRequest(file)).added]


@pytest.fixture
def base(tmp_path: Path) -> Context:
    return Context(tmp_path / "home")


def card(base: Context, id_: str) -> dict[str, Any]:
    found = show(base, ShowRequest(id_)).asset
    assert found is not None
    return dict(found["card"])


def test_a_bill_makes_assets_with_their_parts(base: Context) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill())) is None
    rows = [("booker", "model", "new"), ("visits", "dataset", "new")]
    assert handed_in(base, bill()) == rows
    assert handed_in(base, bill()) == [(*row[:2], "unchanged") for row in rows]
    model = card(base, "booker")
    assert (model["digest"], model["licence"], model["label"]) == ("sha256:" + DIGEST, "MIT", "2")
    assert model["parts"] == [{"kind": "dataset", "name": "visits"},
                              {"kind": "endpoint", "name": "api"}]  # fmt: skip
    assert card(base, "visits")["properties"]["synthetic"] is True, "a mark for ever"
    with open_record(base) as record:
        (entry,) = record.entries(about="asset:booker")
        assert json.loads(record.body(entry, "cyclonedx"))["bomFormat"] == "CycloneDX"
        verify(record)


def test_a_bill_takes_nothing_away_that_it_has_no_word_for(base: Context) -> None:
    listing = base.home.parent / "list.yaml"
    listing.write_text(LIST % DIGEST, "utf-8")
    add(base, AddRequest(listing))
    handed_in(base, bill())
    found = card(base, "booker")
    assert (found["provider"], found["title"]["zh"]) == ("person-1", "订座模型")
    assert found["parts"][0]["substitutes"] == ["other"]


def test_all_faults_are_told_by_path_and_nothing_is_taken(base: Context) -> None:
    wrong = [
        {"type": "data", "name": "a", "hashes": [{"alg": "SHA-256", "content": "x"}]},
        {"type": "data"},
        7,
        {"type": "library"},
        {"type": "data", "name": "b", "components": [{"type": "data", "name": 5}]},
    ]
    with pytest.raises(SheetError) as caught:
        handed_in(base, bill(specVersion="9", components=wrong, metadata={}))
    told = {fault.path: fault.code.partition(".")[2] for fault in caught.value.faults}
    assert told == {
        "specVersion": "version", "components[0].hashes[0].content": "sha256",
        "components[1].name": "missing", "components[2]": "value",
        "components[4].components[0].name": "missing",
    }  # fmt: skip
    twice = [{"type": "data", "name": "A b"}, {"type": "data", "name": "a-b"}]
    with pytest.raises(SheetError, match="1 fault"):
        handed_in(base, bill(components=twice))
    with pytest.raises(SheetError, match="1 fault"):
        handed_in(base, bill(components=[], metadata={}))
    with open_record(base) as record:
        assert not list(record.entries())
