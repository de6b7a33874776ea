"""Receipts over real sockets: what they say, and what an altered or replayed one comes to."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from pilotbase.faces.cli.call import invoke
from pilotbase.faces.cli.show_handoff import receipt_lines
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.main import commands
from pilotbase.record.opened import Record, open_record
from pilotbase.record.rules.note import SigningKey, VerifierKey
from pilotbase.serve.guards.watch import Watchers
from pilotbase.serve.receipts import store
from pilotbase.serve.receipts.checking import FILE_MAX, NOTHING_OUT, checked
from pilotbase.serve.receipts.door import ReceiptDoor
from pilotbase.serve.receipts.store import Receipts
from pilotbase.serve.rules.budget import shown
from pilotbase.serve.rules.receipt import ALTERED, NO_RECEIPT, NOT_SIGNED, check
from tests.serve.gateway.rig import (
    KEY,
    SAID,
    STREAM_HEAD,
    Rig,
    ask,
    chat,
    chunked,
    gateway,
    piece,
    post,
    request,
    route,
    saying,
    upstream,
    whole,
)

SIGNED = "pilotbase-receipt: signed\r\n"


@dataclass
class Desk:
    rig: Rig
    record: Record
    client: httpx2.AsyncClient

    async def receipt(self, usage: str, key: str = KEY) -> httpx2.Response:
        headers = {"x-api-key": key}
        return await self.client.get(f"http://gw/receipts/{usage}", headers=headers)


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    with open_record(Context(folder / "home")) as record:
        receipts = Receipts(record)
        async with upstream(saying(whole(json.dumps(SAID).encode()))) as url:
            one = route(url, guards={"personal_data": {}})
            watching = Watchers().watch
            async with gateway(one, watching=watching, receipts=receipts) as rig:
                door = ReceiptDoor(receipts, record, rig.gate, time.time)
                transport = httpx2.ASGITransport(app=Starlette(routes=door.routes))
                async with httpx2.AsyncClient(transport=transport) as client:
                    yield Desk(rig, record, client)
        receipts.close()


def test_a_receipt_says_what_happened_and_is_checked_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WAIT_S", 600.0)  # signed when one is asked for, and not before
    body = chat(messages=[{"role": "user", "content": "call 13800138000"}])

    async def work() -> tuple[dict[str, Any], bytes, str]:
        async with desk(tmp_path) as on:
            got = [await ask(on.rig, post(body, extra=SIGNED)) for _ in range(5)]
            usage = got[3].headers["pilotbase-usage"]
            assert (await on.receipt(usage, "pbk_0123_other")).status_code == 401
            assert (await on.receipt("gw-99")).status_code == 404
            answer = await on.receipt(usage)
            assert answer.status_code == 200
            on.rig.gate.stopped = True
            assert (await on.receipt(usage)).status_code == 200, "a stop takes nobody's proof"
            on.rig.gate.keys.add("other")
            on.rig.gate.grants["other"] = replace(on.rig.gate.grant, key="4567")
            others = await on.receipt(usage, "other")
            assert (others.status_code, others.json()["error"]) == (404, "serve.no_receipt")
            return answer.json(), got[3].body, on.record.vkey

    file, answer, vkey = asyncio.run(work())
    found = check(file, VerifierKey.parse(vkey))
    assert found.problem is None and found.receipt is not None
    said = found.receipt
    assert said["usage"] == "gw-4" and said["filing"] == "f-1" and said["outcome"] == "served"
    assert said["request"] == hashlib.sha256(body).hexdigest()
    assert said["answer"] == hashlib.sha256(answer).hexdigest()
    assert said["scanned"] == ["personal_data: request, answer"]
    assert said["for"]["principal"] == "bureau" and said["tokens"] == {"input": 7, "output": 3}
    assert file["size"] == 5  # one signature for all that were put down by then
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(file))
    for name, data in (("request", body), ("answer", answer)):
        (tmp_path / name).write_bytes(data)
    both = tmp_path / "request", tmp_path / "answer"
    assert checked(path, vkey, *both, usage="gw-4").problem is None
    (tmp_path / "base.vkey").write_text(vkey + "\n")
    assert checked(path, str(tmp_path / "base.vkey"), *both).problem is None
    # A good receipt, shown for another call:
    assert checked(path, vkey, both[1], None).problem is not None
    assert checked(path, vkey, None, None, usage="gw-3").problem is not None
    with pytest.raises(InputError, match=r"base\.vkey"):
        checked(path, "", None, None)
    assert (said["served"], said["upstream"], said["arranged_by"]) == ("declared", "u0", None)
    assert exits(path, vkey) == exits(path, vkey, "--request", str(both[0])) == 0
    zh = dict(receipt_lines(said, "zh"))
    assert not [name for name in zh if not re.search("[\u4e00-\u9fff]", name)], "a label is missing"
    assert zh["费用"] == shown(said["charge"]["nano"], "CNY") and zh["词元 · 输入"] == "7"
    assert zh["人工"] == "–" and zh["精确计数"] == "是" and zh["结果"] == "已应答"
    for words in (
        ("--request", str(both[1])), ("--answer", str(both[0])), ("--usage", "gw-3"),
        ("--json", "--usage", "gw-3"),
    ):  # fmt: skip
        assert exits(path, vkey, *words) == 3
    path.write_text(json.dumps({**file, "index": file["index"] ^ 1}))
    assert exits(path, vkey) == exits(path, vkey, "--json") == 3


def exits(path: Path, vkey: str, *words: str) -> int:
    """How the command line ends."""
    command = commands(invoke)
    asked = ["gateway", "receipt", "check", str(path), "--key", vkey, *words]
    return CliRunner().invoke(command, asked).exit_code


def test_streams_have_receipts_of_what_went_out(tmp_path: Path) -> None:
    from tests.serve.gateway.rig import STREAM_HEAD, chunked, stream_of

    async def work() -> None:
        with open_record(Context(tmp_path / "home")) as record:
            receipts = Receipts(record)
            events = saying(STREAM_HEAD + chunked(stream_of("a", "b")))
            watchers = Watchers()
            async with (
                upstream(events) as url,
                gateway(
                    route(url, guards={"personal_data": {}}, served="proven"),
                    receipts=receipts,
                    watching=watchers.watch,
                ) as rig,
            ):
                got = await ask(rig, post(chat(stream=True), extra=SIGNED))
                found = receipts.find(got.headers["pilotbase-usage"])
                assert found is not None
                said = json.loads(found.file["receipt"])
                assert said["answer"] == hashlib.sha256(got.body).hexdigest()
                (scanned,) = said["scanned"]
                assert scanned.startswith("personal_data: request, answer")
                assert said["served"] == "proven" == got.headers["pilotbase-served"]
            watchers.close()
            receipts.close()

    asyncio.run(work())


def test_a_stream_that_breaks_off_has_a_receipt_of_all_that_went_out(tmp_path: Path) -> None:
    """With the last event, by which the gateway says why; a refusal names no answer."""

    async def work() -> None:
        with open_record(Context(tmp_path / "home")) as record:
            receipts = Receipts(record)

            async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                _, body = await request(reader)
                begun = STREAM_HEAD + chunked(piece("a"), end=False)
                writer.write(begun if body.get("stream") else whole(b"{}", "500 No"))
                await asyncio.sleep(0.1)  # what it said has been passed on

            async with upstream(breaks) as url, gateway(route(url), receipts=receipts) as rig:
                got = await ask(rig, post(chat(stream=True), extra=SIGNED))
                assert got.status == 200 and b'"error"' in got.body
                refused = await ask(rig, post(chat(), extra=SIGNED))
                assert refused.status == 502
                for one, digest in (
                    (got, hashlib.sha256(got.body).hexdigest()), (refused, None)
                ):  # fmt: skip
                    found = receipts.find(one.headers["pilotbase-usage"])
                    assert found is not None
                    assert json.loads(found.file["receipt"])["answer"] == digest
                path, body = tmp_path / "r.json", tmp_path / "body"
                path.write_text(json.dumps(found.file))
                body.write_bytes(refused.body)
                assert checked(path, record.vkey, None, body).problem == NOTHING_OUT
            receipts.close()

    asyncio.run(work())


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    with open_record(Context(tmp_path_factory.mktemp("base"))) as record:
        receipts = Receipts(record)
        file = receipts.one({"format": "pilotbase/receipt/1", "usage": "gw-1", "nano": 5})
        receipts.close()
        return file, record.vkey


def test_altered_forged_and_foreign_receipts_are_told(good: tuple[dict[str, Any], str]) -> None:
    file, vkey = good
    key = VerifierKey.parse(vkey)
    other = SigningKey.generate(lambda n: bytes(n), lambda public: "other").verifier
    assert check(file, key).problem is None
    assert check(file, other).problem == NOT_SIGNED
    changed = {**file, "receipt": file["receipt"].replace('"nano":5', '"nano":4')}
    assert check(changed, key).problem == ALTERED
    assert check({**file, "size": 2}, key).problem == ALTERED
    assert check({**file, "index": 1}, key).problem == ALTERED
    assert check({**file, "more": 1}, key).problem == NO_RECEIPT
    documents: tuple[Any, ...] = (None, [], {}, "x")
    for document in documents:
        assert check(document, key).problem == NO_RECEIPT


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_receipt_makes_the_check_fail_over(
    good: tuple[dict[str, Any], str], data: st.DataObject
) -> None:
    file, vkey = good
    part = data.draw(st.sampled_from(sorted(file)))
    value = data.draw(
        st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)
    )
    found = check({**file, part: value}, VerifierKey.parse(vkey))
    assert found.problem is not None or value == file[part]


def test_a_receipt_that_says_a_thing_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    with open_record(Context(tmp_path / "base")) as record:
        receipts = Receipts(record)
        path.write_text(json.dumps(receipts.one({"format": "pilotbase/receipt/1"})))
        receipts.close()
        assert checked(path, record.vkey, None, None).problem is None
        path.write_text('{"receipt": "forged", ' + path.read_text()[1:])
        problem = checked(path, record.vkey, None, None).problem
    assert problem is not None and "'receipt' twice" in problem.en


def test_a_file_sent_without_its_newlines_is_told(tmp_path: Path) -> None:
    sent = b'{"model": "f-1"}'
    with open_record(Context(tmp_path / "base")) as record:
        receipts = Receipts(record)
        receipt = {"format": "pilotbase/receipt/1", "request": hashlib.sha256(sent).hexdigest()}
        path, request = tmp_path / "receipt.json", tmp_path / "request.json"
        path.write_text(json.dumps(receipts.one(receipt)))
        receipts.close()
    for content, hint in ((sent + b"\n", True), (sent + b"\r\n", True), (sent + b"x", False)):
        request.write_bytes(content)
        problem = checked(path, record.vkey, request, None).problem
        assert problem is not None
        assert ("--data-binary" in problem.en, "--data-binary" in problem.zh) == (hint, hint)


@pytest.mark.parametrize("key", ["nope", "base+00000000+AAAA"])
def test_a_malformed_key_is_faulty_input_as_it_is_for_proofs(tmp_path: Path, key: str) -> None:
    path = tmp_path / "receipt.json"
    path.write_text("{}")
    assert exits(path, key) == 2


def test_what_is_no_file_to_read_is_told_as_what_it_is(tmp_path: Path) -> None:
    with open_record(Context(tmp_path / "base")) as record:
        receipts = Receipts(record)
        path, empty, large = (tmp_path / name for name in ("receipt.json", "empty", "large"))
        path.write_text(json.dumps(receipts.one({"format": "pilotbase/receipt/1"})))
        receipts.close()
    empty.touch()
    large.touch()
    os.truncate(large, FILE_MAX + 1)
    for receipt, compared, said in (
        (path, tmp_path, Text("it is a folder and no file", "这是文件夹, 不是文件")),
        (empty, None, Text("the file is empty", "文件为空")),
        (large, None, Text("the file is too large", "文件过大")),
        (tmp_path / "none", None, Text("there is no such file", "没有此文件")),
    ):
        with pytest.raises(InputError) as caught:
            checked(receipt, record.vkey, compared, None)
        assert caught.value.message == said
