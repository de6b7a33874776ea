"""How records stand in a segment of the usage journal: framed, linked, and what each says. Pure.

A frame is the payload's length (4 bytes, little-endian), its link (16 bytes) and the payload. The
link is the beginning of the record's leaf hash, SHA-256 over 0x00, the link before it and the
payload: one hash that is a checksum, fixes the order, and is a leaf of the segment's RFC 9162 tree
(whose entries are thus the payloads, each behind the link before it). The first link of a journal
follows on 16 zero bytes, that of a later segment on the last link of the segment before. A length
of zero is the end: segments are filled with zeros ahead of what is written.

Payloads are JSON arrays whose first item says what they are:

- ``["segment", 2, gateway, number, link before]``, the first of each segment; ``2`` is the format;
- ``["terms", number, {…}]``: what calls under one key and one filing have in common (`Terms`);
- ``["intent", sequence, at in ms, terms, reserved nano, reserved tokens, usage id]``: before a call
  is dispatched; the usage id is left out where it follows from the sequence;
- ``["settle", sequence, outcome, currency, nano, input tokens, output tokens, cases, bytes in,
  bytes out, chunks, counted, upstream]``: how it ended and what it comes to; the upstream's id is
  empty where none was asked;
- ``["void", sequence]``: the disk refused the intent of this number, and nothing was dispatched.

Sequences of intents and voids are 1, 2, 3 … in the order of the file (`Numbers`). In format 1 they
had gaps, there was no void, and no upstream.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from pilotbase.serve.call import Tariff
from pilotbase.serve.rules.unfit import Unfit

FORMAT = 2
FORMATS = (1, 2)
LINK_SIZE, HEAD_SIZE = 16, 20
PAYLOAD_MAX = 2**20
FIRST_LINK = bytes(LINK_SIZE)
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """Under what a call is metered: whose key, up which mandates, which filing, at what prices."""

    key: str
    holder: str
    principal: str
    links: tuple[str, ...]
    filing: str
    service: str
    version: str
    operation: str
    currency: str
    call: int
    case: int
    input_token: int
    output_token: int
    accounts: tuple[str, ...]
    source: str = "filed"

    @property
    def tariff(self) -> Tariff:
        return Tariff(self.currency, self.call, self.case, self.input_token, self.output_token)


class Frame(NamedTuple):
    """A record as it stands in a segment: where it begins, its payload, its leaf hash."""

    offset: int
    payload: bytes
    leaf: bytes

    @property
    def link(self) -> bytes:
        return self.leaf[:LINK_SIZE]


def framed(payloads: Sequence[bytes], before: bytes) -> tuple[list[bytes], list[bytes]]:
    """The parts of the frames of payloads, given the link before them, and their leaf hashes."""
    parts, leaves = list[bytes](), list[bytes]()
    sha256, link = hashlib.sha256, before
    for payload in payloads:
        leaf = sha256(b"\x00" + link + payload).digest()
        link = leaf[:LINK_SIZE]
        leaves.append(leaf)
        parts += (len(payload).to_bytes(4, "little"), link, payload)
    return parts, leaves


class Broken(Exception):
    """From ``offset`` on, what stands there is no record that follows on the one before."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"at byte {offset}")
        self.offset = offset


def frames(data: bytes, before: bytes, offset: int = 0) -> Iterator[Frame]:
    """The frames from an offset up to the end.

    Raises:
        Broken: a frame that is cut off, or whose link does not follow; or behind the end is
            something else than zeros.
    """
    size = len(data)
    while size - offset >= 4:
        length = int.from_bytes(data[offset : offset + 4], "little")
        if length == 0:
            break
        stop = offset + HEAD_SIZE + length
        if length > PAYLOAD_MAX or stop > size:
            raise Broken(offset)
        payload = data[offset + HEAD_SIZE : stop]
        leaf = hashlib.sha256(b"\x00" + before + payload).digest()
        link = leaf[:LINK_SIZE]
        if link != data[offset + 4 : offset + HEAD_SIZE]:
            raise Broken(offset)
        yield Frame(offset, payload, leaf)
        offset, before = stop, link
    if data[offset:].strip(b"\0"):
        raise Broken(offset)


def header(gateway: str, number: int, before: bytes) -> bytes:
    """The payload that a segment begins with."""
    return encode(["segment", FORMAT, gateway, number, before.hex()])


class Header(NamedTuple):
    """What a segment says of itself."""

    gateway: str
    number: int
    before: bytes
    format: int


def header_of(data: bytes) -> Header:
    """The header of a segment's bytes; not yet checked against the link.

    Raises:
        Broken: it does not begin with such a record.
    """
    try:
        length = int.from_bytes(data[:4], "little")
        said: Any = decode(data[HEAD_SIZE : HEAD_SIZE + length])
        word, version, gateway, number, before = said
        link = bytes.fromhex(before)
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise Broken(0) from error
    if word != "segment" or version not in FORMATS or len(link) != LINK_SIZE:
        raise Broken(0)
    return Header(str(gateway), int(number), link, version)


class Numbers:
    """Whether the sequences of a journal's intents and voids follow on each other.

    >>> numbers = Numbers()
    >>> for said in (["intent", 1], ["settle", 1], ["void", 2], ["intent", 4]):
    ...     numbers.take(said)
    Traceback (most recent call last):
    pilotbase.serve.rules.unfit.Unfit: the call 4 follows on the call 2: 1 number is missing
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0

    def take(self, said: Sequence[Any]) -> None:
        """The next record of a journal of format 2.

        Raises:
            Unfit: a number is missing, or comes again; the next is expected to follow on it.
        """
        word, number, *_ = said
        if word not in ("intent", "void"):
            return
        before, self.last = self.last, number
        missing = number - before - 1
        if missing:
            en, zh = (
                f"{missing} number{'s are' if missing > 1 else ' is'} missing",
                f"缺 {missing} 号",
            )
            if missing < 0:
                en, zh = "it is out of order", "次序有误"
            raise Unfit(f"the call {number} follows on the call {before}: {en}",
                        f"第 {number} 号调用接在第 {before} 号之后: {zh}")  # fmt: skip
