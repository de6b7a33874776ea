"""The outside witness: its receipt fixes the order, and there is one receipt for one plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from pilotbase import Base, PilotbaseError
from pilotbase.desk.verbs import WitnessKeyRequest, WitnessSignRequest, witness_key, witness_sign
from pilotbase.kernel.errors import InputError
from tests.desk.files import write


def test_a_witnessed_run(tmp_path: Path) -> None:
    base = Base(tmp_path / "home")
    key = witness_key(base.context, WitnessKeyRequest("city-auditor", tmp_path / "w.key"))
    assert (tmp_path / "w.key").stat().st_mode & 0o777 == 0o600
    file = write(tmp_path, plan={"evidence": "fixed", "witness": key.vkey})
    with pytest.raises(PilotbaseError, match="receipt_missing") as missing:
        base.run(file)
    assert missing.value.exit_code == 3
    base.plan(file, out=tmp_path / "plan.txt")
    sign = WitnessSignRequest(tmp_path / "plan.txt", tmp_path / "w.key", tmp_path / "receipt.txt")
    assert witness_sign(base.context, sign).receipt == witness_sign(base.context, sign).receipt
    result = base.run(file, receipt=tmp_path / "receipt.txt")
    assert result.plan["witness"] == "witnessed before the start by city-auditor"
    other = Base(tmp_path / "elsewhere").run(file, receipt=tmp_path / "receipt.txt")
    assert other.candidates == result.candidates


def test_a_receipt_of_another_plan_or_a_stranger_is_refused(tmp_path: Path) -> None:
    base = Base(tmp_path / "home")
    key = witness_key(base.context, WitnessKeyRequest("city-auditor", tmp_path / "w.key"))
    stranger = witness_key(base.context, WitnessKeyRequest("stranger", tmp_path / "s.key"))
    assert key.vkey != stranger.vkey
    one = write(tmp_path, plan={"evidence": "fixed", "witness": key.vkey})
    other = write(
        tmp_path, "other.yaml", plan={"evidence": "fixed", "witness": key.vkey, "alpha": 0.01}
    )
    base.plan(one, out=tmp_path / "plan.txt")
    for key_file, name in (("w.key", "right.txt"), ("s.key", "wrong.txt")):
        request = WitnessSignRequest(tmp_path / "plan.txt", tmp_path / key_file, tmp_path / name)
        witness_sign(base.context, request)
    with pytest.raises(PilotbaseError, match="wrong_receipt"):
        base.run(other, receipt=tmp_path / "right.txt")
    with pytest.raises(PilotbaseError, match="unsigned"):
        base.run(one, receipt=tmp_path / "wrong.txt")
    with pytest.raises(PilotbaseError, match="wrong_receipt"):
        base.run(write(tmp_path, "plain.yaml"), receipt=tmp_path / "right.txt")


def test_a_faulty_witness_key_is_a_fault_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, plan={"witness": "nonsense"})
    with pytest.raises(PilotbaseError) as caught:
        Base(tmp_path / "home").plan(file)
    assert "plan.witness_key" in [f["code"] for f in caught.value.as_dict()["faults"]]


def test_keys_are_never_overwritten_and_names_are_names(tmp_path: Path) -> None:
    context = Base(tmp_path / "home").context
    witness_key(context, WitnessKeyRequest("w", tmp_path / "w.key"))
    before = (tmp_path / "w.key").read_bytes()
    with pytest.raises(PilotbaseError, match="exists"):
        witness_key(context, WitnessKeyRequest("w", tmp_path / "w.key"))
    assert (tmp_path / "w.key").read_bytes() == before
    with pytest.raises(PilotbaseError):
        witness_key(context, WitnessKeyRequest("has space", tmp_path / "x.key"))
    assert not (tmp_path / "x.key").exists()


def test_what_is_no_plan_or_no_key_is_faulty_input(tmp_path: Path) -> None:
    base = Base(tmp_path / "home")
    (tmp_path / "none").touch()
    witness_key(base.context, WitnessKeyRequest("w", tmp_path / "w.key"))
    base.plan(write(tmp_path), out=tmp_path / "plan.txt")
    for plan, key, where in (("none", "w.key", "none"), ("plan.txt", "none", "none")):
        with pytest.raises(InputError) as caught:
            witness_sign(base.context, WitnessSignRequest(tmp_path / plan, tmp_path / key))
        assert caught.value.exit_code == 2 and caught.value.where == str(tmp_path / where)
