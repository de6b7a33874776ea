"""A guard, a fault of ours: what raises ends its own call, which is settled and answered."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from pilotbase.serve.guards.arranged import Arranged
from pilotbase.serve.guards.looking import Step
from pilotbase.serve.guards.watch import Guarding
from pilotbase.serve.ports import Finding, Seen
from tests.serve.gateway.rig import (
    SAID,
    STREAM_HEAD,
    ask,
    chat,
    chunked,
    gateway,
    post,
    request,
    route,
    stream_of,
    upstream,
    whole,
)

GUARDED = {"guards": {"secrets": {}}}


class Raises:
    """A guard, and a window of one, that raises where it is told to. For tests."""

    name, reads, held = "raises", "texts", 8
    flags: tuple[str, ...] = ()

    def __init__(self, where: str) -> None:
        self._where = where

    def look(self, text: str, seen: Seen) -> Finding:
        self._at(seen.part)
        return Finding(text)

    def window(self, seen: Seen) -> Raises:
        self._at("window")
        return self

    def feed(self, text: str) -> str:
        self._at("feed")
        return text

    def finish(self) -> str:
        self._at("finish")
        return ""

    def _at(self, place: str) -> None:
        if place == self._where:
            raise LookupError(f"a fault at {place}")


def guarding(where: str, *, lets_pass: bool = False) -> Guarding:
    made = Guarding(route(guards={"secrets": {}}))
    guard: Any = Raises(where)
    made.steps = [Step(Arranged("raises", {}, guard, open=lets_pass))]
    return made


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        _, body = await request(reader)
        as_stream = STREAM_HEAD + chunked(stream_of("a", "b"))
        writer.write(as_stream if body.get("stream") else whole(json.dumps(SAID).encode()))


@pytest.mark.parametrize(
    ("where", "stream", "lets_pass", "said", "outcomes"),
    [
        ("request", False, False, "serve.guard_unavailable", []),
        ("request", False, True, "", ["served"]),
        ("answer", False, False, "serve.guard_unavailable", ["cut"]),
        ("answer", False, True, "", ["served"]),
        ("window", True, True, "serve.guard_unavailable", ["cut"]),
        ("feed", True, False, "serve.guard_unavailable", ["cut"]),
        ("finish", True, False, "serve.guard_unavailable", ["cut"]),
    ],
)
def test_a_guard_that_raises_has_failed(
    where: str,
    stream: bool,
    lets_pass: bool,
    said: str,
    outcomes: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        made = guarding(where, lets_pass=lets_pass)
        async with (
            upstream(answers) as url,
            gateway(route(url, **GUARDED), watching=lambda _: made.watch()) as rig,
        ):
            got = await ask(rig, post(chat(stream=stream, messages=[{"content": "hello"}])))
            assert said.encode() in got.body and (b"'raises'" in got.body) is bool(said)
            assert rig.meter.outcomes == outcomes and not rig.serving.live
            if not said:
                part = f"{where} not looked at (it failed)"
                assert any(part in one for one in rig.meter.begun[0].scanned)

    asyncio.run(work())
    raised = [one for one in caplog.records if one.exc_info]
    assert len(raised) == 1 and "the guard raises of f-1 failed" in raised[0].getMessage()


class Broken:
    """A watch that is itself broken, at one place. For tests."""

    flags = scanned = ()

    def __init__(self, where: str) -> None:
        self._where = where

    def before(self, _: Any, then: Any) -> None:
        self._at("before")
        then(None)

    def pieces(self) -> Any:
        self._at("pieces")
        return self

    def feed(self, data: bytes) -> list[bytes]:
        return [data]

    def finish(self, then: Any) -> None:
        self._at("finish")
        then([])

    def _at(self, place: str) -> None:
        if place == self._where:
            raise LookupError(f"a fault at {place}")


@pytest.mark.parametrize(
    ("where", "status", "outcomes"),
    [("before", 500, []), ("pieces", 500, ["failed"]), ("finish", 200, ["failed"])],
)
def test_what_raises_in_a_callback_is_settled_and_answered(
    where: str, status: int, outcomes: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        loops = list[Any]()
        asyncio.get_running_loop().set_exception_handler(lambda _, said: loops.append(said))
        broken: Any = Broken(where)
        async with (
            upstream(answers) as url,
            gateway(route(url, **GUARDED), watching=lambda _: broken) as rig,
        ):
            got = await ask(rig, post(chat(stream=True)))
            assert got.status == status and b"serve.fault" in got.body
            assert rig.meter.outcomes == outcomes and not rig.serving.live
        assert not loops

    asyncio.run(work())
    (logged,) = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert logged.exc_info
