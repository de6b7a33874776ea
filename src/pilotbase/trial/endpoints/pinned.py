"""Our address rules for a library that brings its own HTTP client (the MCP SDK: httpx2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import httpcore2
import httpx2

from pilotbase.trial.endpoints.address import Address
from pilotbase.trial.endpoints.http import BODY_BYTES_MAX, CONNECT_SECONDS


class _Backend(httpcore2.AnyIOBackend):
    """Connects to the checked addresses, whatever the name stands for by now."""

    def __init__(self, address: Address, numbers: tuple[str, ...]) -> None:
        self._address, self._numbers = address, numbers

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        if (host.strip("[]").lower(), port) != (self._address.host, self._address.port):
            raise httpcore2.ConnectError("another host than the one that was checked")
        for number in self._numbers[:-1]:
            try:
                return await super().connect_tcp(number, port, CONNECT_SECONDS)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await super().connect_tcp(self._numbers[-1], port, CONNECT_SECONDS)


class _Limited(httpx2.AsyncByteStream):
    """An answer that is cut off beyond the limit."""

    def __init__(self, inner: httpcore2.Response) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        count = 0
        async for part in self._inner.aiter_stream():
            count += len(part)
            if count > BODY_BYTES_MAX:
                raise httpx2.ReadError("an answer that is too long")
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Requests to one checked address alone; redirects are errors."""

    def __init__(self, address: Address, numbers: tuple[str, ...], connections: int) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            max_connections=connections, network_backend=_Backend(address, numbers)
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        asked = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            answer = await self._pool.handle_async_request(asked)
        except (
            httpcore2.NetworkError,
            httpcore2.TimeoutException,
            httpcore2.ProtocolError,
        ) as error:
            raise httpx2.ConnectError(str(error), request=request) from error
        if 300 <= answer.status < 400:
            await answer.aclose()
            raise httpx2.ConnectError("redirects are not followed", request=request)
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Limited(answer))

    async def aclose(self) -> None:
        await self._pool.aclose()
