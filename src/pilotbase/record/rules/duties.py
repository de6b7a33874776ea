"""Duties: which entries open one, when it is due, and which entry closes it.

A duty is opened for the subject of an entry (its ``about``) by an entry of one kind, and closed by
the first later entry about the same subject of one of the kinds that close it. Both, and the
deadline, follow from the entries and from a rule that is data; there is no other state. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pilotbase.kernel.event import Duty
from pilotbase.kernel.time import check_term, end_of_term, parse

Declared = Mapping[str, tuple[tuple[Duty, ...], tuple[str, ...]]]
"""By kind: the duties it opens and the names of those it closes (see `declared_duties`)."""


@dataclass(frozen=True, slots=True)
class DutyRule:
    """What opens a duty, when it is due, what closes it.

    ``when``: the duty arises only if each named field of the body has one of these values.
    """

    name: str
    opened_by: str
    closed_by: tuple[str, ...]
    term: str
    when: Mapping[str, tuple[Any, ...]]
    text: Mapping[str, str]

    def deadline(self, said: Mapping[str, Any]) -> datetime | None:
        """The first moment at which the duty that an entry opens is overdue; None if it opens none.

        Raises:
            ValueError, OverflowError: the entry's time cannot be read.
        """
        if said["kind"] != self.opened_by:
            return None
        body = said["body"]
        if any(body.get(name) not in values for name, values in self.when.items()):
            return None
        return end_of_term(parse(said["at"]), self.term)

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "opened_by": self.opened_by,
            "closed_by": list(self.closed_by),
            "term": self.term,
            "when": {name: list(values) for name, values in self.when.items()},
            "text": dict(self.text),
        }

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> DutyRule:
        """The rule of its `as_dict`. Raises ValueError, KeyError, TypeError for anything else."""
        words = [said["name"], said["opened_by"], *said["closed_by"], *said["text"].values()]
        if not all(isinstance(word, str) for word in words):
            raise TypeError("a duty's rule is text")
        when = {str(name): tuple(values) for name, values in said["when"].items()}
        kinds, term = tuple(said["closed_by"]), check_term(said["term"])
        return cls(said["name"], said["opened_by"], kinds, term, when, dict(said["text"]))


@dataclass(frozen=True, slots=True)
class Owed:
    """A duty that was opened: by which entry, for whom, until when, and what closed it."""

    rule: DutyRule
    subject: str
    opened: int
    opened_at: str
    deadline: datetime
    closed: int | None = None
    closed_at: str = ""

    @property
    def late(self) -> bool:
        """Closed, though not in time."""
        return self.closed is not None and parse(self.closed_at) >= self.deadline


def rules_of(declared: Declared) -> tuple[DutyRule, ...]:
    """The rules that the kinds of events declare.

    Raises:
        ValueError: a duty that nothing closes could never be met.
    """
    rules = []
    for kind, (opened, _) in declared.items():
        for duty in opened:
            closers = tuple(sorted(k for k, (_, names) in declared.items() if duty.name in names))
            if not closers:
                raise ValueError(f"no event closes the duty {duty.name!r} that {kind} opens")
            text = duty.text.as_dict()
            rules.append(DutyRule(duty.name, kind, closers, duty.term, dict(duty.when), text))
    return tuple(rules)


def owed(
    rules: Iterable[DutyRule], entries: Iterable[tuple[int, Mapping[str, Any]]], at: datetime
) -> list[Owed]:
    """The duties that at a moment were overdue or had been met late, in the order of opening.

    Args:
        entries: index and envelope in order; those after the moment, by their own time, are left
            out. One whose time cannot be read opens and closes nothing.
    """
    known, waiting, found = tuple(rules), dict[tuple[str, str], list[Owed]](), list[Owed]()
    for index, said in entries:
        try:
            if parse(said["at"]) > at:
                continue
            opened = [(rule, rule.deadline(said)) for rule in known]
        except (ValueError, OverflowError):
            continue
        for rule in known:
            if said["kind"] in rule.closed_by:
                for one in waiting.pop((rule.name, said["about"]), []):
                    closed = _closed(one, index, said["at"])
                    found += [closed] if closed.late else []
        for rule, deadline in opened:
            if deadline is not None:
                one = Owed(rule, said["about"], index, said["at"], deadline)
                waiting.setdefault((rule.name, one.subject), []).append(one)
    found += [one for ones in waiting.values() for one in ones if one.deadline <= at]
    return sorted(found, key=lambda one: (one.opened, one.rule.name))


def _closed(one: Owed, index: int, at: str) -> Owed:
    return Owed(one.rule, one.subject, one.opened, one.opened_at, one.deadline, index, at)
