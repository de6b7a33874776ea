"""Random numbers off a hash: fixed vectors, ranges, and independence of the company."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.trial.rules.draws import normals, permutation, shuffled, uniforms


def test_a_draw_can_be_made_by_hand():
    raw = hashlib.shake_256(b"pilotbase/draws/1\x00noise\x001\x00u7").digest(16)
    high = [int.from_bytes(raw[i : i + 8], "big") >> 12 for i in (0, 8)]
    assert uniforms(1, "noise", "u7", 2).tolist() == [(k + 0.5) / 2**52 for k in high]


def test_draws_are_the_same_on_every_platform_and_version():
    assert uniforms(1, "noise", "u7", 2).tolist() == [0.4125022558810635, 0.8212941205807248]
    assert permutation(1, "importance", "x", 6).tolist() == [4, 1, 2, 5, 0, 3]
    assert shuffled(1, "folds", ["a", "b", "c", "d"]) == [2, 0, 3, 1]


def test_draws_look_uniform_and_normal():
    numbers = uniforms(3, "check", "", 20_000)
    assert numbers.min() > 0 and numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 4 / np.sqrt(12 * 20_000)
    normal = normals(3, "check", "", 20_000)
    assert abs(normal.mean()) < 4 / np.sqrt(20_000)
    assert abs(normal.std() - 1) < 4 / np.sqrt(2 * 20_000)


@given(st.integers(0, 2**31), st.text(max_size=5), st.integers(1, 40))
def test_a_longer_draw_begins_with_the_shorter(seed: int, key: str, count: int):
    assert uniforms(seed, "p", key, count).tolist() == uniforms(seed, "p", key, 50)[:count].tolist()


@given(st.lists(st.text(max_size=4), unique=True, min_size=1, max_size=12), st.integers(0, 9))
def test_an_order_depends_on_ids_and_not_on_their_places(ids: list[str], seed: int):
    forward = [ids[i] for i in shuffled(seed, "folds", ids)]
    back = ids[::-1]
    assert forward == [back[i] for i in shuffled(seed, "folds", back)]


def test_purposes_do_not_share_numbers():
    assert uniforms(1, "noise", "a", 1) != uniforms(1, "missing", "a", 1)
