"""Reading what routes hang on out of the record, again and again, as it grows."""

from __future__ import annotations

from typing import Any

from pilotbase.catalog.parties.registry import delegation_of, key_of, party_of
from pilotbase.catalog.rules.delegation import Book
from pilotbase.catalog.views import ASSETS, PARTIES
from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.rules.views import Folding
from pilotbase.record.views import caught_up
from pilotbase.register.views import FILINGS
from pilotbase.serve.metering.views import LIMITS
from pilotbase.serve.routes.compile import Books, Craft, craft_of
from pilotbase.serve.routes.views import ARRANGEMENTS, TRIED

VIEWS = (FILINGS, PARTIES, ASSETS, ARRANGEMENTS, TRIED, LIMITS)


class Reading:
    """The views of one process: from their files at first, then folded on in memory.

    Args:
        development: scenarios of all runs are wanted, not of filed ones alone.
    """

    def __init__(self, record: Record, *, development: bool = False) -> None:
        self._record, self._development = record, development
        self._folds: list[Folding] = []
        self._crafts: dict[str, Craft | None] = {}

    @property
    def size(self) -> int:
        """How many entries have been read."""
        return self._folds[0].size if self._folds else 0

    def grown(self) -> bool:
        """Read what is new; whether there was anything."""
        if not self._folds:
            self._folds = caught_up(self._record, VIEWS)
            return True
        size = self._record.size
        if size == self.size:
            return False
        for entry in self._record.entries(self.size, size):
            for fold in self._folds:
                fold.take(entry)
        return True

    def books(self) -> Books:
        """All that was read, as routes are compiled from it."""
        filings, parties, assets, arrangements, tried, limits = (f.state for f in self._folds)
        persons = {id_: party_of(id_, said) for id_, said in parties["parties"].items()}
        links = {id_: delegation_of(said) for id_, said in parties["delegations"].items()}
        return Books(
            filings=filings,
            arrangements=arrangements,
            tried=tried,
            titles={id_: _title(id_, said) for id_, said in assets.items()},
            crafts=self._known_crafts(filings, tried),
            book=Book(persons, links),
            keys={id_: key_of(said) for id_, said in parties["keys"].items()},
            limits=dict(limits),
        )

    def _known_crafts(self, filings: Any, tried: Any) -> dict[str, Craft]:
        wanted = {f"pilot:{said['run']}" for said in filings.values()}
        if self._development:
            wanted |= {one["pilot"] for one in tried["candidates"].values()}
        for pilot in wanted - self._crafts.keys():
            self._crafts[pilot] = self._craft(tried["submitted"].get(pilot))
        return {pilot: craft for pilot in wanted if (craft := self._crafts[pilot]) is not None}

    def _craft(self, index: int | None) -> Craft | None:
        """None where the scenario was erased, or the pilot is of another base."""
        if index is None:
            return None
        try:
            return craft_of(decode(self._record.body(self._record.entry(index), "scenario")))
        except RecordError:
            return None


def _title(id_: str, said: Any) -> Text:
    title = said["card"].get("title") or {"en": id_, "zh": id_}
    return Text(**title) if isinstance(title, dict) else Text(title, title)
