"""What upstreams say of themselves, asked now and then: a tool's schema, a model's tensors.

It costs no service anything, so callers cannot cause it more often than once a minute and service,
or every two seconds where nothing is said; who asks meanwhile gets the same answer. What is not as
its protocol has it is as nothing said.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.serve.call import Route, Upstream
from pilotbase.serve.doors.plain import metadata_of
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.upstreams.fetching import fetched
from pilotbase.serve.upstreams.link import Lost
from pilotbase.serve.upstreams.mcp import McpPool
from pilotbase.serve.upstreams.pool import Pool

KEPT_S, MISSED_S = 60.0, 2.0
KEPT_MAX = 1_000
_read = msgspec.json.Decoder(dict[str, Any]).decode


class _Tools(msgspec.Struct):
    """What is read of a list of tools."""

    tools: list[dict[str, Any]] = []


_tools = msgspec.json.Decoder(_Tools).decode


class About:
    """By filing; empty where no upstream says anything."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}
        self._asking: dict[str, asyncio.Task[dict[str, Any]]] = {}

    async def of(self, route: Route) -> dict[str, Any]:
        """A model's metadata (Open Inference Protocol) or a tool's description (MCP)."""
        kept = self._kept.get(route.filing)
        if kept is not None and kept[0] > self._serving.clock():
            return kept[1]
        asking = self._asking.get(route.filing)
        if asking is None:
            asking = asyncio.get_running_loop().create_task(self._ask(route))
            self._asking[route.filing] = asking
        return await asyncio.shield(asking)  # who leaves does not take it from the others

    async def _ask(self, route: Route) -> dict[str, Any]:
        try:
            said = await self._asked(route)
        finally:
            del self._asking[route.filing]
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        until = self._serving.clock() + (KEPT_S if said else MISSED_S)
        self._kept[route.filing] = until, said
        return said

    async def _asked(self, route: Route) -> dict[str, Any]:
        for upstream in route.upstreams:
            try:
                pool = self._serving.replicas.of(upstream).pool
                if upstream.kind == "mcp":
                    said = await _tool(pool, upstream, route)
                elif upstream.kind in ("oip", "candidate"):
                    said = await _model(pool, upstream, route)
                else:
                    continue
            except (Lost, PilotbaseError, ValueError, RecursionError):
                continue
            if said:
                return said
        return {}


async def _model(pool: Pool, upstream: Upstream, route: Route) -> dict[str, Any]:
    path = f"/v2/models/{upstream.model or route.service}"
    head, body = await fetched(pool, pool.getting(path.encode()))
    return metadata_of(_read(body)) if head.status == 200 else {}


async def _tool(pool: Pool, upstream: Upstream, route: Route) -> dict[str, Any]:
    assert isinstance(pool, McpPool)
    result = await pool.told("tools/list")
    tools = _tools(result).tools if result is not None else ()
    name = upstream.model or route.service
    found = [one for one in tools if one.get("name") == name]
    return found[0] if found else {}
