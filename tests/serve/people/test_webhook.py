"""Webhooks over a real socket: signed, without contents, and nowhere they may not go."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest

from pilotbase.kernel.errors import CandidateError
from pilotbase.serve.people import answering
from pilotbase.serve.people.webhook import _sent
from tests.serve.gateway.rig import ask, chat, post, upstream, whole
from tests.serve.people.kit import desk, home


def test_the_caller_is_told_when_an_answer_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "a-secret-of-the-hook")
    context = home(tmp_path)
    told = list[tuple[bytes, dict[str, Any]]]()

    async def hook(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: ([0-9]+)", head)
        assert length is not None
        told.append((head, json.loads(await reader.readexactly(int(length[1])))))
        writer.write(whole(b"{}"))
        await writer.drain()

    async def work() -> None:
        async with upstream(hook) as url:
            webhook = {"url": url, "secret": "env:HOOK_SECRET", "private": True}
            handoff = {"before": {"always": True}, "webhook": webhook}
            async with desk(context, handoff) as on:
                got = await ask(on.rig, post(chat()))
                usage = got.headers["pilotbase-usage"]
                answering.answer(on.record, usage, "approve", "li", "", None)
                await on.until(usage, 200)
                async with asyncio.timeout(10):
                    while not told:
                        await asyncio.sleep(0.02)

    asyncio.run(work())
    head, body = told[0]
    assert body.keys() == {"usage", "status"} and body["status"] == 200
    found = re.search(rb"pilotbase-signature: t=([0-9]+),v1=([0-9a-f]{64})", head, re.IGNORECASE)
    assert found is not None
    said = found[1] + b"." + json.dumps(body).encode()
    mac = hmac.new(b"a-secret-of-the-hook", said, hashlib.sha256).hexdigest()
    assert mac == found[2].decode()


@pytest.mark.parametrize(
    ("url", "private"),
    [("https://127.0.0.1/x", False), ("http://169.254.169.254/x", True), ("ftp://h/", True)],
)
def test_it_goes_nowhere_it_may_not(
    url: str, private: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "a-secret-of-the-hook")
    with pytest.raises(CandidateError):
        asyncio.run(_sent((url, "env:HOOK_SECRET", private), b"{}"))
