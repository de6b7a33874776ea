"""Who may call, and for how long: what ends while an answer flows, and what was forged."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pilotbase.catalog.parties.events import Delegated, KeyCreated
from pilotbase.catalog.parties.mandates import revoke_key, undelegate
from pilotbase.kernel.event import Draft
from pilotbase.kernel.time import stamp
from pilotbase.serve.routes.offer import offer
from tests.serve.gateway.rig import (
    STREAM_HEAD,
    Rig,
    ask,
    chat,
    chunked,
    gateway,
    piece,
    post,
    request,
    upstream,
)
from tests.serve.routes.making import Base, base

SHEET = """\
gateway: 1
reason: one
services:
  - filing: advice-logit-1
    upstreams: [{id: one, kind: chat, url: "%s", model: m, private: true, declared: same}]
"""
Ender = Callable[[Base, dict[str, str]], None]


def _expire(made: Base, ids: dict[str, str]) -> None:
    made.clock.forward(hours=5)


ENDERS: dict[str, tuple[Ender, int, str]] = {
    "the key is revoked": (
        lambda made, ids: _none(revoke_key(made.record, made.context, ids["key"], "lost")),
        401, "serve.key_revoked",
    ),
    "the lowest mandate is revoked": (
        lambda made, ids: _none(undelegate(made.record, made.context, ids["lower"], "no more")),
        403, "serve.mandate_revoked",
    ),
    "the highest mandate is revoked": (
        lambda made, ids: _none(undelegate(made.record, made.context, ids["upper"], "no more")),
        403, "serve.mandate_revoked",
    ),
    "a mandate expires": (_expire, 401, "serve.key_expired"),
    "the filing is suspended": (
        lambda made, ids: made.act("advice-logit-1", "suspend"), 503, "serve.suspended"
    ),
    "the filing is stopped": (
        lambda made, ids: made.act("advice-logit-1", "stop"), 410, "serve.stopped"
    ),
}  # fmt: skip


def _none(said: Any) -> None: ...


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.write(STREAM_HEAD + chunked(piece("word "), end=False))
    await reader.read()


def with_gateway(folder: Path, work: Callable[[Base, Rig], Any]) -> None:
    """A flow over the real gate and an upstream that never ends."""

    async def whole() -> None:
        async with upstream(endless) as url, gateway() as rig:
            with base(folder / "home") as made:
                made.file()
                sheet = folder / "sheet.yaml"
                sheet.write_text(SHEET % url, "utf-8")
                offer(made.record, made.context, sheet, "person-1")
                rig.serving.gate, rig.serving.clock = made.gate, lambda: made.at
                made.gate.on_change(rig.serving.recheck)
                await work(made, rig)

    asyncio.run(whole())


@pytest.mark.parametrize("name", ENDERS)
def test_a_right_that_ends_cuts_the_stream_that_rests_on_it(tmp_path: Path, name: str) -> None:
    end, status, code = ENDERS[name]

    async def work(made: Base, rig: Rig) -> None:
        upper = made.delegate("buyer", "robot", until="P10D", further=1)
        lower = made.delegate("robot", "helper", "serve.call.*", until="PT5H")
        key = made.key("helper", "serve.call.*", until="PT4H")
        other = made.key("maker")
        made.compile()
        streams = [await opened(rig, one) for one in (key, other)]
        end(made, {"upper": upper, "lower": lower, "key": key.split("_")[1]})
        made.compile()
        rest = await asyncio.wait_for(streams[0][0].read(), 5)
        assert not rest.endswith(b"0\r\n\r\n")  # and so never taken for whole
        (_, usage, outcome), *others = rig.meter.settled
        assert outcome == "cut" and usage.output_tokens == len("word ")
        again = await ask(rig, post(chat("advice-logit", stream=True), key=key))
        assert (again.status, again.json["error"]["code"]) == (status, code)
        if "filing" not in name:  # nobody else's call is touched
            assert not others and len(rig.serving.live) == 1
        for _, writer in streams:
            writer.close()

    with_gateway(tmp_path, work)


Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def opened(rig: Rig, key: str) -> Opened:
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(post(chat("advice-logit", stream=True), key=key))
    await asyncio.wait_for(reader.readuntil(b"word "), 5)
    return reader, writer


def forged(made: Base, **changed: Any) -> str:
    """A key under a mandate that was put into the record past the rules: the key's text."""
    upper = made.delegate("buyer", "robot", "serve.call.other", until="P10D", further=1)
    usual = Delegated(
        "d-forged", "robot", "helper", ("serve.call.other",), stamp(made.clock.at),
        stamp(made.clock.at.replace(hour=12)), upper, 0, "",
    )  # fmt: skip
    by = made.context.actor("case officer")
    link = replace(usual, **changed)
    made.record.append(Draft(link, by, "delegation:d-forged"))
    text = f"pbk_{'0f' * 6}_{'a' * 64}"
    made.record.append(
        Draft(
            KeyCreated(
                "0f" * 6, link.taker, "d-forged", ("serve.call.*",), link.since, link.until,
                hashlib.sha256(text.encode()).hexdigest(),
            ),
            by,
            "key:" + "0f" * 6,
        )
    )  # fmt: skip
    return text


FORGED: dict[str, dict[str, Any]] = {
    "wider than what was given": {"scopes": ("serve.call.*",)},
    "longer than what was given": {"until": "2030-01-01T00:00:00Z"},
    "passed on more often than allowed": {"further": 3},
    "by one who was given nothing": {"giver": "maker"},
    "by nobody": {"under": "d-none"},
    "by an agent on its own": {"under": ""},
    "round in a circle": {"under": "d-forged", "giver": "helper"},
}


@pytest.mark.parametrize("name", FORGED)
def test_a_mandate_that_was_forged_in_the_record_opens_nothing(tmp_path: Path, name: str) -> None:
    """The rules are asked again at the gate."""

    async def work(made: Base, rig: Rig) -> None:
        key = forged(made, **FORGED[name])
        made.compile()
        got = await ask(rig, post(chat("advice-logit"), key=key))
        assert got.status in (401, 403) and got.json["error"]["message_zh"]
        assert not rig.meter.begun

    with_gateway(tmp_path, work)
