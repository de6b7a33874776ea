"""Profiles: what is measured, what stays out, who confirms, and data that stay with their owner."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from pilotbase.catalog.assets.verbs import AddRequest, add
from pilotbase.catalog.profile.measure import profile_of
from pilotbase.catalog.profile.source import opened
from pilotbase.catalog.profile.verbs import ProfileRequest, ProfileResponse, profile
from pilotbase.catalog.profile.views import PROFILES
from pilotbase.desk.handed_over import EvidenceCheckRequest, evidence_check
from pilotbase.desk.verbs import (
    ExportRequest,
    PlanRequest,
    RunRequest,
    WitnessKeyRequest,
    WitnessSignRequest,
    evidence_export,
    plan,
    run,
    witness_key,
    witness_sign,
)
from pilotbase.faces.cli.show import show
from pilotbase.kernel.errors import DataError, InputError, RecordError, SheetError
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context, Silent
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record
from pilotbase.record.views import rebuild

ROWS = [
    f"{n},{'东区' if n % 3 else '西区'},1381234{n:04d},{n % 7}.5,2026-01-{n % 28 + 1:02d},"
    f"{n * 17 % 90}"
    for n in range(60)
]
CSV = (
    "id,ward,call,score,day,age\n"
    + "\n".join([*ROWS, ROWS[5], "5,东 区,13812340005,5.5,,85"])
    + "\n"
)


def measured(tmp_path: Path, raw: bytes | str, name: str = "v.csv") -> dict[str, Any]:
    file = tmp_path / name
    file.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    with opened(str(file)) as source:
        return profile_of(source, Silent())


def column(said: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in said["columns"] if c["name"] == name)


def test_rows_types_gaps_ranges_duplicates_and_groups(tmp_path: Path) -> None:
    said = measured(tmp_path, CSV)
    assert (said["rows"], said["cells"], said["missing"], said["duplicates"]) == (62, 372, 1, 1)
    assert said["near"]["rows"] == 1  # a blank in the ward, and the day left out: one column off
    assert {c["name"]: c["type"] for c in said["columns"]} == {
        "id": "integer", "ward": "text", "call": "integer", "score": "float", "day": "date",
        "age": "integer",
    }  # fmt: skip
    score = column(said, "score")["range"]
    assert (score["low"], score["high"]) == (0.5, 6.5) and sum(score["bins"]) == 62
    day = column(said, "day")
    assert day["missing"] == 1 and day["range"]["low"] == "2026-01-01"
    groups = column(said, "ward")["groups"]
    assert groups["values"][0] == {"value": "东区", "rows": 41}
    assert groups["pooled"] == {"values": 1, "rows": 1}  # too small to be named
    assert said["data"] == "sha256:" + hashlib.sha256(CSV.encode()).hexdigest()
    parts = said["quality"]["parts"]
    assert parts["completeness"] == pytest.approx(371 / 372, abs=1e-6)
    assert parts["uniqueness"] == pytest.approx(61 / 62, abs=1e-6)


def test_values_by_which_somebody_is_known_stay_out(tmp_path: Path) -> None:
    said = measured(tmp_path, CSV)
    call = column(said, "call")
    assert call["guess"] == {"kind": "phone", "by": "values", "share": 1.0}
    assert call["hidden"] and call["range"] is None and call["groups"] is None
    assert "1381234" not in json.dumps(said)


def test_types_are_those_of_the_trial_s_own_reader(tmp_path: Path) -> None:
    from pilotbase.catalog.csv_file import read_csv

    raw = b"a,b,c,d,e,f,g\n1,007,1.5,true,NA,,x\n2,8,NaN,FALSE,3,,1\n-3,9,1e3,true,4,,2\n"
    names = {"integer": "i", "float": "f", "truth": "b", "text": "O", "empty": "f", "date": "O"}
    frame = read_csv(raw, "utf-8", "test")
    for said in measured(tmp_path, raw)["columns"]:
        assert names[said["type"]] == frame[said["name"]].dtype.kind, said["name"]
        assert said["missing"] == int(frame[said["name"]].isna().sum())


def test_all_rows_that_do_not_fit_are_told_by_line(tmp_path: Path) -> None:
    with pytest.raises(SheetError) as caught:
        measured(tmp_path, "a,b\n1,2\n3\n4,5,6\n7,8\n9\n")
    assert [fault.line for fault in caught.value.faults] == [3, 4, 6]


def test_mixed_encodings_are_told_by_line(tmp_path: Path) -> None:
    utf8, gb = "东区居民楼".encode(), "西区居民楼".encode("gb18030")
    lines = [b"a,b", b"1," + utf8, b"2," + gb, b"3," + utf8, b"4,\xff\xff", b"5,x"]
    with pytest.raises(SheetError) as caught:
        measured(tmp_path, b"\n".join(lines))
    assert [fault.line for fault in caught.value.faults] == [3, 5]
    whole = measured(tmp_path, "a,b\n1,西区居民楼\n".encode("gb18030"))
    assert whole["source"]["encoding"] == "gb18030"
    with pytest.raises(SheetError, match="UTF-16"):
        measured(tmp_path, "a,b\n1,2\n".encode("utf-16"))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "data.empty"),
        ("a,a\n1,2\n", "data.duplicate_column"),
        ("a,b\n", "data.no_rows"),
        ("a;b\n1;2\n", "data.delimiter"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, raw: str, code: str) -> None:
    with pytest.raises(DataError) as caught:
        measured(tmp_path, raw)
    assert caught.value.code == code


def test_a_nul_byte_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SheetError) as caught:
        measured(tmp_path, b"a,b\n1,2\n3,\0\n")
    assert [(f.code, f.line) for f in caught.value.faults] == [("data.character", 3)]


def test_a_hostile_name_or_value_is_only_text(tmp_path: Path) -> None:
    base = Context(tmp_path / "home")
    file = tmp_path / "x.csv"
    file.write_text(
        '"a""); DROP TABLE data; --",<script>alert(1)</script>\n1,<b>\n2,<b>\n', "utf-8"
    )
    out = tmp_path / "x.html"
    found = profile(base, ProfileRequest(str(file), out=out))
    page = out.read_text("utf-8")
    assert found.profile["rows"] == 2 and "<script" not in page and "<b>alert" not in page
    assert "default-src &#39;none&#39;" in page and "http://" not in page and "https://" not in page
    assert json.loads(out.with_suffix(".json").read_text("utf-8")) == found.profile


def test_no_name_steers_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.csv"
    file.write_text("\u202eevil,\x1b[2Jgone,year\n1,a,1931\n2,a,1932\n", "utf-8")
    found = profile(Context(tmp_path / "home"), ProfileRequest(str(file)))
    show("catalog.profile", found, "en")
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\u202e" not in said and "\ufffdevil" in said
    assert "1931 … 1932" in said and "1 character" in said and "fewer than 4 columns" in said
    assert said.index("completeness") < said.index("uniqueness") < said.index("consistency")


LIST = """\
catalog: 1
parties:
  - {id: person-7, kind: person, name: Li Wen}
  - {id: hospital, kind: body, name: City Hospital, principal: person-7}
assets:
  - {id: visits, kind: dataset, title: {en: Visits, zh: 就诊}, provider: hospital, digest: "%s"}
"""


@pytest.fixture
def base(tmp_path: Path) -> Context:
    """A base that has listed the owner's data by hash alone."""
    made = Context(tmp_path / "base", clock=fixed_clock("2026-11-22T08:00:00Z"))
    (tmp_path / "owner").mkdir()
    (tmp_path / "owner" / "visits.csv").write_text(CSV, "utf-8")
    digest = "sha256:" + hashlib.sha256(CSV.encode()).hexdigest()
    (tmp_path / "list.yaml").write_text(LIST % digest, "utf-8")
    add(made, AddRequest(tmp_path / "list.yaml"))
    return made


def by_the_owner(base: Context) -> ProfileResponse:
    """The owner measures at home and hands the profile over; no row leaves."""
    owner = base.home.parent / "owner"
    out = owner / "profile.html"
    profile(Context(owner / "home"), ProfileRequest(str(owner / "visits.csv"), out=out))
    return profile(base, ProfileRequest(str(out.with_suffix(".json")), asset="visits"))


def test_data_are_registered_by_profile_and_hash_alone(base: Context) -> None:
    found = by_the_owner(base)
    assert found.made == "by the owner" and found.entry is not None
    again = by_the_owner(base)
    assert again.entry == found.entry  # the same profile is recorded once
    shown = profile(base, ProfileRequest("visits"))
    assert shown.profile == found.profile
    with open_record(base) as record:
        assert verify(record).ok
        assert [made.identical for made in rebuild(record, [PROFILES])] == [True]
        assert b"1381234" not in b"".join(entry.data for entry in record.entries())


def test_a_guess_is_never_shown_as_confirmed(
    base: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    found = by_the_owner(base)
    show("catalog.profile", found, "en")
    said = " ".join(capsys.readouterr().out.split())
    assert found.confirmed == {} and "guessed, not" in said and "confirmed by" not in said
    confirmed = profile(
        base, ProfileRequest("visits", confirm="call=phone,ward=none", as_="person-7")
    )
    assert confirmed.confirmed["call"]["person"] == "person-7"
    assert confirmed.confirmed["ward"]["kind"] == "none"
    out = base.home / "p.html"
    profile(base, ProfileRequest("visits", out=out))
    assert "confirmed by" in out.read_text("utf-8")


def test_only_a_person_confirms_and_only_what_is_there(base: Context) -> None:
    by_the_owner(base)
    for said, who, code in (
        ("call=phone", "hospital", "profile.no_person"),
        ("call=phone", "", "profile.no_person"),
        ("calls=phone", "person-7", "profile.unknown"),
        ("call=fone", "person-7", "profile.unknown"),
        ("call", "person-7", "profile.confirm"),
    ):
        with pytest.raises(InputError) as caught:
            profile(base, ProfileRequest("visits", confirm=said, as_=who))
        assert caught.value.code == code and caught.value.message.zh
    with pytest.raises(InputError, match="no data set"):
        profile(base, ProfileRequest("visit", asset="visits"))


def test_a_word_on_other_data_does_not_hold(base: Context, tmp_path: Path) -> None:
    by_the_owner(base)
    profile(base, ProfileRequest("visits", confirm="call=phone", as_="person-7"))
    other = CSV + "99,东区,13812349999,1.5,2026-01-01,4\n"
    (tmp_path / "owner" / "visits.csv").write_text(other, "utf-8")
    with pytest.raises(InputError) as caught:
        by_the_owner(base)
    assert caught.value.code == "profile.other_data"
    digest = "sha256:" + hashlib.sha256(other.encode()).hexdigest()
    (tmp_path / "list.yaml").write_text(LIST % digest, "utf-8")
    add(base, AddRequest(tmp_path / "list.yaml"))
    assert by_the_owner(base).confirmed == {}


def test_figures_of_a_handed_in_profile_are_checked(base: Context, tmp_path: Path) -> None:
    said = json.loads(json.dumps(by_the_owner(base).profile))
    said["quality"]["score"] = 100.0
    said["columns"][2]["hidden"] = False
    said["columns"][0]["missing"] = 63
    file = tmp_path / "p.json"
    file.write_text(json.dumps(said), "utf-8")
    with pytest.raises(SheetError) as caught:
        profile(base, ProfileRequest(str(file), asset="visits"))
    paths = {fault.path for fault in caught.value.faults}
    assert {"columns[0].missing", "columns[2].hidden", "missing"} <= paths
    file.write_text('{"format": "pilotbase/profile/1", "rows": -1}', "utf-8")
    with pytest.raises(SheetError):
        profile(base, ProfileRequest(str(file)))


SCENARIO = """\
pilotbase: 1
id: calls
title: {en: Calls, zh: 外呼}
need: {en: Who is called, zh: 外呼对象}
item: A4.3
owner: {name: City Hospital, principal: Li Wen}
affects_people: true
task: regression
estimand: these cases
data: {csv: visits.csv, digest: "%s"}
target: age
features: [id, score]
split: {by: random, folds: 2}
acceptance:
  - {metric: mae, at_most: 40, cap: 90}
candidates:
  - id: mean
    title: {en: Mean, zh: 均值}
    provider: hospital
    estimator: sklearn.dummy.DummyRegressor
"""


def test_the_owner_runs_the_agreed_file_and_the_base_checks_what_comes_back(
    base: Context, tmp_path: Path
) -> None:
    digest = "sha256:" + hashlib.sha256(CSV.encode()).hexdigest()
    said = witness_key(base, WitnessKeyRequest("base-1", tmp_path / "base.key"))
    text = SCENARIO % digest + f"plan: {{witness: {said.vkey}}}\n"
    agreed, theirs = tmp_path / "calls.yaml", tmp_path / "owner" / "calls.yaml"
    for file in (agreed, theirs):
        file.write_text(text, "utf-8")
    owner = Context(tmp_path / "owner" / "home", clock=base.clock)
    signed, receipt, out = (tmp_path / name for name in ("plan.txt", "receipt.txt", "c.json"))
    plan(owner, PlanRequest(theirs, out=signed))
    witness_sign(base, WitnessSignRequest(signed, tmp_path / "base.key", receipt))
    run(owner, RunRequest(theirs, receipt=receipt))
    evidence_export(owner, ExportRequest("calls", out=out, candidate="mean"))
    with open_record(owner) as record:
        key = record.vkey
    found = evidence_check(base, EvidenceCheckRequest(out, key, signed, agreed))
    assert found.same_plan and found.same_scenario and found.verdict in ("go", "no-go")
    assert found.witness == "witnessed before the start by base-1"
    agreed.write_text(text.replace("at_most: 40", "at_most: 41"), "utf-8")
    other = evidence_check(base, EvidenceCheckRequest(out, key, scenario=agreed))
    assert other.same_scenario is False and other.same_plan is None
    with pytest.raises(RecordError, match="not signed"):
        evidence_check(base, EvidenceCheckRequest(out, said.vkey))
    with pytest.raises(InputError, match="malformed_key"):
        evidence_check(base, EvidenceCheckRequest(out, "nope"))


def test_a_trial_on_data_that_the_base_does_not_hold_says_where_it_can_run(
    base: Context, tmp_path: Path
) -> None:
    by_the_owner(base)
    digest = "sha256:" + hashlib.sha256(CSV.encode()).hexdigest()
    for folder in ("agreed", "owner"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "calls.yaml").write_text(SCENARIO % digest, "utf-8")
    with pytest.raises(DataError) as caught:
        run(base, RunRequest(tmp_path / "agreed" / "calls.yaml"))
    error = caught.value
    assert error.code == "data.not_held" and "visits, provider hospital" in error.message.en
    assert "witness sign" in error.next_step.en and "数据留在所有者处" in error.next_step.zh
    owner = Context(tmp_path / "owner" / "home", clock=base.clock)
    found = run(owner, RunRequest(tmp_path / "owner" / "calls.yaml"))
    assert found.candidates[0]["verdict"] in ("go", "no-go")
    (tmp_path / "owner" / "visits.csv").write_text(CSV + "9,a,1,1,2026-01-01,2\n", "utf-8")
    with pytest.raises(DataError) as caught:
        run(owner, RunRequest(tmp_path / "owner" / "calls.yaml"))
    assert caught.value.code == "data.other_content"
