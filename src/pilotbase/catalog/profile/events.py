"""What happens to profiles of data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pilotbase.kernel.event import event


@event("catalog.profiled/1")
@dataclass(frozen=True)
class Profiled:
    """A data set's profile was taken into the catalog; the profile itself lies in the vault.

    ``data`` is the hash of the content that was measured, ``profile`` that of the profile's
    canonical bytes. ``made`` is ``here``, or ``by the owner`` where the base saw no row.
    ``guesses`` are kinds of sensitive data by column; nobody has confirmed them.
    """

    asset: str
    data: str
    profile: str
    made: str
    rows: int
    columns: int
    score: float
    guesses: Mapping[str, str]


@event("catalog.column_confirmed/1")
@dataclass(frozen=True)
class ColumnConfirmed:
    """A person said of which kind a column is; ``none`` where it is not sensitive.

    It holds for the content of hash ``data`` only. ``person`` is the person's pseudonym.
    """

    asset: str
    data: str
    column: str
    kind: str
    person: str
