"""OpenTelemetry's semantic conventions for generative AI, and nothing else: names change there.

As of semantic conventions 1.44.0 (opentelemetry.io/schemas/1.44.0; status: development; the texts
are moving to the repository ``semantic-conventions-genai``). Whoever follows a later version
changes this file alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from pilotbase.serve.telemetry.counting import Ended

VERSION = "1.44.0"
SCHEMA = f"https://opentelemetry.io/schemas/{VERSION}"

DURATION, FIRST_TOKEN = "gen_ai.server.request.duration", "gen_ai.server.time_to_first_token"
TOKENS = "gen_ai.client.token.usage"
DURATION_BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96,
                   81.92)  # fmt: skip
TOKEN_BOUNDS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216,
                67108864)  # fmt: skip
INPUT: Mapping[str, str] = {"gen_ai.token.type": "input"}
OUTPUT: Mapping[str, str] = {"gen_ai.token.type": "output"}

_OPERATIONS = {
    "chat": "chat",
    "responses": "chat",
    "embeddings": "embeddings",
    "tool": "execute_tool",
    "message": "invoke_agent",
    "infer": "infer",  # the conventions have no name for tensors
}
_PROVIDER = "pilotbase"
Attributes = dict[str, str | int | float | bool]


def name_of(ended: Ended) -> str:
    """Of a span: the operation and what it is done with."""
    return f"{_OPERATIONS[ended.operation]} {ended.route.service}"


def common(ended: Ended) -> Attributes:
    """Attributes of spans and metrics alike; no more values than there are filings."""
    said: Attributes = {
        "gen_ai.operation.name": _OPERATIONS[ended.operation],
        "gen_ai.provider.name": _PROVIDER,
        "gen_ai.request.model": ended.route.service,
        "gen_ai.response.model": ended.route.filing,
    }
    if ended.outcome != "served":
        said["error.type"] = ended.code or ended.outcome
    return said


def of_span(ended: Ended) -> Attributes:
    """What a span says of a call; names under ``pilotbase`` are ours."""
    usage = ended.usage
    said: Attributes = {
        **common(ended),
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "pilotbase.usage": ended.usage_id,
        "pilotbase.version": ended.route.version,
        "pilotbase.verdict": ended.route.verdict,
        "pilotbase.outcome": ended.outcome,
        "pilotbase.upstream": ended.upstream,
        "pilotbase.door": ended.door,
        "pilotbase.tokens_counted": usage.counted,
    }
    if ended.first:
        said["gen_ai.response.time_to_first_chunk"] = ended.first
    if ended.operation == "tool":
        said["gen_ai.tool.name"] = ended.route.service
    if ended.operation == "message":
        said["gen_ai.agent.name"] = ended.route.service
    return said
