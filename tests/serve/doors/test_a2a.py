"""A2A 1.0, both ways, with its official SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.helpers.proto_helpers import get_artifact_text, new_data_message, new_text_message
from a2a.server.agent_execution import AgentExecutor
from a2a.server.context import ServerCallContext
from a2a.server.request_handlers import DefaultRequestHandlerV2
from a2a.server.routes.jsonrpc_routes import create_jsonrpc_routes
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Role,
    SendMessageRequest,
    Task,
    TaskState,
    TaskStatus,
)
from a2a.utils.signing import InvalidSignaturesError, create_signature_verifier
from google.protobuf.json_format import MessageToDict
from jwt import PyJWK
from starlette.applications import Starlette
from starlette.responses import Response

from pilotbase.record.rules import jws, note
from pilotbase.serve.doors import a2a_tasks
from pilotbase.serve.doors.a2a_cards import EXTENSION
from pilotbase.serve.doors.a2a_server import RECEIPT
from pilotbase.serve.doors.a2a_tasks import ENDED_S, USAGE, Tasks, waiting
from pilotbase.serve.ports import Decided
from tests.serve.doors.mounting import (
    Books,
    Queue,
    answering,
    as_json,
    doors,
    served,
    serving_by,
)
from tests.serve.doors.test_mcp import model
from tests.serve.gateway.rig import KEY, SAID, Rig, saying, stream_of, upstream, whole

SIGNER = note.SigningKey("base.example", bytes(range(32)))
WORDS = whole(stream_of("早", "上", "好"), media="text/event-stream")


class Signing(Books):
    """With a key of the base, for tests."""

    address = "http://gateway.example"

    async def sign(self, kind: str, payload: bytes) -> tuple[str, str]:
        return jws.made(kind, payload, SIGNER)

    def public_keys(self) -> dict[str, Any]:
        return {"keys": [jws.public_jwk(SIGNER.verifier)]}


@asynccontextmanager
async def agent(
    rig: Rig,
    beside: Signing,
    *,
    rest: bool = False,
    key: str = KEY,
    streaming: bool = True,
    service: str = "f",
) -> AsyncIterator[tuple[Any, AgentCard]]:
    """The official client, from the service's own card."""
    beside.address = rig.url
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http:
        card = await A2ACardResolver(http, f"{rig.url}/a2a/{service}-1").get_agent_card()
        bindings = ["HTTP+JSON"] if rest else ["JSONRPC"]
        config = ClientConfig(
            httpx_client=http, supported_protocol_bindings=bindings, streaming=streaming
        )
        async with ClientFactory(config).create(card) as client:
            yield client, card


def said(text: str, task: Task | None = None) -> SendMessageRequest:
    message = new_text_message(text, role=Role.ROLE_USER)
    if task is not None:
        message.task_id, message.context_id = task.id, task.context_id
    return SendMessageRequest(message=message)


async def task_of(client: Any, request: SendMessageRequest) -> tuple[Task, list[str]]:
    """The task in the end, and the pieces of its artifact."""
    task_id, pieces = request.message.task_id, list[str]()
    async for event in client.send_message(request):
        if event.HasField("task"):
            task_id = event.task.id
        elif event.HasField("artifact_update"):
            pieces.append(get_artifact_text(event.artifact_update.artifact))
    return await client.get_task(GetTaskRequest(id=task_id)), pieces


def test_a_card_carries_the_register_and_is_signed_by_the_base() -> None:
    async def work() -> None:
        beside = Signing()
        async with (
            doors("a2a", serving_by("chat", "http://127.0.0.1:9", "chat"), beside=beside) as rig,
            agent(rig, beside) as (_, card),
            httpx.AsyncClient() as http,
        ):
            [extension] = card.capabilities.extensions
            params = MessageToDict(extension)["params"]
            assert extension.uri == EXTENSION and not extension.required
            assert (params["filing"], params["verdict"], params["principal"]) == (
                "f-1", "go", "市监局",
            )  # fmt: skip
            assert card.supported_interfaces[0].url == f"{rig.url}/a2a/f-1"
            [key] = (await http.get(f"{rig.url}/.well-known/jwks.json")).json()["keys"]
            check = create_signature_verifier(lambda kid, jku: PyJWK(key), ["EdDSA"])
            check(card)
            card.provider.organization = "somebody else"
            with pytest.raises(InvalidSignaturesError):
                check(card)
            # A request names another host: the card does not follow.
            other = await http.get(
                f"{rig.url}/a2a/f/.well-known/agent-card.json", headers={"host": "evil.example"}
            )
            assert "evil" not in other.text
            none = await http.get(f"{rig.url}/a2a/x-1/.well-known/agent-card.json")
            assert none.status_code == 404 and none.json()["error"] == "serve.not_filed"

    asyncio.run(work())


@pytest.mark.parametrize("rest", [False, True])
@pytest.mark.parametrize("streaming", [True, False])
def test_a_message_is_a_call_whose_answer_comes_in_pieces(rest: bool, streaming: bool) -> None:
    async def work() -> None:
        beside = Signing()
        async with (
            upstream(saying(WORDS)) as url,
            doors("a2a", serving_by("chat", url, "chat"), beside=beside) as rig,
            agent(rig, beside, rest=rest, streaming=streaming) as (client, _),
        ):
            task, pieces = await task_of(client, said("你好"))
            assert task.status.state == TaskState.TASK_STATE_COMPLETED
            assert get_artifact_text(task.artifacts[0], "") == "早上好"
            assert pieces == (["早", "上", "好"] if streaming else [])
            receipt = MessageToDict(task.artifacts[0].metadata)[RECEIPT]
            assert receipt["filing"] == "f-1" and receipt["usage"] == "gw-1"
            [(call, usage, outcome)] = rig.meter.settled
            assert outcome == "served" and usage.counted and call.ask.door == "a2a"

    asyncio.run(work())


def test_columns_are_data_and_faults_are_tasks_that_failed() -> None:
    async def work() -> None:
        beside = Signing()
        async with (
            answering(model) as url,
            doors("a2a", serving_by("oip", url, "infer"), beside=beside) as rig,
            agent(rig, beside) as (client, _),
        ):
            message = new_data_message({"age": 41, "area": "south"}, role=Role.ROLE_USER)
            task, _ = await task_of(client, SendMessageRequest(message=message))
            data = MessageToDict(task.artifacts[0])["parts"]
            assert {"data": {"label": "south"}} in data
            task, _ = await task_of(client, said("no columns"))
            assert task.status.state == TaskState.TASK_STATE_FAILED
            assert "JSON" in MessageToDict(task.status.message)["parts"][0]["text"]
            assert rig.meter.outcomes == ["served"]

    asyncio.run(work())


def test_without_a_key_or_with_anothers_nothing_is_reached() -> None:
    async def work() -> None:
        beside = Signing()
        async with (
            upstream(saying(WORDS)) as url,
            doors("a2a", serving_by("chat", url, "chat"), beside=beside) as rig,
            agent(rig, beside) as (client, _),
        ):
            task, _ = await task_of(client, said("你好"))
            rig.gate.keys.add("pbk_other")
            async with agent(rig, beside, key="pbk_other") as (other, _):
                with pytest.raises(Exception, match=r"(?i)not found"):
                    await other.get_task(GetTaskRequest(id=task.id))
                with pytest.raises(Exception, match=r"(?i)not found"):
                    await task_of(other, said("?", task))
            async with httpx.AsyncClient() as http:
                got = await http.post(f"{rig.url}/a2a/f-1", json={})
                assert got.status_code == 401 and got.headers["www-authenticate"] == "Bearer"
                got = await http.get(f"{rig.url}/a2a/f-1/rest/tasks/{task.id}")
                assert got.status_code == 401
            assert len(rig.meter.begun) == 1

    asyncio.run(work())


def test_a_call_that_waits_for_a_person_is_a_task_that_wants_input() -> None:
    async def work() -> None:
        beside, queue = Signing(), Queue()
        route = serving_by("chat", "http://127.0.0.1:9", "chat", handoff={"before": "always"})
        async with (
            doors("a2a", route, beside=beside, people=queue) as rig,
            agent(rig, beside) as (client, _),
        ):
            task, _ = await task_of(client, said("请批准"))
            assert task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
            assert "人员" in MessageToDict(task.status.message)["parts"][0]["text"]
            task, _ = await task_of(client, said("还在吗?", task))
            assert task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
            by_hand = json.dumps(SAID).encode()
            queue.decided[0](Decided(True, "manual", "officer", answer=by_hand))
            assert rig.meter.outcomes == ["served"]
            beside.answers["gw-1"] = Response(queue.kept["gw-1"])
            task = await client.get_task(GetTaskRequest(id=task.id))
            assert task.status.state == TaskState.TASK_STATE_COMPLETED
            assert get_artifact_text(task.artifacts[0]) == "好的"

    asyncio.run(work())


def test_who_cancels_leaves_the_call_and_pays_for_what_came() -> None:
    async def work() -> None:
        beside, there = Signing(), asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            there.set()
            await reader.read()

        async with (
            upstream(script) as url,
            doors("a2a", serving_by("chat", url, "chat"), beside=beside) as rig,
            agent(rig, beside) as (client, _),
        ):
            events = client.send_message(said("?"))
            first = await anext(events)
            await there.wait()
            task = await client.cancel_task(CancelTaskRequest(id=first.task.id))
            assert task.status.state == TaskState.TASK_STATE_CANCELED
            assert rig.meter.outcomes == ["aborted"]
            await events.aclose()

    asyncio.run(work())


class Echo(AgentExecutor):
    """Somebody else's agent."""

    async def execute(self, context: Any, event_queue: Any) -> None:
        text = context.get_user_input()
        await event_queue.enqueue_event(new_text_message(f"heard: {text}", role=Role.ROLE_AGENT))

    async def cancel(self, context: Any, event_queue: Any) -> None: ...


def test_a_filed_agent_of_another_server_is_served() -> None:
    async def work() -> None:
        beside = Signing()
        from a2a.server.tasks import InMemoryTaskStore

        card = AgentCard(name="echo", capabilities=AgentCapabilities())
        handler = DefaultRequestHandlerV2(Echo(), InMemoryTaskStore(), card)
        async with served(Starlette(routes=create_jsonrpc_routes(handler, "/agent"))) as url:
            route = serving_by("a2a", f"{url}/agent", "message")
            async with (
                doors("a2a", route, beside=beside) as rig,
                agent(rig, beside) as (client, _),
            ):
                task, _ = await task_of(client, said("报告"))
                assert get_artifact_text(task.artifacts[0]) == "heard: 报告"
                [(_, usage, outcome)] = rig.meter.settled
                assert outcome == "served" and usage.cases == 1

    asyncio.run(work())


def test_a_second_choice_answers_and_its_receipt_says_so() -> None:
    async def work() -> None:
        beside = Signing()
        async with answering(lambda *_: as_json(SAID)) as url:
            second = serving_by("chat", url, "chat", filing="g-1")
            first = serving_by("chat", "http://127.0.0.1:9", "chat", fallback=(second,))
            async with (
                doors("a2a", first, second, beside=beside) as rig,
                agent(rig, beside) as (client, _),
            ):
                task, _ = await task_of(client, said("?"))
                receipt = MessageToDict(task.artifacts[0].metadata)[RECEIPT]
                assert receipt["filing"] == "g-1"
                assert rig.meter.outcomes == ["failed", "served"]

    asyncio.run(work())


def test_tasks_are_bounded_by_bytes_and_by_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(a2a_tasks, "BYTES_MAX", 1_000)

    def task(name: str, state: TaskState = TaskState.TASK_STATE_COMPLETED, size: int = 9) -> Task:
        message = new_text_message("x" * size, role=Role.ROLE_USER)
        return Task(id=name, status=TaskStatus(state=state), history=[message])

    async def work() -> None:
        beside: Any = Books()
        now = [0.0]
        tasks, owner = Tasks(beside, lambda: now[0]), ServerCallContext()

        async def there() -> list[str]:
            kept = await tasks.list(ListTasksRequest(), owner)
            return sorted(one.id for one in kept.tasks)

        await tasks.save(task("old"), owner)
        await tasks.save(task("runs", TaskState.TASK_STATE_WORKING), owner)
        now[0] = ENDED_S / 2
        await tasks.save(task("new"), owner)
        now[0] = ENDED_S
        assert await tasks.get("old", owner) is None and await there() == ["new", "runs"]
        for name in ("a", "b", "c", "c"):
            await tasks.save(task(name, size=400), owner)
        assert await there() == ["b", "c"]
        await tasks.save(task("huge", size=1_000), owner)
        assert await there() == [] and tasks._bytes == 0

    asyncio.run(work())


def test_what_a_person_decided_is_read_anew_and_not_kept() -> None:
    async def work() -> None:
        beside: Any = Books()
        context = ServerCallContext(state={"key": KEY, "service": "f"})
        tasks, one = Tasks(beside), Task(id="t", status=waiting("t", "gw-1"))
        one.metadata[USAGE] = "gw-1"
        await tasks.save(one, context)
        beside.answers["gw-1"] = Response(json.dumps(SAID))
        found = await tasks.get("t", context)
        assert found is not None and found.status.state == TaskState.TASK_STATE_COMPLETED
        await tasks.save(found, context)  # the SDK's own words about it
        assert not (await tasks.list(ListTasksRequest(), context)).tasks

    asyncio.run(work())
