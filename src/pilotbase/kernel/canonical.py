"""Canonical JSON (RFC 8785) and the hashes over it.

JSON numbers are IEEE doubles, so an integer beyond ±(2^53-1) and an infinite float travel as
strings (``"9007199254740993"``, ``"inf"``, ``"-inf"``). NaN means nothing in a record: refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any

import rfc8785

from pilotbase.kernel.text import Text

SAFE_INTEGER_MAX = 2**53 - 1


def plain(value: Any) -> Any:
    """The value as JSON data that RFC 8785 can carry without loss.

    Raises:
        ValueError: for NaN. TypeError: for what JSON cannot hold or a key that is no string.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= SAFE_INTEGER_MAX else str(value)
    if isinstance(value, float):
        if math.isnan(value):
            raise ValueError("NaN has no canonical form; record why the number is missing instead")
        return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, Text):
        return value.as_dict()
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys of canonical JSON objects are strings")
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")


def encode(value: Any) -> bytes:
    """RFC 8785 bytes of the value; see `plain` for what is accepted.

    Raises:
        ValueError: also for text that UTF-8 cannot hold (a lone surrogate).
    """
    return encode_plain(plain(value))


def encode_plain(data: Any) -> bytes:
    """RFC 8785 bytes of what `plain` gave: data that were made plain once need not be again."""
    # The standard encoder is several times faster and gives the same bytes where the order of keys
    # by code point is that by UTF-16 unit (ASCII) and no float has to be written as in ECMAScript.
    return _fast(data).encode() if _is_simple(data) else rfc8785.dumps(data)


def encode_values(values: Iterable[Any]) -> tuple[str | int, ...]:
    """What stands in RFC 8785 for each value, to be put into a text; see `plain` for what is taken.

    Encoding that text raises ValueError for a lone surrogate, as `encode` does.
    """
    # Most values are short texts and whole numbers: what can be said of those at once is not
    # worth a call of the encoder, which takes several times as long.
    most = SAFE_INTEGER_MAX
    return tuple(
        [
            encode_basestring(value)
            if type(value) is str
            else value
            if type(value) is int and -most <= value <= most
            else encode(value).decode()
            for value in values
        ]
    )


encode_text: Callable[[str], str] = encode_basestring
"""What stands in RFC 8785 for a text."""


_fast = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def _is_simple(data: Any) -> bool:
    kind = type(data)
    if kind is dict:
        return all(map(str.isascii, data)) and all(map(_is_simple, data.values()))
    if kind is list:
        return all(map(_is_simple, data))
    return not isinstance(data, float)


def decode(data: bytes) -> Any:
    """JSON data from bytes. Raises ValueError when they are not UTF-8 JSON.

    A whole number beyond ±(2^53-1) was a float: RFC 8785 writes 2.0**53 without a point, while an
    integer of that size would have travelled as a string.
    """
    # As text: given bytes, the parser would take UTF-16 and UTF-32 as well.
    return json.loads(str(data, "utf-8"), parse_int=_whole)


class GivenTwice(ValueError):
    """JSON with an object that has two members of one name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is given twice")
        self.said = Text(
            f"it gives {name!r} twice: what one reader sees, another does not",
            f"其中 {name!r} 出现两次: 不同读取者所见不同",
        )


def decode_once(text: str | bytes) -> Any:
    """JSON data of a document that others hand in, where every member has a name of its own.

    Of two with one name some readers take the first and others the last (RFC 8259, 4), so a
    document with them would say to each what it likes.

    Raises:
        GivenTwice: two members of one name. ValueError, RecursionError: no JSON.
    """
    return json.loads(text, object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise GivenTwice(name[:60])
    return found


def decode_canonical(data: bytes) -> Any:
    """JSON data from bytes that are its RFC 8785 form. Raises ValueError for all others."""
    text = str(data, "utf-8")
    try:
        said = _integers.decode(text)
    except _NotSimple:
        simple, said = False, decode(data)
    else:
        # Beyond the basic plane the order by code point is no longer that by UTF-16 unit.
        simple = text.isascii() or _BEYOND.search(text) is None
    if not (_fast(said) == text if simple else encode_plain(said) == data):
        raise ValueError("not canonical JSON (RFC 8785)")
    return said


class _NotSimple(Exception):
    """A number that is no safe integer: only the full encoder knows how it is written."""


def _integer(digits: str) -> int:
    if len(digits) > 15:
        raise _NotSimple
    return int(digits)


def _other_number(digits: str) -> float:
    raise _NotSimple


_integers = json.JSONDecoder(
    parse_int=_integer, parse_float=_other_number, parse_constant=_other_number
)
_BEYOND = re.compile("[\U00010000-\U0010ffff]")


def _whole(digits: str) -> int | float:
    number = int(digits) if len(digits) <= 17 else SAFE_INTEGER_MAX + 1
    return number if abs(number) <= SAFE_INTEGER_MAX else float(digits)


def digest(value: Any) -> str:
    """``sha256:<hex>`` of the value's canonical bytes."""
    return "sha256:" + hashlib.sha256(encode(value)).hexdigest()


def digest_bytes(data: bytes) -> str:
    """``sha256:<hex>`` of raw bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
