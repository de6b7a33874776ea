"""The committed order: as described, redone here by hand."""

from __future__ import annotations

import doctest
import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.trial.rules import order
from pilotbase.trial.rules.order import committed_order, committed_pairs, order_seed

SEED = order_seed("sha256:" + "ab" * 32, "receipt")


def test_the_page_in_the_docstrings() -> None:
    assert doctest.testmod(order).failed == 0


@pytest.mark.parametrize("receipt", [None, "", "— witness q83v…\nzwei Zeilen", "收据"])
def test_the_seed_is_a_hash_of_plain_json(receipt: str | None) -> None:
    said = json.dumps(
        ["pilotbase/order/1", "sha256:1", receipt], separators=(",", ":"), ensure_ascii=False
    )
    assert order_seed("sha256:1", receipt) == hashlib.sha256(said.encode()).digest()


def test_plan_and_receipt_both_matter() -> None:
    seeds = {order_seed(p, r) for p in ("a", "b") for r in (None, "", "r")}
    assert len(seeds) == 6


@given(st.lists(st.text(), max_size=30))
def test_units_are_sorted_by_their_hash(ids: list[str]) -> None:
    ids = [i.encode("utf-8", "replace").decode() for i in ids]
    keys = [hashlib.sha256(SEED + b"\x00" + i.encode()).hexdigest() for i in ids]
    expected = sorted(range(len(ids)), key=lambda n: (keys[n], ids[n], n))
    assert committed_order(SEED, ids).tolist() == expected


def test_the_order_of_units_does_not_depend_on_how_they_are_listed() -> None:
    ids = [f"person {i}" for i in range(50)]
    there = [ids[n] for n in committed_order(SEED, ids)]
    back = ids[::-1]
    assert [back[n] for n in committed_order(SEED, back)] == there


def _pairs_by_hand(pairs: int, most: int, label: str) -> list[int]:
    places = list(range(pairs))
    for t in range(most):
        key = SEED + b"\x01" + label.encode() + b"\x00" + t.to_bytes(8, "big")
        h = int.from_bytes(hashlib.sha256(key).digest(), "big")
        other = t + h % (pairs - t)
        places[t], places[other] = places[other], places[t]
    return places[:most]


@given(st.integers(1, 60), st.integers(0, 80), st.sampled_from(["", "sex=1", "组=甲"]))
def test_pairs_are_a_fisher_yates_shuffle(pairs: int, most: int, label: str) -> None:
    drawn = committed_pairs(SEED, pairs, most=most, label=label).tolist()
    assert drawn == _pairs_by_hand(pairs, min(most, pairs), label)
    assert len(set(drawn)) == len(drawn)


def test_all_pairs_are_a_permutation_and_a_sample_is_its_start() -> None:
    whole = committed_pairs(SEED, 500)
    assert sorted(whole) == list(range(500))
    assert committed_pairs(SEED, 500, most=20).tolist() == whole[:20].tolist()


def test_labels_give_unrelated_orders() -> None:
    one, two = (committed_pairs(SEED, 2000, label=label) for label in ("g=1", "g=2"))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.1


def test_no_place_is_favoured() -> None:
    """Each of 6 orders of 3 units, over 3,000 receipts, near 500 times (chi-square, 5 df)."""
    seen: dict[tuple[int, ...], int] = {}
    for n in range(3000):
        found = tuple(committed_order(order_seed("p", str(n)), ["a", "b", "c"]).tolist())
        seen[found] = seen.get(found, 0) + 1
    assert len(seen) == 6
    assert sum((count - 500) ** 2 / 500 for count in seen.values()) < 20.5  # p = 0.001
