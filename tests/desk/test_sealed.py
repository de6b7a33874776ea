"""Sealed test sets: kept, counted, and never quoted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pilotbase import Base, PilotbaseError
from pilotbase.catalog.verbs import (
    SealedAddRequest,
    SealedListRequest,
    SealedShowRequest,
    sealed_add,
    sealed_list,
    sealed_show,
)
from pilotbase.desk.transcript import answers_of
from pilotbase.desk.verbs import CheckRequest, scenario_check
from pilotbase.kernel.errors import DataError, InputError
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import as_data
from pilotbase.record.audit import verify
from pilotbase.record.encryption import make_key
from pilotbase.record.opened import open_record
from tests.desk.questions import SECRET, UNITS, write, write_questions


def base(tmp_path: Path, **words: object) -> Base:
    return Base(tmp_path / "home", clock=fixed_clock("2026-11-21T08:00:00Z"), **words)  # type: ignore[arg-type]


def seal(here: Base, folder: Path, *, exposures: int = 2, names: bool = False) -> None:
    file = write_questions(folder / "owner")
    request = SealedAddRequest(file, "kept", exposures, "City archive", names=names)
    sealed_add(here.context, request)
    file.unlink()


def quoted(folder: Path) -> list[str]:
    """Files outside the vault's own store that hold sealed text."""
    word = SECRET.encode()
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [p.name for p in files if word in p.read_bytes() and not p.name.startswith("vault.db")]


def test_a_sealed_set_is_kept_listed_and_its_uses_counted(tmp_path: Path) -> None:
    here = base(tmp_path)
    seal(here, tmp_path)
    (shown,) = sealed_list(here.context, SealedListRequest()).sets
    assert (shown.rows, shown.exposures, shown.exposed) == (UNITS, 2, 0)
    assert (tmp_path / "home" / "vault.db").stat().st_mode & 0o777 == 0o600
    assert shown.columns == ("item", "question", "answer", "topic")
    run = here.run(write(tmp_path), trust=True).run
    after = sealed_show(here.context, SealedShowRequest("kept"))
    assert after.exposed == 1 and after.runs == (run,)
    here.run(write(tmp_path), trust=True)
    assert sealed_show(here.context, SealedShowRequest("kept")).exposed == 1
    with open_record(here.context) as record:
        assert verify(record).ok


def test_nothing_that_leaves_the_base_quotes_a_sealed_case(tmp_path: Path) -> None:
    here = base(tmp_path)
    seal(here, tmp_path)
    result = here.run(write(tmp_path), trust=True)
    assert result.report is not None
    told = [
        json.dumps(as_data(result), ensure_ascii=False),
        json.dumps(as_data(here.plan(write(tmp_path), trust=True)), ensure_ascii=False),
        json.dumps(as_data(here.verdict(result)), ensure_ascii=False),
        result.report.read_text("utf-8"),
        result.report.with_suffix(".json").read_text("utf-8"),
    ]
    assert [text for text in told if SECRET in text.lower()] == []
    assert quoted(tmp_path / "home") == []  # reports, log, views, journal
    with open_record(here.context) as record:
        entries = b"".join(entry.data for entry in record.entries())
        assert SECRET.encode() not in entries
        (said, *rest) = answers_of(record, result.run, "agent")
    assert SECRET in json.dumps(said) and len(rest) == UNITS - 1
    (candidate,) = result.candidates
    assert candidate["problems"] == [] and candidate["beside"]["sealed"]["exposure"] == 1
    assert {row["value"] for row in candidate["beside"]["estimates"]["groups"]} == {"far", "near"}


def test_after_the_budget_only_aggregates_go_back(tmp_path: Path) -> None:
    here = base(tmp_path)
    seal(here, tmp_path, exposures=1)
    first = here.run(write(tmp_path), trust=True)
    assert first.candidates[0]["beside"]["estimates"]["groups"]
    again = write(tmp_path, acceptance=[{"metric": "exact_match", "at_least": 0.5}])
    second = here.run(again, trust=True)
    beside = second.candidates[0]["beside"]
    assert beside["estimates"]["groups"] == [] and beside["estimates"]["metrics"]
    assert "used up" in beside["sealed"]["means"]["en"] and beside["sealed"]["exposure"] == 2
    assert second.report is not None and "used up" in second.report.read_text("utf-8")
    by_group = [{"metric": "exact_match", "at_least": 0.3, "worst_of": "topic"}]
    with pytest.raises(InputError, match=r"sealed\.used_up"):
        here.run(write(tmp_path, acceptance=by_group), trust=True)
    assert sealed_show(here.context, SealedShowRequest("kept")).exposed == 2


def test_names_of_cases_differ_from_run_to_run_unless_the_owner_lets_them_stand(
    tmp_path: Path,
) -> None:
    here = base(tmp_path)
    seal(here, tmp_path)
    found = []
    for bound in (0.4, 0.45):
        file = write(tmp_path, acceptance=[{"metric": "exact_match", "at_least": bound}])
        report = here.report(here.run(file, trust=True))
        found.append(set(json.loads(report.json.read_text("utf-8"))["order"]["units"]))
    assert len(found[0]) == UNITS and not found[0] & found[1]
    open_ = base(tmp_path / "open")
    seal(open_, tmp_path, names=True)
    (candidate,) = open_.run(write(tmp_path), trust=True).candidates
    assert any(SECRET in problem["case"] for problem in candidate["problems"])


def test_a_crash_after_the_evaluation_leaves_no_journal_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = base(tmp_path)
    seal(here, tmp_path)
    file = write(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("pilotbase.desk.conduct._forget", lambda journal: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            here.run(file, trust=True)
    assert quoted(tmp_path / "home") != []
    monkeypatch.setattr("pilotbase.trial.program.Session", lambda *_: 1 / 0)  # nobody is there
    assert here.run(file, trust=True).candidates
    assert quoted(tmp_path / "home") == []
    assert sealed_show(here.context, SealedShowRequest("kept")).exposed == 1


def test_a_rehearsal_does_not_read_a_sealed_set(tmp_path: Path) -> None:
    here = base(tmp_path)
    seal(here, tmp_path)
    with pytest.raises(DataError, match=r"sealed\.closed"):
        here.rehearse(write(tmp_path), trust=True)
    assert sealed_show(here.context, SealedShowRequest("kept")).exposed == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"sealed": "kept", "prepare": "SELECT *, CAST(question AS INT) AS n FROM data"}},
        {"scope": "answer"},
        {"target": "topic", "task": "regression", "question": None, "unit": None},
        {"groups": {"each": {"column": "question"}}},
    ],
)
def test_errors_do_not_quote_a_sealed_case(tmp_path: Path, changes: dict[str, object]) -> None:
    here = base(tmp_path)
    seal(here, tmp_path)
    said = {key: value for key, value in changes.items() if value is not None}
    file = write(tmp_path, **said)
    with pytest.raises(PilotbaseError) as raised:
        here.run(file, trust=True)
    error: BaseException | None = raised.value
    while error is not None:
        assert SECRET not in str(error) + repr(error.args)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    try:
        checked = json.dumps(as_data(scenario_check(here.context, CheckRequest(file, True))))
    except PilotbaseError as refused:
        checked = str(refused)
    assert SECRET not in checked


def test_a_name_is_taken_once_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    here = base(tmp_path)
    seal(here, tmp_path)
    with pytest.raises(InputError, match="kept already"):
        seal(here, tmp_path)
    with pytest.raises(InputError, match=r"sealed\.unknown"):
        here.run(write(tmp_path, data={"sealed": "other"}), trust=True)
    bad = SealedAddRequest(tmp_path / "none.csv", "Bad Name", 1)
    with pytest.raises(InputError, match="small letters"):
        sealed_add(here.context, bad)


def test_with_a_vault_key_no_file_of_the_home_holds_sealed_text(tmp_path: Path) -> None:
    key = tmp_path / "vault.key"
    make_key(key, bytes)
    here = base(tmp_path, vault_key=key)
    seal(here, tmp_path)
    here.run(write(tmp_path), trust=True)
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
