"""What a drill asks, in whatever operation a service speaks, and how its answers are read.

A service tried by columns is asked about the case that its model gives as an example, a tool with
the examples of its schema; where there are none, somebody has to say what is to be asked.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args
from urllib.parse import quote, urlsplit

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.serve.call import Operation, Refused, Route
from pilotbase.serve.doors import a2a_upstream, jsonrpc, mcp_upstream, plain
from pilotbase.serve.ports import Put

SECONDS = 15.0
RECEIPT = "pilotbase/receipt"
ORDER: tuple[Operation, ...] = ("tool", "infer", "chat", "message", "embeddings", "responses")
"""What is chosen first where a service speaks several: what it was tried by."""
DOORS = {"tool": "mcp", "infer": "oip", "message": "a2a"}
_HTTP = {"chat": "/v1/chat/completions", "embeddings": "/v1/embeddings",
         "responses": "/v1/responses"}  # fmt: skip
WORDS = "drill"
Json = dict[str, Any]
Read = Callable[[int, Mapping[str, str], bytes], tuple[str, str]]
"""From an answer's status, headers and body to the filing that answered and the error's code."""


@dataclass(frozen=True)
class Probe:
    """One call's end: seconds on a steady clock; ``code`` is empty where it was served."""

    ended: float
    filing: str
    code: str


NO_GATEWAY, NO_ANSWER = "serve.no_gateway", "serve.no_answer"
"""What came of a call that no gateway answered: there is none, or it took too long."""


@dataclass(frozen=True)
class Question:
    """A request that is sent again and again. ``read`` tells what came of it."""

    operation: Operation
    path: str
    body: bytes
    read: Read
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Caller:
    """Whom a drill plays: an address of a gateway, and a key."""

    address: str
    key: str

    def send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of one call. Raises OSError, HTTPException."""
        parts = urlsplit(self.address)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=SECONDS)
        said = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        try:
            connection.request(method, path, body or None, {**said, **headers})
            answer = connection.getresponse()
            lines = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, lines, answer.read()
        finally:
            connection.close()

    def ask(self, question: Question) -> Probe:
        """One call of the drill."""
        try:
            said = self.send("POST", question.path, question.body, question.headers)
        except (OSError, http.client.HTTPException) as error:
            late = isinstance(error, TimeoutError)
            return Probe(time.monotonic(), "", NO_ANSWER if late else NO_GATEWAY)
        filing, code = question.read(*said)
        return Probe(time.monotonic(), filing, code)

    def told(self, path: str) -> Json:
        """What the gateway says of a model at a path; empty where it says nothing of use."""
        try:
            status, _, data = self.send("GET", path, b"", {})
            said = plain.metadata_of(json.loads(data)) if status == 200 else {}
        except (OSError, ValueError, http.client.HTTPException):
            return {}
        return said


def question_of(caller: Caller, route: Route, operation: str, given: Json | None) -> Question:
    """What to ask a service.

    Args:
        operation: empty for what fits ``given``, or the first of `ORDER` that it speaks.
        given: a request's body, a tool's arguments or ``{"text": …}``; None to find something.

    Raises:
        InputError: it does not speak the operation, or there is nothing to ask it by itself.
    """
    chosen = _operation(route, operation, given)
    if chosen in _HTTP:
        usual = {"messages": [{"role": "user", "content": WORDS}], "max_tokens": 1}
        body = given or (usual if chosen == "chat" else {"input": WORDS})
        data = json.dumps({**body, "model": route.filing}).encode()
        return Question(chosen, _HTTP[chosen], data, _by_headers)
    if chosen == "infer":
        path = f"/v2/models/{quote(route.filing, safe='')}"
        body = given or _case(route, caller.told(path))
        return Question(chosen, f"{path}/infer", json.dumps(body).encode(), _by_headers)
    if chosen == "tool":
        arguments = given if given is not None else _arguments(caller, route)
        put = mcp_upstream.put(
            "tools/call", {"name": route.filing, "arguments": arguments}, route.filing
        )
        return Question(chosen, "/mcp", put.body, _by_meta, _lines(put.headers))
    text = str((given or {"text": WORDS}).get("text", ""))
    message = {"messageId": WORDS, "role": "ROLE_USER", "parts": [{"text": text}]}
    data = jsonrpc.question("SendMessage", {"message": message})
    path = f"/a2a/{quote(route.filing, safe='')}"
    return Question(chosen, path, data, _by_task, _lines(a2a_upstream.HEADERS))


def _operation(route: Route, wanted: str, given: Json | None) -> Operation:
    guess = (
        "chat" if given and "messages" in given else "infer" if given and "inputs" in given else ""
    )
    able = [one for one in ORDER if one in route.speaks]
    for one in able:
        if one == (wanted or guess):
            return one
    if not wanted and able:
        return able[0]
    there = ", ".join(able)
    known = wanted in get_args(Operation)
    raise InputError(
        "serve.drill_operation",
        Text(
            f"{route.filing} does not answer {wanted[:40]} requests" if known
            else f"no operation is called {wanted[:40]!r}",
            f"{route.filing} 不受理 {wanted[:40]} 请求" if known
            else f"没有名为 {wanted[:40]!r} 的操作",
        ),
        where="--operation",
        next_step=Text(f"It answers: {there}.", f"它受理: {there}。"),
    )  # fmt: skip


def _case(route: Route, about: Json) -> Json:
    """The model's own example as a request. Raises InputError."""
    columns = plain.columns_of(about)
    case = {name: one.example for name, one in columns.items()}
    missing = [name for name, one in case.items() if one is None]
    if missing or not case:
        raise _nothing(route, "infer", missing)
    alone = replace(route, speaks=frozenset(("infer",)))
    try:
        found: Json = json.loads(plain.ask_of(alone, case, about, WORDS).body)
    except Refused as refused:
        raise InputError(refused.code, refused.message, where=route.filing) from None
    return found


def _arguments(caller: Caller, route: Route) -> Json:
    """A tool's arguments by the examples of its schema. Raises InputError."""
    put: Put = mcp_upstream.put("tools/list", {})
    try:
        _, _, data = caller.send("POST", "/mcp", put.body, _lines(put.headers))
        tools = json.loads(data)["result"]["tools"]
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        tools = []
    found = [one for one in tools if one.get("name") == route.service]
    schema = found[0].get("inputSchema", {}) if found else {}
    properties = schema.get("properties", {})
    samples = {name: _sample(properties.get(name, {})) for name in schema.get("required", ())}
    missing = [name for name, one in samples.items() if one is None]
    if missing:
        raise _nothing(route, "tool", missing)
    return samples


def _sample(schema: Json) -> Any:
    for word in ("examples", "enum"):
        if schema.get(word):
            return schema[word][0]
    return schema.get("const", schema.get("default"))


def _nothing(route: Route, operation: str, missing: list[str]) -> InputError:
    names = ", ".join(missing[:5]) or "?"
    return InputError(
        "serve.drill_unknown",
        Text(
            f"{route.filing} gives no example to ask it with ({operation}: {names})",
            f"{route.filing} 未给出可用于提问的示例 ({operation}: {names})",
        ),
        where=route.filing,
        next_step=Text(
            "Write the request, or a tool's arguments, as JSON into a file: --request FILE.",
            "请将请求或工具参数以 JSON 写入文件, 并用 --request 文件 指明。",
        ),
    )


def _lines(headers: bytes) -> dict[str, str]:
    lines = (line.partition(": ") for line in headers.decode("latin-1").split("\r\n") if line)
    return {name: value for name, _, value in lines}


def _by_headers(status: int, headers: Mapping[str, str], data: bytes) -> tuple[str, str]:
    """The doors whose answers carry the receipt in headers."""
    filing = headers.get("pilotbase-filing", "")
    return filing, "" if status == 200 else _code(data, status)


def _by_meta(status: int, headers: Mapping[str, str], data: bytes) -> tuple[str, str]:
    """A tool's result; that the tool itself reports an error is its answer."""
    try:
        result = json.loads(data)["result"]
        receipt = result.get("_meta", {}).get(RECEIPT, {})
        if receipt.get("filing"):
            return str(receipt["filing"]), ""
        said = result.get("structuredContent", {})
        return "", str(said["error"]["code"] if "error" in said else "parked")[:80]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", _code(data, status)


def _by_task(status: int, headers: Mapping[str, str], data: bytes) -> tuple[str, str]:
    """A task; its artifact carries the receipt, or its last message the refusal."""
    try:
        task = json.loads(data)["result"]["task"]
        for artifact in task.get("artifacts", ()):
            receipt = artifact.get("metadata", {}).get(RECEIPT, {})
            if receipt.get("filing"):
                return str(receipt["filing"]), ""
        parts = task["status"].get("message", {}).get("parts", ())
        codes = [part["data"]["error"]["code"] for part in parts if "data" in part]
        return "", str(codes[0] if codes else task["status"]["state"])[:80]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", _code(data, status)


def _code(data: bytes, status: int) -> str:
    """What stands in an error; `HTTP status` where nothing does."""
    try:
        said = json.loads(data)
        error = said["error"]
        return str(said.get("code", error) if isinstance(error, str) else error["code"])[:80]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"HTTP {status}"
