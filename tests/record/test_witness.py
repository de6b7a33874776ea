"""A witness: what it signs, what it refuses, and that it forgets nothing, whatever is killed."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pilotbase.kernel.errors import InputError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record import cosigned, witness
from pilotbase.record.audit import verify
from pilotbase.record.checking import check_file, with_policy
from pilotbase.record.opened import Record, open_record
from pilotbase.record.proofs import prove, prove_as_tlog
from pilotbase.record.rules import note
from pilotbase.record.rules.checkpoint import Checkpoint, sign_checkpoint
from pilotbase.record.rules.merkle import consistency_proof, leaf_hash, root
from pilotbase.record.rules.witnessing import Refused, Request
from pilotbase.record.witness import SIZE_TYPE, Witness, answer

Make = Callable[..., Draft]
LOG = note.SigningKey("log.example", bytes([1]) * 32)
LEAVES = [leaf_hash(bytes([n])) for n in range(20)]
FORK = [*LEAVES[:4], *(leaf_hash(bytes([n, n])) for n in range(16))]


def request(old: int, size: int, leaves: list[bytes] = LEAVES, key: note.SigningKey = LOG) -> str:
    made = sign_checkpoint(Checkpoint(LOG.name, size, root(leaves[:size])), key)
    proof = consistency_proof(leaves[:size], min(old, size))
    return Request(old, tuple(proof), made).encode()


@pytest.fixture
def own(tmp_path: Path, fixed: Callable[[Path], Context]) -> Context:
    context = fixed(tmp_path / "witness")
    with Witness(context) as made:
        made.know(LOG.verifier.encode())
    return context


def refused(context: Context, text: str) -> tuple[int, str]:
    with Witness(context) as made, pytest.raises(Refused) as caught:
        made.add_checkpoint(text)
    assert caught.value.reason.en and caught.value.reason.zh
    return caught.value.status, caught.value.body


def accepted(context: Context, text: str) -> None:
    with Witness(context) as made:
        line = made.add_checkpoint(text)
        signed = Request.parse(text).checkpoint
        assert note.verify(signed + line, [LOG.verifier, made.verifier]).signatures[1:]


class TestAddCheckpoint:
    def test_a_log_that_grows(self, own: Context) -> None:
        for old, new in ((0, 0), (0, 3), (3, 3), (3, 4), (4, 17), (17, 20)):
            accepted(own, request(old, new))

    def test_statuses(self, own: Context) -> None:
        """Each as c2sp.org/tlog-witness says."""
        accepted(own, request(0, 8))
        good = request(8, 12)
        stranger = note.SigningKey("stranger.example", bytes([2]) * 32)
        unknown = sign_checkpoint(Checkpoint(stranger.name, 1, LEAVES[0]), stranger)
        assert refused(own, Request(0, (), unknown).encode()) == (404, "")
        assert refused(own, request(8, 12, key=note.SigningKey(LOG.name, bytes(32))))[0] == 403
        assert refused(own, good.replace("\n12\n", "\n13\n"))[0] == 403
        assert refused(own, request(9, 8))[0] == 400
        assert refused(own, request(0, 12)) == (409, "8\n")
        assert refused(own, request(9, 12)) == (409, "8\n")
        assert refused(own, request(8, 8, FORK))[0] == 409
        assert refused(own, request(8, 12, FORK))[0] == 422
        lines = good.split("\n")
        assert refused(own, "\n".join([lines[0], *lines[2:]]))[0] == 422
        accepted(own, good)

    def test_a_rollback_is_refused(self, own: Context) -> None:
        accepted(own, request(0, 12))
        assert refused(own, request(0, 8)) == (409, "12\n")
        assert refused(own, request(8, 8)) == (409, "12\n")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "old 0",
            "old 0\n\n",
            "old 00\n\nx",
            "old -1\n\nx",
            "old 0\nAAAA\n\nx",
            "new 0\n\nx",
            "old 99999999999999999999\n\nx",
            "old 1\n" + "q" * 43 + "=\n\nx",
            "old 0\n" + ("A" * 43 + "=\n") * 64 + "\nx",
        ],
    )
    def test_no_request(self, own: Context, text: str) -> None:
        assert refused(own, text)[0] in (400, 404)

    def test_a_second_key_of_the_log(self, own: Context) -> None:
        newer = note.SigningKey(LOG.name, bytes([7]) * 32)
        accepted(own, request(0, 3))
        assert refused(own, request(3, 5, key=newer))[0] == 403
        with Witness(own) as made:
            made.know(newer.verifier.encode())
            assert made.add_checkpoint(request(3, 5, key=newer))

    def test_over_http(self, own: Context) -> None:
        with Witness(own) as made:
            assert answer(made, request(0, 5).encode())[0] == 200
            assert answer(made, request(0, 6).encode()) == (409, SIZE_TYPE, b"5\n")
            assert answer(made, b"\xff")[0] == 400

    def test_the_time_is_the_witness_s(self, own: Context) -> None:
        with Witness(own) as made:
            line = made.add_checkpoint(request(0, 5))
        value = note.parse("x\n\n" + line).signatures[0].value
        assert int.from_bytes(value[:8], "big") == 1795248001


class TestDurable:
    def test_a_kill_between_the_write_and_the_answer(
        self, own: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Witness(own) as made, monkeypatch.context() as patch:
            # The last thing that happens inside the transaction is to remember.
            remember = made._state.remember

            def killed(origin: str, checkpoint: str) -> None:
                remember(origin, checkpoint)
                raise KeyboardInterrupt

            patch.setattr(made._state, "remember", killed)
            with pytest.raises(KeyboardInterrupt):
                made.add_checkpoint(request(0, 5))
        accepted(own, request(0, 5))  # it was rolled back, and nothing had left the house
        assert refused(own, request(0, 5)) == (409, "5\n")  # its answer was lost: it is remembered
        accepted(own, request(5, 5))

    def test_of_two_forks_at_once_one_is_cosigned(self, own: Context) -> None:
        got = list[bool]()

        def ask(leaves: list[bytes]) -> None:
            with Witness(own) as made:
                try:
                    made.add_checkpoint(request(0, 9, leaves))
                    got.append(True)
                except Refused:
                    got.append(False)

        threads = [threading.Thread(target=ask, args=(x,)) for x in (LEAVES, FORK) * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == [False] * 5 + [True]

    def test_the_key_is_made_once_and_kept(self, own: Context) -> None:
        with Witness(own) as one, Witness(own) as two:
            assert one.verifier == two.verifier
        key = own.home / "keys" / "witness.key"
        assert key.stat().st_mode & 0o777 == 0o600
        key.write_text("nonsense", "utf-8")
        with Witness(own) as made, pytest.raises(RecordError):
            made.add_checkpoint(request(0, 5))


class TestQuorum:
    """A base with three witnesses of which two are enough."""

    @pytest.fixture
    def witnesses(self, tmp_path: Path, record: Record) -> list[Context]:
        made = [Context(tmp_path / f"w{n}") for n in range(3)]
        lines = []
        for n, context in enumerate(made):
            with Witness(context) as one:
                one.know(record.vkey)
                lines.append(f"witness w{n} {one.verifier.encode()}\n")
        policy = "".join(lines) + "group any-two 2 w0 w1 w2\nquorum any-two\n"
        (record.home / cosigned.POLICY).write_text(policy, "utf-8")
        return made

    def cosign(self, record: Record, context: Context, name: str) -> cosigned.Standing:
        with Witness(context) as one:
            return cosigned.accept(
                record, one.add_checkpoint(cosigned.ask(record, name, None).encode())
            )

    def test_final_with_two_of_three(
        self, record: Record, make: Make, witnesses: list[Context]
    ) -> None:
        record.append_many([make(n) for n in range(3)])
        known = cosigned.read_policy(record.home)
        assert cosigned.newest_final(record, known) is None
        assert not self.cosign(record, witnesses[0], "w0").final
        found = self.cosign(record, witnesses[2], "w2")
        assert found.final and len(found.witnesses) == 2
        record.append(make(9))
        assert not cosigned.standing(record, record.checkpoint(), known).final
        newest = cosigned.newest_final(record, known)
        assert newest is not None and newest.checkpoint.size == 3
        for n in (2, 1):
            found = self.cosign(record, witnesses[n], f"w{n}")
        assert found.final and found.checkpoint.size == 4

    def test_a_proof_bears_the_cosignatures(
        self, record: Record, make: Make, witnesses: list[Context], tmp_path: Path
    ) -> None:
        record.append_many([make(n) for n in range(3)])
        for n in (0, 2):
            self.cosign(record, witnesses[n], f"w{n}")
        record.append(make(9))
        record.checkpoint()  # newer, and not final
        known = cosigned.read_policy(record.home)
        assert known is not None
        (tmp_path / "p.json").write_text(json.dumps(prove(record, 1)), "utf-8")
        (tmp_path / "p.tlog-proof").write_text(prove_as_tlog(record, 1), "utf-8")
        for name in ("p.json", "p.tlog-proof"):
            seen, names = with_policy(check_file(tmp_path / name, [record.verifier]), known)
            assert seen.ok and len(names) == 2

    def test_a_log_older_than_what_was_cosigned_is_not_gone_on_with(
        self,
        record: Record,
        make: Make,
        witnesses: list[Context],
        tmp_path: Path,
        fixed: Callable[[Path], Context],
    ) -> None:
        """All of the home is put back but the cosignatures."""
        record.append_many([make(n) for n in range(3)])
        record.checkpoint()
        shutil.copytree(record.home, tmp_path / "back")
        record.append(make(3))
        self.cosign(record, witnesses[0], "w0")
        shutil.copytree(record.home / "cosignatures", tmp_path / "back" / "cosignatures")
        with open_record(fixed(tmp_path / "back")) as back:
            for work in (lambda: back.append(make(7)), back.checkpoint):
                with pytest.raises(RecordError, match=r"record\.put_back"):
                    work()
            (fault,) = verify(back).findings
            assert "cosignatures/4" in fault.where.en and "signed for 4" in fault.message.en

    def test_spoiled_cosignatures_are_named(
        self, record: Record, make: Make, witnesses: list[Context]
    ) -> None:
        record.append(make(0))
        self.cosign(record, witnesses[0], "w0")
        file = record.home / "cosignatures" / "1"
        good = file.read_text("utf-8")
        assert verify(record).ok
        last = good.splitlines()[-1]
        flipped = last[:-8] + ("A" if last[-8] != "A" else "B") + last[-7:]
        for bad in (good.replace("\n\n", "\n", 1), good.replace(last, flipped)):
            file.write_text(bad, "utf-8")
            (fault,) = verify(record).findings
            assert fault.severity == "fault" and "cosignatures/1" in fault.where.en
        file.write_text(good.replace("\n\n", "\n", 1), "utf-8")
        with pytest.raises(RecordError) as caught:
            cosigned.standing(record, record.checkpoint(), cosigned.read_policy(record.home))
        assert caught.value.where == str(file)

    def test_the_same_witness_counts_once(
        self, record: Record, make: Make, witnesses: list[Context]
    ) -> None:
        record.append(make(0))
        self.cosign(record, witnesses[0], "w0")
        assert not self.cosign(record, witnesses[0], "w0").final

    def test_what_is_not_accepted(
        self, record: Record, make: Make, witnesses: list[Context]
    ) -> None:
        record.append(make(0))
        with Witness(witnesses[0]) as one:
            line = one.add_checkpoint(cosigned.ask(record, "w0", None).encode())
        stranger = note.Signature("stranger", b"1234", bytes(72)).line()
        bad = line.replace(line[-20:-4], "A" * 16)
        for lines in ("", "x\n", stranger, bad):
            with pytest.raises(RecordError):
                cosigned.accept(record, lines)
        assert len(cosigned.accept(record, stranger + line).witnesses) == 1
        (record.home / cosigned.POLICY).unlink()
        with pytest.raises(RecordError) as error:
            cosigned.accept(record, line)
        assert error.value.code == "witness.not_accepted"

    def test_a_fork_is_seen_by_the_witness(
        self,
        record: Record,
        make: Make,
        witnesses: list[Context],
        tmp_path: Path,
        fixed: Callable[[Path], Context],
    ) -> None:
        record.append_many([make(n) for n in range(3)])
        self.cosign(record, witnesses[0], "w0")
        with open_record(fixed(tmp_path / "same")) as fork:
            fork.append_many([make(n) for n in range(5, 10)])
            asked = cosigned.ask(fork, "w0", 3)
            with Witness(witnesses[0]) as one, pytest.raises(Refused) as caught:
                one.add_checkpoint(asked.encode())
            assert caught.value.status == 422
            error = witness.refusal(caught.value, fork.verifier.name)
            assert error.code == "witness.refused_422"

    def test_a_malformed_policy_is_an_input_error(self, record: Record) -> None:
        (record.home / cosigned.POLICY).write_text("quorum two\n", "utf-8")
        with pytest.raises(InputError) as error:
            cosigned.read_policy(record.home)
        assert error.value.code == "policy.malformed"
