"""What happens to a sealed test set."""

from __future__ import annotations

from dataclasses import dataclass

from pilotbase.kernel.event import event


@event("sealed.added/1")
@dataclass(frozen=True)
class Added:
    """The base took a test set into its keeping. The cases are the vault body ``cases``; ``secret``
    makes the names under which single cases stand in a run.

    ``exposures`` official runs may give the results by group back; ``names`` says whether its owner
    lets reports name single cases.
    """

    name: str
    owner: str
    rows: int
    columns: tuple[str, ...]
    exposures: int
    names: bool


@event("sealed.exposed/1")
@dataclass(frozen=True)
class Exposed:
    """An official run began to ask candidates the cases of a sealed test set."""

    name: str
    run: str
