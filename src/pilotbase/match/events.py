"""What happens when needs and products meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pilotbase.kernel.event import event


@event("match.made/1")
@dataclass(frozen=True)
class Made:
    """Two lists were matched by rules that anyone can run again.

    ``needs``, ``products`` and ``evidence`` are digests of what went in, ``seed`` is the lottery's
    and ``seed_from`` says where it came from; ``settings`` are the capacities that were asked for.
    The counts say what came out. The vault bodies ``needs`` and ``products`` are the files as they
    were read, ``evidence`` what trials had found, ``match`` the answer with its receipts.
    """

    needs: str
    products: str
    evidence: str
    seed: str
    seed_from: str
    settings: Mapping[str, str]
    matched: int
    open: int
    blocking: int
