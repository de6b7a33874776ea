"""Duties: opened, met, met late, not met; and proofs of that which only the truth passes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.faces.cli.show import show
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft, Duty, event
from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.time import parse, stamp
from pilotbase.kernel.verb import Context
from pilotbase.record import verbs
from pilotbase.record.audit import verify
from pilotbase.record.duties import overdue, prove_absence
from pilotbase.record.events import Tallied
from pilotbase.record.opened import Record, open_record
from pilotbase.record.rules.absence import FORMAT, check
from pilotbase.record.rules.duties import DutyRule, owed, rules_of
from pilotbase.record.rules.note import SigningKey
from pilotbase.record.verbs.duties import OverdueRequest
from pilotbase.record.verbs.proving import CheckRequest

BY = Actor("Li Hua", "case officer")
REPORT = Duty("test-report", "P2M", Text("Give the report.", "提交报告。"), {"outcome": ("bad",)})


@event("test.ended/1", opens=(REPORT,))
@dataclass(frozen=True)
class Ended:
    """It ended."""

    outcome: str


@event("test.reported/1", closes=("test-report",))
@dataclass(frozen=True)
class Reported:
    """The report was given."""

    n: int = 0


@event("test.waived/1", closes=("test-report",))
@dataclass(frozen=True)
class Waived:
    """No report was needed any more."""


RULE = DutyRule(
    "test-report", "test.ended/1", ("test.reported/1", "test.waived/1"), "P2M",
    {"outcome": ("bad",)}, REPORT.text.as_dict(),
)  # fmt: skip


FIELDS = ("format", "rule", "opening", "tally", "last", "closings", "checkpoint", "vkey")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def ended(subject: str, outcome: str = "bad") -> Draft:
    return Draft(Ended(outcome), BY, subject)


def reported(subject: str) -> Draft:
    return Draft(Reported(), BY, subject)


def wait(context: Context, days: int) -> None:
    context.clock.now += timedelta(days=days)  # type: ignore[attr-defined]


@pytest.fixture
def story(context: Context) -> Context:
    """a: never reported. b: in time. c: late. d: ended well. e: ended later."""
    with open_record(context) as record:
        record.append(reported("x"))
        record.append_many([ended(s) for s in "abc"])
        record.append(ended("d", "good"))
        wait(context, 30)
        record.append(reported("b"))
        wait(context, 40)
        record.append(reported("c"))
        record.append(ended("e"))
    return context


def found(record: Record, at: datetime) -> list[tuple[str, int, int | None]]:
    return [(one.subject, one.opened, one.closed) for one in overdue(record, at)]


def test_not_met_and_met_late(story: Context) -> None:
    with open_record(story) as record:
        now = story.clock()
        assert found(record, now) == [("a", 1, None), ("c", 3, 6)]
        # As it stood on earlier days: what was recorded later does not count yet.
        assert found(record, now - timedelta(days=1)) == [("a", 1, None), ("c", 3, None)]
        assert found(record, now - timedelta(days=20)) == []
        assert found(record, now + timedelta(days=70))[-1] == ("e", 7, None)


def test_the_deadline_is_to_the_moment(context: Context) -> None:
    with open_record(context) as record:
        record.append(ended("a"))
        (one,) = overdue(record, parse("2027-06-01T00:00:00Z"))
        assert stamp(one.deadline) == "2027-01-22T00:00:00.000Z"
        assert overdue(record, one.deadline - timedelta(milliseconds=1)) == []
        assert len(overdue(record, one.deadline)) == 1


def test_a_rule_that_nothing_closes() -> None:
    with pytest.raises(ValueError, match="no event closes"):
        rules_of({"a.b/1": ((REPORT,), ())})


def test_a_rule_is_data(story: Context) -> None:
    assert DutyRule.of(json.loads(json.dumps(RULE.as_dict()))) == RULE
    said = RULE.as_dict()
    for wrong in ({**said, "term": "long"}, {**said, "name": 3}, {**said, "closed_by": [1]}):
        with pytest.raises((ValueError, TypeError)):
            DutyRule.of(wrong)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ebxr"), st.sampled_from("ab"), st.integers(0, 40))))
def test_owed_is_what_a_plain_reading_gives(steps: list[tuple[str, str, int]]) -> None:
    """Against a definition without any state: for each opening, its first closing."""
    now, entries = datetime.fromisoformat("2026-01-01T00:00:00+00:00"), []
    kinds = {"e": "test.ended/1", "b": "test.ended/1", "x": "other/1", "r": "test.reported/1"}
    for n, (what, subject, days) in enumerate(steps):
        now += timedelta(days=days)
        body = {"outcome": "bad" if what == "e" else "good"}
        said = {"kind": kinds[what], "about": subject, "at": stamp(now), "body": body}
        entries.append((n, said))
    expected = []
    for n, said in entries:
        deadline = RULE.deadline(said)
        if deadline is None:
            continue
        closers = [
            (m, c) for m, c in entries
            if m > n and c["about"] == said["about"] and c["kind"] in RULE.closed_by
        ]  # fmt: skip
        late = deadline <= parse(closers[0][1]["at"]) if closers else deadline <= now
        if late:
            expected.append((n, closers[0][0] if closers else None))
    assert [(one.opened, one.closed) for one in owed([RULE], entries, now)] == expected


class TestProof:
    @pytest.fixture
    def proofs(self, story: Context) -> dict[str, dict[str, Any]]:
        with open_record(story) as record:
            made = prove_absence(record, overdue(record, story.clock()), by=BY)
            assert verify(record).ok
            return {one.subject: proof for one, proof in made}

    def test_it_shows_what_happened(self, proofs: dict[str, dict[str, Any]]) -> None:
        for subject, state, closed in (("a", "not met", None), ("c", "met late", 6)):
            seen = check(proofs[subject])
            assert seen.ok and seen.entry["state"] == state and seen.entry["closed"] == closed
            assert seen.entry["subject"] == subject
            assert seen.entry["deadline"] == "2027-01-22T00:00:00.000Z"
            assert seen.entry["until"] >= seen.entry["deadline"]
            assert DutyRule.of(seen.entry["duty"]) == RULE

    def test_it_begins_with_the_last_closing_before(self, proofs: dict[str, Any]) -> None:
        assert [item["index"] for item in proofs["a"]["closings"]["test.reported/1"]] == [0, 5, 6]
        assert proofs["a"]["closings"]["test.waived/1"] == []

    def test_nothing_to_prove_appends_nothing(self, context: Context) -> None:
        with open_record(context) as record:
            record.append(ended("a"))
            assert prove_absence(record, overdue(record, context.clock()), by=BY) == []
            assert record.size == 1

    def test_a_deadline_to_come_has_no_proof_yet(self, story: Context) -> None:
        with open_record(story) as record:
            later = overdue(record, story.clock() + timedelta(days=90))
            assert [one.subject for one in later] == ["a", "c", "e"]
            assert [o.subject for o, _ in prove_absence(record, later, by=BY)] == ["a", "c"]

    def test_a_quiet_log(self, context: Context) -> None:
        """Nothing was recorded after the deadline: the tally that is made now stands for it."""
        with open_record(context) as record:
            record.append(ended("a"))
            wait(context, 100)
            ((_, proof),) = prove_absence(record, overdue(record, context.clock()), by=BY)
            assert check(proof).ok and record.size == 3 and verify(record).ok

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda p: p["closings"]["test.reported/1"].pop(),
            lambda p: p["closings"]["test.reported/1"].pop(0),
            lambda p: p["closings"]["test.reported/1"].pop(1),
            lambda p: p["closings"]["test.reported/1"].clear(),
            lambda p: p["closings"]["test.reported/1"].reverse(),
            lambda p: p["closings"].pop("test.waived/1"),
            lambda p: p["rule"].update(closed_by=["test.waived/1", "test.ended/1"]),
            lambda p: p["rule"].update(opened_by="test.reported/1"),
            lambda p: p["rule"].update(term="P20Y"),
            lambda p: p["rule"].update(when={"outcome": ["good"]}),
            lambda p: p.update(tally=p["opening"]),
            lambda p: p.update(last=p["opening"]),
            lambda p: p.update(opening=p["tally"]),
            lambda p: p["opening"].update(index=2),
            lambda p: p["opening"].update(index="1"),
            lambda p: p["tally"].update(entry=p["tally"]["entry"].replace(":3", ":2")),
            lambda p: p["last"]["proof"].pop(),
            lambda p: p.update(checkpoint=p["checkpoint"].replace("\n9\n", "\n8\n")),
            lambda p: p.update(vkey="nonsense"),
            lambda p: p.update(extra=1),
            lambda p: p.update(rule=None),
        ],
    )
    def test_nothing_else_passes(
        self, proofs: dict[str, Any], spoil: Callable[[dict[str, Any]], object]
    ) -> None:
        for proof in proofs.values():
            changed = copy.deepcopy(proof)
            spoil(changed)
            assert changed != proof and not check(changed).ok

    def test_a_met_duty_cannot_be_shown_unmet(self, story: Context) -> None:
        """b reported in time; the honest file for b, made by hand, is refused."""
        with open_record(story) as record:
            one = next(o for o in overdue(record, story.clock()) if o.subject == "a")
            forged = type(one)(RULE, "b", 2, one.opened_at, one.deadline)
            ((_, proof),) = prove_absence(record, [forged], by=BY)
            seen = check(proof)
            assert seen.problem is not None and "met in time" in seen.problem.en

    def test_another_bases_key(self, proofs: dict[str, Any]) -> None:
        other = SigningKey.generate(lambda size: bytes(size), lambda _: "elsewhere").verifier
        assert not check(proofs["a"], other).ok and check(proofs["a"]).trusted is False

    @settings(max_examples=60, deadline=None)
    @given(st.fixed_dictionaries({name: JSON for name in FIELDS}), st.booleans())
    def test_it_never_raises(self, said: dict[str, Any], named: bool) -> None:
        if named:
            said["format"] = FORMAT
        assert not check(said).ok and not check([said]).ok

    def test_any_part_may_be_anything(self, proofs: dict[str, Any]) -> None:
        for name in FIELDS:
            for value in (None, 0, "", [], {}, [[]], {"x": 1}, True, 1.5, "x" * 100):
                assert not check({**proofs["a"], name: value}).ok


def test_a_tally_that_miscounts_is_a_fault(story: Context) -> None:
    with open_record(story) as record:
        for size, counts in ((8, {"test.reported/1": 3, "a.b/1": 0}), (2, {"test.ended/1": 1})):
            record.append(Draft(Tallied(size, counts), BY))
        assert verify(record).ok
        record.append(Draft(Tallied(8, {"test.reported/1": 2}), BY))
        report = verify(record)
        assert not report.ok and report.first_bad_index == 10
        assert "miscounts the first 8 entries: test.reported/1" in report.findings[0].message.en


def test_the_verb_writes_proofs_that_the_other_verb_checks(story: Context, tmp_path: Path) -> None:
    listed = verbs.overdue(story, OverdueRequest())
    assert [(d["subject"], d["state"], d["proof"]) for d in listed.duties] == [
        ("a", "not met", None),
        ("c", "met late", None),
    ]
    out = tmp_path / "proofs"
    duties = verbs.overdue(story, OverdueRequest(out=out)).duties
    nowhere = Context(tmp_path / "nowhere")
    for duty in duties:
        checked = verbs.check(nowhere, CheckRequest(duty["proof"]))
        assert checked.ok and checked.entry is not None
        assert checked.entry["state"] == duty["state"]
    assert sorted(p.name for p in out.iterdir()) == [
        "000001-test-report.json",
        "000003-test-report.json",
    ]


def test_what_is_due_has_no_proof_and_nothing_is_recorded_for_it(
    context: Context, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_record(context) as record:
        record.append(ended("a"))
    ask = OverdueRequest("2027-06-01T00:00:00Z", tmp_path / "proofs")
    for language, words in (
        ("en", ("Give the report. due", "of these still to come: 1", "only once")),
        ("zh", ("提交报告。 尚未到期", "其中尚未到期 1 项", "届满后")),
    ):
        found = verbs.overdue(context, ask)
        assert [(d["state"], d["proof"]) for d in found.duties] == [("due", None)]
        show("record.overdue", found, cast(Language, language))
        said = capsys.readouterr().out
        assert all(word in said for word in words)
    with open_record(context) as record:
        assert record.size == 1 and not (tmp_path / "proofs").exists()
    assert verbs.overdue(context, OverdueRequest(ask.at)).notice is None
    wait(context, 100)
    found = verbs.overdue(context, OverdueRequest(out=tmp_path / "proofs"))
    assert found.notice is None and [d["state"] for d in found.duties] == ["not met"]


@pytest.mark.parametrize("size", [0, 2, 4, 5, 6])
@pytest.mark.parametrize("wrong", [0, 1])
def test_a_tally_is_counted_again_also_midway(context: Context, size: int, wrong: int) -> None:
    """With ``--since``, whether the tally speaks of what came before the checkpoint or after."""
    kinds = ["test.reported/1"] * 3 + ["test.ended/1", "test.reported/1", "test.reported/1"]
    with open_record(context) as record:
        notes = []
        for n, kind in enumerate(kinds):
            record.append(reported(f"s{n}") if kind == "test.reported/1" else ended("s"))
            notes.append(record.checkpoint())
        counts = {kind: kinds[:size].count(kind) for kind in (*kinds, "test.waived/1")}
        counts["test.reported/1"] += wrong
        record.append(Draft(Tallied(size, counts), BY))
        for since in (None, *notes):
            report = verify(record, since=since)
            assert report.first_bad_index == (6 if wrong else None)
            assert len(report.findings) == wrong
