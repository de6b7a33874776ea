"""The record's verbs, as a face calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pilotbase.kernel.errors import InputError, PilotbaseError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context, as_data, verbs_of
from pilotbase.record import verbs
from pilotbase.record.opened import open_record
from pilotbase.record.rules.merkle import leaf_hash
from pilotbase.record.verbs.auditing import VerifyRequest
from pilotbase.record.verbs.proving import TRUSTED, UNTRUSTED, CheckRequest, ProveRequest
from pilotbase.record.verbs.publishing import FetchRequest, PublishRequest
from pilotbase.record.verbs.reading import ShowRequest
from pilotbase.record.verbs.signing import CheckpointRequest, RotateKeyRequest
from pilotbase.record.verbs.witnessing import AcceptRequest, AskRequest, WitnessRequest
from tests.record.hands import change_entry

Make = Callable[..., Draft]


@pytest.fixture
def home(context: Context, make: Make, make_other: Make) -> Context:
    with open_record(context) as record:
        record.append_many([make(n, e=b"x") if n % 2 else make_other(n) for n in range(6)])
    return context


def refused(code: str, error: type[PilotbaseError], ask: Callable[[], object]) -> None:
    with pytest.raises(error) as caught:
        ask()
    assert caught.value.code == code


def test_they_are_declared() -> None:
    modules = [import_module(f"pilotbase.record.verbs.{subject}") for subject in verbs.SUBJECTS]
    declared = {verb.name: verb for module in modules for verb in verbs_of(module)}
    assert list(declared)[:3] == ["record.verify", "record.show", "record.checkpoint"]
    for verb in declared.values():
        assert verb.summary.en and verb.summary.zh and verb.roles and verb.response.__doc__
        assert verb.request.__dataclass_params__.frozen


def test_declaring_them_loads_nothing_heavy() -> None:
    code = "import sys, pilotbase.record.verbs; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(p for p in sys.path if p)},
    )
    assert not {"cryptography", "sqlite3", "numpy"} & set(run.stdout.split())


class TestVerify:
    def test_a_sound_record(self, home: Context) -> None:
        response = verbs.verify(home, VerifyRequest())
        assert response.ok and response.exit_code == 0 and response.size == 6
        assert response.bodies == 3 and response.findings == () and response.vkey is None
        assert json.loads(json.dumps(as_data(response)))["first_bad_index"] is None

    def test_a_broken_one(self, home: Context) -> None:
        change_entry(home.home, 2)
        response = verbs.verify(home, VerifyRequest())
        assert response.exit_code == 3 and response.first_bad_index == 2
        first = as_data(response)["findings"][0]
        assert first["severity"] == "fault" and first["where"]["zh"] == "第 2 条记录"

    def test_hashes_alone(self, home: Context, tmp_path: Path) -> None:
        held = tmp_path / "held.txt"
        held.write_text(verbs.checkpoint(home, CheckpointRequest()).checkpoint, "utf-8")
        whole = verbs.verify(home, VerifyRequest())
        assert verbs.verify(home, VerifyRequest(hashes=True, held=held)).ok
        quick = verbs.verify(home, VerifyRequest(hashes=True))
        assert quick.ok and quick.findings == () and quick.bodies == quick.views == 0
        same = ("size", "root", "checkpoints", "vkey")
        assert [getattr(quick, n) for n in same] == [getattr(whole, n) for n in same]
        with pytest.raises(InputError) as error:
            verbs.verify(home, VerifyRequest(hashes=True, since=held))
        assert error.value.code == "record.hashes_alone"
        held.write_text(held.read_text("utf-8").replace("\n6\n", "\n7\n"), "utf-8")
        assert not verbs.verify(home, VerifyRequest(hashes=True, held=held)).ok
        change_entry(home.home, 2)
        broken = verbs.verify(home, VerifyRequest(hashes=True))
        assert broken.exit_code == 3 and broken.first_bad_index == 2 and broken.size == 2

    def test_with_a_key_and_a_checkpoint_from_elsewhere(
        self, home: Context, tmp_path: Path
    ) -> None:
        signed = verbs.checkpoint(home, CheckpointRequest())
        held = tmp_path / "held.txt"
        held.write_text(signed.checkpoint, "utf-8")
        assert verbs.verify(home, VerifyRequest(signed.vkey, held)).ok
        held.write_text("root:x:0:0:root:/root:/bin/bash\n")
        for ask in (VerifyRequest(held=held), VerifyRequest(since=held)):
            refused("record.no_checkpoint", InputError, lambda ask=ask: verbs.verify(home, ask))  # type: ignore[misc]
        held.write_text(signed.checkpoint.replace("\n6\n", "\n7\n"), "utf-8")
        assert not verbs.verify(home, VerifyRequest(signed.vkey, held)).ok
        other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        assert verbs.verify(home, VerifyRequest(other)).exit_code == 3

    def test_bad_input(self, home: Context, tmp_path: Path) -> None:
        key, missing = VerifyRequest("nonsense"), VerifyRequest("", tmp_path / "none")
        refused("note.malformed_key", InputError, lambda: verbs.verify(home, key))
        refused("record.bad_file", InputError, lambda: verbs.verify(home, missing))
        for folder in (tmp_path / "none", tmp_path):
            ask = VerifyRequest(tiles=folder)
            refused("record.no_log_folder", InputError, lambda ask=ask: verbs.verify(home, ask))  # type: ignore[misc]

    def test_no_home(self, context: Context) -> None:
        refused("record.missing", RecordError, lambda: verbs.verify(context, VerifyRequest()))
        assert not context.home.exists()


class TestShow:
    def show(self, home: Context, **asked: Any) -> list[int]:
        return [e["index"] for e in verbs.show(home, ShowRequest(**asked)).entries]

    def test_filters_and_limits(self, home: Context) -> None:
        assert self.show(home) == list(range(6))
        assert self.show(home, kind="test.other/1") == [0, 2, 4]
        assert self.show(home, about="pilot:a", start=2) == [3, 5]
        assert self.show(home, limit=2) == [0, 1] and self.show(home, limit=0) == []
        assert verbs.show(home, ShowRequest(limit=1)).size == 6

    def test_one_by_its_index(self, home: Context) -> None:
        assert self.show(home, index=3) == [3]
        assert self.show(home, index=3, kind="test.other/1") == []
        refused("record.no_entry", RecordError, lambda: self.show(home, index=99))
        refused("record.index_alone", InputError, lambda: self.show(home, index=3, start=2))

    def test_an_entry_shows_its_envelope(self, home: Context) -> None:
        (entry,) = verbs.show(home, ShowRequest(start=1, limit=1)).entries
        assert entry["kind"] == "test.counted/1" and entry["body"]["n"] == 1
        assert json.dumps(as_data(entry))

    def test_a_negative_limit(self, home: Context) -> None:
        refused("record.bad_limit", InputError, lambda: self.show(home, limit=-1))


class TestProveAndCheck:
    def test_a_proof_file_needs_nothing_else(self, home: Context, tmp_path: Path) -> None:
        file, nowhere = tmp_path / "proof.json", Context(tmp_path / "nowhere")
        proof = verbs.prove(home, ProveRequest(3, file))
        assert json.loads(file.read_bytes()) == as_data(proof)
        vkey = verbs.checkpoint(home, CheckpointRequest()).vkey
        checked = verbs.check(nowhere, CheckRequest(file, vkey))
        assert checked.ok and checked.exit_code == 0 and checked.trust == TRUSTED
        assert checked.index == 3 and checked.size == 6 and checked.entry is not None
        assert checked.entry["body"]["n"] == 3
        assert verbs.check(nowhere, CheckRequest(file)).trust == UNTRUSTED
        assert json.dumps(as_data(checked)) and not nowhere.home.exists()

    def test_a_changed_file(self, home: Context, tmp_path: Path) -> None:
        file = tmp_path / "proof.json"
        verbs.prove(home, ProveRequest(3, file))
        file.write_text(file.read_text("utf-8").replace('\\"n\\":3', '\\"n\\":4'), "utf-8")
        checked = verbs.check(home, CheckRequest(file))
        assert not checked.ok and checked.exit_code == 3 and checked.entry is None

    @pytest.mark.parametrize("second", ["entry", "index", "vkey"])
    def test_a_file_that_says_a_thing_twice(
        self, home: Context, tmp_path: Path, second: str
    ) -> None:
        """Whoever reads the first of two would see what was never signed."""
        file = tmp_path / "proof.json"
        verbs.prove(home, ProveRequest(3, file))
        file.write_text(f'{{"{second}":"forged",' + file.read_text("utf-8")[1:], "utf-8")
        with pytest.raises(InputError) as error:
            verbs.check(home, CheckRequest(file))
        assert error.value.code == "record.not_a_proof"
        assert f"{second!r} twice" in error.value.message.en
        assert f"{second!r} 出现两次" in error.value.message.zh

    def test_the_newest_checkpoint_is_used_while_it_has_the_entry(
        self, home: Context, make: Make
    ) -> None:
        signed = verbs.checkpoint(home, CheckpointRequest()).checkpoint
        with open_record(home) as record:
            record.append(make(99))
        assert verbs.prove(home, ProveRequest(5)).proof["checkpoint"] == signed
        assert verbs.prove(home, ProveRequest(6)).proof["checkpoint"] != signed

    def test_bad_input(self, home: Context, tmp_path: Path) -> None:
        refused("record.no_entry", RecordError, lambda: verbs.prove(home, ProveRequest(6)))
        file = tmp_path / "x.json"
        ask = CheckRequest(file)
        refused("record.bad_file", InputError, lambda: verbs.check(home, ask))
        for text in ("", "{", "[" * 100_000):
            file.write_text(text)
            refused("record.not_a_proof", InputError, lambda: verbs.check(home, ask))
        file.write_text("[]")
        assert verbs.check(home, ask).exit_code == 3


def test_a_checkpoint(home: Context) -> None:
    one = verbs.checkpoint(home, CheckpointRequest())
    assert (
        one.size == 6 and one.checkpoint == verbs.checkpoint(home, CheckpointRequest()).checkpoint
    )
    assert verbs.verify(home, VerifyRequest()).root == one.root


class TestForms:
    """The other proofs, and where a checkpoint may come from."""

    def test_by_leaf_hash(self, home: Context) -> None:
        with open_record(home) as record:
            leaf = leaf_hash(record.entry(4).data)
        for text in (leaf.hex(), f"sha256:{leaf.hex()}"):
            assert verbs.prove(home, ProveRequest(hash=text)).proof["index"] == 4
        ask = ProveRequest(hash="00" * 32)
        refused("record.no_such_hash", RecordError, lambda: verbs.prove(home, ask))
        for text in ("x", "00", "0" * 63):
            ask = ProveRequest(hash=text)
            refused("record.bad_hash", InputError, lambda ask=ask: verbs.prove(home, ask))  # type: ignore[misc]

    def test_one_thing_at_a_time(self, home: Context) -> None:
        for ask in (ProveRequest(), ProveRequest(3, hash="00" * 32), ProveRequest(3, from_="3")):
            refused("record.what_to_prove", InputError, lambda ask=ask: verbs.prove(home, ask))  # type: ignore[misc]

    def test_c2sp_form(self, home: Context, tmp_path: Path) -> None:
        file, vkey = tmp_path / "p.tlog-proof", verbs.checkpoint(home, CheckpointRequest()).vkey
        verbs.prove(home, ProveRequest(3, file))
        assert file.read_text("utf-8").startswith("c2sp.org/tlog-proof@v1\nextra ")
        checked = verbs.check(home, CheckRequest(file, vkey))
        assert checked.ok and checked.index == 3 and checked.entry is not None
        refused("record.key_needed", InputError, lambda: verbs.check(home, CheckRequest(file)))
        good = file.read_text("utf-8")
        for old, new in (("index 3", "index 4"), ("index 3", "index 03"), ("extra ", "extra e")):
            file.write_text(good.replace(old, new), "utf-8")
            assert not verbs.check(home, CheckRequest(file, vkey)).ok

    def test_consistency(self, home: Context, make: Make, tmp_path: Path) -> None:
        signed = verbs.checkpoint(home, CheckpointRequest())
        with open_record(home) as record:
            record.append(make(77))
        kept, file = tmp_path / "mail.txt", tmp_path / "c.json"
        kept.write_text(f"Hello,\n\n{signed.checkpoint}\nYours\n", "utf-8")
        for since in ("6", str(kept)):
            verbs.prove(home, ProveRequest(from_=since, out=file))
            checked = verbs.check(home, CheckRequest(file, signed.vkey))
            assert checked.ok and (checked.from_size, checked.size) == (6, 7)
            assert checked.index is None and checked.entry is None
        proof = json.loads(file.read_bytes())
        file.write_text(json.dumps({**proof, "to": proof["from"]}), "utf-8")
        assert not verbs.check(home, CheckRequest(file, signed.vkey)).ok
        ask = ProveRequest(from_="5")
        refused("record.no_checkpoint", RecordError, lambda: verbs.prove(home, ask))

    def test_a_checkpoint_by_itself(self, home: Context, tmp_path: Path) -> None:
        signed, file = verbs.checkpoint(home, CheckpointRequest()), tmp_path / "c"
        file.write_text(signed.checkpoint, "utf-8")
        assert verbs.check(home, CheckRequest(file, signed.vkey)).size == 6
        file.write_text(signed.checkpoint.replace("\n6\n", "\n7\n"), "utf-8")
        assert not verbs.check(home, CheckRequest(file, signed.vkey)).ok

    def test_held_and_since_with_text_around(
        self, home: Context, make: Make, tmp_path: Path
    ) -> None:
        signed, kept = verbs.checkpoint(home, CheckpointRequest()), tmp_path / "mail.txt"
        with open_record(home) as record:
            record.append_many([make(n) for n in range(80, 90)])
        kept.write_text(f"> Hello\r\n\r\n{signed.checkpoint}\r\n-- \r\nYours", "utf-8")
        assert verbs.verify(home, VerifyRequest(signed.vkey, kept)).ok
        found = verbs.verify(home, VerifyRequest(signed.vkey, since=kept))
        assert found.ok and found.size == 16 and found.bodies == 0
        assert found.root == verbs.verify(home, VerifyRequest()).root
        kept.write_text(signed.checkpoint.replace("\n6\n", "\n5\n"), "utf-8")
        assert not verbs.verify(home, VerifyRequest(signed.vkey, since=kept)).ok

    def test_since_audits_what_came_after(self, home: Context, make: Make, tmp_path: Path) -> None:
        signed, kept = verbs.checkpoint(home, CheckpointRequest()), tmp_path / "c"
        kept.write_text(signed.checkpoint, "utf-8")
        with open_record(home) as record:
            record.append_many([make(n) for n in range(80, 90)])
        for index, noticed in ((3, False), (12, True)):
            change_entry(home.home, index)
            found = verbs.verify(home, VerifyRequest(since=kept))
            assert found.ok != noticed and (found.first_bad_index == 12) == noticed
        assert verbs.verify(home, VerifyRequest()).first_bad_index == 3


class TestWitnessed:
    def test_from_request_to_final_in_files(self, home: Context, tmp_path: Path) -> None:
        own, vkey = Context(tmp_path / "w"), verbs.checkpoint(home, CheckpointRequest()).vkey
        asked, answer, proof = tmp_path / "asked", tmp_path / "answer", tmp_path / "proof"
        key = verbs.witness(own, WitnessRequest(log=vkey, name="witness.example")).vkey
        policy = tmp_path / "policy"
        policy.write_text(f"log {vkey}\nwitness w {key}\nquorum w\n", "utf-8")
        (home.home / "policy").write_bytes(policy.read_bytes())
        ask = CheckpointRequest(final=True)
        refused("record.none_final", RecordError, lambda: verbs.checkpoint(home, ask))
        verbs.prove(home, ProveRequest(2, proof))
        assert not verbs.check(home, CheckRequest(proof, policy=policy)).ok
        verbs.request(home, AskRequest("w", asked))
        verbs.witness(own, WitnessRequest(asked, answer))
        accepted = verbs.accept(home, AcceptRequest(answer))
        assert accepted.final and accepted.witnesses == ("witness.example",)
        signed = verbs.checkpoint(home, ask)
        assert signed.final and signed.checkpoint.count("\n— ") == 2 and signed.policy == "w"
        file = tmp_path / "p.tlog-proof"
        verbs.prove(home, ProveRequest(2, file))
        checked = verbs.check(own, CheckRequest(file, policy=policy))
        assert checked.ok and checked.witnesses == ("witness.example",)
        again = WitnessRequest(asked)
        refused("witness.refused_409", RecordError, lambda: verbs.witness(own, again))
        verbs.request(home, AskRequest("witness.example", asked))
        assert verbs.witness(own, WitnessRequest(asked)).cosignature is not None
        ahead, negative = AskRequest("w", old=99), AskRequest("w", old=-1)
        refused("witness.ahead", RecordError, lambda: verbs.request(home, ahead))
        refused("record.bad_size", InputError, lambda: verbs.request(home, negative))

    def test_publish_and_fetch(self, home: Context, tmp_path: Path) -> None:
        vkey = verbs.checkpoint(home, CheckpointRequest()).vkey
        made = verbs.publish(home, PublishRequest(tmp_path / "log"))
        assert made.size == 6 and made.files == 2
        where, mirror = str(tmp_path / "log"), tmp_path / "mirror"
        nowhere = Context(tmp_path / "nowhere")
        for _ in range(2):
            found = verbs.fetch(nowhere, FetchRequest(where, vkey, out=mirror))
            assert found.ok and found.exit_code == 0 and found.size == 6
            assert json.dumps(as_data(found)) and not nowhere.home.exists()
        ask = FetchRequest(where)
        refused("record.key_needed", InputError, lambda: verbs.fetch(nowhere, ask))
        (tmp_path / "log/tile/0/000.p/6").write_bytes(bytes(192))
        assert verbs.fetch(nowhere, FetchRequest(where, vkey)).exit_code == 3

    def test_rotate(self, home: Context) -> None:
        old = verbs.checkpoint(home, CheckpointRequest()).vkey
        made = verbs.rotate_key(home, RotateKeyRequest("worn"))
        assert made.old == old != made.vkey and made.index == 6
        assert verbs.verify(home, VerifyRequest(old)).ok
        assert verbs.verify(home, VerifyRequest(made.vkey)).ok
