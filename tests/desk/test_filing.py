"""Filing a service: from a real run to what may be served, and what may not."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from pilotbase import Base
from pilotbase.catalog.assets.verbs import AddRequest, add
from pilotbase.catalog.assets.verbs import ShowRequest as AssetRequest
from pilotbase.catalog.assets.verbs import show as show_asset
from pilotbase.catalog.croissant.verbs import WriteRequest
from pilotbase.catalog.croissant.verbs import write as describe
from pilotbase.catalog.load import load_table
from pilotbase.catalog.reading import assets_of
from pilotbase.catalog.rights.trials import data_asset
from pilotbase.desk.filing.enrol import asset_id
from pilotbase.desk.filing.sources import qualities, source_id
from pilotbase.desk.filing.verbs import FileRequest
from pilotbase.desk.filing.verbs import file as file_
from pilotbase.desk.provenance.found import judged
from pilotbase.desk.tour import FILINGS
from pilotbase.desk.views import ALL
from pilotbase.kernel.errors import InputError, RunError, SheetError
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import Record, open_record
from pilotbase.record.verbs import overdue
from pilotbase.record.verbs.duties import OverdueRequest
from pilotbase.record.views import rebuild
from pilotbase.register import verbs
from pilotbase.scenario.library import packs
from pilotbase.scenario.read import read_scenario
from tests.conftest import Toured
from tests.desk.files import write

PARTIES = """\
catalog: 1
parties:
  - {id: person-1, kind: person, name: Li Wen}
  - {id: person-2, kind: person, name: Zhao Min}
  - {id: acme, kind: body, name: Acme, principal: person-1}
  - {id: bot, kind: agent, name: Bot}
"""
BOTH = {"en": "As agreed.", "zh": "依约定。"}
SHEET: dict[str, Any] = {
    "filing": 1,
    "principal": "acme",
    "accepted_by": "person-2",
    "expires": "P1Y",
    "price": "0.02 CNY",
    "per": "call",
    "facts": {
        "personal_data": True,
        "sensitive_data": False,
        "talks_to_people": False,
        "decides_alone": False,
    },
    "ip": {"background": BOTH, "foreground": BOTH, "public_funding": False},
}
CANDIDATES = [
    {"id": "logit", "estimator": "sklearn.linear_model.LogisticRegression"},
    {"id": "dummy", "estimator": "sklearn.dummy.DummyClassifier"},
    {
        "id": "scripted",
        "estimator": "sklearn.linear_model.LogisticRegression",
        "parameters": {"C": 0.5},
        "stand_in": True,
    },
]
OPEN = {"metric": "accuracy", "at_least": 0.999, "blocking": False}
HARD = {"metric": "recall", "at_least": 0.8}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A home with two runs, one with a go and one with a condition, and the parties."""
    folder = tmp_path_factory.mktemp("filing")
    base = Base(folder / "home", clock=fixed_clock("2026-11-22T08:00:00Z"))
    go = write(folder, candidates=CANDIDATES, acceptance=[HARD])
    conditional = write(
        folder, "other.yaml", id="open", candidates=CANDIDATES[:1], acceptance=[HARD, OPEN]
    )
    runs = [base.run(go), base.run(conditional)]
    said = [{c["id"]: c["verdict"] for c in run.candidates} for run in runs]
    assert said[0]["logit"] == "go" and said[0]["dummy"] == "no-go"
    assert said[1] == {"logit": "conditional"}
    (folder / "parties.yaml").write_text(PARTIES, "utf-8")
    add(base.context, AddRequest(folder / "parties.yaml"))
    return folder / "home", runs[0].run, runs[1].run


@pytest.fixture
def base(ran: tuple[Path, str, str], tmp_path: Path) -> Context:
    """A copy of that home."""
    import shutil

    shutil.copytree(ran[0], tmp_path / "home")
    return Context(tmp_path / "home", clock=fixed_clock("2026-11-23T08:00:00Z"))


def sheet(base: Context, **changes: Any) -> Path:
    file = base.home.parent / "sheet.yaml"
    said = {k: v for k, v in {**SHEET, **changes}.items() if v is not None}
    file.write_text(json.dumps(said, indent=1, ensure_ascii=False), "utf-8")
    return file


def filed(base: Context, run: str = "small", **changes: Any) -> verbs.FilingResponse:
    return file_(base, FileRequest(run, sheet(base, **changes)))


def codes(base: Context, run: str = "small", **changes: Any) -> set[str]:
    with pytest.raises(SheetError) as caught:
        filed(base, run, **changes)
    assert all(fault.line and fault.message.zh for fault in caught.value.faults)
    return {fault.code for fault in caught.value.faults}


def at(base: Context, moment: str) -> Context:
    return dataclasses.replace(base, clock=fixed_clock(moment))


def test_a_go_is_filed_with_all_that_it_rests_on(base: Context) -> None:
    found = filed(base, tier={"tier": "high", "by": "person-2", "reason": BOTH})
    assert (found.id, found.stands) == ("small-logit-1", "live")
    filing = found.filing
    assert (filing["principal"], filing["person"]) == ("acme", "person-1")
    assert filing["expires"] == "2027-11-24T00:00:00.000Z"
    tier = filing["tier"]
    assert (tier["tier"], tier["by_rule"]) == ("high", "limited")
    assert tier["override"]["by"] == "person-2" and tier["reasons"][0]["rule"] == "personal"
    assert filing["single_points"] == ["scikit-learn", "data.csv"]
    asset = show_asset(base, AssetRequest(filing["asset"]["id"])).asset
    assert asset is not None and asset["version"] == filing["asset"]["version"]
    assert asset["card"]["digest"] == filing["tried"]
    with open_record(base) as record:
        judged = next(record.entries(kind="pilot.judged/1"))
        assert filing["verdict"] == judged.body["verdict"]
        assert [e.about for e in record.entries(kind="pilot.filed/1")] == [judged.about]
        assert verify(record).ok
        rebuild(record, ALL)
        assert all(made.identical for made in rebuild(record, ALL))


def test_substitutes_end_a_single_point(base: Context) -> None:
    part = {"name": "scikit-learn", "kind": "software", "substitutes": ["statsmodels"]}
    assert "scikit-learn" not in filed(base, parts=[part]).filing["single_points"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"candidate": "dummy"}, "sheet.not_passed"),
        ({"candidate": "scripted"}, "sheet.stand_in"),
        ({"candidate": "nobody"}, "sheet.candidate"),
        ({"principal": "bot"}, "sheet.principal"),
        ({"principal": "nobody"}, "sheet.principal"),
        ({"accepted_by": "acme"}, "sheet.no_person"),
        ({"expires": "yesterday"}, "sheet.expires"),
        ({"expires": "2026-11-23T08:00:00Z"}, "sheet.expires"),
        ({"expires": "P6Y"}, "sheet.expires"),
        ({"price": "0.02"}, "sheet.price"),
        ({"price": "-1.00 CNY"}, "sheet.price"),
        ({"asset": "nothing"}, "sheet.unknown"),
        ({"tier": {"tier": "minimal", "by": "person-1", "reason": BOTH}}, "sheet.own_judge"),
        ({"tier": {"tier": "minimal", "by": "bot", "reason": BOTH}}, "sheet.no_person"),
        ({"ip": {**SHEET["ip"], "public_funding": True}}, "sheet.funding"),
        ({"ip": None}, "sheet.missing_key"),
        ({"facts": {**SHEET["facts"], "personal_data": "no"}}, "sheet.value"),
        ({"facts": {**SHEET["facts"], "personal_data": False, "sensitive_data": True}},
         "sheet.facts"),
        ({"tiers": 1}, "sheet.unknown_key"),
    ],
)  # fmt: skip
def test_what_cannot_be_filed(base: Context, changes: dict[str, Any], code: str) -> None:
    assert codes(base, **changes) == {code}
    with open_record(base) as record:
        assert not list(record.entries(kind="register.filed/1"))


def test_all_faults_come_at_once(base: Context) -> None:
    assert codes(base, candidate="dummy", principal="bot", price="x", expires="P0") == {
        "sheet.not_passed",
        "sheet.principal",
        "sheet.price",
        "sheet.expires",
    }


def test_faults_of_grammar_do_not_hide_the_others(base: Context) -> None:
    """Nor does what stands in for them bring up any of its own."""
    met = {"what": BOTH, "by": "bot", "evidence": BOTH}
    found = codes(
        base, principal=None, candidate="dummy", accepted_by=7, price="x", tiers=1,
        conditions=[met, {**met, "by": ["person-2"]}],
        facts={**SHEET["facts"], "personal_data": "no", "sensitive_data": True},
        tier={"tier": "minimal", "by": "nobody-1"},
    )  # fmt: skip
    assert found == {
        "sheet.missing_key", "sheet.value", "sheet.unknown_key", "sheet.not_passed",
        "sheet.price", "sheet.no_person",
    }  # fmt: skip
    with pytest.raises(SheetError) as caught:
        filed(base, candidate={}, expires="P9Y", per=None, asset="nothing", accepted_by="bot")
    assert [(fault.code, fault.path) for fault in caught.value.faults] == [
        ("sheet.missing_key", ""),
        ("sheet.no_person", "accepted_by"),
        ("sheet.expires", "expires"),
        ("sheet.value", "candidate"),
        ("sheet.unknown", "asset"),
    ]


def test_a_condition_has_to_be_met_first(base: Context) -> None:
    assert codes(base, "open", candidate="logit") == {"sheet.condition_open"}
    met = {"what": BOTH, "by": "person-2", "evidence": BOTH}
    own = codes(base, "open", candidate="logit", conditions=[{**met, "by": "person-1"}])
    assert own == {"sheet.own_judge"}
    found = filed(base, "open", candidate="logit", conditions=[met])
    assert found.filing["said"] == "conditional"
    assert [one["by"] for one in found.filing["conditions"]] == ["person-2"]


def test_what_is_served_is_what_was_tried(base: Context, tmp_path: Path) -> None:
    def asset(**card: Any) -> None:
        said = {"id": "ours", "kind": "model", "title": BOTH, **card}
        (tmp_path / "a.yaml").write_text(json.dumps({"catalog": 1, "assets": [said]}), "utf-8")
        add(base, AddRequest(tmp_path / "a.yaml"))

    asset()
    assert codes(base, asset="ours") == {"sheet.not_tried"}
    with open_record(base) as record:
        plan = next(record.entries(kind="pilot.planned/1"))
        offers = json.loads(record.body(plan, "plan"))["candidates"]
    tried = next(offer["digest"] for offer in offers if offer["id"] == "logit")
    asset(properties={"tried": tried}, parts=[{"name": "gpu", "kind": "compute"}])
    filing = filed(base, asset="ours").filing
    assert filing["asset"]["id"] == "ours" and filing["asset"]["number"] == 2
    assert "gpu" in filing["single_points"]


def test_suspended_resumed_and_stopped_for_good(base: Context, tmp_path: Path) -> None:
    id_ = filed(base).id
    (tmp_path / "log.txt").write_text("what was seen")
    halted = verbs.suspend(
        base, verbs.SuspendRequest(id_, "drift", tmp_path / "log.txt", "regulator")
    )
    assert halted.stands == "suspended"
    with open_record(base) as record:
        entry = record.entry(halted.history[-1]["entry"])
        assert entry.envelope["by"]["role"] == "regulator"
        assert record.body(entry, "attached") == b"what was seen"
        snapshot = json.loads(record.body(entry, "snapshot"))
        assert snapshot["filing"]["state"] == "filed"
        assert snapshot["record"]["size"] == entry.index
    with pytest.raises(RunError) as caught:
        filed(base)
    assert caught.value.code == "register.filed_already"
    assert verbs.resume(base, verbs.ResumeRequest(id_, "mended")).stands == "live"
    assert verbs.stop(base, verbs.StopRequest(id_, "over")).stands == "stopped"
    for again in (
        lambda: verbs.resume(base, verbs.ResumeRequest(id_, "please")),
        lambda: verbs.suspend(base, verbs.SuspendRequest(id_, "please")),
        lambda: verbs.withdraw(base, verbs.WithdrawRequest(id_, "please")),
    ):
        with pytest.raises(RunError) as caught:
            again()
        assert caught.value.code == "register.no_such_step"
    new = filed(base)
    assert (new.id, new.filing["earlier"], new.stands) == ("small-logit-2", id_, "live")
    listed = verbs.list_(base, verbs.ListRequest()).filings
    assert [(one["id"], one["stands"]) for one in listed] == [(id_, "stopped"), (new.id, "live")]
    live = verbs.list_(base, verbs.ListRequest(live=True)).filings
    assert [one["id"] for one in live] == [new.id]


def test_an_end_owes_its_report(base: Context, tmp_path: Path) -> None:
    id_ = filed(base).id
    verbs.withdraw(base, verbs.WithdrawRequest(id_, "the provider asks for it"))
    late = at(base, "2027-01-24T00:00:00Z")
    owed = [(d["duty"], d["subject"]) for d in overdue(late, OverdueRequest()).duties]
    assert owed == [("service-exit-report", f"filing:{id_}")]
    (tmp_path / "report.md").write_text("What was learnt.")
    in_time = at(base, "2027-01-23T23:00:00Z")
    request = verbs.ExitRequest(id_, tmp_path / "report.md")
    assert verbs.leave(in_time, request).stands == "exited"
    assert overdue(late, OverdueRequest()).duties == ()


def test_what_has_expired_is_not_live_and_can_be_filed_anew(base: Context) -> None:
    id_ = filed(base, expires="P30D").id
    after = at(base, "2026-12-24T00:00:00Z")
    assert verbs.show(at(base, "2026-12-23T23:59:59Z"), verbs.ShowRequest(id_)).stands == "live"
    assert verbs.show(after, verbs.ShowRequest(id_)).stands == "expired"
    with pytest.raises(RunError):
        verbs.suspend(after, verbs.SuspendRequest(id_, "too late"))
    assert filed(after).filing["earlier"] == id_


@pytest.mark.parametrize("action", ["suspend", "resume", "stop", "withdraw"])
def test_nothing_is_done_without_a_reason(base: Context, action: str) -> None:
    id_ = filed(base).id
    ask = {"suspend": verbs.SuspendRequest, "resume": verbs.ResumeRequest,
           "stop": verbs.StopRequest, "withdraw": verbs.WithdrawRequest}[action]  # fmt: skip
    with pytest.raises(InputError) as caught:
        getattr(verbs, action)(base, ask(id_, " "))
    assert caught.value.code == "register.no_reason"
    with pytest.raises(InputError) as caught:
        getattr(verbs, action)(base, ask("smal-logit-1", "why"))
    assert caught.value.code == "register.unknown" and "small-logit-1" in str(caught.value)


def test_a_run_without_proof_is_not_filed(base: Context) -> None:
    with pytest.raises(InputError) as caught:
        filed(base, "unheard-of")
    assert caught.value.code == "run.unknown"


def test_the_tour_files_what_passes(toured: Toured) -> None:
    listed = verbs.list_(toured.base.context, verbs.ListRequest(live=True)).filings
    (pack,) = packs()
    sheets = {file.stem for file in (pack.folder / FILINGS).glob("*.yaml")}
    passed = [run for run in toured.runs if run.chosen is not None and run.scenario in sheets]
    chosen = {run.scenario: run.chosen for run in passed}
    assert {one["scenario"]: one["candidate"] for one in listed} == chosen != {}
    with open_record(toured.base.context) as record:
        known = assets_of(record)
        planned = [record.entry(one) for one in judged_entries(record)]
    cards = [said["card"] for said in known.values()]
    tried = [card for card in cards if card["kind"] != "dataset"]
    assert len(tried) == sum(len(run.candidates) for run in toured.runs)
    hashes = [card["digest"] for card in cards]
    assert all(hashes.count(entry.body["data"]) == 1 for entry in planned) and planned


def judged_entries(record: Record) -> list[int]:
    return [pilot["entries"]["planned"] for pilot in judged(record).values()]


def test_the_tour_measures_and_describes_the_data_that_it_tried(toured: Toured) -> None:
    """By the hash before `prepare`, a scenario on the same data finds them and their terms."""
    context = toured.base.context
    with open_record(context) as record:
        known, measured = assets_of(record), qualities(record)
    (pack,) = packs()
    assert len(measured) == len(pack.files) == len(toured.runs)
    for file in pack.files:
        read = read_scenario(file)
        asset = source_id(str(read.scenario.data.dataset))
        loaded = load_table(read.scenario.data, read.folder).loaded_digest
        assert data_asset(read, known, loaded=loaded) == asset and 0 < measured[asset] <= 100
        prepared = known.get(asset_id(read.scenario.id, "data"))
        assert prepared is None or prepared["card"]["parts"] == [{"name": asset}]
    made = describe(context, WriteRequest("sklearn-load-diabetes")).document
    assert made["@type"] == "sc:Dataset" and len(made["recordSet"][0]["field"]) == 11
    assert re.fullmatch("[0-9a-f]{64}", made["distribution"][0]["sha256"])


def test_the_tour_matches_needs_with_what_it_tried(toured: Toured) -> None:
    chosen = {run.scenario: run.chosen for run in toured.runs}
    with open_record(toured.base.context) as record:
        (made,) = record.entries(kind="match.made/1")
    assert made.body["blocking"] == 0
    assert made.body["matched"] == sum(id_ is not None for id_ in chosen.values())
    assert made.body["matched"] + made.body["open"] == len(toured.runs)
