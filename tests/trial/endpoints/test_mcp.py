"""A tool of a real MCP server: in a process of its own, and over HTTP."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from pilotbase.kernel.errors import CandidateError
from pilotbase.scenario.offer import Candidate
from pilotbase.trial.endpoints.build import endpoint_of
from pilotbase.trial.endpoints.port import Case, Misspoken, Response, Unanswered
from tests.trial.endpoints.conftest import KEY_NAME, asked, case_of, during
from tests.trial.endpoints.servers import http, says, serving

SERVER = '''
import os, sys, time
from mcp.server import MCPServer

server = MCPServer("tests")
print("chatter on the error stream", file=sys.stderr)


@server.tool()
def answer(question: str) -> str:
    """Answers."""
    if question == "crash":
        os._exit(3)
    if question == "raise":
        raise ValueError("no such thing")
    if question == "environment":
        return " ".join(sorted(os.environ))
    return f"{question} Paris [p1]"


@server.tool()
async def slow(question: str) -> str:
    """Takes its time."""
    import anyio
    await anyio.sleep(0.3 if question == "a little" else 60)
    return "at last [p1]"


@server.tool()
def structured(question: dict[str, float]) -> dict[str, float]:
    """For tables."""
    return {"score": question["age"] / 100}
'''


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    path = tmp_path_factory.mktemp("mcp") / "server.py"
    path.write_text(SERVER + '\nserver.run("stdio")\n')
    return sys.executable, str(path)


def mcp_at(*, trust: bool = True, **section: Any) -> Any:
    offer = Candidate.model_validate({"id": "asked", "mcp": {"tool": "answer", **section}})
    return endpoint_of(offer, folder=Path("."), seed=1, trust=trust, refusals=("No.",))


@contextmanager
def over_http() -> Iterator[str]:
    """The same server over streamable HTTP."""
    import uvicorn

    names: dict[str, Any] = {}
    exec(SERVER, names)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(names["server"].streamable_http_app(), log_level="error")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        while not running.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        running.should_exit = running.force_exit = True
        thread.join()


def test_a_program_is_asked_by_several_tasks_in_one_session(program: tuple[str, ...]):
    endpoint = mcp_at(command=program)

    async def work() -> list[str]:
        texts: list[str] = []

        async def one(number: int) -> None:
            case = case_of(f"{number}")
            response = await endpoint.send(endpoint.request(case), 10)
            found = endpoint.read(case, response)
            assert found["cites"] == [{"passage": "p1", "quote": ""}]
            texts.append(found["text"])

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(one, number)
        return texts

    assert sorted(during(endpoint, work)) == sorted(f"{n} Paris [p1]" for n in range(20))


def test_a_program_sees_no_keys(program: tuple[str, ...], key: str):
    found = asked(mcp_at(command=program), case_of("environment"), seconds=10)
    assert "PATH" in found["text"] and KEY_NAME not in found["text"]


def test_a_program_needs_trust(program: tuple[str, ...]):
    with pytest.raises(CandidateError, match="--trust"):
        mcp_at(command=program, trust=False)


@pytest.mark.parametrize("section", [{}, {"url": "https://a.example/mcp", "command": ["x"]}])
def test_either_address_or_program(section: dict[str, Any]):
    with pytest.raises(CandidateError, match="either url or command"):
        mcp_at(**section)


def test_what_a_program_can_do_wrong(program: tuple[str, ...]):
    endpoint = mcp_at(command=program)

    async def work() -> list[str]:
        found = []
        for text, error in (("raise", Misspoken), ("crash", Unanswered), ("after", Unanswered)):
            with pytest.raises(error) as caught:
                case = case_of(text)
                endpoint.read(case, await endpoint.send(endpoint.request(case), 3))
            found.append(str(caught.value))
        return found

    raised, crashed, _ = during(endpoint, work)
    assert "the tool reports an error" in raised
    assert "error" in crashed or "session" in crashed


def test_a_tool_that_is_not_there(program: tuple[str, ...]):
    with pytest.raises(CandidateError, match="no tool 'ask'") as caught:
        asked(mcp_at(command=program, tool="ask"))
    assert "answer, slow, structured" in caught.value.next_step.en


@pytest.mark.parametrize("command", [["no-such-program-here"], [sys.executable, "-c", "0"]])
def test_a_program_that_is_none(command: list[str]):
    with pytest.raises(CandidateError, match="does not answer"):
        asked(mcp_at(command=command))


def test_a_program_that_says_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pilotbase.trial.endpoints.mcp.OPEN_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(CandidateError, match="no session within"):
        asked(mcp_at(command=[sys.executable, "-c", "import time; time.sleep(60)"]))
    assert time.monotonic() - started < 10


def test_a_program_that_says_other_things(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pilotbase.trial.endpoints.mcp.OPEN_SECONDS", 0.5)
    chatter = "while True: print('hello', flush=True); import time; time.sleep(0.01)"
    with pytest.raises(CandidateError, match="does not answer"):
        asked(mcp_at(command=[sys.executable, "-c", chatter]))


def test_over_http():
    with over_http() as url:
        with pytest.raises(CandidateError, match="clear"):
            mcp_at(url=url)
        found = asked(mcp_at(url=url, private=True), seconds=10)
        assert found["text"] == "Where? Paris [p1]"
        table = mcp_at(url=url, private=True, tool="structured")
        assert asked(table, Case({"age": 41.0}), seconds=10)["score"] == pytest.approx(0.41)

        slow = mcp_at(url=url, private=True, tool="slow")

        async def work() -> None:
            started = time.monotonic()
            with pytest.raises(Unanswered, match="no answer within"):
                await slow.send(slow.request(case_of()), 0.3)
            assert time.monotonic() - started < 2
            case = case_of("a little")  # the session goes on after a call that was given up
            assert "at last" in slow.read(case, await slow.send(slow.request(case), 10))["text"]

        during(slow, work)


@pytest.mark.parametrize(
    "answer",
    [
        http("<html>", kind="text/html"),
        http("", status=401),
        http("", status=307, location="http://169.254.169.254/"),
        http("[]"),
        http(b"x" * 9_000_000),
    ],
    ids=["page", "key refused", "redirect", "no message", "9 MB"],
)
def test_what_is_no_mcp_server(answer: bytes, key: str):
    with serving(says(answer)) as server:
        with pytest.raises(CandidateError, match="does not answer") as caught:
            asked(mcp_at(url=server.url, private=True, key={"env": KEY_NAME}))
        assert server.calls[0].headers["authorization"] == f"Bearer {key}"
    assert key not in str(caught.value)


def read(result: dict[str, Any], case: Case | None = None) -> Any:
    body = json.dumps(result).encode()
    endpoint = mcp_at(url="https://a.example/mcp")
    return endpoint.read(case or case_of(), Response(body, "application/json", 1.0))


def test_results():
    text = {"content": [{"type": "text", "text": "No."}]}
    assert read(text)["refused"] is True
    said = read({"content": [], "structuredContent": {"text": "Paris", "retrieved": ["p1"]}})
    assert said["text"] == "Paris" and said["retrieved"] == ["p1"]
    number = {"content": [{"type": "text", "text": "0.5"}]}
    assert read(number, Case({"x": 1.0}))["score"] == 0.5


@pytest.mark.parametrize(
    "result",
    [
        {"content": []},
        {"content": [{"type": "image", "data": "", "mimeType": "image/png"}]},
        {"content": [{"type": "text", "text": "why"}], "isError": True},
    ],
)
def test_results_that_say_nothing(result: dict[str, Any]):
    with pytest.raises(Misspoken):
        read(result)
