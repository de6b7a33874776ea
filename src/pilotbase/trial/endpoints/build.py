"""From a candidate in the scenario file to its endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pilotbase.scenario.offer import Candidate
from pilotbase.trial.endpoints.port import Endpoint


def endpoint_of(
    candidate: Candidate,
    *,
    folder: Path,
    seed: int,
    trust: bool,
    refusals: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> Endpoint:
    """The endpoint of a candidate that has ``chat``, ``infer`` or ``mcp``; not yet open.

    Args:
        folder: the scenario's; programs start in it, and key files lie in it.
        seed: of the waits between two tries.
        trust: whether programs may be started and keys may lie anywhere.
        refusals: sentences that count as a refusal, beside those of each question.
        classes: of a classification, in the order of a probability tensor.

    Raises:
        CandidateError: an address or a price that is refused, a program without trust.
    """
    # Imported here: a scenario without endpoints does not pay for them.
    if candidate.mcp is not None:
        from pilotbase.trial.endpoints.mcp import McpEndpoint

        return McpEndpoint(candidate.mcp, folder=folder, trust=trust, refusals=refusals)
    from pilotbase.trial.endpoints.wire import Wire

    if candidate.infer is not None:
        from pilotbase.trial.endpoints.oip import InferEndpoint

        wire = Wire(candidate.infer, folder=folder, seed=seed, trust=trust)
        return InferEndpoint(candidate.infer, wire, classes=classes)
    if candidate.chat is None:
        raise ValueError(f"candidate {candidate.id} has no endpoint")
    from pilotbase.trial.endpoints.chat import ChatEndpoint

    wire = Wire(candidate.chat, folder=folder, seed=seed, trust=trust)
    return ChatEndpoint(candidate.chat, wire, refusals=refusals)
