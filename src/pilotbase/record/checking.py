"""Checking a file that claims something about a log, whatever kind of claim it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pilotbase.kernel.canonical import GivenTwice, decode_once
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.record.cosigned import who_cosigned
from pilotbase.record.inputs import not_a_proof, read_text
from pilotbase.record.rules import absence, note, proof, tlog_proof
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.policy import Policy
from pilotbase.record.rules.proof import Checked

Check = Callable[[object, VerifierKey | None], Checked]
JSON_CHECKS: Mapping[str, Check] = {
    proof.FORMAT: proof.check,
    proof.CONSISTENCY: proof.check,
    absence.FORMAT: absence.check,
}
"""By the ``format`` of a JSON file: what checks it. Each is pure and never raises."""


def check_file(file: Path, keys: Sequence[VerifierKey]) -> Checked:
    """What the file shows: a proof in one of our forms or C2SP's, or a checkpoint by itself.

    Args:
        keys: whose word counts; without any, a file that names a key is checked with that one.

    Raises:
        InputError: missing, too large, none of these forms, or in need of a key.
    """
    text = read_text(file)
    check = _check_of(text, file)
    if not keys:
        return check(None)
    seen = [check(key) for key in keys]
    return next((found for found in seen if found.ok), seen[0])


def with_policy(seen: Checked, policy: Policy) -> tuple[Checked, tuple[str, ...]]:
    """What is left of it under a trust policy, and the witnesses whose cosignatures hold."""
    witnesses = who_cosigned(seen.note, policy.witnesses.values())
    if not policy.final(witnesses):
        seen = replace(seen, problem=_TOO_FEW)
    return seen, tuple(witness.name for witness in witnesses)


def _check_of(text: str, file: Path) -> Callable[[VerifierKey | None], Checked]:
    plain = {tlog_proof.HEAD: proof.check_text}.get(text.partition("\n")[0])
    if plain is None and "\n\n" in text and f"\n\n{note.DASH}" in text and text[:1] != "{":
        plain = proof.check_note
    if plain is not None:
        return lambda key: plain(text, _needed(key, file))
    try:
        document = decode_once(text)
    except GivenTwice as error:
        raise not_a_proof(file, error.said) from error
    except (ValueError, RecursionError) as error:
        raise not_a_proof(file) from error
    said = document.get("format") if isinstance(document, dict) else None
    check = JSON_CHECKS.get(said, proof.check) if isinstance(said, str) else proof.check
    return lambda key: check(document, key)


def _needed(key: VerifierKey | None, file: Path) -> VerifierKey:
    if key is None:
        raise InputError(
            "record.key_needed",
            Text("this file names no key to check it with", "该文件未附验证密钥"),
            where=str(file),
            next_step=Text(
                "Give the base's verifier key with --key, or a policy with --policy.",
                "请用 --key 给出基地的验证密钥, 或用 --policy 给出信任策略。",
            ),
        )
    return key


_TOO_FEW = Text(
    "the proof holds, but too few witnesses of the policy have cosigned its checkpoint",
    "证明本身成立, 但策略所列见证人的签名不足",
)
