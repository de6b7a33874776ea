"""What is asked, answered and charged of an own worker are the same cases, at every door."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from a2a.helpers.proto_helpers import new_data_message
from a2a.types import Role, SendMessageRequest, TaskState
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.serve.call import Ask, Caps, Tariff
from pilotbase.serve.doors.openai import DIALECTS
from pilotbase.serve.doors.plain import delta_of
from pilotbase.serve.rules.price import due, price
from pilotbase.serve.rules.unfit import Unfit
from pilotbase.serve.worker.answering import Answering
from pilotbase.serve.worker.app import App
from pilotbase.serve.worker.columns import Columns
from tests.serve.doors.mounting import doors, served, serving_by
from tests.serve.doors.test_a2a import Signing, agent, task_of
from tests.serve.doors.test_mcp import client
from tests.serve.gateway.rig import KEY, Rig

Json = dict[str, Any]
HEADERS = {"Authorization": f"Bearer {KEY}"}
NUMBERS = pd.DataFrame({"age": [30.0, 41.0], "income": [1.0, math.nan], "married": [0.0, 1.0]})
WORDS = pd.DataFrame({"age": [30.0, 41.0], "area=north": [1.0, 0.0], "area=south": [0.0, 1.0]})
CASE = {"age": 41, "income": 2, "married": True}
SERVICES = "f", "g", "h", "drifts"
MOST = 4


class Adds:
    """A model for tests: the sum of a case's numbers.

    Args:
        drift: how many cases more than asked it answers.
    """

    task, fit = "regression", "nothing"
    columns: tuple[str, ...]
    optional: tuple[str, ...]

    def __init__(self, table: pd.DataFrame, drift: int = 0) -> None:
        self._read, self._drift = Columns(table), drift
        self.columns, self.optional = self._read.names, self._read.optional
        self.datatypes: Mapping[str, str] = self._read.datatypes
        self.example: Mapping[str, Any] = {}

    def answer(self, cases: Sequence[Mapping[str, Any]]) -> list[Json]:
        found = [{"value": float(np.nansum(self._read.row(one)))} for one in cases]
        return (found * 2)[: len(found) + self._drift]

    def check(self, cases: Sequence[Mapping[str, Any]]) -> None:
        for one in cases:
            self._read.row(one)


class Counts:
    """A model of a series for tests: how many values have come since."""

    task, fit = "forecast", "nothing"
    columns: tuple[str, ...] = ("history",)
    optional: tuple[str, ...] = ()
    datatypes: Mapping[str, str] = {"history": "FP64"}
    example: Mapping[str, Any] = {"history": []}

    def answer(self, cases: Sequence[Mapping[str, Any]]) -> list[Json]:
        self.check(cases)
        return [{"value": float(len(one["history"]))} for one in cases]

    def check(self, cases: Sequence[Mapping[str, Any]]) -> None:
        if any(not isinstance(one.get("history"), list) for one in cases):
            raise Unfit("missing: history", "缺少列: history")


@asynccontextmanager
async def mounted(names: str, beside: Any = None) -> AsyncIterator[Rig]:
    """A gateway before four workers as they are, without a trial behind them."""
    async with AsyncExitStack() as stack:
        routes = []
        models: tuple[Answering, ...] = Adds(NUMBERS), Adds(WORDS), Counts(), Adds(NUMBERS, 1)
        for service, model in zip(SERVICES, models, strict=True):
            url = await stack.enter_async_context(served(App("m", "1", model)))
            caps = Caps(cases_max=MOST, whole_s_max=20.0)
            more: Json = {"filing": f"{service}-1", "caps": caps, "columns": True}
            routes.append(serving_by("candidate", url, "chat", "infer", **more))
        yield await stack.enter_async_context(doors(names, *routes, beside=beside))


class Held:
    """A gateway that runs beside a test that is none of asyncio's."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._made: Future[Rig] = Future()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._hold()))
        self._thread.start()
        self.rig = self._made.result(20)

    async def _hold(self) -> None:
        async with mounted("openai,oip") as rig, httpx.AsyncClient(headers=HEADERS) as self.http:
            self._made.set_result(rig)
            await self._end.wait()

    def run(self, work: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def infer(self, service: str, body: bytes, **headers: str) -> httpx.Response:
        url = f"{self.rig.url}/v2/models/{service}/infer"
        return self.run(self.http.post(url, content=body, headers=headers))

    def chat(self, service: str, content: Any, **more: Any) -> httpx.Response:
        said = {"model": service, "messages": [{"role": "user", "content": content}], **more}
        return self.run(self.http.post(f"{self.rig.url}/v1/chat/completions", json=said))

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)
        self.loop.close()


@pytest.fixture(scope="module")
def held() -> Iterator[Held]:
    found = Held()
    yield found
    found.close()


def charged(rig: Rig) -> int:
    """Cases that the last call is charged; it was reserved just as many, or costs nothing."""
    if not rig.meter.settled:
        return 0
    call, usage, outcome = rig.meter.settled.pop()
    rig.meter.begun.remove(call)
    tariff = Tariff("CNY", case=1)
    reserved = price(tariff, call.most)
    nano = due(tariff, usage, outcome, reserved)
    assert nano in (0, reserved)
    return nano


def values(got: httpx.Response) -> int:
    """Cases answered in a chat."""
    if got.status_code != 200:
        return 0
    if got.headers["content-type"].startswith("text/event-stream"):
        text = "".join(delta_of(line[6:]) for line in got.content.split(b"\n\n") if line)
    else:
        text = got.json()["choices"][0]["message"]["content"]
    said = json.loads(text)
    return len(said) if isinstance(said, list) else 1


def rows(got: httpx.Response) -> int:
    """Cases answered in tensors."""
    return int(got.json()["outputs"][0]["shape"][0]) if got.status_code == 200 else 0


SHAPES = st.one_of(
    st.tuples(st.integers(0, 5)),
    st.tuples(st.integers(0, 5), st.sampled_from([3, 3, 2])),
    st.tuples(st.integers(1, 2), st.integers(1, 4), st.just(3)),
)
COLUMNS: dict[str, list[tuple[str, ...]]] = {
    "f": [("input",), ("age", "married"), ("age", "income", "married")],
    "g": [("age", "area")],
    "h": [("history",)],
    "drifts": [("input",), ("age", "married")],
}
ODD: list[tuple[str, ...]] = [(), ("age",), ("input", "age"), ("history", "age"), ("history",)]


@st.composite
def inferences(draw: st.DrawFn) -> tuple[str, bytes, dict[str, str]]:
    """A service, and a request of any shape whose data fit it, in JSON or as bytes."""
    service = draw(st.sampled_from(SERVICES))
    names = draw(st.sampled_from(COLUMNS[service] * 2 + ODD))
    good = st.integers(1, 5).map(lambda n: (n, 3) if names == ("input",) else (n,))
    alike = draw(st.none() | good | good | SHAPES)
    inputs, tail = list[Json](), b""
    for name in names:
        shape = alike or draw(SHAPES)
        one: Json = {"name": name, "shape": list(shape), "datatype": "FP64"}
        if name == "area":
            one |= {"datatype": "BYTES", "data": ["north"] * math.prod(shape)}
        elif draw(st.booleans()):
            raw = np.ones(shape, "<f8").tobytes()
            one["parameters"], tail = {"binary_data_size": len(raw)}, tail + raw
        else:
            one["data"] = [1] * math.prod(shape)
        inputs.append(one)
    head = json.dumps({"inputs": inputs}).encode()
    length = {"Inference-Header-Content-Length": str(len(head))} if tail else {}
    return service, head + tail, length | {"Content-Type": "application/octet-stream"}


@settings(max_examples=80, deadline=None)
@given(inferences())
def test_tensors_are_charged_as_they_are_answered(
    held: Held, asked: tuple[str, bytes, dict[str, str]]
) -> None:
    service, body, headers = asked
    got = held.infer(service, body, **headers)
    assert rows(got) == charged(held.rig) <= MOST
    if got.status_code != 200:
        assert got.status_code in (400, 413, 422) or (got.status_code, service) == (502, "drifts")
        assert got.json()["error"] and got.json()["message_zh"]


GOOD: dict[str, Json] = {
    "f": CASE,
    "g": {"age": 41, "area": "south"},
    "h": {"history": [1]},
    "drifts": CASE,
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SERVICES), st.data(), st.booleans(), st.booleans())
def test_chats_are_charged_as_they_are_answered(
    held: Held, service: str, data: st.DataObject, stream: bool, parts: bool
) -> None:
    case, odd = st.just(GOOD[service]), st.sampled_from([*GOOD.values(), {}, {"age": 1}, 3])
    asked = data.draw(case | odd | st.lists(case, max_size=5) | st.lists(case | odd, max_size=5))
    text = json.dumps(asked)
    content = [{"type": "text", "text": text[:5]}, {"type": "text", "text": text[5:]}]
    got = held.chat(service, content if parts else text, stream=stream)
    assert values(got) == charged(held.rig) <= MOST


@pytest.mark.parametrize(
    "shape", [[1, 3000, 3], [3000], [2, 1, 3], [3], [0, 3], [MOST + 1, 3], [1, 3, 1], []]
)
def test_no_other_shape_is_read_than_is_counted(held: Held, shape: list[int]) -> None:
    one = {"name": "input", "datatype": "FP64", "shape": shape, "data": [1] * math.prod(shape)}
    got = held.infer("f", json.dumps({"inputs": [one]}).encode())
    assert got.status_code in (400, 413) and not held.rig.meter.begun  # nothing was reserved


def test_lists_of_cases_are_reserved_and_charged_by_their_number(held: Held) -> None:
    ids = set()
    for count in (1, MOST):
        got = held.chat("f", json.dumps([CASE] * count))
        ids.add(got.json()["id"])
        assert values(got) == charged(held.rig) == count
    assert len(ids) == 2, "each answer has a name of its own"
    got = held.chat("f", json.dumps([CASE] * (MOST + 1)))
    assert got.status_code == 413 and got.json()["error"]["code"] == "serve.too_many_cases"
    assert not held.rig.meter.begun


def test_a_question_in_words_is_one_case_whatever_it_looks_like() -> None:
    said = {"messages": [{"role": "user", "content": "[{}, {}]"}]}
    for columns, cases in ((False, 1), (True, 2)):
        route = serving_by("candidate", "unix:/x", "chat", "infer", columns=columns)
        ask = Ask("f", "chat", json.dumps(said).encode())
        assert DIALECTS["chat"].most(ask, route).cases == ask.cases == cases


@pytest.mark.parametrize("stream", [True, False])
def test_a_worker_that_answers_more_than_was_asked_is_not_heard(held: Held, stream: bool) -> None:
    got = held.chat("drifts", json.dumps(CASE), stream=stream)
    assert got.status_code == 502 and got.json()["error"]["code"] == "serve.worker_miscounted"
    assert "自有工作进程" in got.json()["error"]["message_zh"] and charged(held.rig) == 0


@pytest.mark.parametrize(
    "service, case, en, zh",
    [
        ("f", {}, "missing: age, income, married", "缺少列: age、income、married"),
        ("f", {"age": 41}, "missing: married", "缺少列: married"),
        ("f", CASE | {"age": True}, "age holds true, which is no number", "age 的值 true 不是数值"),
        ("f", CASE | {"nix": 1}, "no such column: nix", "没有这样的列: nix"),
        ("g", {"age": 1, "area": "west"}, "area holds", "试验过的取值"),
        ("h", {}, "missing: history", "缺少列: history"),
    ],
)
def test_a_worker_says_itself_what_is_wrong(
    held: Held, service: str, case: Json, en: str, zh: str
) -> None:
    got = held.chat(service, json.dumps(case))
    error = got.json()["error"]
    assert (got.status_code, error["code"]) == (422, "serve.unfit") and charged(held.rig) == 0
    assert en in error["message"] and zh in error["message_zh"]
    assert f"/v2/models/{service}" in error["message"] and "upstream" not in error["message"]


@pytest.mark.parametrize(
    "text, en, zh",
    [
        ('{"age": 1e400, "married": 1}', "1e400 is not a finite", "1e400 不是有限的数值"),
        ('{"age": 1, "income": NaN}', "NaN is not a finite", "NaN 不是有限的数值"),
        ('{"age": 1,\n "married" 1}', "at line 2, column 12", "第 2 行第 12 列有误"),
        ('{"age": 1, "married": 1, "age": 2}', "'age' is given twice", "'age' 出现了两次"),
        ("[3]", "a JSON object of columns, or a list of them.", "或其列表。"),
    ],
)
def test_the_place_of_a_fault_is_named(held: Held, text: str, en: str, zh: str) -> None:
    got = held.chat("f", text)
    error = got.json()["error"]
    assert got.status_code in (400, 422) and charged(held.rig) == 0
    assert en in error["message"] and zh in error["message_zh"]


@pytest.mark.parametrize(
    "inputs, code, en",
    [
        ([("input", [1, 3]), ("age", [1])], "serve.request", "no other tensor goes with it"),
        ([("input", [0, 3])], "serve.no_cases", "there is no row"),
        ([], "serve.request", "there is no input"),
    ],
)
def test_faulty_tensors_are_told_apart(
    held: Held, inputs: list[tuple[str, list[int]]], code: str, en: str
) -> None:
    made = [
        {"name": name, "datatype": "FP64", "shape": shape, "data": [1] * math.prod(shape)}
        for name, shape in inputs
    ]
    got = held.infer("f", json.dumps({"inputs": made}).encode())
    assert (got.status_code, got.json()["code"]) == (400, code) and en in got.json()["error"]


def test_a_value_may_be_missing_where_the_tried_data_missed_some(held: Held) -> None:
    for case in ({"age": 41, "married": 1}, CASE | {"income": None}):
        assert values(held.chat("f", json.dumps(case))) == charged(held.rig) == 1


ARGUMENTS: list[tuple[str, Json, str]] = [
    ("f", {"age": 41, "income": 2, "married": 1}, ""),
    ("f", {"age": 41, "married": 1}, ""),
    ("f", {"age": 41}, "missing: married"),
    ("f", {"age": [41, 42], "married": 1}, "age is not of its type"),
    ("g", {"age": 41, "area": "south"}, ""),
    ("g", {"age": 41, "area": "west"}, "area holds"),
    ("h", {}, "missing: history"),
    ("h", {"history": []}, ""),
    ("h", {"history": [1, 2]}, ""),
    ("drifts", {"age": 41, "married": 1}, "did not answer as many cases"),
]


def test_tools_are_charged_as_they_answer() -> None:
    async def work() -> None:
        async with mounted("mcp", Signing()) as rig, client(rig) as one:
            tools = {tool.name: tool.input_schema for tool in (await one.list_tools()).tools}
            assert tools["f"]["required"] == ["age", "married"]
            assert tools["h"]["required"] == ["history"]
            for service, arguments, wrong in ARGUMENTS:
                got = await one.call_tool(service, arguments)
                answered = 0 if got.is_error else np.size((got.structured_content or {})["value"])
                assert answered == charged(rig) == (not wrong), (service, arguments)
                assert wrong in got.content[0].text  # type: ignore[union-attr]

    asyncio.run(work())


def test_messages_are_charged_as_they_are_answered() -> None:
    async def work() -> None:
        beside = Signing()
        async with mounted("a2a", beside) as rig:
            for service in SERVICES:
                async with agent(rig, beside, service=service) as (one, _):
                    for _, arguments, wrong in (row for row in ARGUMENTS if row[0] == service):
                        message = new_data_message(arguments, role=Role.ROLE_USER)
                        task, pieces = await task_of(one, SendMessageRequest(message=message))
                        done = task.status.state == TaskState.TASK_STATE_COMPLETED
                        answered = sum(np.size(json.loads(text)["value"]) for text in pieces)
                        assert answered == charged(rig) == done == (not wrong), arguments
                        assert wrong in str(task.status.message)

    asyncio.run(work())
