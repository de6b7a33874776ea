"""The arrangement sheet: how filed services are served, by whom it is said, where secrets lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from pilotbase.scenario.offer import Key
from pilotbase.scenario.section import Name, Prose, Section, Slug

Kind = Literal["chat", "oip", "mcp", "a2a", "candidate"]
Word = Literal["chat", "responses", "embeddings", "infer", "tool", "message"]


class UpstreamSheet(Section):
    """Where calls go."""

    id: Slug = Field(description="Short name, unique in its service; drills name it.")
    kind: Kind = Field(
        description="chat: OpenAI-compatible; oip: Open Inference Protocol; mcp; a2a; candidate: "
        "the base serves the candidate itself."
    )
    url: Name | None = Field(
        None, description="https://… (chat: ends before /chat/completions; oip: before /v2)."
    )
    model: Name = Field("", description="Its name over there; the service's own if left out.")
    key: Key | None = Field(None, description="Where its API key lies; never the key itself.")
    weight: int = Field(1, ge=1, le=1000, description="Share of the calls among the upstreams.")
    private: bool = Field(False, description="Allow an address inside a private network, and http.")
    declared: Prose | None = Field(
        None,
        description="Why what is there is the version that was tried; needed where that was a "
        "program of the candidate and not this address.",
    )
    folder: Name | None = Field(
        None, description="candidate: the folder in which the scenario's files lie."
    )


class Tokens(Section):
    """Prices of tokens, beside the filing's own price."""

    input: Name | None = Field(None, description='E.g. "0.50 CNY per 1000000".')
    output: Name | None = Field(None, description="The same of tokens written.")


class CapsSheet(Section):
    """What one call may take at most; the usual limit where left out."""

    request_bytes_max: int | None = Field(None, ge=1, le=2**30, description="Bytes of a request.")
    answer_bytes_max: int | None = Field(None, ge=1, le=2**31, description="Bytes of an answer.")
    output_tokens_max: int | None = Field(
        None, ge=1, le=10_000_000, description="Tokens of an answer."
    )
    cases_max: int | None = Field(None, ge=1, le=1_000_000, description="Rows of an inference.")
    first_byte_s_max: int | None = Field(
        None, ge=1, le=3600, description="Seconds up to an answer's first byte."
    )
    between_bytes_s_max: int | None = Field(
        None, ge=1, le=3600, description="Seconds between two pieces of an answer."
    )
    whole_s_max: int | None = Field(None, ge=1, le=86_400, description="Seconds of a whole call.")


class ServiceSheet(Section):
    """How one service is served."""

    filing: Slug = Field(description="The filing; in development any name that no filing has.")
    upstreams: tuple[UpstreamSheet, ...] = Field(
        (), max_length=64, description="Where calls go; the base's own worker where left out."
    )
    speaks: tuple[Word, ...] = Field(
        (), max_length=6, description="What it answers; by the upstreams' kind where left out."
    )
    fallback: tuple[Slug, ...] = Field(
        (),
        max_length=8,
        description="Filings of second choice, in order; `earlier` is the one before.",
    )
    tokens: Tokens = Field(default_factory=Tokens, description="Prices of tokens.")
    caps: CapsSheet = Field(default_factory=CapsSheet, description="Limits of one call.")
    guards: dict[str, Any] = Field(default_factory=dict, description="Guards and their settings.")
    handoff: dict[str, Any] = Field(
        default_factory=dict, description="When a person is needed, and what if nobody comes."
    )
    content: bool = Field(False, description="The service's terms let content be logged.")


class ArrangementSheet(Section):
    """An arrangement sheet."""

    gateway: Literal[1] = Field(description="Format version of this sheet.")
    reason: Prose = Field(description="Why it is arranged so; stands in the record.")
    services: tuple[ServiceSheet, ...] = Field(
        min_length=1, max_length=500, description="The services."
    )


WHOLE: Mapping[str, Any] = {
    "gateway": 1,
    "reason": "–",
    "services": [
        {
            "filing": "nobody-1",
            "upstreams": [
                {
                    "id": "nobody",
                    "kind": "chat",
                    "url": "https://nobody.example",
                    "key": {"env": "NOBODY"},
                }
            ],
            "fallback": ["earlier"],
        }
    ],
}
"""A sheet without a fault of grammar, for what stands in where one has some."""
