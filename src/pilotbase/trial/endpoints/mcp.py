"""A tool of an MCP server, over HTTP or over the standard streams of a program.

The session, its versions and its transports are the official SDK's (extra ``agents``); addresses,
keys, limits and the reading of results are ours. A call is never sent again: a tool may change
something, and nothing in the protocol says that it does not.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import anyio

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.scenario import offer as offers
from pilotbase.trial.candidates.answer import short
from pilotbase.trial.endpoints.address import address_of, resolve
from pilotbase.trial.endpoints.chat import digest_of
from pilotbase.trial.endpoints.http import BODY_BYTES_MAX
from pilotbase.trial.endpoints.port import Case, Misspoken, Request, Response, Unanswered
from pilotbase.trial.endpoints.prompt import shown
from pilotbase.trial.endpoints.secret import Secret, read_secret
from pilotbase.trial.endpoints.spoken import (
    TABLE_FIELDS,
    named_fields,
    object_fields,
    table_fields,
    text_fields,
)
from pilotbase.trial.endpoints.wire import nobody

if TYPE_CHECKING:
    from mcp import Client

OPEN_SECONDS = 30.0
CLOSE_SECONDS = 10.0
TOOLS_SHOWN = 10
_SPOKEN = frozenset(("text", "answer", "refused", "cites", "retrieved"))


class McpEndpoint:
    """One tool, called by several tasks within one session.

    Args:
        folder: where a program starts and relative key files lie.
        trust: whether a program may be started, and keys may lie anywhere.

    Raises:
        CandidateError: an address that is refused, a program without trust, no SDK.
    """

    def __init__(
        self, offer: offers.Mcp, *, folder: Path, trust: bool, refusals: Sequence[str] = ()
    ) -> None:
        self.concurrency, self.ours = offer.concurrency, offer.ours
        self._offer, self._folder, self._trust = offer, folder, trust
        self._refusals = tuple(refusals)
        self._where = offer.url or (offer.command or ("mcp",))[0]
        if (offer.url is None) == (offer.command is None):
            raise _error(
                "one_way",
                "it needs either url or command",
                "应在 url 与 command 中恰好写一个",
                self._where,
            )
        if offer.command is not None and not trust:
            raise _error(
                "untrusted",
                "it would start a program",
                "它会启动一个程序",
                self._where,
                Text(
                    "Allow it with --trust if you trust the file.",
                    "若信任该文件, 请用 --trust 允许。",
                ),
            )
        self._address = address_of(offer.url, private=offer.private) if offer.url else None
        self._secret: Secret | None = None
        self._client: Client | None = None
        self._failure: CandidateError | None = None
        self._stop, self._ready = asyncio.Event(), asyncio.Event()
        self._host: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the session, and see that the tool is there.

        Raises:
            CandidateError: nobody is there, or it has no such tool.
        """
        _need_sdk()
        if self._offer.key is not None:
            self._secret = read_secret(self._offer.key, self._folder, trust=self._trust)
        numbers: tuple[str, ...] = ()
        if self._address is not None:
            numbers = await resolve(self._address, private=self._offer.private)
        # A task of its own: the SDK's scopes would otherwise be tangled with those of our callers.
        self._host = asyncio.create_task(self._serve(numbers))
        with anyio.move_on_after(OPEN_SECONDS):
            await self._ready.wait()
        if self._client is None or self._failure is not None:
            self._host.cancel()
            await self.aclose()
            raise self._failure or nobody(self._where, f"no session within {OPEN_SECONDS:g} s")

    async def _serve(self, numbers: tuple[str, ...]) -> None:
        """Hold the session open until it is to stop."""
        from mcp import Client

        try:
            async with AsyncExitStack() as stack:
                transport = await self._transport(stack, numbers)
                client = await stack.enter_async_context(Client(transport, cache=None))
                await self._find_tool(client)
                self._client = client
                self._ready.set()
                await self._stop.wait()
        except Exception as error:  # whatever the SDK raises, groups of exceptions included
            root = _root(error)
            found = root if isinstance(root, CandidateError) else None
            self._failure = found or nobody(self._where, _word(root))
        finally:
            self._ready.set()

    async def _transport(self, stack: AsyncExitStack, numbers: tuple[str, ...]) -> Any:
        if self._address is None:
            from mcp import StdioServerParameters
            from mcp.client.stdio import stdio_client

            command = self._offer.command or ()
            program = StdioServerParameters(
                command=command[0], args=list(command[1:]), cwd=self._folder
            )  # its environment is the SDK's short list: HOME, PATH and the like, no keys
            return stdio_client(program, errlog=stack.enter_context(open(os.devnull, "w")))
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        from pilotbase.trial.endpoints.pinned import PinnedTransport

        headers = {"accept-encoding": "identity", "user-agent": "pilotbase"}
        if self._secret is not None:
            headers["authorization"] = f"Bearer {self._secret.reveal()}"
        transport = PinnedTransport(self._address, numbers, self._offer.concurrency + 2)
        client = httpx2.AsyncClient(
            transport=transport, headers=headers, timeout=None, trust_env=False
        )
        await stack.enter_async_context(client)
        return streamable_http_client(
            self._address.url, http_client=client, max_sse_event_size=BODY_BYTES_MAX
        )

    async def _find_tool(self, client: Client) -> None:
        names: list[str] = []
        cursor = None
        for _ in range(20):  # pages
            page = await client.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            cursor = page.next_cursor
            if self._offer.tool in names or cursor is None:
                break
        if self._offer.tool not in names:
            there = ", ".join(short(name)[:40] for name in sorted(names)[:TOOLS_SHOWN])
            raise _error(
                "no_tool",
                f"it has no tool {self._offer.tool!r}",
                f"没有名为 {self._offer.tool!r} 的工具",
                self._where,
                Text(f"Its tools: {there or 'none'}.", f"现有工具: {there or '无'}。"),
            )

    async def aclose(self) -> None:
        """End the session, and the program where there is one."""
        self._stop.set()
        if self._host is not None:
            _, late = await asyncio.wait([self._host], timeout=CLOSE_SECONDS)
            for host in late:
                host.cancel()
                await asyncio.wait([host], timeout=CLOSE_SECONDS)
            self._host = None

    def request(self, case: Case) -> Request:
        asked: Any = case.question.text if case.question else _plain(case.features)
        call = {"tool": self._offer.tool, "arguments": {self._offer.argument: asked}}
        try:
            body = json.dumps(call, ensure_ascii=False, allow_nan=False).encode()
        except ValueError:
            raise Misspoken("the case holds text or numbers that JSON cannot carry") from None
        return Request(digest_of(self._where, self._offer.tool, body, case.repeat), body)

    async def send(self, request: Request, seconds: float) -> Response:
        from mcp import MCPError

        assert self._client is not None
        call = json.loads(request.body)
        started = perf_counter()
        try:
            with anyio.fail_after(seconds):
                result = await self._client.call_tool(call["tool"], call["arguments"])
        except TimeoutError:
            raise Unanswered(f"no answer within {seconds:g} s") from None
        except MCPError as error:
            raise Unanswered(f"the server reports an error (code {error.code})") from None
        except (OSError, RuntimeError, ValueError, anyio.ClosedResourceError):
            raise Unanswered("the session is over, or its server breaks the protocol") from None
        taken_ms = (perf_counter() - started) * 1000
        body = result.model_dump_json(by_alias=True, exclude_none=True).encode()
        if len(body) > BODY_BYTES_MAX:
            raise Unanswered(f"an answer of more than {BODY_BYTES_MAX // 1024**2} MiB")
        return Response(
            self._secret.scrub(body) if self._secret else body, "application/json", taken_ms
        )

    def read(self, case: Case, response: Response) -> Mapping[str, Any]:
        result = json.loads(response.body)
        text = "\n".join(
            part["text"] for part in result.get("content", []) if part.get("type") == "text"
        )
        if result.get("isError"):
            raise Misspoken(short(f"the tool reports an error: {text}"))
        data = result.get("structuredContent")
        question = case.question
        if isinstance(data, dict) and data.keys() & (_SPOKEN if question else set(TABLE_FIELDS)):
            refusals = self._all_refusals(case)
            return object_fields(data, text, question, refusals) if question else named_fields(data)
        if not text.strip():
            raise Misspoken("the tool gives neither text nor structured content")
        return (
            text_fields(text, question, self._all_refusals(case))
            if question
            else table_fields(text)
        )

    def _all_refusals(self, case: Case) -> tuple[str, ...]:
        return (*self._refusals, *(case.question.refusals if case.question else ()))

    def price(self, fields: Mapping[str, Any], request: Request | None = None) -> float | None:
        return None


def _plain(features: Mapping[str, Any]) -> dict[str, Any]:
    """A table's case as JSON: numbers as they are, null for a missing one, all else as text."""
    return {
        name: None
        if shown(value) == ""
        else float(value)
        if isinstance(value, float)
        else value
        if isinstance(value, (bool, int))
        else shown(value)
        for name, value in features.items()
    }


def _root(error: Exception) -> Exception:
    """The innermost reason of a group of exceptions."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _word(error: Exception) -> str:
    """What kind of error it is; its own words differ by run, and may hold a key."""
    if isinstance(error, FileNotFoundError):
        return "there is no such program"
    return type(error).__name__


def _need_sdk() -> None:
    try:
        import mcp  # noqa: F401
    except ImportError:
        raise _error(
            "no_sdk",
            "the MCP SDK is not installed",
            "未安装 MCP SDK",
            "mcp",
            Text(
                'Install it: pip install "pilotbase[agents]"',
                '请安装: pip install "pilotbase[agents]"',
            ),
        ) from None


_AGAIN = Text("Correct it and try again.", "请更正后重试。")


def _error(code: str, en: str, zh: str, where: str, next_step: Text = _AGAIN) -> CandidateError:
    return CandidateError(f"endpoint.{code}", Text(en, zh), where=where, next_step=next_step)
