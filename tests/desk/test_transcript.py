"""Transcripts: small bodies whatever was said, the same bytes each time, flat memory."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from pathlib import Path

from pilotbase import Base
from pilotbase.desk import transcript
from pilotbase.record.opened import open_record


def lines(count: int, size: int) -> list[bytes]:
    draw = random.Random(3)
    return [draw.randbytes(size // 2).hex().encode() + b"\n" for _ in range(count)]


def test_no_body_is_larger_than_the_limit_and_nothing_is_lost() -> None:
    given = lines(400, 40_000)  # 16 MB that halve at best
    found = list(transcript._chunks(iter(given)))
    assert all(len(body) <= transcript.CHUNK_BYTES for _, body in found) and len(found) > 8
    assert b"".join(gzip.decompress(body) for _, body in found) == b"".join(given)
    assert sum(count for count, _ in found) == len(given)
    assert found == list(transcript._chunks(iter(given)))


def test_keeping_many_answers_takes_no_more_memory_than_few(tmp_path: Path) -> None:
    context = Base(tmp_path / "home").context

    def peak(count: int, run: str) -> int:
        said = (b'{"unit":"%d","text":"%s"}\n' % (n, b"words " * 60) for n in range(count))
        with open_record(context) as record:
            tracemalloc.start()
            entries = sum(1 for _ in transcript._kept(record, context, run, "agent", said))
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert entries >= 1
        return found

    few, many = peak(15_000, "a"), peak(60_000, "b")
    assert many < 1.5 * few
