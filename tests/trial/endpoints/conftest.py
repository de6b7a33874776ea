"""Endpoints against real servers on the loopback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest

from pilotbase.scenario.offer import Candidate
from pilotbase.trial.endpoints.build import endpoint_of
from pilotbase.trial.endpoints.port import Case, Endpoint
from pilotbase.trial.reply import Question
from tests.trial.endpoints.servers import MODEL

T = TypeVar("T")
KEY = "sk-test-0123456789abcdef/+XYZ"
KEY_NAME = "PILOTBASE_KEY_TEST"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A key in the environment, under the name that `KEY_NAME` says."""
    monkeypatch.setenv(KEY_NAME, KEY)
    return KEY


def chat_at(url: str, *, trust: bool = False, **changes: Any) -> Any:
    """A chat endpoint on this machine."""
    section = {"url": url, "model": MODEL, "private": True, "retries": 2, **changes}
    offer = Candidate.model_validate({"id": "asked", "chat": section})
    return endpoint_of(offer, folder=Path("."), seed=1, trust=trust, refusals=("I cannot say.",))


def infer_at(root: str, *, classes: tuple[str, ...] = (), **changes: Any) -> Any:
    section = {"url": root, "model": MODEL, "private": True, **changes}
    offer = Candidate.model_validate({"id": "asked", "infer": section})
    return endpoint_of(offer, folder=Path("."), seed=1, trust=False, classes=classes)


def case_of(text: str = "Where?", **question: Any) -> Case:
    passages = {"p1": "Paris is the capital.", "p2": "Rome is old."}
    return Case({}, Question(text, **{"passages": passages, **question}))


def during(endpoint: Endpoint, work: Callable[[], Awaitable[T]]) -> T:
    """Open, do the work, close; all in one event loop that may last half a minute."""

    async def main() -> T:
        with anyio.fail_after(30):
            await endpoint.open()
            try:
                return await work()
            finally:
                await endpoint.aclose()

    return anyio.run(main)


def asked(endpoint: Endpoint, case: Case | None = None, seconds: float = 5.0) -> dict[str, Any]:
    """One case through request, send and read; ``_response`` is what came back."""
    case = case or case_of()

    async def work() -> dict[str, Any]:
        response = await endpoint.send(endpoint.request(case), seconds)
        return {**endpoint.read(case, response), "_response": response}

    return during(endpoint, work)
