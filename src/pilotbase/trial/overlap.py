"""A judge without a model: to try a scenario out, and a yardstick that a model has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.trial.rules.wordforms import compared


def word_overlap(item: Mapping[str, Any]) -> dict[str, Any]:
    """The share of an accepted answer's words (Chinese: characters) that the answer holds, the best
    over the accepted ones; where none is accepted, 1 for a refusal. It reads no rubric.

    >>> word_overlap({"answer": "It has 150 rows.", "expected": ["150 rows"], "refused": False})
    {'mark': 1.0, 'why': '100% of the expected words'}
    """
    said = set(compared(item["answer"]))
    shares = []
    for accepted in item["expected"]:
        wanted = set(compared(accepted))
        shares.append(len(wanted & said) / len(wanted) if wanted else 0.0)
    best = max(shares, default=float(item["refused"]))
    return {"mark": best, "why": f"{best:.0%} of the expected words"}
