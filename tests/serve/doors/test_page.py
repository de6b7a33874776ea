"""The page on doors: its lines call the services that it names, in both languages the same."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.serve.doors.mounting import Said, answering, as_json, doors, serving_by
from tests.serve.doors.test_a2a import Signing
from tests.serve.doors.test_mcp import COLUMNS
from tests.serve.gateway.rig import KEY, Rig, saying, stream_of, upstream, whole

DOCS = Path(__file__).parents[3] / "docs"
PLACE = "127.0.0.1:8470"


def blocks(language: str) -> list[tuple[str, str]]:
    text = (DOCS / language / "doors.md").read_text("utf-8")
    return re.findall(r"```(\w+)\n(.*?)```", text, re.S)


def loans(path: bytes, body: bytes, headers: dict[bytes, bytes]) -> Said:
    if not path.endswith(b"/infer"):
        return as_json(COLUMNS)
    said = json.loads(body[: int(headers.get(b"inference-header-content-length", len(body)))])
    [area] = [one["data"] for one in said["inputs"] if one["name"] == "area"]
    output = {"name": "label", "datatype": "BYTES", "shape": [len(area)], "data": area}
    return as_json({"model_name": "m", "outputs": [output]})


def run_python(code: str) -> str:
    out, names = io.StringIO(), dict[str, Any](__name__="page")
    with contextlib.redirect_stdout(out):
        exec(compile(code, "doors.md", "exec"), names)
    if isinstance(client := names.get("client"), openai.OpenAI):
        client.close()  # as when a program ends
    return out.getvalue()


def run_sh(code: str) -> str:
    env = {**os.environ, "PILOTBASE_KEY": KEY, "no_proxy": "*"}
    words = ["sh", "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
    return json.dumps(json.loads(done.stdout), ensure_ascii=False)


CASES: dict[str, tuple[Callable[[str], str], str]] = {
    "curl -s http://127.0.0.1:8470/v1": (run_sh, "早上好"),
    "import openai": (run_python, "早上好"),
    "curl -s http://127.0.0.1:8470/v2": (run_sh, "south"),
    "import tritonclient": (run_python, "north"),
    "from mcp import": (run_python, "{'label': 'north'} gw-1"),
    "from a2a.client": (run_python, "早上好"),
}


@pytest.mark.parametrize("mark", CASES)
def test_the_lines_of_the_page_call(mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run, expected = CASES[mark]
    [(_, code)] = [one for one in blocks("en") if mark in one[1]]
    monkeypatch.setenv("PILOTBASE_KEY", KEY)

    async def work() -> str:
        beside = Signing()
        answer = whole(stream_of("早", "上", "好"), media="text/event-stream")
        message = {"role": "assistant", "content": "早上好"}
        chat = {"id": "c", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}  # fmt: skip
        if "a2a" not in mark:
            answer = whole(json.dumps(chat).encode())
        async with (
            upstream(saying(answer)) as words,
            answering(loans) as numbers,
            doors(
                "openai,oip,mcp,a2a",
                serving_by("chat", words, "chat", filing="advice-1"),
                serving_by("oip", numbers, "infer", filing="loans-1"),
                beside=beside,
            ) as rig,
        ):
            beside.address = rig.url
            return await asyncio.to_thread(run, here(code, rig))

    assert expected in asyncio.run(work())


def here(code: str, rig: Rig) -> str:
    return code.replace(PLACE, f"127.0.0.1:{rig.port}")


def test_both_languages_have_the_same_lines() -> None:
    pages: list[Any] = [blocks("en"), blocks("zh")]
    assert pages[0] == pages[1] and len(pages[0]) == 8
