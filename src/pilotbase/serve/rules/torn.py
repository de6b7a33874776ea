"""What a break in a segment is: a torn tail, which a crash leaves, or damage. Pure.

A group of records is written over zeros in one go and made durable before anything follows from it
and before the next is written. So a power cut leaves the last group at most in part, and a part is
whole sectors: each holds what was written or still the zeros (`SECTOR`; pages are several). A break
is a torn tail where that explains all that stands behind it; everything else is damage:

- what is missing is sectors of zeros, or the end; or the head was overwritten with zeros, which is
  how a group that the disk refused is taken back;
- what stands behind belongs to one group: not so where a call is settled there that was not begun
  before the break, because a call is begun durably before it is settled;
- the file is as long as the zeros that were written ahead (`is_short`).

A sector that rots to zeros inside the very last group looks the same as one that was never written,
and is taken for that. In turn a group of which only the first bytes of a length are missing looks
like a length that was changed, and is taken for damage.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from pilotbase.serve.rules.frames import HEAD_SIZE, LINK_SIZE, PAYLOAD_MAX, decode

AHEAD = 2**20
"""Zeros are written this far ahead: over blocks that are there already, a write and its fdatasync
take half as long, and a disk that fills up shows before a record needs the room."""
END = bytes(4)
"""A length of zero, behind the last record."""
SECTOR = 512
"""What a disk writes whole or not at all, in bytes; file systems write several at a time."""
GROUP_MAX = 4096
"""Calls begun and settled in one group at most."""
_WORDS = re.compile(rb'\["(intent|settle|terms|void)",(\d+)')
_BEGUN = (b'["intent",', b'["void",')


class Damage(NamedTuple):
    """From ``offset`` on records were changed; ``records`` that can be read follow behind it.

    ``short``: the file ends where no process leaves it, so that whatever followed is gone.
    """

    offset: int
    records: int
    short: bool = False


class _Whole(NamedTuple):
    """What reads as a record: where it begins and ends, its word, number, link and payload."""

    start: int
    stop: int
    word: bytes
    number: int
    link: bytes
    payload: bytes


def damage(data: bytes, offset: int, before: bytes) -> Damage | None:
    """What stands behind the last good record of a segment; None for nothing, or a torn tail.

    Args:
        offset: where the last good record ends. before: its link.
    """
    end = offset + len(data[offset:].rstrip(b"\0"))
    if end == offset:
        return None
    behind = list(_whole(data, offset + 1))
    found = Damage(offset, len(behind))
    first = behind[0].start if behind else end
    if _is_link(data, offset, before, data[offset + HEAD_SIZE : first]):
        return found  # the record is there, and only its length is not
    if not behind:
        return None if _unfinished(data, offset, end) else found
    torn = _one_group(data, offset, behind) and _explained(data, offset, end, behind)
    return None if torn else found


def is_short(length: int, end: int) -> bool:
    """Whether a segment of so many bytes was cut: its last good record ends at ``end``.

    Zeros are written `AHEAD` at a time before any record stands on them, and only an ordered end
    takes them away, up to the last record.

    >>> is_short(AHEAD, 418), is_short(418, 418), is_short(418, 85), is_short(AHEAD, AHEAD - 3)
    (False, False, True, True)
    """
    return length != end and length < -(-(end + len(END)) // AHEAD) * AHEAD


def readable(data: bytes) -> int:
    """How many records of calls can be read in a segment, whether they follow or not."""
    return sum(1 for _ in _whole(data, 0))


def _whole(data: bytes, start: int) -> Iterator[_Whole]:
    """All that reads as a record from an offset on."""
    for match in _WORDS.finditer(data, start + HEAD_SIZE):
        at = match.start() - HEAD_SIZE
        length = int.from_bytes(data[at : at + 4], "little")
        payload = data[at + HEAD_SIZE : at + HEAD_SIZE + length]
        if 0 < length == len(payload) <= PAYLOAD_MAX and _is_json(payload):
            link = data[at + 4 : at + HEAD_SIZE]
            stop = at + HEAD_SIZE + length
            yield _Whole(at, stop, match[1], int(match[2]), link, payload)


def _is_json(payload: bytes) -> bool:
    try:
        decode(payload)
    except (msgspec.DecodeError, ValueError):
        return False
    return True


def _is_link(data: bytes, at: int, before: bytes, payload: bytes) -> bool:
    """Whether the link of the frame at an offset is that of a payload."""
    leaf = hashlib.sha256(b"\x00" + before + payload).digest()
    return leaf[:LINK_SIZE] == data[at + 4 : at + HEAD_SIZE]


def _one_group(data: bytes, offset: int, behind: Sequence[_Whole]) -> bool:
    """Whether all that follows can have been written at once."""
    calls = [one for one in behind if one.word != b"terms"]
    begun = max(data.rfind(word, 0, offset) for word in _BEGUN)
    match = _WORDS.match(data, begun) if begun >= 0 else None
    last = int(match[2]) if match else min(
        (one.number for one in calls if one.word != b"settle"), default=2**63
    ) - 1  # fmt: skip
    settled = (one.number for one in calls if one.word == b"settle")
    return len(calls) <= GROUP_MAX and all(number <= last for number in settled)


def _explained(data: bytes, offset: int, end: int, behind: Sequence[_Whole]) -> bool:
    """Whether whatever is not as it was written is sectors that were not."""
    if not (_taken_back(data, offset) or _missing(data, offset, behind[0].start)):
        return False
    for one, other in pairwise(behind):
        if one.stop == other.start:
            follows = _is_link(data, other.start, one.link, other.payload)
            if not follows and not _missing(data, one.start, other.stop):
                return False
        elif not _missing(data, one.stop, other.start):
            return False
    last = behind[-1].stop
    return last >= end or _unfinished(data, last, end)


def _unfinished(data: bytes, start: int, end: int) -> bool:
    """Whether the last frame, with zeros behind its end, was not written whole."""
    length = int.from_bytes(data[start : start + 4], "little")
    return length == 0 or start + HEAD_SIZE + length > end or _missing(data, start, end)


def _taken_back(data: bytes, start: int) -> bool:
    return data[start : start + HEAD_SIZE] == bytes(HEAD_SIZE)


def _missing(data: bytes, start: int, stop: int) -> bool:
    """Whether between two offsets there is a sector, or a part of one at their ends, of zeros."""
    length = int.from_bytes(data[start : start + 4], "little")
    at, right = start, start + HEAD_SIZE + length == stop
    while at < stop:
        until = min((at // SECTOR + 1) * SECTOR, stop)
        # A length that is right was written, also where it begins with a zero.
        known = right and at == start and until - at <= 4
        if not known and not data[at:until].strip(b"\0"):
            return True
        at = until
    return False
