"""The Model Context Protocol: every service that a key opens is a tool (extra ``agents``).

Requests stand alone, in the protocol of 2026-07-28 as in the earlier ones, so any gateway process
may answer any of them. Where a person of the base is asked first, the client is told by an
elicitation ("wait?") and asks again with the call's usage id; one without elicitation gets that id
and the tool `pilotbase_outcome`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from importlib.metadata import version
from typing import Any

import mcp_types as types
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.responses import JSONResponse
from starlette.routing import Route as Path
from starlette.types import Receive, Scope, Send

from pilotbase.kernel.text import Text
from pilotbase.serve.call import Refused, Route
from pilotbase.serve.doors import plain
from pilotbase.serve.doors.about import About
from pilotbase.serve.doors.beside import Beside
from pilotbase.serve.doors.openai_models import opened
from pilotbase.serve.gateway.awaited import Awaited
from pilotbase.serve.gateway.headers import register_path
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.rules.http_head import HeadError, key_in

META = "pilotbase/receipt"
"""Where a result's ``_meta`` holds the receipt."""
WAIT, TAKE_BACK, WAIT_S, POLL_S = "wait", "withdraw", 15.0, 0.25
INSTRUCTIONS = (
    "Tools are services that are filed in a public register, each answered for by a named body. "
    "`_meta` of every result says filing, principal and usage id. 工具即已备案的服务。"
)
Json = dict[str, Any]
Context = Any
_log = logging.getLogger("pilotbase.serve")


def _verb(name: str, en: str, zh: str, *, reads: bool = True, **properties: str) -> types.Tool:
    schema = {
        "type": "object",
        "properties": {
            word: {"type": "string", "description": d} for word, d in properties.items()
        },
        "required": list(properties),
    }
    hints = types.ToolAnnotations(read_only_hint=reads)
    return types.Tool(name=name, description=f"{en} / {zh}", input_schema=schema, annotations=hints)


LIST, SHOW = "pilotbase_register_list", "pilotbase_register_show"
USAGE, OUTCOME, WITHDRAW = "pilotbase_usage", "pilotbase_outcome", "pilotbase_withdraw"
VERBS = (
    _verb(LIST, "All filings: what stands, since and until when, who answers for it",
          "全部备案: 状态、起止时间、责任主体"),
    _verb(SHOW, "One filing: verdict, conditions, history", "一项备案: 结论、条件、历史",
          filing="The filing's name / 备案名称"),
    _verb(USAGE, "What your key has used, by service", "本密钥的用量, 按服务"),
    _verb(OUTCOME, "What became of a call that waits for a person", "等待人工处理的调用的结果",
          usage="The call's usage id / 用量编号"),
    _verb(WITHDRAW, "Take back a call that waits for a person; nothing is charged",
          "撤回等待人工处理的调用, 不计费", reads=False,
          usage="The call's usage id / 用量编号"),
)  # fmt: skip


class McpDoor:
    """The server behind ``/mcp``."""

    def __init__(self, serving: Serving, beside: Beside | None) -> None:
        self._serving, self._beside = serving, beside
        self._about = About(serving)
        server: Server[Any] = Server(
            "pilotbase",
            version=version("pilotbase"),
            instructions=INSTRUCTIONS,
            on_list_tools=self._tools,
            on_call_tool=self._call,
        )
        self._manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        self._running: asyncio.Task[None] | None = None
        self._up = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            key = key_in(scope["headers"])
        except HeadError as error:
            said = {"error": str(error), "message_zh": error.zh}
            return await JSONResponse(said, 400)(scope, receive, send)
        if not key:
            headers = {"www-authenticate": "Bearer"}
            said = {
                "error": "Send your key as Authorization: Bearer pbk_…",
                "message_zh": "请以 Authorization: Bearer pbk_… 发送密钥",
            }
            return await JSONResponse(said, 401, headers=headers)(scope, receive, send)
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())
        await self._up.wait()
        return await self._manager.handle_request(scope, receive, send)

    async def _run(self) -> None:
        """The SDK's own work, for as long as the gateway's loop runs."""
        async with self._manager.run():
            self._up.set()
            await asyncio.Event().wait()

    # what is offered

    async def _tools(self, ctx: Context, params: Any) -> types.ListToolsResult:
        try:
            routes = opened(self._serving, _key(ctx))
        except Refused:
            routes = []
        found = await asyncio.gather(*(self._tool(one) for one in routes))
        verbs = VERBS if self._beside is not None else ()
        return types.ListToolsResult(tools=[*(one for one in found if one is not None), *verbs])

    async def _tool(self, route: Route) -> types.Tool | None:
        try:
            schema = plain.schema_of(route, await self._about.of(route))
        except Refused:
            return None
        except Exception:  # whatever one upstream says of itself, the others' tools are told
            _log.exception("the tool of %s could not be told", route.filing)
            return None
        title = f"{route.title.en} / {route.title.zh}"
        filed = (
            f"Verdict {route.verdict}; {route.principal} answers for it until {route.expires_at}."
        )
        said = filed if route.source == "filed" else "Not filed: in development. 未备案: 开发模式。"
        return types.Tool(
            name=route.service,
            title=title,
            description=f"{title}. {said} {register_path(route.filing)}",
            input_schema=schema,
        )

    # calls

    async def _call(
        self, ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        key, arguments = _key(ctx), params.arguments or {}
        try:
            if params.request_state:
                return await self._again(ctx, key, params.request_state, params.input_responses)
            if params.name in _TOLD and self._beside is not None:
                return await self._told(self._beside, params.name, arguments, key)
            return await self._served(ctx, params.name, arguments, key)
        except Refused as refused:
            return _refused(refused)

    async def _served(
        self, ctx: Context, name: str, arguments: Json, key: str
    ) -> types.CallToolResult | types.InputRequiredResult:
        at = self._serving.clock()
        route = self._serving.gate.route(name, at, key)
        self._serving.gate.admit(key, route, at)  # before an upstream is asked about itself
        ask = plain.ask_of(route, arguments, await self._about.of(route), "mcp")
        ask.service = name
        async with Awaited(self._serving, ask, key) as call:
            answered = await call.answered()
            if answered.ticket is not None:
                return self._parked(ctx, answered.ticket.usage)
            parts = [one async for one in call.pieces()]
        said = plain.answer_of(ask.operation, answered.body or b"".join(parts))
        return _result(said, plain.receipt_of(answered.headers))

    async def _told(
        self, beside: Beside, name: str, arguments: Json, key: str
    ) -> types.CallToolResult:
        data: Any
        if name == LIST:
            data = {"filings": beside.filings()}
        elif name == SHOW:
            data = beside.filing(str(arguments.get("filing", "")))
        elif name == USAGE:
            data = {"usage": await beside.usage(self._serving, key)}
        else:
            usage = str(arguments.get("usage", ""))
            if name == WITHDRAW:
                return await self._withdrawn(beside, usage, key)
            return await self._outcome(beside, usage, key) or _waits(usage)
        return _result(plain.Said(json.dumps(data, ensure_ascii=False, default=str), data), {})

    # calls that wait for a person

    def _parked(self, ctx: Context, usage: str) -> types.CallToolResult | types.InputRequiredResult:
        able = ctx.session.client_capabilities
        modern = ctx.protocol_version >= "2026-07-28"
        if self._beside is None or not modern or able is None or able.elicitation is None:
            return _waits(usage)
        params = types.ElicitRequestFormParams(
            message=f"{WAITS.en} {WAITS.zh}",
            requested_schema={
                "type": "object",
                "properties": {
                    WAIT: {"type": "boolean", "title": "Wait / 等待", "default": True},
                    TAKE_BACK: {
                        "type": "boolean",
                        "title": "Take the call back / 撤回",
                        "default": False,
                    },
                },
            },
        )
        asked: types.InputRequests = {WAIT: types.ElicitRequest(params=params)}
        return types.InputRequiredResult(input_requests=asked, request_state=usage)

    async def _again(
        self, ctx: Context, key: str, usage: str, responses: types.InputResponses | None
    ) -> types.CallToolResult | types.InputRequiredResult:
        """The client waits, does not, or takes the call back. The key decides whose call it is, not
        the state."""
        if self._beside is None:
            return _waits(usage)
        said = (responses or {}).get(WAIT)
        content = said.content if isinstance(said, types.ElicitResult) else None
        accepted = isinstance(said, types.ElicitResult) and said.action == "accept"
        if accepted and (content or {}).get(TAKE_BACK) is True:
            return await self._withdrawn(self._beside, usage, key)
        if responses and (not accepted or (content or {}).get(WAIT) is False):
            return await self._outcome(self._beside, usage, key) or _waits(usage)
        until = asyncio.get_running_loop().time() + WAIT_S
        while True:
            found = await self._outcome(self._beside, usage, key)
            if found is not None:
                return found
            if asyncio.get_running_loop().time() >= until:
                return self._parked(ctx, usage)
            await asyncio.sleep(POLL_S)

    async def _withdrawn(self, beside: Beside, usage: str, key: str) -> types.CallToolResult:
        """Raises Refused where somebody was quicker."""
        await beside.withdraw(usage, key)
        data = {"withdrawn": True, "usage": usage}
        text = f"The call {usage} was taken back. 已撤回调用 {usage}。"
        return _result(plain.Said(text, data), {"usage": usage})

    async def _outcome(self, beside: Beside, usage: str, key: str) -> types.CallToolResult | None:
        """None while it waits."""
        found = await beside.outcome(usage, key)
        if found.status_code == 202:
            return None
        body, receipt = bytes(found.body), plain.receipt_of(found.headers)
        if found.status_code != 200:
            data = json.loads(body)
            return _result(plain.Said(json.dumps(data, ensure_ascii=False), data, True), receipt)
        return _result(plain.answer_in(body), receipt)


_TOLD = frozenset(one.name for one in VERBS)
WAITS = Text("A person of the service looks at this call first. Wait for them?",
             "此调用须先由服务方人员处理。是否等待?")  # fmt: skip


def _waits(usage: str) -> types.CallToolResult:
    """Where the answer will be found."""
    data = {"parked": True, "usage": usage, "at": f"/calls/{usage}", "tool": OUTCOME}
    text = (
        f"{WAITS.en.split('.')[0]}: ask {OUTCOME} with usage {usage} later. 稍后用 {OUTCOME} 查询。"
    )
    return _result(plain.Said(text, data), {"usage": usage})


def _result(said: plain.Said, receipt: Json) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(text=said.text)],
        structured_content=said.data or None,
        is_error=said.failed,
        _meta={META: receipt} if receipt else None,
    )


def _refused(refused: Refused) -> types.CallToolResult:
    data = plain.refused_as_data(refused)
    text = f"{data['message']} {data['message_zh']}"
    return _result(plain.Said(text, {"error": data}, True), data.get("receipt", {}))


def _key(ctx: Context) -> str:
    return key_in(ctx.request.headers.raw)


def paths(serving: Serving, beside: Beside | None) -> list[Path]:
    """``/mcp`` for an application."""
    return [Path("/mcp", McpDoor(serving, beside))]
