"""Who is asked case by case, and how an answer comes about: from one exchange, or from several."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import anyio

from pilotbase.trial.endpoints.port import (
    Case,
    Endpoint,
    Misspoken,
    Request,
    Response,
    Unanswered,
)
from pilotbase.trial.journal import Journal, Kept

Send = Callable[[Endpoint, Request], Awaitable[Response]]


class Outage(Exception):
    """The base's own part failed; nothing is concluded about the candidate."""


class Stopped(Exception):
    """The base itself ended the candidate; nothing is to be concluded about it."""


class Respondent(Protocol):
    """A candidate that is asked case by case. Used within one event loop, by several tasks."""

    @property
    def concurrency(self) -> int:
        """How many cases may be under way at once."""
        ...

    async def open(self) -> None:
        """Raises CandidateError when it cannot be asked at all."""
        ...

    async def answer(self, case: Case, send: Send) -> Kept:
        """Its answer to one case; the candidate's fault has a reason and no fields.

        Raises:
            Outage: the base's own part failed. Stopped: the base ended the candidate.
        """
        ...

    async def aclose(self) -> None: ...


@dataclass
class Remote:
    """An endpoint that answers each case by one exchange."""

    endpoint: Endpoint

    @property
    def concurrency(self) -> int:
        return self.endpoint.concurrency

    async def open(self) -> None:
        await self.endpoint.open()

    async def answer(self, case: Case, send: Send) -> Kept:
        try:
            request = self.endpoint.request(case)
        except Misspoken as error:
            return Kept(None, str(error))
        asked = (request.digest,)
        try:
            response = await send(self.endpoint, request)
        except Unanswered as error:
            return Kept(None, str(error), requests=asked)
        try:
            fields = self.endpoint.read(case, response)
        except Misspoken as error:
            return Kept(None, str(error), response.taken_ms, requests=asked)
        cost = self.endpoint.price(fields, request)
        return Kept(fields, "", response.taken_ms, cost, asked)

    async def aclose(self) -> None:
        await self.endpoint.aclose()


class Exchanges:
    """The requests of one plan: each is sent once, and kept before anything is concluded from it.

    Args:
        seconds: deadline of one request, retries included.
    """

    def __init__(self, journal: Journal, seconds: float) -> None:
        self._journal, self._seconds = journal, seconds
        self._under_way: dict[str, anyio.Event] = {}

    async def send(self, endpoint: Endpoint, request: Request) -> Response:
        """The answer to a request, from the journal where it was sent before.

        Raises:
            Unanswered: the endpoint gave none, now or then. Outage: and it is the base's own.
        """
        while request.digest in self._under_way:
            await self._under_way[request.digest].wait()
        kept = self._journal.exchange(request.digest)
        if kept is None:
            done = self._under_way[request.digest] = anyio.Event()
            try:
                kept = await self._sent(endpoint, request), ""
            finally:
                del self._under_way[request.digest]
                done.set()
        response, reason = kept
        if response is None:
            raise Unanswered(reason)
        return response

    async def _sent(self, endpoint: Endpoint, request: Request) -> Response:
        try:
            response = await endpoint.send(request, self._seconds)
        except Unanswered as error:
            if endpoint.ours:  # an outage of ours is asked again when the run goes on
                raise Outage(str(error)) from error
            self._journal.keep_exchange(request.digest, None, str(error))
            raise
        self._journal.keep_exchange(request.digest, response)
        return response
