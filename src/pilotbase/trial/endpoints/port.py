"""What the trial asks of an endpoint: a request as bytes, its answer as bytes, and how to read it.

The three steps are apart so that a request is known before it is sent: identical requests of one
plan are sent once, and a run that was killed reads the answers that it has and sends the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pilotbase.trial.reply import Question


@dataclass(frozen=True, slots=True)
class Case:
    """One case as an endpoint is asked it.

    Attributes:
        features: column → value; numbers for tables, whatever the table holds for language.
        question: the case in words, for tasks of language.
        repeat: 0 for the first time it is asked, 1 for the second …; repeats are never shared.
        row, version: which row of the question it is, under which perturbation (0: as it is).
        history, horizon: of a rolling forecast: the series so far, and steps ahead.
    """

    features: Mapping[str, Any]
    question: Question | None = None
    repeat: int = 0
    row: int = 0
    version: int = 0
    history: Sequence[float] | None = None
    horizon: int = 1


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is sent, without its secret.

    Attributes:
        digest: ``sha256:<hex>`` over address, method, body and repeat: what makes it identical.
        body: what is sent.
    """

    digest: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, as it is kept.

    Attributes:
        body: the bytes of the answer (a stream: its events one after the other).
        kind: its media type.
        taken_ms: from sending it (the last time, where it was sent again) to its last byte.
        tries: how often it was sent.
        headers: those headers that `read` needs, lower case.
    """

    body: bytes
    kind: str
    taken_ms: float
    tries: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)


class Unanswered(Exception):
    """The endpoint gave no usable answer; the reason is one short line, the same in every run.

    Whose fault it is hangs on who runs the endpoint: the candidate's, or the base's own outage.
    """


class Misspoken(Exception):
    """An answer came and breaks the protocol: the candidate's fault, whoever runs the endpoint.

    ``zh`` says it in Chinese where it is told to people.
    """

    def __init__(self, said: str, zh: str = "") -> None:
        super().__init__(said)
        self.zh = zh


class Endpoint(Protocol):
    """One candidate's endpoint. Used within one event loop; several tasks at once."""

    concurrency: int
    ours: bool

    async def open(self) -> None:
        """Check address, secret and reachability before anything is asked.

        Raises:
            CandidateError: an address that is refused, a secret that is missing, nobody there.
        """
        ...

    def request(self, case: Case) -> Request:
        """What would be sent. Pure. Raises Misspoken for a case that cannot be put to it."""
        ...

    async def send(self, request: Request, seconds: float) -> Response:
        """Send it and read the whole answer, again where that is safe. Raises Unanswered."""
        ...

    def read(self, case: Case, response: Response) -> Mapping[str, Any]:
        """The answer as the fields of `candidates.messages`. Pure. Raises Misspoken.

        For language: ``text``, ``refused``, ``cites`` [{passage, quote}], ``retrieved``, ``data``,
        ``tokens`` {in, out}; for tables ``label``, ``probability``, ``score``, ``value`` ….
        """
        ...

    def price(self, fields: Mapping[str, Any], request: Request | None = None) -> float | None:
        """What the answer to a request cost in minor units of money; None where it has no price."""
        ...

    async def aclose(self) -> None: ...
