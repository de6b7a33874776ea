"""Calls to a service that the base runs itself, while its worker is not there."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pilotbase.serve.call import Caps, Upstream
from pilotbase.serve.rules.breaker import FAILURES
from tests.serve.gateway.rig import (
    Script,
    ask,
    chat,
    gateway,
    post,
    request,
    route,
    saying,
    upstream,
    whole,
)

SOON = Caps(first_byte_s_max=0.2, between_bytes_s_max=0.2, whole_s_max=2.0)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)


async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{")


ENDINGS: list[tuple[Script, str, int, str]] = [
    (silent, "starting", 503, "serve.worker_starting"),
    (silent, "down", 503, "serve.worker_starting"),
    (silent, "ready", 504, "serve.upstream_late"),
    (ends, "ready", 503, "serve.worker_ended"),
    (breaks_off, "ready", 503, "serve.worker_ended"),
]


def test_a_worker_that_fails_again_and_again_is_said_to_be_down(tmp_path: Path) -> None:
    async def work() -> None:
        async with upstream(ends, str(tmp_path / "w.sock")) as url:
            own = (Upstream("own", "candidate", url, model="f-1", private=True),)
            async with gateway(replace(route(), upstreams=own, worker="ready")) as rig:
                got = [await ask(rig, post(chat())) for _ in range(FAILURES + 1)]
        codes = [json.loads(one.body)["error"]["code"] for one in got]
        assert codes == ["serve.worker_ended"] * FAILURES + ["serve.worker_down"]
        assert got[-1].headers["retry-after"] == "5"

    asyncio.run(work())


def test_who_asked_the_first_choice_is_not_blamed_for_what_the_second_takes(tmp_path: Path) -> None:
    unfit = whole(b'{"error": {"message": "missing: rooms"}}', "422 Unfit")

    async def work() -> None:
        async with upstream(saying(unfit), str(tmp_path / "w.sock")) as url:
            own = (Upstream("own", "candidate", url, model="g-1", private=True),)
            second = replace(route(filing="g-1"), upstreams=own, worker="ready")
            for columns in (False, True):  # found by the worker, and before it is asked
                second = replace(second, columns=columns)
                for down in (route("http://127.0.0.1:9/v1"), replace(route(), upstreams=())):
                    first = replace(down, fallback=(second,))
                    async with gateway(first, second) as rig:
                        got = await ask(rig, post(chat()))
                        error = json.loads(got.body)["error"]
                        assert (got.status, error["where"]) == (503, "f-1"), got
                        assert "rooms" not in error["message"] and rig.meter.outcomes != ["served"]

    asyncio.run(work())


@pytest.mark.parametrize("script, state, status, code", ENDINGS)
def test_a_caller_is_told_how_the_worker_is(
    tmp_path: Path, script: Script, state: str, status: int, code: str
) -> None:
    async def work() -> None:
        async with upstream(script, str(tmp_path / "w.sock")) as url:
            own = (Upstream("own", "candidate", url, model="f-1", private=True),)
            there = replace(route(), upstreams=own, worker=state, caps=SOON)
            async with gateway(there) as rig:
                got = await ask(rig, post(chat()))
                error = json.loads(got.body)["error"]
                assert (got.status, error["code"], error["where"]) == (status, code, "f-1")
                if status == 503:
                    assert got.headers["retry-after"] == "5" and "f-1: " in error["message"]
                    assert "自有工作进程" in error["message_zh"]
                assert rig.meter.outcomes == ["failed"]

    asyncio.run(work())
