"""Lineage: well-formed PROV, read by another reader too, and drawn without gaps."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import prov.model
import pytest

from pilotbase.catalog.provenance.prov import RELATIONS, qualified
from pilotbase.desk.provenance.verbs import LineageRequest, lineage
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.record.verbs.vault import EraseRequest, erase
from tests.desk.provenance.made import filed


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return filed(tmp_path_factory.mktemp("lineage"))


def check(document: dict[str, Any]) -> None:
    """PROV-JSON (Member Submission, 2013): sections 3.1 to 3.3 as far as we use them."""
    kinds = {"entity", "activity", "agent"}
    assert set(document) <= {"prefix", *kinds, *RELATIONS}
    known = {kind: set(document.get(kind, {})) for kind in kinds}
    assert not set.intersection(*known.values())
    name = re.compile(r"^pb:[\w./-]+$")
    for kind in kinds:
        for id_, attributes in document.get(kind, {}).items():
            assert name.match(id_)
            for attribute, value in attributes.items():
                assert attribute.split(":")[0] in {"prov", *document["prefix"]}
                values = value if isinstance(value, list) else [value]
                assert all(isinstance(v, str) or "$" in v for v in values)
    for relation, (first, second, subject, object_, _) in RELATIONS.items():
        for id_, said in document.get(relation, {}).items():
            assert id_.startswith("_:")
            assert said[first] in known[subject] and said[second] in known[object_]


@pytest.mark.parametrize("word", ["small-logit-1", "small-data", "small-dummy", "small"])
def test_it_is_prov(base: Context, word: str) -> None:
    document = lineage(base, LineageRequest(word)).prov
    check(document)
    read = prov.model.ProvDocument.deserialize(content=json.dumps(document), format="json")
    statements = sum(len(document[kind]) for kind in document if kind != "prefix")
    assert len(read.get_records()) == statements
    assert read == read.unified()


def test_the_way_from_the_data_to_the_filing(base: Context) -> None:
    document = lineage(base, LineageRequest("small-logit-1")).prov
    made_of: dict[str, set[str]] = {}
    for said in document["wasDerivedFrom"].values():
        made_of.setdefault(said["prov:generatedEntity"], set()).add(said["prov:usedEntity"])
    for said in document["wasGeneratedBy"].values():
        made_of.setdefault(said["prov:entity"], set()).add(said["prov:activity"])
    for said in document["used"].values():
        made_of.setdefault(said["prov:activity"], set()).add(said["prov:entity"])
    reached, waiting = set[str](), ["pb:filing/small-logit-1"]
    while waiting:
        one = waiting.pop()
        reached.add(one)
        waiting += made_of.get(one, set()) - reached
    kinds = {id_.removeprefix("pb:").split("/")[0] for id_ in reached}
    assert {"proof", "verdict", "evidence", "plan", "scenario", "content", "asset"} <= kinds
    with open_record(base) as record:
        for entity in document["entity"].values():
            if "pb:entry" in entity and "pb:digest" in entity:
                entry = record.entry(int(entity["pb:entry"]["$"]))
                assert entity["pb:digest"] in entry.data.decode()


def test_everybody_acts_for_a_person_in_the_end(base: Context) -> None:
    document = lineage(base, LineageRequest("small-logit-1")).prov
    acts = {
        said["prov:delegate"]: said["prov:responsible"]
        for said in document["actedOnBehalfOf"].values()
    }
    assert acts["pb:party/acme"] == "pb:party/person-1"
    assert acts[qualified("owner/Test body")] == qualified("owner/Li Wen")
    for responsible in acts.values():
        while responsible in acts:
            responsible = acts[responsible]
        assert document["agent"][responsible]["prov:type"]["$"] == "prov:Person"
    roles = {said.get("prov:role") for said in document["wasAssociatedWith"].values()}
    assert {"evaluator", "verdict panel", "signatory", "case officer"} <= roles
    # The name of a person of the catalog is in the vault, not in what is handed on.
    assert "Zhao Min" not in json.dumps(document, ensure_ascii=False)


def test_what_was_erased_leaves_no_hole(base: Context, tmp_path: Path) -> None:
    copy = Context(tmp_path / "home", clock=base.clock)
    shutil.copytree(base.home, copy.home)
    before = lineage(copy, LineageRequest("small")).prov
    with open_record(copy) as record:
        about = next(record.entries(kind="pilot.planned/1")).about
    erase(copy, EraseRequest("asked for", "withdrawn", subject=about))
    after = lineage(copy, LineageRequest("small")).prov
    check(after)
    gone = set(before["entity"]) - set(after["entity"])
    # The plan named the candidates; all else stands in the log itself.
    assert all(name.startswith("pb:content/") for name in gone) and len(gone) <= 2


def test_it_is_drawn_in_both_languages(base: Context, tmp_path: Path) -> None:
    found = lineage(base, LineageRequest("small-logit-1", tmp_path / "out"))
    names = [file.name for file in found.files]
    assert names == [f"small-logit-1.{end}" for end in ("prov.json", "en.html", "zh.html")]
    assert json.loads(found.files[0].read_bytes()) == found.prov
    english, chinese = (file.read_text("utf-8") for file in found.files[1:])
    nodes = sum(len(found.prov[kind]) for kind in ("entity", "activity", "agent"))
    assert english.count('class="node is-') == chinese.count('class="node is-') == nodes
    assert 'lang="zh-CN"' in chinese and "评审组" in chinese and "verdict panel" in english
    assert "<script" not in english and "http" not in english.split("</style>")[1]
    again = lineage(base, LineageRequest("small-logit-1", tmp_path / "again"))
    assert [f.read_bytes() for f in again.files] == [f.read_bytes() for f in found.files]
