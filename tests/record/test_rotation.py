"""Rotating the key: a chain of keys that outsiders can follow, and a kill at any moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record import keys, rotation
from pilotbase.record.adapters.sqlite_log import SqliteLog
from pilotbase.record.audit import verify
from pilotbase.record.opened import Record, open_record
from pilotbase.record.proofs import prove, prove_consistency
from pilotbase.record.rules import note
from pilotbase.record.rules.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from pilotbase.record.rules.note import SigningKey, VerifierKey
from pilotbase.record.rules.proof import check
from pilotbase.record.rules.rotation import KeyChain, follow, introduced, statement

Make = Callable[..., Draft]
BY = Actor("Li Hua", "signatory")
A, B, C = (SigningKey("log.example", bytes([n]) * 32) for n in (1, 2, 3))
D = SigningKey("other.example", bytes([4]) * 32)


def body(old: SigningKey, new: SigningKey) -> dict[str, str]:
    vkeys = {"old": old.verifier.encode(), "new": new.verifier.encode()}
    return {**vkeys, "statement": statement(old, new), "reason": ""}


class TestStatement:
    def test_it_introduces_the_new_key(self) -> None:
        assert introduced(statement(A, B), A.verifier) == B.verifier

    def test_both_have_to_sign_exactly_this(self) -> None:
        text = note.parse(statement(A, B)).text
        for signed in (
            note.sign(text, [A]),
            note.sign(text, [B]),
            note.sign(text, [A, C]),
            note.sign(text + "more\n", [A, B]),
            note.sign(text.replace("key-rotation/1", "key-rotation/2"), [A, B]),
            note.sign(text.replace("log log.example", "log other.example"), [A, B]),
            statement(A, A),
            statement(A, D),
            "",
            "x",
        ):
            with pytest.raises(RecordError):
                introduced(signed, A.verifier)
        with pytest.raises(RecordError):
            introduced(statement(A, B), C.verifier)

    def test_a_chain_is_followed_from_any_of_its_keys(self) -> None:
        statements = [statement(A, B), statement(B, C)]
        assert follow(A.verifier, statements) == [A.verifier, B.verifier, C.verifier]
        assert follow(B.verifier, statements) == [B.verifier, C.verifier]
        assert follow(D.verifier, statements) == [D.verifier]


class TestChain:
    chain = KeyChain.of(B.verifier, [(4, body(A, B)), (9, body(B, C))])

    def test_which_key_signs_which_size(self) -> None:
        signers = {0: A, 4: A, 5: B, 9: B, 10: C, 10**9: C}
        for size, key in signers.items():
            assert self.chain.at(size) == key.verifier
            for other in (A, B, C):
                signed = sign_checkpoint(Checkpoint("log.example", size, bytes(32)), other)
                if other == key:
                    assert verify_checkpoint(signed, self.chain).size == size
                else:
                    with pytest.raises(RecordError) as error:
                        verify_checkpoint(signed, self.chain)
                    assert error.value.code == "checkpoint.retired_key"

    def test_what_does_not_follow_is_refused(self) -> None:
        for first, rotations in (
            (D, [(4, body(A, B))]),
            (A, [(4, body(A, B)), (9, body(A, C))]),
            (A, [(4, {**body(A, B), "new": C.verifier.encode()})]),
            (A, [(4, {**body(A, B), "statement": "x"})]),
            (A, [(4, {})]),
        ):
            with pytest.raises(RecordError):
                KeyChain.of(first.verifier, rotations)
        assert KeyChain.of(A.verifier, []).at(7) == A.verifier


class TestRotate:
    def test_old_and_new_hold(self, record: Record, make: Make) -> None:
        record.append_many([make(n) for n in range(3)])
        old, signed = record.verifier, record.checkpoint()
        entry = record.rotate_key("worn out", BY)
        record.append(make(4))
        new, later = record.verifier, record.checkpoint()
        assert entry.index == 3 and new != old and new.name == old.name
        assert verify_checkpoint(signed, old).size == 3
        assert verify_checkpoint(later, new).size == 5
        for key in (None, old, new):
            report = verify(record, key, held=signed)
            assert report.ok and report.checkpoints == 2 and report.vkey == new.encode()
        other = VerifierKey(old.name, B.verifier.public)
        assert not verify(record, other).ok

    def test_proofs_lead_from_the_old_key_to_the_new(self, record: Record, make: Make) -> None:
        record.append(make(0))
        old, signed = record.verifier, record.checkpoint()
        early = prove(record, 0)
        record.rotate_key("", BY)
        record.rotate_key("", BY)
        late, grown = prove(record, 2), prove_consistency(record, 1)
        assert check(early, old).ok and not check(early, record.verifier).ok
        for key in (old, record.verifier):
            assert check(late, key).ok
        assert check(grown, old).ok and grown["from"] == signed
        assert not check({**late, "rotations": late["rotations"][1:]}, old).ok
        assert "rotations" not in early

    def test_a_retired_key_signs_nothing_that_counts(self, record: Record, make: Make) -> None:
        record.append(make(0))
        record.checkpoint()
        stolen = keys.load(record.home)
        assert stolen is not None
        record.rotate_key("stolen", BY)
        record.append(make(1))
        forged = sign_checkpoint(Checkpoint(stolen.name, 3, record.root()), stolen)
        assert not verify(record, held=forged).ok
        with record.log.transaction() as log:
            log.add_checkpoint(3, forged)
        assert not verify(record).ok

    def test_the_old_secret_is_gone(self, record: Record, make: Make) -> None:
        record.append(make(0))
        record.checkpoint()
        old = keys.load(record.home)
        assert old is not None
        record.rotate_key("", BY)
        secret = old.encode().split("+", 4)[4]
        for path in record.home.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path
        assert not keys.waiting(record.home)
        assert (record.home / keys.SECRET).stat().st_mode & 0o777 == 0o600

    def test_a_process_that_was_open_signs_with_the_new_key(
        self, record: Record, context: Context, make: Make
    ) -> None:
        record.append(make(0))
        record.checkpoint()
        with open_record(context) as other:
            other.rotate_key("", BY)
        record.append(make(2))
        assert verify_checkpoint(record.checkpoint(), record.verifier).size == 3
        assert verify(record).ok


class TestKilled:
    """A kill after each step: one key is in force, and the next to sign goes on with it."""

    @pytest.mark.parametrize("step", ["keep_waiting", "append", "promote", "public"])
    def test_after(
        self, step: str, context: Context, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        record = open_record(context)
        record.append(make(0))
        old = record.verifier
        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            if step == "keep_waiting":
                patch.setattr(Record, "append", killed)
            elif step == "append":
                patch.setattr(keys, "promote", killed)
            elif step == "promote":
                patch.setattr(keys, "write_secret", self.second_fails(keys.write_secret))
            else:
                patch.setattr(rotation, "won", killed)
            record.rotate_key("", BY)
        record.close()
        with open_record(context) as again:
            again.append(make(1))
            signed = again.checkpoint()
            rotated = step != "keep_waiting"
            assert (again.verifier != old) == rotated
            assert verify_checkpoint(signed, again.verifier).size == again.size
            assert verify(again).findings == () and again.size == 2 + rotated
            again.rotate_key("once more", BY)
            assert verify(again).ok and not keys.waiting(again.home)

    @pytest.mark.parametrize("name", [".base.key.77.part", ".next-0a1b2c3d.key.77.part"])
    def test_while_a_secret_was_written(self, context: Context, make: Make, name: str) -> None:
        with open_record(context) as record:
            record.append(make(0))
            record.checkpoint()
            (record.home / "keys" / name).write_bytes(b"half a secret")
            record.append(make(1))
            record.checkpoint()
            assert not list((record.home / "keys").glob(".*.part"))

    @staticmethod
    def second_fails(write: Callable[[Path, bytes], None]) -> Callable[[Path, bytes], None]:
        calls = iter(range(10))

        def writing(path: Path, data: bytes) -> None:
            if next(calls):
                raise KeyboardInterrupt
            write(path, data)

        return writing


def test_a_changed_rotation_is_named(record: Record, make: Make) -> None:
    record.append(make(0))
    record.rotate_key("", BY)
    assert isinstance(record.log, SqliteLog)
    with closing(
        record.log._connection.execute("SELECT data FROM entry WHERE leaf_index = 1")
    ) as c:
        (data,) = c.fetchone()
    said = json.loads(data)
    said["body"]["statement"] = said["body"]["statement"].replace("log ", "log x", 1)
    changed = json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    record.log._connection.execute("UPDATE entry SET data = ? WHERE leaf_index = 1", (changed,))
    report = verify(record)
    assert not report.ok and report.first_bad_index == 1
