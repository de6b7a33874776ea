"""Canonical JSON against RFC 8785 and its own promises."""

from __future__ import annotations

import json
import math

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.canonical import (
    SAFE_INTEGER_MAX,
    decode,
    decode_canonical,
    digest,
    encode,
    plain,
)

# RFC 8785, section 3.2.2: the literal numbers and string of its example.
RFC_8785_INPUT = {
    "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
    "literals": [None, True, False],
}
RFC_8785_OUTPUT = (
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
    '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
)


def test_the_example_of_rfc_8785() -> None:
    assert encode(RFC_8785_INPUT) == RFC_8785_OUTPUT.encode()


def test_what_a_double_cannot_hold_travels_as_a_string() -> None:
    assert plain([SAFE_INTEGER_MAX, SAFE_INTEGER_MAX + 1]) == [2**53 - 1, "9007199254740992"]
    assert plain([math.inf, -math.inf]) == ["inf", "-inf"]


def test_nan_and_odd_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        encode({"x": math.nan})
    with pytest.raises(TypeError, match="keys"):
        encode({1: "x"})
    with pytest.raises(TypeError, match="object"):
        encode(object())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
def test_encoding_is_canonical(value: object) -> None:
    once = encode(value)
    assert encode(decode(once)) == once
    assert decode(once) == value


@given(st.dictionaries(st.text(), st.integers(-5, 5), min_size=2))
def test_order_of_keys_does_not_change_the_digest(value: dict[str, int]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


@given(json_values)
def test_the_fast_path_gives_the_bytes_of_the_rfc(value: object) -> None:
    assert encode(value) == rfc8785.dumps(plain(value))


def test_a_lone_surrogate_is_refused_on_both_paths() -> None:
    for value in ("\ud800", ["\ud800", 0.5]):
        with pytest.raises(ValueError, match=r"surrogate|UTF-8"):
            encode(value)


def reference(data: bytes) -> bool:
    """Whether bytes are canonical, by the definition: what they say is written that way."""
    try:
        return encode(decode(data)) == data
    except (ValueError, TypeError):
        return False


def is_canonical(data: bytes) -> bool:
    try:
        assert decode_canonical(data) == decode(data)
    except (ValueError, TypeError):
        return False
    return True


@given(json_values, st.data())
def test_only_canonical_bytes_are_read_as_such(value: object, data: st.DataObject) -> None:
    good = encode(value)
    assert is_canonical(good)
    loose = json.dumps(decode(good), ensure_ascii=data.draw(st.booleans())).encode()
    at = data.draw(st.integers(0, len(good) - 1))
    flipped = good[:at] + bytes([good[at] ^ 1 << data.draw(st.integers(0, 7))]) + good[at + 1 :]
    for other in (loose, flipped, good + b" "):
        assert is_canonical(other) == reference(other)


@pytest.mark.parametrize(
    "text",
    ["-0", "0.0", "1.0", "1e2", "01", "9007199254740991", "9007199254740992", "9007199254740993",
     "1e400", "NaN", "Infinity", '"\\ud800"', '"\\u0041"', '"\\/"', '{"a":1,"a":1}', "[1, 2]",
     '{"\U0001f600":1,"\uffff":2}', '{"\uffff":2,"\U0001f600":1}', '{"b":1,"a":2}', "\ufeff1", ""],
)  # fmt: skip
def test_awkward_texts(text: str) -> None:
    assert is_canonical(text.encode()) == reference(text.encode())
