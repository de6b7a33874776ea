"""The opened record: appending, reading, proving and signing."""

from __future__ import annotations

import hashlib
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pilotbase.kernel.canonical import decode, encode
from pilotbase.kernel.errors import PilotbaseError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record import keys
from pilotbase.record.audit import verify
from pilotbase.record.opened import LATEST, LOG, VAULT, Record, open_record
from pilotbase.record.rules import merkle, note
from pilotbase.record.rules.checkpoint import verify_checkpoint
from pilotbase.record.rules.commitment import commit

Make = Callable[..., Draft]


def refused(error: pytest.ExceptionInfo[PilotbaseError], code: str) -> None:
    assert error.value.code == code
    for language in ("en", "zh"):
        assert "→" in error.value.render(language)  # type: ignore[arg-type]


class TestAppend:
    def test_the_envelope_is_the_leaf(self, record: Record, make: Make) -> None:
        entry = record.append(make(7, evidence=b"body"))
        said = decode(entry.data)
        assert entry.index == 0 and encode(said) == entry.data and said == entry.envelope
        assert said["kind"] == "test.counted/1" and said["count"] == 0
        assert said["at"] == "2026-11-21T08:00:01.000Z" and said["by"]["name"] == "Li Hua"
        assert entry.body == {"n": 7, "said": "二 two"}
        assert set(said["vault"]["evidence"]) == {"commitment", "size"}
        assert record.root() == merkle.leaf_hash(entry.data)

    def test_counters_run_per_kind(self, record: Record, make: Make, make_other: Make) -> None:
        drafts = [make(0), make_other(0), make(1), make(2), make_other(1)]
        entries = [*record.append_many(drafts[:3]), *record.append_many(drafts[3:])]
        assert [e.index for e in entries] == [0, 1, 2, 3, 4]
        assert [e.envelope["count"] for e in entries] == [0, 0, 1, 2, 1]

    def test_the_same_fact_is_kept_once(self, record: Record, make: Make) -> None:
        first = record.append(make(1, evidence=b"x"))
        again = record.append(make(1, evidence=b"x"))
        assert again == first and record.size == 1 and record.vault.total() == 1
        assert record.append(make(1, evidence=b"y")).index == 1

    def test_a_given_key_decides(self, record: Record, make: Make) -> None:
        first = record.append(make(1, key="k"))
        assert record.append(make(2, key="k")) == first
        assert record.append(make(1)).index == 1

    def test_repeats_within_one_batch(self, record: Record, make: Make) -> None:
        record.append(make(5))
        entries = record.append_many([make(6), make(5), make(6), make(7)])
        assert [e.index for e in entries] == [1, 0, 1, 2] and record.size == 3

    def test_nothing_to_append(self, record: Record) -> None:
        assert record.append_many([]) == [] and record.size == 0

    def test_a_batch_is_all_or_nothing(self, record: Record, make: Make) -> None:
        record.append(make(0))
        drafts = [make(1, evidence=b"1"), make(2, evidence=b"2"), make(float("nan"))]
        with pytest.raises(ValueError, match="NaN"):
            record.append_many(drafts)
        assert record.size == 1 and record.vault.total() == 0
        assert [e.index for e in record.append_many(drafts[:2])] == [1, 2]

    def test_an_undeclared_event_is_refused(self, record: Record, make: Make) -> None:
        @dataclass(frozen=True)
        class Undeclared:
            n: int

        with pytest.raises(TypeError):
            record.append(replace(make(0), happened=Undeclared(1)))
        assert record.size == 0

    def test_a_clock_that_went_back_is_a_note(self, record: Record, make: Make) -> None:
        record.append_many([make(n) for n in range(2)])
        clock = record.context.clock
        clock.now = clock.now.replace(year=2020)  # type: ignore[attr-defined]
        record.append_many([make(n) for n in range(2, 5)])
        report = verify(record)
        assert report.ok and [(f.severity, f.index) for f in report.findings] == [("note", 2)]
        assert "the clock went back" in report.findings[0].message.en

    def test_everything_repeats_with_clock_and_entropy(
        self, tmp_path: Path, fixed: Callable[[Path], Context], make: Make
    ) -> None:
        seen = []
        for name in ("a", "b"):
            with open_record(fixed(tmp_path / name)) as record:
                record.append_many([make(n, e=bytes([n])) for n in range(5)])
                seen.append((record.root(), record.checkpoint(), record.vkey))
        assert seen[0] == seen[1]


class TestRead:
    def test_filters_and_ranges(self, record: Record, make: Make, make_other: Make) -> None:
        record.append_many([make(n) if n % 3 else make_other(n) for n in range(700)])

        def indexes(*args: int | None, **kwargs: str) -> list[int]:
            return [e.index for e in record.entries(*args, **kwargs)]  # type: ignore[arg-type]

        assert indexes() == list(range(700))
        assert indexes(5, 9) == [5, 6, 7, 8] and indexes(698) == [698, 699]
        assert indexes(5, 5) == [] and indexes(9, 5) == [] and indexes(-3, 2) == [0, 1]
        assert indexes(kind="test.other/1") == list(range(0, 700, 3))
        assert indexes(10, 20, about="pilot:a") == [n for n in range(10, 20) if n % 3]
        assert indexes(0, 30, kind="test.other/1", about="pilot:b") == list(range(0, 30, 3))
        assert indexes(kind="test.other/1", about="pilot:a") == []

    def test_appending_while_reading(self, record: Record, make: Make) -> None:
        record.append_many([make(n) for n in range(300)])
        seen = 0
        for entry in record.entries(0, 600):
            seen += 1
            if entry.index % 2 == 0:
                record.append(make(1000 + entry.index))
        assert seen == 600

    def test_an_entry_by_index(self, record: Record, make: Make) -> None:
        entry = record.append(make(1))
        assert record.entry(0) == entry
        for index in (-1, 1):
            with pytest.raises(RecordError) as error:
                record.entry(index)
            refused(error, "record.no_entry")

    def test_bodies(self, record: Record, make: Make) -> None:
        big = bytes(range(256)) * 5000
        entry = record.append(make(1, big=big, empty=b"", text="证据".encode()))
        assert record.body(entry, "big") == big and record.body(entry, "empty") == b""
        assert record.body(record.entry(0), "text").decode() == "证据"
        opening = record.opening(entry, "big")
        assert commit(opening.salt, opening.body) == entry.envelope["vault"]["big"]["commitment"]
        with pytest.raises(RecordError) as error:
            record.body(entry, "other")
        refused(error, "record.no_body")

    def test_changed_and_erased_bodies(self, record: Record, make: Make) -> None:
        entry = record.append(make(1, a=b"body"))
        for change, code in [
            ("UPDATE body SET data = X'00'", "record.body_changed"),
            ("UPDATE body SET salt = X'00'", "record.body_changed"),
            ("DELETE FROM body", "record.body_gone"),
        ]:
            with closing(sqlite3.connect(record.home / VAULT)) as hand, hand:
                hand.execute(change)
            with pytest.raises(RecordError) as error:
                record.body(entry, "a")
            refused(error, code)
            assert "entry 0" in error.value.where

    def test_equal_bodies_look_different_in_the_log(self, record: Record, make: Make) -> None:
        one, two = record.append(make(1, e=b"yes")), record.append(make(2, e=b"yes"))
        assert one.envelope["vault"] != two.envelope["vault"]
        plain = hashlib.sha256(b"yes").hexdigest()
        assert plain not in one.data.decode() and b"yes" not in one.data

    def test_entropy_that_never_changes_loses_nothing(self, tmp_path: Path, make: Make) -> None:
        with open_record(Context(tmp_path, entropy=bytes)) as record:
            entries = record.append_many([make(n, e=b"same") for n in range(2)])
            assert [record.body(entry, "e") for entry in entries] == [b"same", b"same"]
            assert verify(record).ok


class TestProve:
    def test_roots_and_proofs_are_those_of_the_entries(self, record: Record, make: Make) -> None:
        record.append_many([make(n) for n in range(37)])
        leaves = [merkle.leaf_hash(e.data) for e in record.entries()]
        for size in (0, 1, 2, 7, 32, 36, 37):
            assert record.root(size) == merkle.root(leaves[:size])
            for at in range(size):
                assert record.inclusion(at, size) == merkle.inclusion_proof(leaves[:size], at)
                assert record.consistency(at, size) == merkle.consistency_proof(leaves[:size], at)
        assert record.inclusion(3) == merkle.inclusion_proof(leaves, 3)
        assert record.consistency(3) == merkle.consistency_proof(leaves, 3)

    def test_impossible_requests(self, record: Record, make: Make) -> None:
        record.append(make(0))
        for ask in (
            lambda: record.root(2),
            lambda: record.root(-1),
            lambda: record.inclusion(1),
            lambda: record.consistency(2),
        ):
            with pytest.raises(IndexError):
                ask()


class TestSign:
    def test_each_checkpoint_extends_those_before(self, record: Record, make: Make) -> None:
        signed = []
        for n in range(6):
            signed.append(verify_checkpoint(record.checkpoint(), record.verifier))
            record.append(make(n))
        for one in signed:
            for two in signed[one.size :]:
                proof = record.consistency(one.size, two.size)
                assert merkle.verify_consistency(one.size, two.size, proof, one.root, two.root)
        assert [size for size, _ in record.log.checkpoints()] == list(range(6))

    def test_the_same_size_gives_the_same_note(self, record: Record, make: Make) -> None:
        record.append(make(0))
        assert record.checkpoint() == record.checkpoint() == record.latest()
        assert len(list(record.log.checkpoints())) == 1

    def test_the_key_is_made_once_and_kept_secret(self, context: Context, make: Make) -> None:
        with open_record(context) as record:
            vkey = record.vkey
        with open_record(context) as record:
            assert record.vkey == vkey and record.sign("a\n")
        secret = context.home / keys.SECRET
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert stat.S_IMODE(secret.parent.stat().st_mode) & 0o077 == 0
        assert (context.home / keys.PUBLIC).read_text("utf-8").strip() == vkey
        assert sorted(p.name for p in secret.parent.iterdir()) == ["base.key", "base.vkey"]

    def test_names(self, tmp_path: Path, fixed: Callable[[Path], Context]) -> None:
        with open_record(fixed(tmp_path / "a")) as record:
            key = record.verifier
            assert key.name == f"pilotbase.local/{hashlib.sha256(key.public).hexdigest()[:16]}"
            assert record.checkpoint().startswith(key.name + "\n0\n")
        with open_record(fixed(tmp_path / "b"), name="base.example/log") as record:
            assert record.verifier.name == "base.example/log"
        (tmp_path / "c").mkdir()
        (tmp_path / "c" / "home.json").write_text('{"format": 1, "name": "c.example"}')
        with open_record(fixed(tmp_path / "c")) as record:
            assert record.vkey.startswith("c.example+")

    def test_other_texts(self, record: Record) -> None:
        signed = record.sign("pilotbase/plan/1\nabc\n")
        assert note.verify(signed, [record.verifier]).text == "pilotbase/plan/1\nabc\n"

    def test_nothing_that_could_pass_for_a_checkpoint(self, record: Record, make: Make) -> None:
        record.append(make(0))
        name = record.verifier.name
        body = note.parse(record.checkpoint()).text
        for text in (
            body,
            body.replace(name, "elsewhere.example"),
            f"{name}\n01\nx\n",
            name + "\n",
        ):
            with pytest.raises(RecordError) as error:
                record.sign(text)
            refused(error, "record.sign_checkpoint")

    def test_a_lost_key_is_not_replaced(self, context: Context, make: Make) -> None:
        with open_record(context) as record:
            record.append(make(0))
            vkey, signed = record.vkey, record.checkpoint()
        (context.home / keys.SECRET).unlink()
        with open_record(context) as record:
            assert record.vkey == vkey and record.append(make(1)).index == 1
            with pytest.raises(RecordError) as error:
                record.checkpoint()
            refused(error, "record.key_lost")
            assert verify(record).ok and record.latest() == signed
        (context.home / keys.PUBLIC).unlink()
        with open_record(context) as record, pytest.raises(RecordError) as error:
            record.sign("a\n")
        refused(error, "record.key_lost")

    def test_a_broken_key_file(self, context: Context) -> None:
        with open_record(context) as record:
            assert record.vkey
        secret = (context.home / keys.SECRET).read_text("utf-8")
        (context.home / keys.SECRET).write_text(secret[:-9])
        with open_record(context) as record, pytest.raises(RecordError) as error:
            record.checkpoint()
        refused(error, "record.bad_key")
        assert secret[30:60] not in str(error.value) + repr(error.value.__cause__)


class TestPutBack:
    """A log put back to an older state must not grow a second future beside the signed one."""

    def test_it_is_refused(self, context: Context, make: Make) -> None:
        with open_record(context) as record:
            record.append(make(0))
        older = (context.home / LOG).read_bytes()
        with open_record(context) as record:
            record.append(make(1))
            record.checkpoint()
        (context.home / LOG).write_bytes(older)
        with open_record(context) as record:
            for ask in (lambda: record.append(make(2)), record.checkpoint):
                with pytest.raises(RecordError) as error:
                    ask()
                refused(error, "record.put_back")
            assert record.size == 1 and not verify(record).ok

    def test_a_fork_of_the_same_size_is_not_signed(self, context: Context, make: Make) -> None:
        with open_record(context) as record:
            record.append(make(0))
        older = (context.home / LOG).read_bytes()
        with open_record(context) as record:
            record.append(make(1))
            signed = record.checkpoint()
        (context.home / LOG).write_bytes(older)
        (context.home / LATEST).unlink()
        with open_record(context) as record:
            record.append(make(2))
            (context.home / LATEST).write_text(signed, "utf-8")
            with pytest.raises(RecordError) as error:
                record.checkpoint()
        refused(error, "record.put_back")

    def test_nothing_is_signed_after_a_checkpoint_that_was_changed(
        self, record: Record, make: Make
    ) -> None:
        record.checkpoint()
        with closing(sqlite3.connect(record.home / LOG)) as hand, hand:
            hand.execute("UPDATE checkpoint SET note = note || 'x'")
        record.append(make(0))
        with pytest.raises(RecordError) as error:
            record.checkpoint()
        refused(error, "record.put_back")

    def test_an_unreadable_copy_is_written_anew(self, context: Context, make: Make) -> None:
        with open_record(context) as record:
            record.append(make(0))
            record.checkpoint()
        (context.home / LATEST).write_bytes(b"\xff\xff")
        with open_record(context) as record:
            assert not verify(record).ok
            record.append(make(1))
            assert record.latest() != record.checkpoint() == record.latest()
            assert verify(record).ok


class TestOpen:
    def test_a_missing_record_is_not_made_by_looking(self, context: Context) -> None:
        with pytest.raises(RecordError) as error:
            open_record(context, create=False)
        refused(error, "record.missing")
        assert not context.home.exists()

    def test_it_goes_on_where_it_was(self, context: Context, make: Make) -> None:
        for n in range(20):
            with open_record(context) as record:
                assert record.append(make(n)).index == n
        with open_record(context) as record:
            assert verify(record).ok and record.size == 20

    def test_threads_share_a_record(self, record: Record, make: Make) -> None:
        def work(base: int) -> None:
            for n in range(25):
                record.append(make(base + n, e=b"x"))
                record.root()

        threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert record.size == 100 and verify(record).ok
