"""Events of a stream, however it was split."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.serve.rules.sse import BOM, Events, StreamTooLong, data_of

LINE = st.sampled_from(["\n", "\r\n", "\r"])
TEXT = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=6)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A stream with one kind of line end for each event, and the data of its events."""
    out, said = draw(st.sampled_from([b"", BOM])), list[bytes]()
    for lines in draw(st.lists(st.lists(TEXT, min_size=1, max_size=3), max_size=5)):
        end = draw(LINE)
        out += "".join(f"data: {line}{end}" for line in lines).encode() + end.encode()
        said.append("\n".join(lines).encode())
    return out, said


def fed(stream: bytes, cuts: list[int]) -> list[bytes]:
    events, found = Events(), list[bytes]()
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, stop in itertools.pairwise(places):
        found += events.feed(stream[start:stop])
    return [data_of(one) for one in found if one.strip()]


@settings(max_examples=60, deadline=None)
@given(streams(), st.lists(st.integers(0, 200), max_size=12))
def test_events_are_the_same_however_the_bytes_were_split(
    made: tuple[bytes, list[bytes]], cuts: list[int]
) -> None:
    stream, said = made
    assert fed(stream, cuts) == said
    assert fed(stream, list(range(len(stream)))) == said


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_any_bytes_give_the_same_events_whole_or_split(stream: bytes, cuts: list[int]) -> None:
    assert fed(stream, cuts) == fed(stream, [])


@settings(max_examples=40, deadline=None)
@given(streams())
def test_plain_events_are_read_like_any(made: tuple[bytes, list[bytes]]) -> None:
    events, again = Events(), Events()
    events.feed(b":\n\n")
    again.feed(b":\n\n")
    data = made[0].removeprefix(BOM)
    said = events.plain(data)
    if said:
        assert [data_of(one) for one in again.feed(data)] == said


def test_what_is_plain_and_what_is_not() -> None:
    events = Events()
    assert events.plain(b"data: 1\n\n") == []  # a stream may begin with a byte-order mark
    events.feed(b":\n\n")
    assert events.plain(b"data: 1\n\ndata: 2\n\n") == [b"1", b"2"]
    for other in (
        b"data: 1\n",
        b"data: 1\ndata: 2\n\n",
        b"data: 1\r\n\n",
        b"event: x\n\n",
        b"x\n\n",
    ):
        assert events.plain(other) == []
    events.feed(b"data: ")
    assert events.plain(b"data: 1\n\n") == []  # something is left of what came before


def test_an_event_without_end_is_not_kept_for_ever() -> None:
    events = Events(bytes_max=100)
    events.feed(b"data: 1\n\n")
    with pytest.raises(StreamTooLong):
        for _ in range(20):
            events.feed(b"x" * 10)
    with pytest.raises(StreamTooLong):
        Events(bytes_max=100).feed(b"data: " + b"x" * 200 + b"\n\n")
