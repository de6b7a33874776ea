"""A pilot's way through its states: each step appended once, in the role that may take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.desk.events import BY_STATE
from pilotbase.desk.rules import reached, role_of
from pilotbase.desk.views import VIEWS
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up


class Journey:
    """One pilot on its way; knows its state from the record alone, so that it can be resumed."""

    def __init__(self, record: Record, context: Context, about: str) -> None:
        self.record, self.about = record, about
        self._context = context
        pilot = self.pilots().get(about, {})
        self.state: str = pilot.get("state", "draft")
        self._entries: dict[str, int] = dict(pilot.get("entries", {}))

    def pilots(self) -> Mapping[str, Any]:
        state: Mapping[str, Any] = catch_up(self.record, VIEWS)["pilots"]
        return state

    def exposures(self, data: str) -> Mapping[str, Any]:
        seen: Mapping[str, Any] = catch_up(self.record, VIEWS)["exposures"].get(data, {})
        return {"plans": seen.get("plans", []), "read": seen.get("read", [])}

    def step(self, state: str, happened: Any, bodies: Mapping[str, bytes] | None = None) -> Entry:
        """Move the pilot to ``state``; where it has been there already, the entry of that day.

        Raises:
            RunError: when the life cycle knows no such step.
        """
        if reached(self.state, state):
            return self.record.entry(self._entries[state])
        if not isinstance(happened, BY_STATE[state]):
            raise TypeError(f"{type(happened).__name__} does not lead to {state}")
        actor = self._context.actor(role_of(self.state, state))
        entry = self.record.append(Draft(happened, actor, self.about, bodies or {}))
        self.state = state
        self._entries[state] = entry.index
        return entry

    def entry(self, state: str) -> Entry:
        """The entry with which the pilot reached ``state``."""
        return self.record.entry(self._entries[state])

    def body(self, state: str, name: str) -> bytes:
        """A vault body of the entry with which the pilot reached ``state``."""
        return self.record.body(self.entry(state), name)
