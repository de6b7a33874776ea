"""Questions in words, and what a candidate said to one: what evaluators of language read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotbase.trial.rules.injections import Injection

BETWEEN = " | "
"""Stands between several accepted answers in the target column."""


@dataclass(frozen=True, slots=True)
class Question:
    """One case in words.

    Attributes:
        text: what is asked, as the candidate sees it (under a perturbation: perturbed).
        expected: accepted answers; empty where none is known.
        on_scope: whether the documents hold the answer; None where the data do not say.
        sources: ids of the passages that hold it.
        language: "en", "zh" or "" where the data do not say.
        passages: id → text of all documents, those that a perturbation slipped in included.
        columns: the features of the case, by name.
        injections: the foreign instructions in the question or the documents, if any.
        refusals: the sentences by which the scenario lets a candidate refuse.
    """

    text: str
    expected: tuple[str, ...] = ()
    on_scope: bool | None = None
    sources: tuple[str, ...] = ()
    language: str = ""
    passages: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    injections: tuple[Injection, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that the answer rests on, and the words in it where they are given."""

    passage: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an agent's trajectory.

    Attributes:
        tool: the tool that was called; "" for what was only said.
        arguments: what it was called with.
        observed: what came back, shortened.
        approval: "" where none was needed; "granted"; "not asked" or "defied" where it was tried
            without, and held back.
        fault: why the call was refused, or "".
    """

    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    observed: str = ""
    approval: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a candidate said to one case.

    Attributes:
        text: the answer in words, citations left in.
        refused: whether it says that it will not, or cannot, answer.
        citations: in the order of the answer.
        retrieved: passages that it looked at, best first; empty where it does not tell.
        data: the answer as JSON, where it is that.
        steps: act: the trajectory.
        outcome: act: what the environment's checkers say of the end, in [0, 1]; None: not run.
        tokens_in, tokens_out: as counted by the provider; None where it does not tell.
    """

    text: str = ""
    refused: bool = False
    citations: tuple[Citation, ...] = ()
    retrieved: tuple[str, ...] = ()
    data: Any = None
    steps: tuple[Step, ...] = ()
    outcome: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
