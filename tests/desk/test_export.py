"""Evidence in other tools' formats: signed, valid by their facts, and read back."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pilotbase import Base
from pilotbase.catalog.results.read import read_results
from pilotbase.desk.transcript import answers_of, root_of
from pilotbase.desk.verbs import ExportRequest, evidence_export
from pilotbase.kernel.errors import InputError, RecordError
from pilotbase.kernel.time import fixed_clock
from pilotbase.record.opened import open_record
from pilotbase.record.rules import dsse
from pilotbase.record.rules.note import VerifierKey
from tests.desk.files import write as write_small
from tests.desk.questions import SECRET, UNITS, write, write_questions

OPEN = {"data": {"csv": "questions.csv"}, "plan": {"evidence": "fixed"}}


def base(tmp_path: Path) -> Base:
    return Base(tmp_path / "home", clock=fixed_clock("2026-11-21T08:00:00Z"))


def asked(tmp_path: Path) -> tuple[Base, str]:
    write_questions(tmp_path)
    here = base(tmp_path)
    return here, here.run(write(tmp_path, **OPEN), trust=True).run


def exported(here: Base, run: str, as_: str, out: Path, candidate: str = "") -> Path:
    return evidence_export(here.context, ExportRequest(run, as_, candidate, out)).file


def test_the_attestation_is_signed_and_has_the_fields_of_the_predicate(tmp_path: Path) -> None:
    here = base(tmp_path)
    result = here.run(write_small(tmp_path))
    text = exported(here, result.run, "in-toto", tmp_path / "a.json").read_text("utf-8")
    with open_record(here.context) as record:
        key = VerifierKey.parse(record.vkey)
    kind, body = dsse.opened(text, key)
    said = json.loads(body)
    assert kind == "application/vnd.in-toto+json"
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert set(said) == {"_type", "subject", "predicateType", "predicate"}
    (subject,) = said["subject"]
    assert subject["name"] == "logit" and len(bytes.fromhex(subject["digest"]["sha256"])) == 32
    predicate = said["predicate"]
    assert predicate["result"] == "PASSED" and predicate["failedTests"] == []
    assert len(predicate["passedTests"]) == 2 and "recall at_least 0.8" in str(predicate)
    assert predicate["configuration"][0]["digest"]["sha256"] == result.plan["hash"][7:]
    # By hand, without our code: the key's 32 bytes over the pre-authentication encoding.
    envelope = json.loads(text)
    payload = base64.b64decode(envelope["payload"])
    encoded = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    Ed25519PublicKey.from_public_bytes(key.public).verify(signature, encoded)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_program_on_the_page_checks_it(tmp_path: Path, language: str) -> None:
    page = Path(__file__).parents[2] / "docs" / language / "attestation.md"
    program = page.read_text("utf-8").split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(program, names)
    here = base(tmp_path)
    run = here.run(write_small(tmp_path)).run
    text = exported(here, run, "in-toto", tmp_path / "a.json").read_text("utf-8")
    with open_record(here.context) as record:
        vkey = record.vkey
    assert names["check"](text, vkey)["predicate"]["result"] == "PASSED"
    with pytest.raises(InvalidSignature):
        names["check"](text.replace("vnd.in-toto+json", "vnd.in-toto+text"), vkey)


def test_an_altered_attestation_is_refused(tmp_path: Path) -> None:
    here = base(tmp_path)
    run = here.run(write_small(tmp_path)).run
    said = json.loads(exported(here, run, "in-toto", tmp_path / "a.json").read_text("utf-8"))
    with open_record(here.context) as record:
        key = VerifierKey.parse(record.vkey)
    body = base64.b64decode(said["payload"]).replace(b"PASSED", b"FAILED")
    changed = {**said, "payload": base64.b64encode(body).decode()}
    for text in (json.dumps(changed), "{}", "not json", json.dumps({**said, "signatures": []})):
        with pytest.raises(RecordError, match=r"dsse\.refused"):
            dsse.opened(text, key)


def test_a_no_go_is_failed_and_an_unknown_candidate_refused(tmp_path: Path) -> None:
    here = base(tmp_path)
    file = write_small(tmp_path, acceptance=[{"metric": "recall", "at_least": 0.999}])
    run = here.run(file).run
    path = exported(here, run, "in-toto", tmp_path / "a.json")
    said = json.loads(base64.b64decode(json.loads(path.read_text("utf-8"))["payload"]))
    assert said["predicate"]["result"] == "FAILED" and said["predicate"]["failedTests"]
    for as_, candidate in (("in-toto", "other"), ("yaml", "")):
        with pytest.raises(InputError, match=r"evidence\.unusable"):
            exported(here, run, as_, tmp_path / "b.json", candidate)


def test_our_own_importer_reads_the_inspect_log_back(tmp_path: Path) -> None:
    here, run = asked(tmp_path)
    path = exported(here, run, "inspect", tmp_path / "log.json")
    frame = read_results(path, "log").frame
    (candidate,) = here.verdict(run).candidates
    assert len(frame) == UNITS and set(frame["model"]) == {"pilotbase/agent"}
    mean = frame["score:0-exact_match"].mean()
    assert mean == pytest.approx(candidate["criteria"][0]["estimate"])
    right = frame[frame["score:0-exact_match"] == 1.0]
    assert right["answer"].str.startswith(f"{SECRET} answer").all() and len(right) > 30


def test_what_was_said_is_in_the_vault_under_a_root_that_stays_when_it_is_erased(
    tmp_path: Path,
) -> None:
    from pilotbase.record.verbs.vault import EraseRequest, erase

    here, run = asked(tmp_path)
    with open_record(here.context) as record:
        said = list(answers_of(record, run, "agent"))
        (evaluated,) = record.entries(kind="pilot.evaluated/2")
        entries = list(record.entries(kind="pilot.answers_kept/1"))
        assert root_of(entries).hex() == evaluated.body["transcripts"]["agent"]["root"]
    assert evaluated.body["transcripts"]["agent"]["answers"] == len(said) == UNITS
    assert {"unit", "row", "version", "repeat", "digest", "fields", "cost"} <= set(said[0])
    before = here.verdict(run).as_dict()["candidates"]
    erase(here.context, EraseRequest("asked to", "PIPL, article 47", f"transcript:{run}"))
    with open_record(here.context) as record:
        with pytest.raises(RecordError, match=r"record\.body_gone"):
            list(answers_of(record, run, "agent"))
        again = list(record.entries(kind="pilot.answers_kept/1"))
        assert root_of(again).hex() == evaluated.body["transcripts"]["agent"]["root"]
    assert here.verdict(run).as_dict()["candidates"] == before
    assert here.report(run).html.exists()


def test_a_second_run_asks_nothing_and_keeps_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, run = asked(tmp_path)
    monkeypatch.setattr("pilotbase.trial.program.Session", lambda *_: 1 / 0)  # nobody is there
    with open_record(here.context) as record:
        size = record.size
    write_file = tmp_path / "scenario.yaml"
    assert here.run(write_file, trust=True).run == run
    with open_record(here.context) as record:
        assert record.size == size
