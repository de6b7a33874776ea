"""One call, as every part of the gateway speaks of it.

A call's way: a door reads it (`Ask`), the routes say what is served (`Route`), the key says for
whom (`Grant`), guards look at it, the meter reserves what it may cost and puts the intent down
durably, an upstream answers, the meter settles what it did cost (`Usage`, `Charge`). Whatever
stands in its way is one `Refused`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pilotbase.kernel.text import Text

Operation = Literal["chat", "responses", "embeddings", "infer", "tool", "message"]
"""What is asked for: OpenAI's three, Open Inference Protocol's, an MCP tool, an A2A message."""

Served = Literal["proven", "declared"]
"""Whether what answers was found to be what was tried, or somebody says so."""

Outcome = Literal["served", "aborted", "failed", "cut", "refused"]
"""How a call ended: answered whole; left by the client; failed by the upstream; cut by a stop, a
revoked key or a guard; refused after the intent was put down."""

NANO = 10**9
"""Amounts of money are integers of a thousand-millionth of the currency's unit: a token's price is
far below the smallest coin. They become coins when a period is settled."""


class Refused(Exception):
    """Why a call is not served.

    Attributes:
        status: the HTTP status. code: stable name, like ``serve.not_filed``. message, next_step:
            for people, in both languages. where: what it concerns (a filing, a key's id).
        filing: the filing whose page in the register says more; empty where none does.
        retry_after_s: when it may go better; None where waiting does not help.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: Text,
        next_step: Text,
        *,
        where: str = "",
        filing: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message.en)
        self.status, self.code = status, code
        self.where, self.filing = where or filing, filing
        self.message, self.next_step, self.retry_after_s = message, next_step, retry_after_s


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a service costs, in nano-units of ``currency`` for one of each.

    ``call`` and ``case`` come from the filing; a filing by hour, month or year has both at zero.
    """

    currency: str
    call: int = 0
    case: int = 0
    input_token: int = 0
    output_token: int = 0


@dataclass(frozen=True, slots=True)
class Caps:
    """What one call may take at most; beyond it, it is refused or its answer cut."""

    request_bytes_max: int = 2**20
    answer_bytes_max: int = 16 * 2**20
    output_tokens_max: int = 4096
    cases_max: int = 10_000
    first_byte_s_max: float = 60.0
    between_bytes_s_max: float = 60.0
    whole_s_max: float = 600.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where calls of a route go.

    Attributes:
        id: unique within the route. kind: what it speaks; a ``candidate`` is served by the base
            itself, in worker processes, over a Unix socket.
        url: ``http://…``, ``https://…`` or ``unix:/path``. model: its name over there.
        secret: ``env:NAME`` or ``file:PATH``; the key itself is read when the gateway starts.
        weight: share of the calls among the route's upstreams.
        private: whether a private or loopback address is allowed for it.
    """

    id: str
    kind: Literal["chat", "oip", "mcp", "a2a", "candidate"]
    url: str
    model: str = ""
    secret: str = ""
    weight: int = 1
    private: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A service that may be called: what one live filing says, compiled.

    Attributes:
        service: the name without the filing's number; it stays over renewals.
        speaks: the operations that it answers. columns: whether an own worker is asked for cases
            of columns, also in a chat, which then holds as many cases as its text does.
        asset, version, tried: what is served, by content hash; ``tried`` as the plan froze it.
        expires: seconds since 1970; ``expires_at`` the same for people.
        principal, person: who answers for the service.
        fallback: routes of second choice, in order, each with a live filing of its own.
        guards, handoff: as arranged; read by `guards` and `people`.
        content: whether the terms let content be logged.
        worker: how the base's own worker was when this was compiled: waiting, starting, ready or
            down; empty where it is not known or there is none.
        source: ``filed``, or ``development`` for what is not filed and says so in every answer.
        served: ``proven`` where the gateway itself has found that every upstream is what was tried
            (`routes.proof` says by what); else ``declared``: by ``arranged_by``.
        arranged_by: the person who arranged the upstreams; empty where nobody had to.
    """

    filing: str
    service: str
    speaks: frozenset[Operation]
    title: Text
    asset: str
    version: str
    tried: str
    verdict: str
    said: str
    tier: str
    principal: str
    person: str
    expires: float
    expires_at: str
    tariff: Tariff
    upstreams: tuple[Upstream, ...]
    caps: Caps = field(default_factory=Caps)
    fallback: tuple[Route, ...] = ()
    guards: Mapping[str, Any] = field(default_factory=dict)
    handoff: Mapping[str, Any] = field(default_factory=dict)
    content: bool = False
    worker: str = ""
    columns: bool = False
    source: Literal["filed", "development"] = "filed"
    served: Served = "declared"
    arranged_by: str = ""

    @property
    def filed(self) -> str:
        """The filing whose page stands in the register; empty in development."""
        return self.filing if self.source == "filed" else ""


@dataclass(frozen=True, slots=True)
class Grant:
    """For whom a key acts, and which accounts pay.

    Attributes:
        key: its id. holder: the party that has it. links: ids of the delegations up the chain.
        principal, person: the body or person at the chain's end, and who answers for that.
        until: seconds since 1970 when the key or any link ends first.
    """

    key: str
    holder: str
    links: tuple[str, ...]
    principal: str
    person: str
    until: float

    def accounts(self, service: str) -> tuple[str, ...]:
        """The accounts a call weighs on: ``key:…``, ``party:…``, ``mandate:…``, ``service:…``."""
        parties = dict.fromkeys((self.holder, self.principal))
        return (
            f"key:{self.key}",
            *(f"party:{one}" for one in parties),
            *(f"mandate:{one}" for one in self.links),
            f"service:{service}",
        )


@dataclass(slots=True)
class Ask:
    """What a door read of a request, whatever protocol it came by.

    Attributes:
        service: the name the caller used: a filing or a service. body: the request's bytes.
        stream: whether the answer is wanted in pieces. choices: how many answers are wanted.
        output_tokens_max: the caller's own limit, 0 where none. cases: rows of an inference.
        idempotency_key: the caller's, or empty. media: the body's content type.
        follows: of a second choice under that key, the usage id of the call that was begun before
            it and cost nothing.
        fields: what the door has read of the body already; None where nothing, or where the body
            was changed since.
        receipt: SHA-256 of the body as it came, in hexadecimal, where a signed receipt is wanted.
        dress: from a whole answer to the header line of its type, and its bytes, as the caller
            wants them; raises ValueError where it is no answer.
        door: the protocol's name. trace: the caller's ``traceparent`` (W3C), or empty.
        tail: bytes behind the body that go on as they are: numbers of tensors, never words.
        dress: from an answer's JSON to header lines and body as the caller wants them; raises
            ValueError where the answer does not fit. Answers that are fetched later stay JSON.
    """

    service: str
    operation: Operation
    body: bytes
    stream: bool = False
    choices: int = 1
    output_tokens_max: int = 0
    cases: int = 1
    idempotency_key: str = ""
    media: str = "application/json"
    fields: dict[str, Any] | None = None
    receipt: str = ""
    door: str = "openai"
    trace: str = ""
    tail: bytes = b""
    dress: Callable[[bytes], tuple[bytes, bytes]] | None = None
    follows: str = ""


@dataclass(slots=True)
class Usage:
    """What a call used. Where the upstream does not say its tokens, ``counted`` is False and they
    are an upper bound by bytes (a token is at least one byte of UTF-8)."""

    input_tokens: int = 0
    output_tokens: int = 0
    cases: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    chunks: int = 0
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call came to, in nano-units of ``currency``."""

    currency: str
    nano: int


@dataclass(slots=True)
class Call:
    """A call that was let in. ``usage_id`` and ``sequence`` are given by the meter.

    ``at`` is its one clock reading, in seconds since 1970; ``most`` what it may use at most.
    """

    ask: Ask
    route: Route
    grant: Grant
    at: float
    most: Usage
    usage_id: str = ""
    sequence: int = 0
    upstream: str = ""
    scanned: tuple[str, ...] = ()
    handoff: tuple[str, ...] = ()
