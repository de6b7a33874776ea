"""A fast stream is read a few pieces at a time; a slow one never waits."""

from __future__ import annotations

import asyncio

from pilotbase.serve.call import Caps
from pilotbase.serve.rules.http_head import ResponseHead
from pilotbase.serve.upstreams.link import FAST_S, Link
from pilotbase.serve.upstreams.timer import REST_S, Ticks
from tests.serve.gateway.rig import STREAM_HEAD, chunked, until


class Wire(asyncio.Transport):
    """A transport whose other end is the test."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = True

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


class Pieces:
    """Whom the stream is for; ``full`` says that its client keeps up no more."""

    streams = True

    def __init__(self) -> None:
        self.link: Link
        self.got = list[bytes]()
        self.full = self.ended = False

    def asked(self, link: Link) -> None: ...

    def whole(self, head: ResponseHead, body: bytes) -> None: ...

    def begin(self, head: ResponseHead, link: Link) -> None:
        self.link = link

    def piece(self, data: bytes) -> None:
        self.got.append(data)
        if self.full:
            self.link.pause()

    def end(self) -> None:
        self.ended = True

    def lost(self, lost: Exception) -> None:
        raise lost


def asked() -> tuple[Link, Wire, Pieces, list[float], list[Link]]:
    """A link that was asked for a stream, on a clock that the test moves."""
    ticks, now, free = Ticks(asyncio.get_running_loop()), [0.0], list[Link]()
    ticks.time = lambda: now[0]
    now[0] = 100.0
    wire, sink = Wire(), Pieces()
    link = Link(ticks, free.append, lambda link: None, {})
    link.connection_made(wire)
    link.ask(b"", sink, Caps())
    link.data_received(STREAM_HEAD)
    return link, wire, sink, now, free


def fed(link: Link, text: bytes) -> None:
    link.data_received(chunked(text, end=False))


def test_what_comes_fast_is_left_to_gather() -> None:
    async def work() -> None:
        link, wire, sink, now, _ = asked()
        fed(link, b"1")
        assert wire.reads, "a first piece"
        now[0] += FAST_S
        fed(link, b"2")
        assert wire.reads, "slow enough"
        now[0] += FAST_S * 0.9
        fed(link, b"3")
        assert not wire.reads and sink.got == [b"1", b"2", b"3"], "passed on before it rests"
        await until(lambda: wire.reads)

    asyncio.run(work())


def test_a_client_that_cannot_keep_up_outlasts_the_rest() -> None:
    async def work() -> None:
        link, wire, _, now, _ = asked()
        fed(link, b"1")
        fed(link, b"2")
        link.pause()
        await asyncio.sleep(REST_S * 3)
        assert not wire.reads
        link.resume()
        assert wire.reads
        now[0] += 1.0
        fed(link, b"3")
        fed(link, b"4")
        link.pause()
        link.resume()
        assert not wire.reads, "it still rests"
        await until(lambda: wire.reads)

    asyncio.run(work())


def test_a_connection_is_read_again_whose_last_piece_filled_its_client() -> None:
    async def work() -> None:
        link, wire, sink, _, free = asked()
        sink.full = True
        link.data_received(chunked(b"last"))
        assert sink.ended and free == [link] and wire.reads

    asyncio.run(work())
