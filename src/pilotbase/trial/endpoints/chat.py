"""An OpenAI-compatible chat endpoint: ``POST …/chat/completions``, whole or as a stream."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.money import Money
from pilotbase.kernel.text import Text
from pilotbase.scenario import offer as offers
from pilotbase.trial.endpoints.completion import Turn, joined, stream_ended, turn_of
from pilotbase.trial.endpoints.port import Case, Misspoken, Request, Response
from pilotbase.trial.endpoints.prompt import Prompt
from pilotbase.trial.endpoints.spoken import fields_of
from pilotbase.trial.endpoints.wire import Wire

PATH = "/chat/completions"
_PER = Decimal(1_000_000)


class ChatEndpoint:
    """A model behind a chat endpoint.

    Args:
        wire: its connections, not yet open.
        refusals: sentences by which the scenario lets a candidate refuse.

    Raises:
        CandidateError: a price that is no amount.
    """

    def __init__(self, offer: offers.Chat, wire: Wire, *, refusals: Sequence[str] = ()) -> None:
        self.concurrency, self.ours = offer.concurrency, offer.ours
        self._offer, self._wire, self._refusals = offer, wire, tuple(refusals)
        self._prompt = Prompt(offer.prompt)
        self._price = _prices(offer.price)
        self._url = wire.address.target(PATH)
        self._fixed = _fixed(offer)

    async def open(self) -> None:
        await self._wire.open()

    async def aclose(self) -> None:
        await self._wire.aclose()

    def messages(self, case: Case) -> list[dict[str, Any]]:
        """What a conversation about a case begins with. Raises Misspoken."""
        asked = {"role": "user", "content": self._prompt.filled(case)}
        if not self._offer.system:
            return [asked]
        return [{"role": "system", "content": self._offer.system}, asked]

    def request(self, case: Case) -> Request:
        messages = self.messages(case)
        more: dict[str, Any] = {}
        if self._offer.as_json:
            more["response_format"] = {"type": "json_object"}
        return self._request({"messages": messages, **more}, case.repeat)

    def request_turn(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] = (),
        repeat: int = 0,
    ) -> Request:
        """A request with a whole conversation, for an agent's next turn.

        Args:
            messages: as the API has them, the system's own included.
            tools: as the API has them: ``{"type": "function", "function": {…}}``.

        Raises:
            Misspoken: they hold what JSON cannot.
        """
        asked: dict[str, Any] = {"messages": list(messages)}
        return self._request({**asked, "tools": list(tools)} if tools else asked, repeat)

    def _request(self, asked: Mapping[str, Any], repeat: int) -> Request:
        try:
            body = json.dumps(
                {**self._fixed, **asked}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
            ).encode()
        except (ValueError, TypeError):  # a lone surrogate, NaN …
            raise Misspoken("the case holds text or numbers that JSON cannot carry") from None
        accept = "text/event-stream" if self._offer.stream else "application/json"
        headers = {"content-type": "application/json", "accept": accept}
        return Request(digest_of(self._wire.address.url, self._url, body, repeat), body, headers)

    async def send(self, request: Request, seconds: float) -> Response:
        ended: Callable[[bytearray], bool] | None = stream_ended() if self._offer.stream else None
        response = await self._wire.post(PATH, request.headers, request.body, seconds, ended)
        return self._without_key(response)

    def _without_key(self, response: Response) -> Response:
        """A stream may spell the key piece by piece: then nothing of it can be kept."""
        if response.kind != "text/event-stream" or not self._wire.has_key:
            return response
        if all(self._wire.scrubbed(text) == text for text in joined(response.body)):
            return response
        return replace(response, body=b'data: {"error": {"code": "key_repeated"}}\n\n')

    def read_turn(self, response: Response) -> Turn:
        """What the model said. Pure. Raises Misspoken."""
        return turn_of(response, self._offer.model)

    def read(self, case: Case, response: Response) -> Mapping[str, Any]:
        refusals = (*self._refusals, *(case.question.refusals if case.question else ()))
        turn = self.read_turn(response)
        return fields_of(turn, case, refusals=refusals, as_json=self._offer.as_json)

    def price(self, fields: Mapping[str, Any], request: Request | None = None) -> float | None:
        """What the answer cost, in minor units; each lost try counts as much as the answer.

        An endpoint that gives no usage is taken at the most it may charge for the request: else
        whoever keeps it back would spend past every budget.
        """
        used = fields.get("tokens") or {}
        cost = self.price_of(used.get("in"), used.get("out"))
        if cost is None and request is not None:
            # A token stands for a byte at least.
            cost = self.price_of(len(request.body), self._offer.max_tokens)
        return None if cost is None else cost * (1 + int(fields.get("lost", 0)))

    def price_of(self, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """What so many tokens cost, in minor units; None without prices or counts."""
        if self._price is None or tokens_in is None or tokens_out is None:
            return None
        read, written = self._price
        return float((read * tokens_in + written * tokens_out) / _PER)


def digest_of(url: str, path: str, body: bytes, repeat: int) -> str:
    """What makes a request identical: where it goes, what it says, the how-manieth time."""
    head = f"POST\n{url}\n{path}\n{repeat}\n".encode()
    return "sha256:" + hashlib.sha256(head + body).hexdigest()


def _fixed(offer: offers.Chat) -> dict[str, Any]:
    fixed: dict[str, Any] = {"model": offer.model, "max_tokens": offer.max_tokens}
    if offer.temperature is not None:
        fixed["temperature"] = offer.temperature
    if offer.stream:
        fixed |= {"stream": True, "stream_options": {"include_usage": True}}
    return fixed


def _prices(price: offers.Price | None) -> tuple[Decimal, Decimal] | None:
    """Minor units for a million tokens, read and written."""
    if price is None:
        return None
    try:
        read, written = map(Money.parse, (price.input, price.output))
        read + written  # one currency
    except ValueError as error:
        raise CandidateError(
            "endpoint.price",
            Text(str(error), f"价格无法识别: {price.input}, {price.output}"),
            where="price",
            next_step=Text('Write it like "2.00 CNY".', '请写成 "2.00 CNY" 的形式。'),
        ) from None
    return Decimal(read.minor), Decimal(written.minor)
