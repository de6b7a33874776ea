"""The report's script, function by function, in a real browser against independent answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pilotbase.kernel.canonical import encode
from pilotbase.record.rules import merkle, note
from pilotbase.record.rules.commitment import commit
from pilotbase.register.documents.figures import printed
from pilotbase.trial.evidence import RESOLUTION, Kind, Part
from pilotbase.trial.rules.order import committed_order, order_seed
from pilotbase.trial.rules.reading import read_part
from pilotbase.trial.rules.sequential import (
    e_bh,
    e_holm,
    holm,
    log_bernoulli_evalue,
    operating_characteristics,
)
from tests.register.conftest import SMALL, Reader


@pytest.fixture(scope="module")
def page(window: Reader, report: Callable[..., str]) -> Any:
    return window.open(report(**SMALL))


def test_sha_256_and_512_of_every_length_around_a_block(page: Any) -> None:
    random = np.random.default_rng(1)
    messages = [
        random.bytes(n) for n in (0, 1, 3, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 999)
    ]
    found = page.evaluate(
        """(all) => all.map((m) => { const bytes = Uint8Array.from(m);
             return [hashing.hex(hashing.sha256(bytes)), hashing.hex(hashing.sha512(bytes))]; })""",
        [list(message) for message in messages],
    )
    assert found == [
        [hashlib.sha256(m).hexdigest(), hashlib.sha512(m).hexdigest()] for m in messages
    ]


# RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc): public key, message, signature.
RFC8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
        "f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
        "4dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]  # fmt: skip
VERIFY = """(all) => Promise.all(all.map(async (triple) => {
  const [key, message, signature] = triple.map(hashing.fromHex);
  const { holds, with: by } = await ed25519.verify(key, message, signature);
  return [by, holds, ed25519.verifyHere(key, message, signature)];
}))"""


def test_ed25519_holds_for_the_vectors_of_rfc_8032(page: Any) -> None:
    assert page.evaluate(VERIFY, RFC8032) == [["WebCrypto", True, True]] * len(RFC8032)


def test_ed25519_agrees_with_webcrypto_on_good_and_bad_signatures(page: Any) -> None:
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"key").digest())
    public = key.public_key().public_bytes_raw()
    message = "附条件通过\n".encode()
    signed = key.sign(message)
    order = 2**252 + 27742317777372353535851937790883648493
    too_large = (int.from_bytes(signed[32:], "little") + order).to_bytes(32, "little")
    bad = [
        (public, message, signed),
        (public, message + b" ", signed),
        (public, message, bytes([signed[0] ^ 1]) + signed[1:]),
        (public, message, signed[:40] + bytes([signed[40] ^ 128]) + signed[41:]),
        (public, message, signed[:32] + too_large),
        (bytes([public[0] ^ 1]) + public[1:], message, signed),
        (b"\xff" * 32, message, signed),
    ]
    found = page.evaluate(VERIFY, [[part.hex() for part in triple] for triple in bad])
    assert [here for _, _, here in found] == [True] + [False] * (len(bad) - 1)
    assert all(there == here for _, there, here in found)


def test_the_record_is_read_as_python_reads_it(page: Any) -> None:
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(13)]
    root = merkle.root(leaves).hex()
    cases = [
        [leaves[n].hex(), m, 13, [h.hex() for h in merkle.inclusion_proof(leaves, n)], root]
        for n in range(13)
        for m in (n, (n + 1) % 13)
    ]
    included = page.evaluate(
        """(all) => all.map(([leaf, index, size, proof, root]) => record.included(
             hashing.fromHex(leaf), index, size, proof.map(hashing.fromHex),
             hashing.fromHex(root)))""",
        cases,
    )
    assert included == [True, False] * 13
    salt, body = bytes(range(32)), '{"a":"试点"}'
    said = page.evaluate("([s, b]) => record.commitment(s, b)", [salt.hex(), body])
    assert said == commit(salt, body.encode())


def test_notes_are_verified_as_python_verifies_them(page: Any) -> None:
    key = note.SigningKey("base.example", hashlib.sha256(b"base").digest())
    other = note.SigningKey("base.example", hashlib.sha256(b"other").digest())
    signed = note.sign("origin\n3\nAAAA\n", [other, key])
    check = "([n, k]) => record.verifyNote(n, k).then((r) => r.holds)"
    assert page.evaluate(check, [signed, key.verifier.encode()])
    assert page.evaluate(check, [signed, other.verifier.encode()])
    stranger = note.SigningKey("other.example", hashlib.sha256(b"base").digest())
    for text, vkey in [
        (signed.replace("3", "4", 1), key.verifier.encode()),
        (signed, stranger.verifier.encode()),
        (signed, key.verifier.encode()[:-4]),
        ("no note", key.verifier.encode()),
    ]:
        assert not page.evaluate(check, [text, vkey])


def test_canonical_json_gives_the_same_bytes(page: Any) -> None:
    value = {
        "b": [1.0, 0.1, 1e21, 1e-7, -0.0, 2**53 - 1],
        "a": {"é": "\u2028<", "e": None},
        "": True,
    }
    assert page.evaluate("(text) => record.canonical(JSON.parse(text))", json.dumps(value)) == (
        encode(value).decode()
    )


def test_the_order_is_the_committed_one(page: Any) -> None:
    seed = order_seed("sha256:00", None)
    ids = [f"row {n}" for n in range(50)] + ["患者 7"]
    expected = [ids[n] for n in committed_order(seed, ids)]
    found = page.evaluate(
        """([seed, ids]) => {
             const prefix = hashing.concat(hashing.fromHex(seed), Uint8Array.of(0));
             const key = (id) =>
               hashing.hex(hashing.sha256(hashing.concat(prefix, hashing.utf8(id))));
             return ids.map((id) => [key(id), id]).sort().map(([, id]) => id); }""",
        [seed.hex(), ids],
    )
    assert found == expected


def test_figures_are_printed_as_python_prints_them(page: Any) -> None:
    random = np.random.default_rng(2)
    numbers = [*(random.normal(size=60) * 10.0 ** random.integers(-6, 7, 60)).tolist()]
    numbers += [0.0, -0.0, 0.5, 0.125, 2.5, -2.5, 6.25, 0.07, 0.29, 1e6, 999.95, 1234567.891, 1.005]
    kinds = ["percent", "percent-bound", "percent-whole", "number", "number-bound", "count"]
    kinds += ["evalue", "pvalue"]
    cases = [[n, kind] for n in numbers for kind in kinds]
    cases += [
        ["inf", "number"],
        ["-inf", "percent"],
        ["inf", "evalue"],
        [None, "count"],
        ["", "text"],
    ]
    cases += [[0.05, "inverse"], ["2026-11-21T08:00:00.000Z", "moment"], ["x", "text"]]
    found = page.evaluate("(all) => all.map(([v, how]) => figures.printed(v, how))", cases)
    assert found == [printed(v, how) for v, how in cases]


def test_pass_fail_evidence_is_what_python_computes(page: Any) -> None:
    random = np.random.default_rng(3)
    cases, expected = [], []
    for _ in range(400):
        size = int(10 ** random.uniform(0, 4))
        n = int(random.integers(0, size + 1))
        hits, tau = int(random.binomial(n, random.random())), float(random.uniform(0.01, 0.99))
        greater, population = bool(random.random() < 0.5), size if random.random() < 0.6 else None
        cases.append([hits, n, tau, greater, population])
        side: Literal["greater", "less"] = "greater" if greater else "less"
        expected.append(log_bernoulli_evalue(hits, n, tau, alternative=side, population=population))
    found = page.evaluate("(all) => all.map((c) => String(evalues.bernoulli(...c)))", cases)
    np.testing.assert_allclose([float(v.replace("Infinity", "inf")) for v in found], expected, 1e-9)


def _parts() -> list[Part]:
    """Parts of every kind, complete and not, with and without end, in both directions."""
    random = np.random.default_rng(4)
    parts = []
    kinds: tuple[Kind, ...] = ("pass_fail", "bounded", "paired", "difference")
    for n in range(48):
        kind = kinds[n % 4]
        count, more = int(random.integers(1, 90)), int(random.choice([0, 7, 150]))
        mean = random.uniform(0.3, 0.9)
        bound = float(np.round(np.clip(mean + random.normal() * 0.12, 0.05, 0.95), 2))
        passed = (random.random(count) < mean).astype(int)
        micro = np.rint(random.beta(4 * mean, 4 * (1 - mean), count) * RESOLUTION).astype(int)
        other = np.rint(random.beta(3, 3, count) * RESOLUTION).astype(int)
        said: dict[str, Any] = {
            "at_least": bool(n // 4 % 2),
            "population": None if n % 3 == 0 else count + more,
        }
        if kind == "pass_fail":
            best = passed.copy()
            best[0] = int(said["at_least"])
            passed[0] = 1 - best[0]
            said |= {"x": passed, "x_fails": best, "threshold": bound, "resolution": 1}
        elif kind == "bounded":
            said |= {"x": micro, "threshold": bound, "scale": 3.0, "root": bool(n // 8 % 2)}
        elif kind == "paired":
            said |= {"x": micro, "y": other, "weight": 1.5, "ratio": 0.9, "solve": "ratio"}
        else:
            turns = random.permutation([0] * count + [1] * count)
            said |= {"x": passed * RESOLUTION, "y": other, "turns": turns, "margin": 0.1}
            said |= {"solve": "margin", "population_y": said["population"]}
        lists = {k: tuple(v.tolist()) for k, v in said.items() if isinstance(v, np.ndarray)}
        parts.append(Part(kind=kind, **{**said, **lists}))
    return parts


READ = """(all) => Promise.all(all.map(async ([part, said, mode]) => {
  const levels = { meets: 0.05, fails: 0.025 };
  const s = await reading.standing(part, levels, mode);
  const at = (inward) => ["lower", "upper"].map((side, i) => said.exact || bounds.turnsAt(part,
    s.items, side, figures.toNumber(said.interval[i]) + (i ? -inward : inward), levels, mode));
  // The ends of a finite set of pass/fail items lie a step apart.
  const turns = at(0);
  const off = at(0.003 + (part.population ? 0.6 / part.population : 0));
  return { verdict: s.verdict, items: s.items, estimate: reading.estimate(part, s.items),
    logs: [String(s.logMeets), String(s.logFails)], ps: [s.pMeets, s.pFails], turns, off };
}))"""


@pytest.mark.parametrize("mode", ["sequential", "fixed"])
def test_parts_of_every_kind_are_read_as_python_reads_them(page: Any, mode: Any) -> None:
    parts = _parts() if mode == "sequential" else _parts()[:24]
    said = [read_part(part, 0.05, mode, alpha_fails=0.025).as_dict() for part in parts]
    cases = [[asdict(part), told, mode] for part, told in zip(parts, said, strict=True)]
    found = page.evaluate(READ, cases)
    assert len({told["verdict"] for told in said}) == 3
    for told, here in zip(said, found, strict=True):
        assert (here["verdict"], here["items"]) == (told["verdict"], told["units"])
        assert here["estimate"] == pytest.approx(told["estimate"], rel=1e-8)
        logs = [float(v.replace("Infinity", "inf")) for v in here["logs"]]
        recorded = [float(told["log_evalue_meets"]), float(told["log_evalue_fails"])]
        np.testing.assert_allclose(logs, recorded, rtol=1e-6, atol=2e-6)
        np.testing.assert_allclose(here["ps"], [told["p_meets"], told["p_fails"]], atol=1e-6)
        assert here["turns"] == [True, True]
        assert told["exact"] or here["off"] == [False, False]


def test_the_rules_over_several_hypotheses_agree(page: Any) -> None:
    random = np.random.default_rng(5)
    for _ in range(40):
        count = int(random.integers(1, 6))
        p = random.choice([0.001, 0.01, 0.02, 0.03, 0.5, 1.0], count).tolist()
        e = random.choice([0.1, 10.0, 20.0, 30.0, 45.0, 100.0], count).tolist()
        found = page.evaluate(
            "([p, e]) => [verdicts.holm(p, .05), verdicts.eHolm(e, .05), verdicts.eBh(e, .05)]",
            [p, e],
        )
        assert found == [holm(p, 0.05), e_holm(e, 0.05), e_bh(e, 0.05)]


SIMULATE = """async ([part, own]) => {
  const levels = { meets: 0.05, fails: 0.05 };
  const found = await habit.compare(part, levels, "sequential", own, "meets", async () => {});
  return found.results.map((r) => [r.id, r.mean, r.mine, r.base]);
}"""


def test_the_simulated_rule_errs_as_often_as_its_exact_odds_say(page: Any) -> None:
    part = Part("pass_fail", True, (1,) * 120, threshold=0.7, resolution=1)
    own = {"from": 10, "every": 1, "mean": 0.8, "atLeast": True}
    found = page.evaluate(SIMULATE, [asdict(part), own])
    assert [row[0] for row in found] == ["line", "short", "better"]
    for _, mean, mine, base in found:
        exact = operating_characteristics(0.7, 0.05, 120, mean)
        error = 4 * np.sqrt(max(exact.meets * (1 - exact.meets), 0.001) / 2000)
        assert abs(base - exact.meets) <= error
        assert mine > base
    assert found[0][3] <= 0.05 < 0.3 < found[0][2]


def test_the_simulation_repeats_to_the_digit(page: Any) -> None:
    seen = tuple(range(0, RESOLUTION, RESOLUTION // 50))
    part = Part("bounded", False, seen, threshold=0.6, population=80)
    own = {"from": 5, "every": 5, "mean": 0.5, "atLeast": False}
    first = page.evaluate(SIMULATE, [asdict(part), own])
    assert first == page.evaluate(SIMULATE, [asdict(part), own])
    assert all(base <= 0.05 for id_, _, _, base in first if id_ != "better")
