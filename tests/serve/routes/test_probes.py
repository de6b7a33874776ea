"""What a drill asks: every operation, through the gateway's own doors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pilotbase.kernel.errors import InputError, RunError
from pilotbase.serve.call import Route
from pilotbase.serve.routes.drill import _checked, _tried
from pilotbase.serve.routes.probes import Caller, Probe, Question, question_of
from pilotbase.serve.routes.verbs import DrillRequest
from pilotbase.serve.telemetry.asking import seen
from pilotbase.serve.telemetry.verbs import CallsRequest
from tests.serve.doors.mounting import Said, answering, as_json, doors, serving_by
from tests.serve.gateway.rig import KEY, SAID, Rig, route

Json = dict[str, Any]
MODEL = {
    "inputs": [{"name": "age", "datatype": "FP64", "shape": [-1]},
               {"name": "area", "datatype": "FP64", "shape": [-1]}],
    "parameters": {"example": json.dumps({"age": 41.0, "area": "north"})},
}  # fmt: skip
TOOL = {
    "name": "m",
    "inputSchema": {
        "properties": {"n": {"type": "integer", "examples": [3]}, "unit": {"enum": ["m", "km"]}},
        "required": ["n", "unit"],
    },
}


def model(path: bytes, body: bytes, headers: dict[bytes, bytes]) -> Said:
    """Speaks of itself, and answers any question that is put properly."""
    if path == b"/v2/models/m":
        return as_json(MODEL)
    if path.startswith(b"/v2/"):
        given = {one["name"]: one["data"] for one in json.loads(body)["inputs"]}
        assert given == {"age": [41.0], "area": ["north"]}
        output = {"name": "label", "datatype": "INT64", "shape": [1], "data": [1]}
        return as_json({"model_name": "m", "outputs": [output]})
    said = json.loads(body)
    if "jsonrpc" not in said:
        return as_json(SAID)
    results: dict[str, Json] = {
        "server/discover": {"supportedVersions": ["2026-07-28"]},
        "tools/list": {"tools": [TOOL]},
        "tools/call": {"content": [], "structuredContent": said["params"].get("arguments")},
        "SendMessage": {"message": {"messageId": "1", "role": "ROLE_AGENT",
                                    "parts": said["params"].get("message", {}).get("parts")}},
    }  # fmt: skip
    return as_json({"jsonrpc": "2.0", "id": said["id"], "result": results[said["method"]]})


def played(
    names: str, there: Callable[[str], Route], work: Callable[[Caller, Route, Rig], Any]
) -> Any:
    """A caller's work, against a gateway with some doors."""

    async def scene() -> Any:
        async with answering(model) as url:
            one = there(url)
            async with doors(names, one, beside=Cards()) as rig:
                return await asyncio.to_thread(work, Caller(rig.url, KEY), one, rig)

    return asyncio.run(scene())


class Cards:
    """Beside calls, a gateway keeps nothing here. For tests."""

    address = "http://127.0.0.1"

    async def name_task(self, *named: str) -> None: ...

    async def task(self, task: str) -> Json | None:
        return None


KINDS = [
    ("chat", "openai,oip", ("chat", "responses"), "chat"),
    ("chat", "openai", ("embeddings",), "embeddings"),
    ("oip", "openai,oip", ("infer",), "infer"),
    ("candidate", "openai,oip", ("infer", "chat"), "infer"),
    ("mcp", "mcp", ("tool",), "tool"),
    ("a2a", "a2a", ("message",), "message"),
]


@pytest.mark.parametrize("kind, names, speaks, chosen", KINDS)
def test_a_service_is_asked_in_what_it_speaks(
    kind: str, names: str, speaks: tuple[str, ...], chosen: str
) -> None:
    def work(caller: Caller, there: Route, rig: Rig) -> tuple[Question, Probe, Probe]:
        question = question_of(caller, there, "", None)
        good = caller.ask(question)
        rig.gate.stopped = True
        return question, good, caller.ask(question)

    def there(url: str) -> Route:
        return serving_by(kind, url if kind != "chat" else f"{url}/v1", *speaks)

    question, good, bad = played(names, there, work)
    assert question.operation == chosen
    if chosen != "embeddings":  # whose answer is no embedding here
        assert (good.filing, good.code) == ("f-1", "")
    assert (bad.filing, bad.code) == ("", "serve.not_filed")


def test_a_door_that_is_not_open_is_no_answer() -> None:
    def work(caller: Caller, there: Route, rig: Rig) -> list[str]:
        tool = replace(there, speaks=frozenset(("tool",)))
        agent = replace(there, speaks=frozenset(("message",)))
        asked = [question_of(caller, tool, "", {"n": 1}), question_of(caller, agent, "", None)]
        closed = Caller("http://127.0.0.1:1", KEY)
        return [caller.ask(one).code for one in asked] + [closed.ask(asked[0]).code]

    codes = played("openai", lambda url: serving_by("chat", f"{url}/v1", "chat"), work)
    assert codes == ["HTTP 404", "HTTP 404", "serve.no_gateway"]


def test_who_is_not_there_is_told_without_pythons_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "http://127.0.0.1:1"
    there = route(f"{nowhere}/v1", speaks=frozenset(("chat",)))
    caller = Caller(nowhere, KEY)
    question = question_of(caller, there, "chat", {"messages": []})
    with pytest.raises(RunError, match="no gateway answers there") as told:
        _tried(caller, question, "f-1")
    assert "该地址没有网关应答" in told.value.render("zh")
    monkeypatch.setenv("HERE", KEY)
    with pytest.raises(RunError, match="no gateway answers there: connection refused"):
        seen(CallsRequest(address=nowhere, key="HERE"))
    file = tmp_path / "request.json"
    asked = DrillRequest("f-1", as_="li", key="HERE", request=file)
    with pytest.raises(InputError, match="there is no such file"):
        _checked(asked)
    file.write_text("[1]")
    with pytest.raises(InputError, match="the file holds no JSON object"):
        _checked(asked)


def test_what_is_given_is_asked_and_says_how() -> None:
    both = route("http://127.0.0.1:1/v1", speaks=frozenset(("chat", "infer", "tool", "message")))
    caller = Caller("http://127.0.0.1:1", KEY)
    for given, wanted, chosen in (
        ({"messages": []}, "", "chat"),
        ({"inputs": []}, "", "infer"),
        ({"n": 1}, "", "tool"),
        ({"text": "?"}, "message", "message"),
    ):
        question = question_of(caller, both, wanted, given)
        assert question.operation == chosen
        text = json.dumps(given)[1:-1].replace(" ", "")
        assert text in question.body.decode().replace(" ", "")


def test_where_there_is_nothing_to_ask_it_is_said() -> None:
    caller = Caller("http://127.0.0.1:1", KEY)
    model, words = (route("", speaks=frozenset((one,))) for one in ("infer", "chat"))
    with pytest.raises(InputError, match=r"serve\.drill_unknown") as caught:
        question_of(caller, model, "", None)
    assert "--request" in caught.value.render("en") and "--request" in caught.value.render("zh")
    for wanted in ("infer", "sing"):
        with pytest.raises(InputError, match=r"serve\.drill_operation") as caught:
            question_of(caller, words, wanted, None)
        assert "chat" in caught.value.render("zh")
