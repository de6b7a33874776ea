"""Erased bodies are nowhere, the log says why, and every proof still holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import HomeError, InputError, PilotbaseError, RecordError
from pilotbase.kernel.event import Draft, event
from pilotbase.kernel.home import only_one
from pilotbase.kernel.verb import Context
from pilotbase.record import erasure, verbs
from pilotbase.record.audit import verify
from pilotbase.record.opened import VAULT, Record, open_record
from pilotbase.record.proofs import prove
from pilotbase.record.rules.proof import check
from pilotbase.record.verbs.vault import EraseRequest, ExpireRequest, ListRequest

Make = Callable[..., Draft]
BY = Actor("Li Hua", "data steward")
SECRET = b"the patient is Zhang San " + bytes(range(32, 127)) * 200
WHY = {"reason": "the person asked", "ground": "GDPR, article 17(1)(b)"}


@event("test.treated/1", retention={"file": "P30D"})
@dataclass(frozen=True)
class Treated:
    """Someone was treated."""

    n: int


@pytest.fixture
def home(context: Context, make: Make) -> Context:
    with open_record(context) as record:
        record.append(make(0, about="person:3f2a77", file=SECRET, note=b"short note, only one"))
        record.append(make(1, about="person:other", file=b"another body"))
        record.checkpoint()
    return context


def files_with(home: Path, wanted: bytes) -> list[str]:
    return [p.name for p in home.rglob("*") if p.is_file() and wanted in p.read_bytes()]


def refused(code: str, error: type[PilotbaseError], ask: Callable[[], object]) -> None:
    with pytest.raises(error) as caught:
        ask()
    assert caught.value.code == code


class TestErase:
    def test_the_bytes_are_nowhere_and_all_proofs_hold(self, home: Context) -> None:
        with open_record(home) as record:
            proof, salt = prove(record, 0), record.opening(record.entry(0), "file").salt
        assert files_with(home.home, SECRET[:60]) and files_with(home.home, salt)
        done = verbs.erase(home, EraseRequest(**WHY, subject="person:3f2a77"))
        assert [(b["entry"], b["name"]) for b in done.erased] == [(0, "file"), (0, "note")]
        assert done.recorded == (2,) and done.gone_before == 0 and done.remains == ()
        for wanted in (SECRET[:60], SECRET[-60:], SECRET[5000:5060], b"short note, only", salt):
            assert files_with(home.home, wanted) == []
        assert files_with(home.home, b"another body") == [VAULT]
        with open_record(home) as record:
            report = verify(record)
            assert report.ok and report.bodies == 1
            said = [(f.severity, f.index, f.message.en) for f in report.findings]
            assert said == [
                ("note", 0, "its body 'file' was erased"),
                ("note", 0, "its body 'note' was erased"),
            ]
            assert check(proof, record.verifier).ok and check(prove(record, 0)).ok
            refused("record.body_gone", RecordError, lambda: record.body(record.entry(0), "file"))

    def test_the_log_says_what_why_and_on_what_ground(self, home: Context) -> None:
        verbs.erase(home, EraseRequest(**WHY, entry=0))
        with open_record(home) as record:
            entry = record.entry(2)
            committed = record.entry(0).envelope["vault"]["file"]["commitment"]
        assert entry.kind == "vault.erased/1" and entry.about == "person:3f2a77"
        assert entry.envelope["by"]["role"] == "data steward"
        assert entry.body["reason"] == WHY["reason"] and entry.body["ground"] == WHY["ground"]
        assert entry.body["bodies"][0] == {"entry": 0, "name": "file", "commitment": committed}

    def test_who_asks_for_it_is_told_by_which_entry_and_why(self, home: Context) -> None:
        with open_record(home) as record:
            gone = record.entry(0)
            with pytest.raises(RecordError) as lost:
                record.vault.erase([gone.envelope["vault"]["note"]["commitment"]])
                record.body(gone, "note")
            assert "from a backup if" in lost.value.next_step.en
            bodies = [b for b in erasure.bodies_of(record, [gone]) if b.name == "file"]
            erasure.erase(record, bodies, by=BY, **WHY)
            for _ in range(2):
                with pytest.raises(RecordError) as error:
                    record.body(gone, "file")
                told, step = error.value.message, error.value.next_step
                assert error.value.code == "record.body_gone"
                assert f"erased, as entry 2 records: {WHY['reason']}" in told.en
                assert f"第 2 条记录删除: {WHY['reason']}" in told.zh
                assert "would undo the erasure" in step.en and "record show 2" in step.zh
            refused("record.body_gone", RecordError, lambda: record.body(gone, "note"))

    def test_again_adds_nothing(self, home: Context) -> None:
        verbs.erase(home, EraseRequest(**WHY, entry=0))
        again = verbs.erase(home, EraseRequest(**WHY, entry=0))
        assert again.erased == () and again.recorded == () and again.gone_before == 2

    def test_killed_after_recording_it_is_named_and_finished(
        self, home: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: object) -> int:
            raise KeyboardInterrupt

        with open_record(home) as record, monkeypatch.context() as patch:
            patch.setattr(record.vault, "erase", killed)
            bodies = list(erasure.bodies_of(record, [record.entry(0)]))
            with pytest.raises(KeyboardInterrupt):
                erasure.erase(record, bodies, by=BY, **WHY)
            report = verify(record)
        assert not report.ok and report.first_bad_index == 0
        assert "recorded as erased and is still there" in report.findings[0].message.en
        done = verbs.erase(home, EraseRequest(**WHY, entry=0))
        assert len(done.erased) == 2 and done.recorded == ()
        with open_record(home) as record:
            assert verify(record).ok and record.size == 3

    def test_a_lost_body_does_not_become_an_erased_one(self, home: Context) -> None:
        with closing(sqlite3.connect(home.home / VAULT)) as hand, hand:
            hand.execute("DELETE FROM body")
        done = verbs.erase(home, EraseRequest(**WHY, entry=0))
        assert done.erased == () and done.gone_before == 2
        with open_record(home) as record:
            assert not verify(record).ok and record.size == 2

    def test_a_reader_that_keeps_old_pages_is_named(
        self, home: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pilotbase.record.adapters.sqlite.BUSY_SECONDS", 0.05)
        with closing(sqlite3.connect(home.home / VAULT, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM body").fetchone()
            refused("home.busy", HomeError, lambda: verbs.erase(home, EraseRequest(**WHY, entry=0)))
        verbs.erase(home, EraseRequest(**WHY, entry=0))
        assert files_with(home.home, SECRET[:60]) == []

    def test_not_during_a_backup(self, home: Context) -> None:
        with only_one(home.home / erasure.LOCK):
            refused("home.busy", HomeError, lambda: verbs.erase(home, EraseRequest(**WHY, entry=0)))

    def test_copies_elsewhere_in_the_home_are_named(self, home: Context) -> None:
        (home.home / "reports").mkdir()
        report = home.home / "reports" / "r.html"
        report.write_bytes(bytes(2**20 - 3) + b"3f2a77 was here")
        (home.home / "reports" / "other.html").write_text("nobody")
        done = verbs.erase(home, EraseRequest(**WHY, subject="person:3f2a77"))
        assert done.remains == (report,)

    def test_bad_requests(self, home: Context) -> None:
        for code, request in [
            ("vault.no_reason", EraseRequest("why", " ", entry=0)),
            ("vault.no_reason", EraseRequest(ground="law", entry=0)),
            ("vault.no_subject", EraseRequest(**WHY)),
            ("vault.no_subject", EraseRequest(**WHY, subject="a", entry=0)),
            ("vault.nothing", EraseRequest(**WHY, subject="person:none")),
        ]:
            refused(code, InputError, lambda request=request: verbs.erase(home, request))
        refused(
            "record.no_entry", RecordError, lambda: verbs.erase(home, EraseRequest(**WHY, entry=9))
        )


class TestTerms:
    @pytest.fixture
    def kept(self, home: Context) -> Iterator[Record]:
        with open_record(home) as record:
            record.append(Draft(Treated(1), BY, "person:3f2a77", {"file": b"f", "x": b"x"}))
            yield record

    def expire(self, home: Context, days: int, **more: bool) -> list[tuple[int, str, str]]:
        at = (home.clock() + timedelta(days=days)).isoformat()
        response = verbs.expire(home, ExpireRequest(at, **more))
        return [(b["entry"], b["name"], b["term"]) for b in response.erased]

    def test_what_is_past_its_term_is_erased(self, home: Context, kept: Record) -> None:
        assert self.expire(home, 30, dry_run=True) == []
        assert self.expire(home, 31, dry_run=True) == [(2, "file", "P30D")]
        home.clock.now += timedelta(days=31)  # type: ignore[attr-defined]
        assert self.expire(home, 0) == [(2, "file", "P30D")] == [(2, "file", "P30D")]
        assert self.expire(home, 0) == [] and kept.size == 4 and verify(kept).ok
        assert kept.entry(3).body["reason"] == "the term P30D of test.treated/1 has ended"
        assert kept.body(kept.entry(2), "x") == b"x"

    def test_not_before_its_time(self, home: Context, kept: Record) -> None:
        refused("vault.not_yet", InputError, lambda: self.expire(home, 31))
        assert kept.body(kept.entry(2), "file") == b"f"
        refused("record.bad_time", InputError, lambda: verbs.expire(home, ExpireRequest("soon")))

    def test_the_bases_own_terms(self, home: Context, kept: Record) -> None:
        terms = home.home / erasure.OWN_TERMS
        terms.write_text('"test.counted/1" = "P10D"\n"test.treated/1" = "forever"\n')
        found = self.expire(home, 31, dry_run=True)
        assert found == [(0, "file", "P10D"), (0, "note", "P10D"), (1, "file", "P10D")]
        for wrong in ("nonsense", '"test.counted/1" = "ten days"'):
            terms.write_text(wrong)
            refused("vault.bad_terms", InputError, lambda: self.expire(home, 31, dry_run=True))

    def test_listed(self, home: Context, kept: Record) -> None:
        verbs.erase(home, EraseRequest(**WHY, entry=1))
        listed = verbs.list_(home, ListRequest())
        states = [(b["entry"], b["name"], b["state"], b["until"] is None) for b in listed.bodies]
        assert listed.encrypted is None and states == [
            (0, "file", "kept", True),
            (0, "note", "kept", True),
            (1, "file", "erased", True),
            (2, "file", "kept", False),
            (2, "x", "kept", True),
        ]
        about = verbs.list_(home, ListRequest("person:3f2a77", limit=3)).bodies
        assert [b["entry"] for b in about] == [0, 0, 2]
