"""Strangers at the gateway's own door, and upstreams' names that lead elsewhere."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.serve.call import Upstream
from tests.serve.faults.villain import Stand
from tests.serve.gateway.rig import ask, chat, gateway, post, route

DEEP = b"[" * 60_000


def sent(stand: Stand, data: bytes, *, end: bool = False) -> bytes:
    """All that comes back until the gateway closes; with ``end`` it is told that no more comes."""
    host, port = stand.gateway.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(data)
        if end:
            connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def get(path: bytes, *lines: bytes) -> bytes:
    head = b"".join(line + b"\r\n" for line in lines)
    return b"GET %b HTTP/1.1\r\nHost: a\r\n%bConnection: close\r\n\r\n" % (path, head)


PATHS = [
    b"/register/%ff", b"/register/%E5%B8%82.json", b"/register/a%20b", b"/register/<x>",
    b"/register/" + b"a" * 3000, b"/register.json?lang=%ff", b"/register?lang=zh%00",
    b"/calls/%F0%9F%98%80", b"/calls/" + b"0" * 3000, b"/receipts/%27%20OR%201=1",
    b"/v1/models/%E5%B8%82", b"/v1/models/" + b"x" * 3000, b"/v2/models/%ff/infer", b"/metrics/",
    b"/healthz/x", b"/calls.json?x=%", b"/?" + b"&" * 3000, b"/v1/chat/completions",
]  # fmt: skip


def test_strange_paths_are_answered_and_break_nothing(stand_: Stand) -> None:
    for path in PATHS:
        for line in (f"authorization: Bearer {stand_.key}", "authorization: Basic !!!!",
                     "authorization: Basic /w==", "accept-language: \xff\xfe"):  # fmt: skip
            got = sent(stand_, get(path, line.encode("latin-1")))
            status = int(got.split(b" ", 2)[1])
            assert got.startswith(b"HTTP/1.1 ") and status in (200, 400, 401, 403, 404, 405), path
            assert b"Traceback" not in got
    assert stand_.call()[0] == 200


BODIES = {
    "too deep": b'{"model":"advice-logit","messages":' + DEEP + b"]" * len(DEEP) + b"}",
    "a service of no name": b'{"model":"\\u0000","messages":[]}',
    "a service with lines": b'{"model":"a\\r\\nset-cookie: x=1","messages":[]}',
    "a service in half a character": b'{"model":"\\ud800","messages":[]}',
    "a long service": b'{"model":"' + b"a" * 300_000 + b'","messages":[]}',
    "a service of markup": b'{"model":"<script>","messages":[]}',
    "many tokens": b'{"model":"advice-logit","max_tokens":1' + b"0" * 400 + b',"messages":[]}',
    "tokens twice": b'{"model":"advice-logit","max_tokens":1,"max_tokens":99999,"messages":[]}',
    "tokens in disguise": b'{"model":"advice-logit","max\\u005ftokens":99999,"messages":[]}',
    "less than nothing": b'{"model":"advice-logit","n":-1,"messages":[]}',
    "two bodies": b'{"model":"advice-logit","messages":[]}{"model":"x"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_mean_harm_are_refused_unmetered(stand_: Stand, name: str) -> None:
    before = stand_.calls()["ended"]
    got = sent(stand_, post(BODIES[name], key=stand_.key, extra="Connection: close\r\n"))
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] in (b"400", b"404") and b"set-cookie" not in head
    assert json.loads(body)["error"]["message_zh"] and b"<script>" not in head
    assert len(stand_.calls()["ended"]) == len(before)


junk = st.binary(max_size=60) | st.sampled_from(
    [b"\r\n", b"\n", b": ", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
     b"5\r\nabcde\r\n", b"0\r\n\r\n", b"GET / HTTP/1.1\r\n", b"Host: a\r\n", b"\x00", b" "]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(junk, min_size=1, max_size=8))
def test_whatever_is_sent_is_faulted_or_answered(stand_: Stand, parts: list[bytes]) -> None:
    got = sent(
        stand_, b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + b"".join(parts), end=True
    )
    for answer in got.split(b"HTTP/1.1 ")[1:]:
        assert answer[:3] in (b"400", b"401", b"404", b"405", b"408", b"413", b"414", b"415",
                              b"417", b"431", b"501", b"505", b"100")  # fmt: skip


RESOLVED = {
    "to this machine": ["127.0.0.1"],
    "to metadata": ["169.254.169.254"],
    "inside": ["10.0.0.7"],
    "to a good and a bad one": ["93.184.216.34", "127.0.0.1"],
    "to this machine in disguise": ["::ffff:127.0.0.1"],
}


@pytest.mark.parametrize("name", RESOLVED)
def test_a_name_that_leads_inside_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The resolver is an attacker's: what it says is checked before anything is opened."""
    usual = socket.getaddrinfo

    def resolver(host: Any, port: Any, *more: Any, **how: Any) -> Any:
        if host != b"upstream.example" and host != "upstream.example":
            return usual(host, port, *more, **how)
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "",
             (one, port))
            for one in RESOLVED[name]
        ]  # fmt: skip

    monkeypatch.setattr(socket, "getaddrinfo", resolver)

    async def work() -> None:
        url = "https://upstream.example/v1"
        one = replace(route(url), upstreams=(Upstream("u", "chat", url),))
        async with gateway(one) as rig:
            got = await ask(rig, post(chat()))
            assert (got.status, got.json["error"]["code"]) == (503, "serve.upstream_down")
            assert rig.meter.outcomes == ["failed"]

    asyncio.run(work())


def test_a_receipt_and_a_call_are_their_callers_alone(stand_: Stand, tmp_path: Path) -> None:
    other = stand_.base.key("buyer")
    connection = stand_.gateway.connection()
    body = json.dumps({"model": "advice-logit", "messages": []})
    headers = {"authorization": f"Bearer {stand_.key}", "content-type": "application/json",
               "pilotbase-receipt": "signed"}  # fmt: skip
    connection.request("POST", "/v1/chat/completions", body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    usage = answer.headers["pilotbase-usage"].encode()

    def status(key: str, path: bytes) -> bytes:
        got = sent(stand_, get(path + usage, f"authorization: Bearer {key}".encode()))
        return got.split(b" ", 2)[1]

    assert status(stand_.key, b"/receipts/") == b"200"
    assert status(other, b"/receipts/") in (b"404", b"401")  # 401 until the gate knows the key
    assert status("", b"/receipts/") == b"401"
    assert status(other, b"/calls/") in (b"404", b"401")
