"""What a commitment is, by hand, and what it hides and binds."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.record.rules.commitment import commit

salts = st.binary(min_size=32, max_size=32)


def test_the_formula_by_hand() -> None:
    salt, body = bytes(range(32)), b"evidence"
    inner = hashlib.sha256(body).digest()
    expected = hashlib.sha256(b"pilotbase/commitment/v1\n" + salt + inner).hexdigest()
    assert commit(salt, body) == "sha256:" + expected


@given(salts, salts, st.binary(), st.binary())
def test_salt_and_body_are_both_bound(s1: bytes, s2: bytes, b1: bytes, b2: bytes) -> None:
    assert (commit(s1, b1) == commit(s2, b2)) == ((s1, b1) == (s2, b2))


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_another_salt_length_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commit(bytes(size), b"")
