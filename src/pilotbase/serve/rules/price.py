"""What a call costs: a tariff, what was used, and how it ended. Pure; whole nano-units only.

With the tariff's ``call`` *a*, ``case`` *b*, ``input_token`` *c* and ``output_token`` *d*, a call
that used *n* cases, *i* and *o* tokens comes to ``a + b·n + c·i + d·o``. How it ended says which of
the parts are due (`DUE`); what was reserved before the call is the most it can come to.
"""

from __future__ import annotations

from collections.abc import Mapping

from pilotbase.serve.call import Operation, Outcome, Tariff, Usage

DUE: Mapping[Outcome, tuple[bool, bool]] = {
    "served": (True, True),
    "aborted": (True, True),
    "cut": (False, True),
    "failed": (False, False),
    "refused": (False, False),
}
"""By outcome: whether the call and its cases are due, and whether the tokens are. Who leaves has
been served up to there; who is cut off pays what was delivered; nobody pays for a failure."""
FREE = frozenset(outcome for outcome, parts in DUE.items() if not any(parts))
"""Outcomes that never cost anything."""
_ANSWERS = frozenset[Operation](("chat", "embeddings", "infer"))
"""Operations that do nothing but answer."""


def comes_back(outcome: str, operation: str) -> bool:
    """Whether a call's idempotency key may be used again: it cost nothing, and did nothing.

    A tool, an agent, or a response with tools of its own may have acted before it failed: that it
    does so once is what the key is for.

    >>> comes_back("failed", "infer"), comes_back("failed", "tool"), comes_back("served", "infer")
    (True, False, False)
    """
    return outcome in FREE and operation in _ANSWERS


def price(tariff: Tariff, usage: Usage) -> int:
    """What a whole call of this usage costs, in nano-units.

    >>> price(Tariff("CNY", call=20_000_000, output_token=2_000), Usage(output_tokens=100))
    20200000
    """
    return (
        tariff.call
        + tariff.case * usage.cases
        + tariff.input_token * usage.input_tokens
        + tariff.output_token * usage.output_tokens
    )


def due(tariff: Tariff, usage: Usage, outcome: Outcome, reserved: int) -> int:
    """What a call comes to by how it ended, in nano-units: 0 to ``reserved``."""
    whole, tokens = DUE[outcome]
    nano = 0
    if tokens:
        nano = tariff.input_token * usage.input_tokens + tariff.output_token * usage.output_tokens
    if whole:
        nano += tariff.call + tariff.case * usage.cases
    return nano if nano < reserved else reserved


def bound(usage: Usage, most: Usage) -> None:
    """Bound what an upstream says by what was reserved; what was above is an upper bound then.

    >>> said = Usage(10**9, 5, counted=True)
    >>> bound(said, Usage(600, 1_000))
    >>> said.input_tokens, said.output_tokens, said.counted
    (600, 5, False)
    """
    usage.input_tokens = min(usage.input_tokens, most.input_tokens)
    usage.output_tokens = min(usage.output_tokens, most.output_tokens)
    usage.counted = False


def sent_on(usage: Usage, most: Usage) -> None:
    """Bound from above what went in with a call that was sent on, where no answer has said it: its
    tokens by the bytes of the request, as they were reserved, and its cases.

    >>> left = Usage()
    >>> sent_on(left, Usage(600, 1_000, cases=2))
    >>> left.input_tokens, left.output_tokens, left.cases, left.counted
    (600, 0, 2, False)
    """
    if not usage.counted:
        usage.input_tokens = most.input_tokens
        usage.cases = most.cases
