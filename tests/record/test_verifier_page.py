"""The verifier on the page "Write your own verifier", run as it stands there.

It shares no code with ours, so each vector is checked twice, and a slip in one of the two shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from pilotbase.kernel.event import Draft
from pilotbase.record.opened import Record
from pilotbase.record.proofs import prove, prove_consistency
from pilotbase.record.publish import publish

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests/golden/record/vectors.json").read_text("utf-8"))
REFUSED = (ValueError, IndexError, KeyError, TypeError, InvalidSignature)
Make = Callable[..., Draft]


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / language / "write-a-verifier.md").read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


@lru_cache
def verifier(language: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec("\n".join(blocks(language)), scope)
    return scope


@pytest.fixture(params=["en", "zh"])
def page(request: pytest.FixtureRequest) -> dict[str, Any]:
    return verifier(request.param)


def test_both_pages_have_the_same_programs_and_nothing_of_ours() -> None:
    assert blocks("en") == blocks("zh") and len(blocks("en")) == 4
    assert "pilotbase." not in "".join(re.findall(r"import .*", "\n".join(blocks("en"))))


def test_the_tree(page: dict[str, Any]) -> None:
    leaves = [page["sha"](b"\0", bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
    assert [leaf.hex() for leaf in leaves] == VECTORS["leaf_hashes"]
    roots = [page["root_of"](leaves[:n]) for n in range(len(leaves) + 1)]
    assert [root.hex() for root in roots] == VECTORS["roots"]
    for said in VECTORS["inclusion"]:
        path = [bytes.fromhex(node) for node in said["proof"]]
        i, n = said["index"], said["size"]
        assert page["included"](leaves[i], i, n, path) == roots[n]
    for said in VECTORS["consistency"]:
        path = [bytes.fromhex(node) for node in said["proof"]]
        m, n = said["size1"], said["size2"]
        if m:
            assert page["consistent"](m, n, path, roots[m]) == (roots[m], roots[n])


@pytest.mark.parametrize("said", VECTORS["bad_inclusion"], ids=lambda said: said["why"])
def test_bad_inclusion(page: dict[str, Any], said: dict[str, Any]) -> None:
    path = [bytes.fromhex(node) for node in said["proof"]]
    leaf, root = bytes.fromhex(said["leaf"]), bytes.fromhex(said["root"])
    try:
        reached = page["included"](leaf, said["index"], said["size"], path)
    except REFUSED:
        return
    assert reached != root


@pytest.mark.parametrize("said", VECTORS["bad_consistency"], ids=lambda said: said["why"])
def test_bad_consistency(page: dict[str, Any], said: dict[str, Any]) -> None:
    path = [bytes.fromhex(node) for node in said["proof"]]
    one, two = bytes.fromhex(said["root1"]), bytes.fromhex(said["root2"])
    try:
        reached = page["consistent"](said["size1"], said["size2"], path, one)
    except REFUSED:
        return
    assert reached != (one, two)


@pytest.mark.parametrize("said", VECTORS["notes"], ids=lambda said: said["why"])
def test_notes(page: dict[str, Any], said: dict[str, Any]) -> None:
    if said["holds"]:
        assert page["opened"](said["note"], said["vkey"]) == said["text"]
    else:
        with pytest.raises(REFUSED):
            page["opened"](said["note"], said["vkey"])


def test_checkpoints_and_rotation(page: dict[str, Any]) -> None:
    said = VECTORS["checkpoint"]
    root = bytes.fromhex(said["root"])
    assert page["checkpoint"](said["note"], said["vkey"]) == (said["size"], root)
    said = VECTORS["cosigned"]
    for vkey in (said["vkey"], said["witness"]):
        assert page["opened"](said["note"], vkey) == said["text"]
    said = VECTORS["rotation"]
    assert page["successor"](said["statement"], said["old"]) == said["new"]


def test_proof_files(page: dict[str, Any]) -> None:
    proof, vkey = VECTORS["proof_file"], VECTORS["rotation"]["old"]
    for known in (vkey, VECTORS["rotation"]["new"]):
        assert page["check"](proof, known)["body"]["n"] == proof["index"]
    assert page["check"](VECTORS["consistency_file"], vkey) == (5, 11)
    for field, value in (("index", 4), ("proof", proof["proof"][1:]), ("rotations", [])):
        with pytest.raises(REFUSED):
            page["check"]({**proof, field: value}, vkey)


def test_a_log_that_was_just_published(
    page: dict[str, Any], record: Record, make: Make, tmp_path: Path
) -> None:
    entries = [entry.data for entry in record.append_many([make(n) for n in range(600)])]
    publish(record, tmp_path / "log")

    def read(name: str) -> bytes:
        return (tmp_path / "log" / name).read_bytes()

    assert page["published"](read, record.vkey) == entries
    assert page["check"](prove(record, 299), record.vkey)["body"]["n"] == 299
    assert page["check"](prove_consistency(record, 600), record.vkey) == (600, 600)

    def changed(name: str) -> bytes:
        data = read(name)
        return data.replace(b'"n":299', b'"n":298') if "entries" in name else data

    with pytest.raises(ValueError, match="root"):
        page["published"](changed, record.vkey)
