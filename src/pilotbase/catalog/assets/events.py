"""What happens to assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.event import event


@event("catalog.asset_added/1")
@dataclass(frozen=True)
class AssetAdded:
    """An asset came into the catalog, or a new version of it did; ``number`` counts from 1.

    ``card`` is what its list says (`pilotbase.catalog.listing.AssetCard`), ``version`` the hash of
    the card's canonical bytes: another content or another word is another version. ``earlier`` is
    the version before it.
    """

    asset: str
    what: str
    number: int
    version: str
    earlier: str
    card: Mapping[str, Any]
