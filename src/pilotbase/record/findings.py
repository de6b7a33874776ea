"""What an audit has found so far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.rules.audit import Finding

FINDINGS_MAX = 100


class Findings:
    """What was found so far; a limit keeps a wreck from filling memory and screen."""

    def __init__(self) -> None:
        self.listed: list[Finding] = []
        self.more = 0
        self.faults = 0

    def add(self, *findings: Finding) -> None:
        room = FINDINGS_MAX - len(self.listed)
        self.listed += findings[:room]
        self.more += len(findings[room:])
        self.faults += sum(finding.severity == "fault" for finding in findings)

    def fault(self, where: Text, en: str, zh: str) -> None:
        self.add(Finding("fault", where, Text(en, zh)))

    def note(self, where: Text, en: str, zh: str) -> None:
        self.add(Finding("note", where, Text(en, zh)))

    @contextmanager
    def damage(self, where: Text) -> Iterator[None]:
        """Damage that keeps something from being read at all is a fault like any other."""
        try:
            yield
        except RecordError as error:
            self.add(Finding("fault", where, error.message))

    @property
    def first_bad_index(self) -> int | None:
        """The lowest entry at which a fault shows, None when no fault is at an entry."""
        at = [f.index for f in self.listed if f.severity == "fault" and f.index is not None]
        return min(at, default=None)
