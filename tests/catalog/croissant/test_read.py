"""Strangers' descriptions: all faults at once by path; nothing is fetched, nothing unpacked."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.assets.verbs import (
    AddRequest,
    HistoryRequest,
    ShowRequest,
    add,
    history,
    show,
)
from pilotbase.catalog.croissant.archives import archive_faults
from pilotbase.catalog.croissant.json_ld import Names
from pilotbase.catalog.croissant.read import read_croissant
from pilotbase.catalog.openness.rules.questions import Known, asset_parts
from pilotbase.kernel.errors import SheetError
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record

GOOD: dict[str, Any] = {
    "@context": {
        "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/", "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo", "recordSet": "cr:recordSet", "field": "cr:field",
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "source": "cr:source",
        "fileObject": "cr:fileObject", "extract": "cr:extract", "column": "cr:column",
    },
    "@type": "sc:Dataset", "name": "Visits", "description": "Visits to wards",
    "conformsTo": "http://mlcommons.org/croissant/1.0",
    "license": "https://spdx.org/licenses/CC0-1.0.html", "url": "https://example.org/",
    "creator": {"@type": "sc:Person", "name": "A. Nurse"}, "datePublished": "2026-01-01",
    "distribution": [{
        "@type": "cr:FileObject", "@id": "v.csv", "contentUrl": "v.csv",
        "encodingFormat": "text/csv", "sha256": "0" * 64,
    }],
    "recordSet": [{"@type": "cr:RecordSet", "@id": "r", "field": [{
        "@type": "cr:Field", "@id": "r/a", "dataType": "sc:Integer",
        "source": {"fileObject": {"@id": "v.csv"}, "extract": {"column": "a"}},
    }]}],
}  # fmt: skip


def file_of(tmp_path: Path, said: Any) -> Path:
    file = tmp_path / "d.json"
    file.write_text(said if isinstance(said, str) else json.dumps(said), "utf-8")
    return file


def codes(tmp_path: Path, said: Any) -> dict[str, str]:
    with pytest.raises(SheetError) as caught:
        read_croissant(file_of(tmp_path, said))
    assert all(f.message.en and f.message.zh for f in caught.value.faults)
    return {fault.path: fault.code.partition(".")[2] for fault in caught.value.faults}


def changed(**words: Any) -> dict[str, Any]:
    return {**GOOD, **words}


def test_a_description_becomes_a_card_with_its_columns_beside(tmp_path: Path) -> None:
    base = Context(tmp_path / "home", clock=fixed_clock("2026-11-22T08:00:00Z"))
    file = file_of(tmp_path, [GOOD, changed(name="就诊", identifier="second")])
    found = add(base, AddRequest(file)).added
    assert [(one["id"], one["state"]) for one in found] == [("visits", "new"), ("second", "new")]
    again = add(base, AddRequest(file)).added
    assert {one["state"] for one in again} == {"unchanged"}
    asset = show(base, ShowRequest("visits")).asset
    assert asset is not None and asset["card"]["digest"] == "sha256:" + "0" * 64
    assert asset["card"]["licence"] == "CC0-1.0"
    kinds = [one["kind"] for one in history(base, HistoryRequest("visits")).history]
    assert kinds == ["catalog.asset_added/1", "catalog.described/1"]
    with open_record(base) as record:
        (entry,) = record.entries(kind="catalog.described/1", about="asset:visits")
        assert entry.body["said"]["columns"] == [{"name": "a", "type": "Integer", "text": ""}]
        assert record.body(entry, "croissant") == file.read_bytes()  # nothing is lost
        assert verify(record).ok


def test_all_faults_are_told_at_once_by_path(tmp_path: Path) -> None:
    spoilt = json.loads(json.dumps(GOOD))
    spoilt["conformsTo"] = "http://mlcommons.org/croissant/0.8"
    spoilt["distribution"][0] |= {"contentUrl": "../../etc/passwd", "sha256": "abc"}
    spoilt["distribution"].append({"@type": "cr:FileObject", "@id": "v.csv"})
    spoilt["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "w.csv"
    assert codes(tmp_path, spoilt) == {
        "conformsTo": "version",
        "distribution[0].contentUrl": "outside",
        "distribution[0].sha256": "sha256",
        "distribution[1]": "missing",
        "distribution[1].@id": "duplicate_id",
        "recordSet[0].field[0].source": "unknown_id",
    }


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"@context": "https://schema.org/"}, "@context"),
        ({"@context": [GOOD["@context"], "http://127.0.0.1:9/c"]}, "@context"),
        ({"@context": {**GOOD["@context"], "@import": "http://127.0.0.1:9/c"}}, "@context.@import"),
        ({"creator": {"@context": "http://127.0.0.1:9/c", "name": "x"}}, "creator.@context"),
    ],
)
def test_contexts_elsewhere_are_refused_and_never_fetched(
    tmp_path: Path, said: dict[str, Any], path: str
) -> None:
    assert codes(tmp_path, changed(**said)) == {path: "remote_context"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, "too_deep"),
        ('{"a": 1, "a": 2}', "name_twice"),
        ('{"a": NaN}', "json"),
        ('{"a": ' + "9" * 5000 + "}", "json"),
        ('{"a": "\\ud800', "json"),
        ("PK\x03\x04 not json", "archive"),
        ('{"a": "\u202e"}', "character"),
        ('{"a": "\\u001b[2J"}', "character"),
        ('{"\\u202e": 1}', "character"),
        ('"' + '\\"' * 200_000, "json"),
        ("{}", "version"),
        ("[]", "no_dataset"),
        ("[1]", "value"),
    ],
)
def test_hostile_text_is_refused(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(SheetError) as caught:
        read_croissant(file_of(tmp_path, text))
    assert code in {fault.code.partition(".")[2] for fault in caught.value.faults}


def test_a_file_beside_has_to_be_what_is_described(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("a\n1\n", "utf-8")
    base = Context(tmp_path / "home")
    with pytest.raises(SheetError) as caught:
        add(base, AddRequest(file_of(tmp_path, GOOD)))
    assert [fault.code for fault in caught.value.faults] == ["croissant.digest"]
    assert not (tmp_path / "home" / "views" / "assets.json").exists()


def test_a_description_takes_nothing_away_that_it_has_no_word_for(tmp_path: Path) -> None:
    listing = tmp_path / "list.yaml"
    listing.write_text(
        "catalog: 1\nparties: [{id: ward, kind: person, name: W}]\nassets:\n"
        "  - {id: visits, kind: dataset, title: {en: V, zh: V}, provider: ward, terms: ask first,\n"
        "     properties: {shelf: 3}, parts: [{name: pandas, kind: software}]}\n",
        "utf-8",
    )
    base = Context(tmp_path / "home")
    add(base, AddRequest(listing))
    bare = [{k: v for k, v in GOOD["distribution"][0].items() if k != "sha256"}]
    add(base, AddRequest(file_of(tmp_path, changed(distribution=bare, url="ni:///sha-256;x"))))
    found = show(base, ShowRequest("visits")).asset
    assert found is not None and found["number"] == 2
    card = found["card"]
    assert (card["provider"], card["terms"], card["title"]["en"]) == ("ward", "ask first", "Visits")
    assert [part["name"] for part in card["parts"]] == ["pandas"]
    assert card["properties"]["shelf"] == 3, "the same content: what else was said of it holds"
    had = {part.id: part.yes for part in asset_parts(card, Known())}
    assert had["provider"] and not had["url"], "a name of content is no place to have it from"


def test_hostile_archives_are_seen_without_unpacking(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        made.writestr("zeros", bytes(80 * 2**20))
    tricky = tmp_path / "tricky.zip"
    with zipfile.ZipFile(tricky, "w") as made:
        made.writestr("../../x", "")
        made.writestr("C:\\x", "")
    links = tmp_path / "links.tar"
    with tarfile.open(links, "w") as tar:
        link = tarfile.TarInfo("a")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("/abs"), io.BytesIO())
    assert [code for code, _ in archive_faults(bomb)] == ["bomb"]
    assert [code for code, _ in archive_faults(tricky)] == ["outside", "outside"]
    assert [code for code, _ in archive_faults(links)] == ["link", "outside"]
    good = tmp_path / "v.csv"
    good.write_text("a\n1\n")
    assert not list(archive_faults(good))


def test_both_ways_of_writing_schema_org_mean_the_same() -> None:
    for vocabulary in ("http://schema.org/", "https://schema.org/"):
        names = Names({"@vocab": vocabulary, "sc": vocabulary, "titel": "sc:name"})
        assert [names.word(w) for w in ("name", "sc:name", "titel", vocabulary + "name")] == [
            "name"
        ] * 4
    assert Names({"id": "@id"}).word("id") == "@id"
    assert Names({"a": "b:c", "b": "a:d"}).word("a") != "name"  # a circle ends


def test_what_the_specification_requires_is_remarked_upon(tmp_path: Path) -> None:
    short = {k: v for k, v in GOOD.items() if k not in ("datePublished", "creator")}
    read = read_croissant(file_of(tmp_path, short))
    assert len(read.remarks) == 2 and len(read.datasets) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([*GOOD, "@id", "@value", "field", "source", "subField", "containedIn"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(list(GOOD)[1:]), JSON, max_size=5))
def test_whatever_stands_there_is_read_or_refused_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, words: dict[str, Any]
) -> None:
    file = tmp_path_factory.mktemp("any") / "d.json"
    file.write_text(json.dumps(changed(**words)), "utf-8")
    try:
        assert read_croissant(file).datasets
    except SheetError as error:
        assert error.faults
