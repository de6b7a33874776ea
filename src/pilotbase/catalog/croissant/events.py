"""What happens to descriptions of data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.event import event


@event("catalog.described/1")
@dataclass(frozen=True)
class Described:
    """A data set was described by a Croissant document, whose bytes lie in the vault.

    ``version`` is the asset's version that came of it. ``said`` holds what its card has no words
    for: version of the format, creators, date, columns (name, type, text) and files (id, media
    type, SHA-256, size).
    """

    asset: str
    version: str
    said: Mapping[str, Any]
