"""From an endpoint's section in the scenario to answers: its address, its key, its pace, retries.

What is sent again, and why that is safe. An inference request changes nothing at the other end, so
sending it twice costs at most its price twice (each lost try is counted). It is sent again when

- no connection came about, or it closed before the first byte of an answer;
- a gateway says that it got no answer (502, 504) or is overloaded (503);
- it is one request too many (429): that is a matter of pace, and does not use up `retries`.

Never once an answer has begun or the time is up: a candidate that breaks off the answers it does
not like must not get a second draw.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import anyio

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.scenario import offer as offers
from pilotbase.trial.endpoints.address import Address, address_of, resolve
from pilotbase.trial.endpoints.http import Client, Ended, Lost, Received
from pilotbase.trial.endpoints.pace import PAUSE_SECONDS_MAX, Pace
from pilotbase.trial.endpoints.port import Response, Unanswered
from pilotbase.trial.endpoints.secret import Secret, read_secret

LIMITED_MAX = 20
WAIT_SECONDS_MAX = 600.0
ANSWERS = frozenset((200, 400, 413, 422))
"""What is read as an answer: a request that the model's server will not take is one, too."""

_AGAIN = frozenset((429, 502, 503, 504))
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}", re.ASCII)
_WORDS = {
    401: "the key is not accepted",
    403: "access is refused",
    404: "nothing is there",
    429: "too many requests",
}
LENGTH = "inference-header-content-length"
_LENGTH = re.compile(r"\d{1,9}", re.ASCII)
_KIND = re.compile(
    r"(application|audio|image|message|multipart|text|video)/[\w.+-]{1,80}", re.ASCII | re.I
)


@dataclass
class _Tally:
    """What happened to one request so far; seconds of sending and seconds of waiting apart."""

    seconds_left: float
    tries: int = 0
    lost: int = 0
    failed: int = 0
    limited: int = 0
    waited: float = 0.0


class Wire:
    """One endpoint's connections.

    Args:
        folder: where relative key files start. seed: of the jitter.
        trust: keys may lie anywhere; see `secret`.

    Raises:
        CandidateError: an address that is refused by its form alone.
    """

    def __init__(self, offer: offers.Endpoint, *, folder: Path, seed: int, trust: bool) -> None:
        self._offer, self._folder, self._trust = offer, folder, trust
        self.address: Address = address_of(offer.url, private=offer.private)
        self._pace = Pace(Random(seed), offer.concurrency)
        self._slots: anyio.Semaphore | None = None
        self._client: Client | None = None
        self._secret: Secret | None = None

    async def open(self) -> None:
        """Read the key, resolve and check the address, see that somebody is there.

        Raises:
            CandidateError: whichever of them fails.
        """
        headers = {"user-agent": "pilotbase"}
        if self._offer.key is not None:
            self._secret = read_secret(self._offer.key, self._folder, trust=self._trust)
            headers["authorization"] = f"Bearer {self._secret.reveal()}"
        numbers = await resolve(self.address, private=self._offer.private)
        self._slots = anyio.Semaphore(self._offer.concurrency, fast_acquire=True)
        self._client = Client(self.address, numbers, headers)
        try:
            await self._client.greet()
        except Lost as error:
            raise nobody(self.address.url, str(error)) from None

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def get(self, path: str, seconds: float) -> Received:
        """Ask for something small, once. Raises Unanswered."""
        assert self._client is not None
        try:
            return await self._client.exchange("GET", path, seconds=seconds)
        except Lost as error:
            raise Unanswered(str(error)) from None

    async def post(
        self,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float,
        ended: Ended | None = None,
    ) -> Response:
        """Send until there is an answer or reason to stop; the key is not in what comes back.

        Args:
            seconds: for all tries together; pauses that the endpoint asks for are not counted, and
                are limited to `WAIT_SECONDS_MAX`.

        Raises:
            Unanswered: with the reason in words.
        """
        assert self._client is not None and self._slots is not None
        tally = _Tally(seconds)
        async with self._slots:
            while True:
                await self._turn(tally)
                started = anyio.current_time()
                tally.tries += 1
                try:
                    received = await self._client.exchange(
                        "POST",
                        path,
                        headers=headers,
                        body=body,
                        seconds=tally.seconds_left,
                        ended=ended,
                    )
                except Lost as error:
                    tally.seconds_left -= anyio.current_time() - started
                    await self._after_loss(tally, error, seconds)
                    continue
                tally.seconds_left -= anyio.current_time() - started
                if not await self._once_more(tally, received, started):
                    return self._kept(received, tally)

    async def _turn(self, tally: _Tally) -> None:
        before = anyio.current_time()
        await self._pace.turn()
        tally.waited += anyio.current_time() - before

    async def _after_loss(self, tally: _Tally, error: Lost, seconds: float) -> None:
        """Wait for the next try. Raises Unanswered when there is none."""
        if error.late or tally.seconds_left <= 0:
            raise Unanswered(f"no answer within {seconds:g} s") from None
        tally.lost += error.sent and not error.stale
        if error.stale and tally.tries == 1:
            return  # nobody's fault, and a matter of HTTP alone
        if error.answered or tally.failed >= self._offer.retries:
            raise Unanswered(str(error)) from None
        await self._back_off(tally)

    async def _once_more(self, tally: _Tally, received: Received, sent_at: float) -> bool:
        """Whether to send it again, after the wait that this takes. Raises Unanswered."""
        granted = self._pace.heard(received.status, received.headers, sent_at)
        if received.status in ANSWERS:
            return False
        if received.status not in _AGAIN:
            raise Unanswered(self._words(received))
        if not granted:
            raise Unanswered(f"it asks to wait longer than {PAUSE_SECONDS_MAX:g} s")
        if tally.seconds_left <= 0 or tally.waited > WAIT_SECONDS_MAX or self._offer.retries == 0:
            raise Unanswered(self._words(received))
        if received.status == 429:
            tally.limited += 1
            if tally.limited > LIMITED_MAX:
                raise Unanswered(self._words(received))
            return True
        if tally.failed >= self._offer.retries:
            raise Unanswered(self._words(received))
        tally.lost += received.status != 503
        await self._back_off(tally)
        return True

    async def _back_off(self, tally: _Tally) -> None:
        wait = self._pace.jitter(tally.failed)
        tally.failed += 1
        tally.waited += wait
        await anyio.sleep(wait)

    def _kept(self, received: Received, tally: _Tally) -> Response:
        """The answer without the key; of its headers only what is read, and only if well formed."""
        headers = {}
        if LENGTH in received.headers:
            length = self.scrubbed(received.headers[LENGTH])
            headers[LENGTH] = length if _LENGTH.fullmatch(length) else "?"
        if received.status != 200:
            headers["status"] = str(received.status)
        if tally.lost:
            headers["lost"] = str(tally.lost)
        kind = self.scrubbed(received.headers.get("content-type", "")).partition(";")[0].strip()
        kind = kind.lower() if _KIND.fullmatch(kind) else ""
        body = self._secret.scrub(received.body) if self._secret else received.body
        return Response(body, kind, received.taken_ms, tally.tries, headers)

    @property
    def has_key(self) -> bool:
        return self._secret is not None

    def scrubbed(self, text: str) -> str:
        """The text without the key."""
        return self._secret.scrub_text(text) if self._secret else text

    def _words(self, received: Received) -> str:
        status = received.status
        if 300 <= status < 400:
            return f"HTTP {status}: redirects are not followed"
        said = _WORDS.get(status) or self.scrubbed(error_code(received.body))
        return f"HTTP {status}: {said}" if said else f"HTTP {status}"


def error_code(body: bytes) -> str:
    """The short name that an error goes by, or "". Its message is left out: it differs by run."""
    try:
        error = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = error.get("error", error) if isinstance(error, dict) else None
    if not isinstance(error, dict):
        return ""
    names = (error.get("code"), error.get("type"))
    return next((n for n in names if isinstance(n, str) and _CODE.fullmatch(n)), "")


def nobody(url: str, reason: str) -> CandidateError:
    """Nobody can be asked at this address."""
    return CandidateError(
        "endpoint.nobody",
        Text(f"it does not answer: {reason}", f"无法连通: {reason}"),
        where=url,
        next_step=Text(
            "Start it, or correct `url`; see that this machine may reach it.",
            "请先启动该服务或更正 `url`, 并确认本机可以访问。",
        ),
    )
