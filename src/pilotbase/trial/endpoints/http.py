"""HTTP/1.1 to one checked address (RFC 9112): a few connections, every size and time limited.

It does what asking a model needs and nothing else: no redirects, no cookies, no proxies, no state.
Written on h11 and anyio because the comfortable clients cost two to ten times as much per request,
and a thousand requests are what a trial consists of.
"""

from __future__ import annotations

import contextlib
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import anyio
import h11
from anyio.abc import ByteStream

from pilotbase.trial.endpoints.address import Address

BODY_BYTES_MAX = 8 * 1024**2
HEAD_BYTES_MAX = 64 * 1024
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 4.0  # servers close idle connections after 5 seconds and more
GRACE_SECONDS = 0.2
_READ_BYTES = 64 * 1024
_MIB = BODY_BYTES_MAX // 1024**2

Ended = Callable[[bytearray], bool]
"""Whether a stream has said its last word, though the connection stays open."""


@dataclass(frozen=True, slots=True)
class Received:
    """A whole answer.

    Attributes:
        headers: lower case; of repeated ones the last.
        taken_ms: from the first byte sent, a new connection included, to the last one read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    taken_ms: float


class Lost(Exception):
    """No whole answer came.

    Attributes:
        sent: the request may have arrived, and may have cost something.
        answered: an answer had begun.
        stale: a connection that had been idle was closed; nothing is said about the server.
        late: the time was up.
    """

    def __init__(
        self,
        reason: str,
        *,
        sent: bool = True,
        answered: bool = False,
        stale: bool = False,
        late: bool = False,
    ) -> None:
        super().__init__(reason)
        self.sent, self.answered, self.stale, self.late = sent, answered, stale, late


class Connection:
    """One connection, asked one thing at a time."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES_MAX)
        self._answered = False
        self.used = 0
        self.idle_since = 0.0

    async def exchange(
        self, head: h11.Request, body: bytes, ended: Ended | None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send and read the whole answer. Raises Lost."""
        self._answered = False
        self.used += 1
        try:
            await self._send(head, body)
            answer = await self._next()
            while not isinstance(answer, h11.Response):
                answer = await self._next()  # 1xx: more will come
            headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers
            }
            return answer.status_code, headers, await self._body(headers, ended)
        except h11.RemoteProtocolError as error:
            reason = (
                "the answer breaks off"
                if "complete message body" in str(error)
                else "no proper HTTP"
            )
            if "Receive buffer too long" in str(error):
                reason = f"headers of more than {HEAD_BYTES_MAX // 1024} KiB"
            raise Lost(reason, answered=True) from None
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            raise self._closed() from None

    def _closed(self) -> Lost:
        if self._answered:
            return Lost("the answer breaks off", answered=True)
        return Lost("the connection was closed without an answer", stale=self.used > 1)

    async def _send(self, head: h11.Request, body: bytes) -> None:
        parts = [self._state.send(head)]
        if body:
            parts.append(self._state.send(h11.Data(data=body)))
        parts.append(self._state.send(h11.EndOfMessage()))
        with contextlib.suppress(anyio.BrokenResourceError):
            # who refuses a request may answer, and close, before having read it
            await self._stream.send(b"".join(part for part in parts if part))

    async def _next(self) -> h11.Event:
        while True:
            event = self._state.next_event()
            if event is h11.NEED_DATA:
                try:
                    data = await self._stream.receive(_READ_BYTES)
                except anyio.EndOfStream:
                    data = b""
                if not data and self._state.their_state is h11.SEND_RESPONSE:
                    raise self._closed()
                self._answered = self._answered or bool(data)
                self._state.receive_data(data)
            elif isinstance(event, h11.Event):
                return event
            else:
                raise Lost("no proper HTTP", answered=True)

    async def _body(self, headers: Mapping[str, str], ended: Ended | None) -> bytes:
        if int(headers.get("content-length", "0")) > BODY_BYTES_MAX:
            raise _too_long()
        body, opened = bytearray(), _opened(headers)
        while isinstance(event := await self._next(), h11.Data):
            body += opened(event.data)
            if len(body) > BODY_BYTES_MAX:
                raise _too_long()
            if ended is not None and ended(body):
                await self._finish()
                break
        return bytes(body)

    async def _finish(self) -> None:
        """What is left of an answer that has said its last word, if it comes at once."""
        with anyio.move_on_after(GRACE_SECONDS):
            while isinstance(await self._next(), h11.Data):
                pass

    def again(self) -> bool:
        """Make ready for another request; False when this connection cannot take one."""
        done = self._state.our_state is h11.DONE and self._state.their_state is h11.DONE
        if not done or self._state.trailing_data[0]:
            return False
        self._state.start_next_cycle()
        return True

    async def aclose(self) -> None:
        await anyio.aclose_forcefully(self._stream)


class Client:
    """Connections to one address, as many as are needed at once.

    Args:
        numbers: the checked addresses of the host; no name is looked up here.
        headers: what each request carries, the key included.
    """

    def __init__(
        self, address: Address, numbers: tuple[str, ...], headers: Mapping[str, str]
    ) -> None:
        self._address, self._numbers = address, numbers
        self._headers = {"host": address.authority, "accept-encoding": "identity", **headers}
        self._tls = ssl.create_default_context() if address.tls else None
        self._idle: list[Connection] = []

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        seconds: float,
        ended: Ended | None = None,
    ) -> Received:
        """One request and its whole answer, within ``seconds`` however slowly it drips.

        Raises:
            Lost: with the reason in words.
        """
        said = {**self._headers, **(headers or {})}
        if body or method != "GET":
            said["content-length"] = str(len(body))
        head = h11.Request(
            method=method, target=self._address.target(path), headers=list(said.items())
        )
        started = perf_counter()
        connection: Connection | None = None
        try:
            with anyio.fail_after(seconds):
                connection = self._rested() or await self._connected()
                status, heard, answer = await connection.exchange(head, body, ended)
        except TimeoutError:
            await _drop(connection)
            raise Lost("no answer in time", sent=connection is not None, late=True) from None
        except BaseException:
            await _drop(connection)
            raise
        taken_ms = (perf_counter() - started) * 1000
        await self._rest(connection)
        return Received(status, heard, answer, taken_ms)

    def _rested(self) -> Connection | None:
        """The connection that rested last, unless the server has probably closed it by now."""
        if self._idle and anyio.current_time() - self._idle[-1].idle_since < IDLE_SECONDS:
            return self._idle.pop()
        return None

    async def _rest(self, connection: Connection) -> None:
        if connection.again():
            connection.idle_since = anyio.current_time()
            self._idle.append(connection)
        else:
            await connection.aclose()
        while self._idle and self._idle[-1].idle_since - self._idle[0].idle_since > IDLE_SECONDS:
            await self._idle.pop(0).aclose()

    async def _connected(self) -> Connection:
        reason = "no connection"
        for number in self._numbers:
            try:
                with anyio.fail_after(CONNECT_SECONDS):
                    return Connection(await self._dial(number))
            except ssl.SSLCertVerificationError as error:
                raise Lost(
                    f"its certificate is not accepted: {error.verify_message}", sent=False
                ) from None
            except (ssl.SSLError, anyio.EndOfStream, anyio.BrokenResourceError):
                reason = "no TLS connection"
            except TimeoutError:
                reason = f"no connection within {CONNECT_SECONDS:g} s"
            except OSError as error:
                refused = isinstance(error.__cause__ or error, ConnectionRefusedError)
                reason = "connection refused" if refused else "no connection"
        raise Lost(reason, sent=False)

    async def _dial(self, number: str) -> ByteStream:
        if self._tls is None:
            return await anyio.connect_tcp(number, self._address.port)
        return await anyio.connect_tcp(
            number,
            self._address.port,
            ssl_context=self._tls,
            tls_hostname=self._address.host,
            tls_standard_compatible=False,
        )

    async def greet(self) -> None:
        """See that somebody is there, without asking anything. Raises Lost."""
        connection = await self._connected()
        connection.idle_since = anyio.current_time()
        self._idle.append(connection)

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().aclose()


async def _drop(connection: Connection | None) -> None:
    if connection is not None:
        with anyio.CancelScope(shield=True):
            await connection.aclose()


def _too_long() -> Lost:
    return Lost(f"an answer of more than {_MIB} MiB", answered=True)


def _opened(headers: Mapping[str, str]) -> Callable[[bytes], bytes]:
    """What undoes the answer's compression, a bounded step at a time.

    Identity is what we ask for; some gateways compress nevertheless. A small body that unpacks to
    gigabytes is cut where a plain one would be.
    """
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return bytes
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise Lost("a compressed answer, which was not asked for", answered=True)
    inner = zlib.decompressobj(wbits=47)  # 32 + 15: gzip or zlib, by its head

    def opened(data: bytes) -> bytes:
        try:
            plain = inner.decompress(data, BODY_BYTES_MAX + 1)
        except zlib.error:
            raise Lost("a compressed answer that cannot be unpacked", answered=True) from None
        return plain

    return opened
