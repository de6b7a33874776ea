"""How the record's answers read on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pilotbase.faces.cli.show import show
from pilotbase.kernel.text import Language
from pilotbase.record.verbs.auditing import VerifyResponse
from pilotbase.record.verbs.proving import ProveResponse


def test_a_proof_in_a_file_is_not_printed_too(capsys: pytest.CaptureFixture[str]) -> None:
    proof, languages = {"format": "pilotbase-proof/1", "index": 3}, list[Language](["en", "zh"])
    for language, words in zip(
        languages, ("The proof is in p.json", "证明已写入 p.json"), strict=True
    ):
        show("record.prove", ProveResponse(proof, Path("p.json")), language)
        said = capsys.readouterr().out
        assert said.startswith(words) and "format" not in said
    show("record.prove", ProveResponse(proof), "en")
    assert json.loads(capsys.readouterr().out) == proof


def test_bad_published_files_do_not_convict_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    for record_ok, words in (
        (True, "The record itself holds"),
        (False, "The record does NOT hold"),
    ):
        counted = (9, "00" * 32, 1, 0, 0, 0, 3)
        show("record.verify", VerifyResponse(False, record_ok, *counted, 7, (), 0, "k"), "en")
        said = capsys.readouterr().out
        assert said.startswith(words) and "7" in said
