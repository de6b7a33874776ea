"""The record's verbs, as a face calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pilotbase.kernel.errors import InputError, PilotbaseError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context, as_data, verbs_of
from pilotbase.record import verbs
from pilotbase.record.opened import LOG, open_record
from pilotbase.record.verbs.auditing import VerifyRequest
from pilotbase.record.verbs.proving import TRUSTED, UNTRUSTED, CheckRequest, ProveRequest
from pilotbase.record.verbs.reading import ShowRequest
from pilotbase.record.verbs.signing import CheckpointRequest

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
    declared = {verb.name: verb for verb in verbs_of(verbs)}
    assert list(declared) == [
        "record.verify",
        "record.show",
        "record.checkpoint",
        "record.prove",
        "record.check",
        "vault.list",
        "vault.erase",
        "vault.expire",
        "vault.encrypt",
    ]
    for verb in declared.values():
        assert verb.summary.en and verb.summary.zh and verb.roles and verb.response.__doc__
        assert verb.request.__dataclass_params__.frozen  # type: ignore[attr-defined]


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
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(home.home / LOG)) as hand, hand:
            hand.execute("UPDATE entry SET data = X'00' WHERE leaf_index = 2")
        response = verbs.verify(home, VerifyRequest())
        assert response.exit_code == 3 and response.first_bad_index == 2
        first = as_data(response)["findings"][0]
        assert first["severity"] == "fault" and first["where"]["zh"] == "第 2 条记录"

    def test_with_a_key_and_a_checkpoint_from_elsewhere(
        self, home: Context, tmp_path: Path
    ) -> None:
        signed = verbs.checkpoint(home, CheckpointRequest())
        held = tmp_path / "held.txt"
        held.write_text(signed.checkpoint, "utf-8")
        assert verbs.verify(home, VerifyRequest(signed.vkey, held)).ok
        held.write_text("")
        assert not verbs.verify(home, VerifyRequest(signed.vkey, held)).ok
        held.write_text(signed.checkpoint.replace("\n6\n", "\n7\n"), "utf-8")
        assert not verbs.verify(home, VerifyRequest(signed.vkey, held)).ok
        other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        assert verbs.verify(home, VerifyRequest(other)).exit_code == 3

    def test_bad_input(self, home: Context, tmp_path: Path) -> None:
        key, missing = VerifyRequest("nonsense"), VerifyRequest("", tmp_path / "none")
        refused("note.malformed_key", InputError, lambda: verbs.verify(home, key))
        refused("record.bad_file", InputError, lambda: verbs.verify(home, missing))

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
