"""A2A 1.0: every service is an agent with a card of its own (extra ``agents``).

JSON-RPC at ``/a2a/<filing>``, HTTP and JSON at ``/a2a/<filing>/rest``, the card at
``/a2a/<filing>/.well-known/agent-card.json``. A message is a call; its task ends with the answer as
an artifact, in pieces where the service writes in pieces. A call that waits for a person is a task
that wants input (``input-required``): asking for the task later tells what they decided.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

import msgspec
from a2a.auth.user import User
from a2a.helpers.proto_helpers import get_data_parts, get_message_text, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.context import ServerCallContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandlerV2
from a2a.server.routes.common import DefaultServerCallContextBuilder
from a2a.server.routes.jsonrpc_routes import create_jsonrpc_routes
from a2a.server.routes.rest_routes import create_rest_routes
from a2a.server.tasks import TaskUpdater
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    CancelTaskRequest,
    Task,
    TaskState,
    TaskStatus,
)
from a2a.utils.errors import TaskNotCancelableError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as Path
from starlette.types import ASGIApp, Receive, Scope, Send

from pilotbase.serve.call import Ask, Refused
from pilotbase.serve.doors import plain
from pilotbase.serve.doors.a2a_cards import WORDS, Cards
from pilotbase.serve.doors.a2a_tasks import (
    USAGE,
    WITHDRAWING,
    Tasks,
    agent_message,
    ended_task,
    parts_of,
    usage_of,
    waiting,
)
from pilotbase.serve.doors.about import About
from pilotbase.serve.doors.beside import Beside
from pilotbase.serve.doors.openai_models import key_of
from pilotbase.serve.gateway.awaited import Answered, Awaited, BrokenOff
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.people.door import refusal
from pilotbase.serve.rules.sse import Events, data_of

RECEIPT = "pilotbase/receipt"
"""In the metadata of the artifact: the receipt."""
ANSWER = "answer"
PARKED_S = 300.0
"""So long does the SDK hold a task ready that waits; afterwards it is read from `Tasks`."""
Json = dict[str, Any]


class _Caller(User):
    """A key at a service; it owns its tasks."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def user_name(self) -> str:
        return self._name


class _Contexts(DefaultServerCallContextBuilder):
    """Who calls which service; `_Admitted` has let them in before."""

    def build(self, request: Request) -> ServerCallContext:
        context = super().build(request)
        secret = ("authorization", "api-key", "x-api-key")
        heads = {name: one for name, one in request.headers.items() if name not in secret}
        context.state["headers"] = heads  # the SDK reads the protocol's version there
        context.state["key"] = key_of(request)
        context.state["service"] = request.path_params["service"]
        return context

    def build_user(self, request: Request) -> User:
        said = f"{request.path_params['service']}\n{key_of(request)}"
        return _Caller(hashlib.sha256(said.encode("utf-8", "replace")).hexdigest())


class Executor(AgentExecutor):
    """A message is a call."""

    def __init__(self, serving: Serving, beside: Beside) -> None:
        self._serving, self._beside = serving, beside
        self._about = About(serving)

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        updater = TaskUpdater(event_queue, context.task_id or "", context.context_id or "")
        key = str(context.call_context.state["key"])
        task = context.current_task
        try:
            if task is not None and USAGE in task.metadata.fields:
                return await self._again(task, key, updater)
            ask = await self._ask(context)
            await event_queue.enqueue_event(_begun(context))
            await self._serve(ask, key, updater)
        except Refused as refused:
            if task is None and updater.task_id:
                await event_queue.enqueue_event(_begun(context))
            data = plain.refused_as_data(refused)
            said = plain.Said(f"{data['message']} {data['message_zh']}", {"error": data}, True)
            await updater.failed(agent_message(updater.task_id, parts_of(said)))
        except BrokenOff:
            text = "The answer broke off. 应答中断。"
            await updater.failed(agent_message(updater.task_id, [new_text_part(text)]))

    async def _ask(self, context: RequestContext) -> Ask:
        """The call that a message is. Raises Refused."""
        service = str(context.call_context.state["service"])
        route = self._serving.gate.route(service, self._serving.clock())
        message = context.message
        text = get_message_text(message) if message is not None else ""
        arguments: Json = {}
        parts = get_data_parts(message.parts) if message is not None else ()
        data = [one for one in parts if isinstance(one, dict)]
        for one in data:
            arguments.update(one)
        if not data or (text and not arguments):
            arguments = plain.arguments_of(route, text)
        ask = plain.ask_of(route, _whole(arguments), await self._about.of(route), "a2a")
        ask.service = service
        if ask.operation == "chat":
            ask.stream = True
            ask.body = msgspec.json.encode({**msgspec.json.decode(ask.body), "stream": True})
        return ask

    async def _serve(self, ask: Ask, key: str, updater: TaskUpdater) -> None:
        async with Awaited(self._serving, ask, key) as call:
            answered = await call.answered()
            if answered.ticket is not None:
                return await self._put_down(answered.ticket.usage, ask.service, updater)
            receipt = {RECEIPT: plain.receipt_of(answered.headers)}
            if ask.operation == "chat" and _in_pieces(answered):
                await self._relay(call, updater, receipt)
                return await updater.complete()
            body = answered.body or b"".join([piece async for piece in call.pieces()])
        said = plain.answer_of(ask.operation, body)
        await updater.add_artifact(parts_of(said), ANSWER, metadata=receipt, last_chunk=True)
        await (updater.failed() if said.failed else updater.complete())

    async def _relay(self, call: Awaited, updater: TaskUpdater, receipt: Json) -> None:
        """A chat's pieces as they come: each adds to the artifact."""
        events, first = Events(), True
        async for piece in call.pieces():
            for event in events.feed(piece):
                text = plain.delta_of(data_of(event))
                if text:
                    parts, metadata = [new_text_part(text)], receipt if first else None
                    await updater.add_artifact(
                        parts, ANSWER, metadata=metadata, append=not first, last_chunk=False
                    )
                    first = False
        if first:
            await updater.add_artifact([new_text_part("")], ANSWER, metadata=receipt)

    async def _put_down(self, usage: str, service: str, updater: TaskUpdater) -> None:
        """It is to be found by its name after this process has ended, too."""
        await self._beside.name_task(updater.task_id, updater.context_id, service, usage)
        await self._parked(usage, updater)

    async def _parked(self, usage: str, updater: TaskUpdater) -> None:
        status = waiting(updater.task_id, usage)
        await updater.update_status(status.state, status.message, metadata={USAGE: usage})

    async def _again(self, task: Task, key: str, updater: TaskUpdater) -> None:
        """A further message to a task that waits for a person."""
        ended = await ended_task(self._beside, task, key)
        if ended is None:
            usage = task.metadata.fields[USAGE].string_value
            return await self._parked(usage, updater)
        for one in ended.artifacts:
            await updater.add_artifact(list(one.parts), one.artifact_id, last_chunk=True)
        message = ended.status.message if ended.status.HasField("message") else None
        await updater.update_status(ended.status.state, message)

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """The call was left when `execute` was cancelled: it is charged as far as it came. One that
        waits for a person was withdrawn before (`_Handler`)."""
        updater = TaskUpdater(event_queue, context.task_id or "", context.context_id or "")
        await updater.cancel()


class _Handler(DefaultRequestHandlerV2):
    """What waits for a person is taken back from them before its task is cancelled."""

    def __init__(self, beside: Beside, executor: Executor, card: AgentCard) -> None:
        tasks = Tasks(beside)
        super().__init__(executor, tasks, card, interrupted_task_timeout=PARKED_S)
        self._beside, self._tasks = beside, tasks

    async def on_cancel_task(
        self, params: CancelTaskRequest, context: ServerCallContext
    ) -> Task | None:
        usage = usage_of(await self._tasks.get(params.id, context))
        if usage:
            try:
                await self._beside.withdraw(usage, str(context.state["key"]))
            except Refused as refused:
                raise TaskNotCancelableError(refused.message.en) from None
            context.state[WITHDRAWING] = True
        task: Task | None = await super().on_cancel_task(params, context)
        return task


def _begun(context: RequestContext) -> Task:
    return Task(
        id=context.task_id,
        context_id=context.context_id,
        status=TaskStatus(state=TaskState.TASK_STATE_WORKING),
        history=[context.message] if context.message is not None else [],
    )


def _whole(arguments: Json) -> Json:
    """Protocol Buffers know one kind of number: whole ones are integers again."""
    return {
        name: int(one) if isinstance(one, float) and one.is_integer() else one
        for name, one in arguments.items()
    }


def _in_pieces(answered: Answered) -> bool:
    return answered.headers.get("content-type", "").startswith("text/event-stream")


class _Admitted:
    """Lets in what a key opens, before anything of the SDK is reached."""

    def __init__(self, serving: Serving, app: ASGIApp) -> None:
        self._serving, self._app = serving, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        at = self._serving.clock()
        try:
            route = self._serving.gate.route(request.path_params["service"], at)
            self._serving.gate.admit(key_of(request), route, at)
        except Refused as refused:
            answer = refusal(refused)
            if refused.status == 401:
                answer.headers["www-authenticate"] = "Bearer"
            return await answer(scope, receive, send)
        return await self._app(scope, receive, send)


def paths(serving: Serving, beside: Beside) -> list[BaseRoute]:
    """What stands below ``/a2a``, and the key that cards are checked with."""
    cards = Cards(beside)
    any_card = AgentCard(  # what the SDK looks up in it is alike for all services
        name="pilotbase",
        description="Services of a register",
        version=version("pilotbase"),
        supported_interfaces=[
            AgentInterface(url=beside.address, protocol_binding="JSONRPC", protocol_version="1.0")
        ],
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=[WORDS],
        default_output_modes=[WORDS],
        skills=[AgentSkill(id="call", name="call", description="Call a service", tags=["call"])],
    )
    handler = _Handler(beside, Executor(serving, beside), any_card)

    async def card(request: Request) -> Response:
        try:
            route = serving.gate.route(request.path_params["service"], serving.clock())
        except Refused as refused:
            return refusal(refused)
        return JSONResponse(await cards.of(route))

    async def keys(request: Request) -> Response:
        return JSONResponse(beside.public_keys())

    rpc = create_jsonrpc_routes(handler, "/a2a/{service}", _Contexts())
    rest = create_rest_routes(handler, _Contexts(), path_prefix="/a2a/{service}/rest")
    calls = [one for one in (*rpc, *rest) if isinstance(one, Path)]  # without their tenants
    for one in calls:
        one.app = _Admitted(serving, one.app)
    return [
        Path("/a2a/{service}/.well-known/agent-card.json", card),
        Path("/.well-known/jwks.json", keys),
        *calls,
    ]
