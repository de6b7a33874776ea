"""After a crash: journals are completed, leases ended, and people say what was left unsettled."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.home import only_one, storage_errors
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.serve.metering.events import Reconciled
from pilotbase.serve.metering.recount import LOCK, counting
from pilotbase.serve.metering.sealing import GATEWAY, Accepted, seal_rest
from pilotbase.serve.metering.segments import FOLDER, Reading, journals, segments
from pilotbase.serve.metering.store import Claimed, LedgerStore, claimed_of
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.people.views import HANDOFFS
from pilotbase.serve.rules.budget import Window
from pilotbase.serve.rules.frames import Broken, decode
from pilotbase.serve.rules.window import bounds

ENDED = "ended"
CALLS_MAX = 1_000
"""Calls in one event, so that entries stay small."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A call of a process that is gone, of which nobody knows how it ended.

    ``nano`` is what was reserved, and what stays charged.
    """

    usage_id: str
    gateway: str
    at_ms: int
    key: str
    holder: str
    service: str
    currency: str
    nano: int
    tokens: int
    accounts: tuple[str, ...]


def recover(record: Record, store: LedgerStore, accepted: Accepted | None = None) -> list[str]:
    """Complete the journals of processes that are gone, and end their leases; which were completed.

    One that ended in order and left calls open is complete, and its leases are not ended yet.

    Two who do it at once do it once: a journal is held by a lock while it is written or completed.

    Args:
        accepted: give damaged records up; otherwise a damaged journal is left as it is.

    Raises:
        HomeError, RecordError: disk full, not writable.
    """
    done = list[str]()
    for folder in journals(record.home):
        if (folder / ENDED).exists():
            continue
        with _alone(folder) as alone:
            if alone and not (folder / ENDED).exists():
                # What is damaged is left as it is, its leases too: `gateway verify` names it.
                with suppress(Broken), storage_errors(folder):
                    fresh = seal_rest(record, folder, accepted)
                    _end(folder, store)
                    (folder / ENDED).touch()
                    if fresh:
                        done.append(folder.name)
    return done


def is_over(home: Path, gateway: str) -> bool:
    """Whether a gateway process of this home is known to be gone, its journal complete."""
    return (home / FOLDER / gateway / ENDED).exists()


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else, above all no living gateway, holds the journal."""
    lock = only_one(folder / LOCK)
    try:
        lock.__enter__()
    except HomeError:
        yield False
        return
    try:
        yield True
    finally:
        lock.__exit__(None, None, None)


class _Spent:
    """What a journal says was spent in windows, calls without an end at what they had reserved.

    Read from the segments themselves: a gateway that starts waits for it.
    """

    def __init__(self, windows: Iterable[Window]) -> None:
        self._windows = [(one, one.start, bounds(one.per, one.start)[1]) for one in windows]
        self._of = dict[int, list[tuple[Window, float, float, int]]]()
        self._open = dict[int, tuple[int, int, int, int, str]]()
        self.spent = Counter[Window]()
        self.claims = dict[str, Claimed]()
        self._operations = dict[int, str]()

    def take(self, said: list[Any]) -> None:
        word, number, *rest = said
        if word == "terms":
            self._terms(number, rest[0])
        elif word == "intent":
            at, terms, nano, tokens, *named = rest
            self._open[number] = at, terms, nano, tokens, named[0] if named else ""
            if named:
                self.claims[named[0]] = Claimed.OPEN
        elif word == "settle":
            at, terms, _, reserved, name = self._open.pop(number)
            self._weigh(at, terms, rest[2], min(rest[3] + rest[4], reserved))
            if name:
                self.claims[name] = claimed_of(rest[0], self._operations[terms])

    def finish(self) -> None:
        for at, terms, nano, tokens, _ in self._open.values():
            self._weigh(at, terms, nano, tokens)

    def _terms(self, number: int, said: Mapping[str, Any]) -> None:
        self._operations[number] = said["operation"]
        which = {"requests": 0, "tokens": 1, f"money:{said['currency']}": 2}
        self._of[number] = [
            (window, start * 1000, end * 1000, which[window.unit])
            for window, start, end in self._windows
            if window.account in said["accounts"] and window.unit in which
        ]

    def _weigh(self, at: int, terms: int, nano: int, tokens: int) -> None:
        needs = (1, tokens, nano)
        for window, start, end, which in self._of[terms]:
            if start <= at < end:
                self.spent[window] += needs[which]


def _end(folder: Path, store: LedgerStore) -> None:
    """End a process's leases by what its journal says."""
    found = _Spent(store.leases(folder.name))
    for path in segments(folder):
        for frame in Reading(path).frames():
            found.take(decode(frame.payload))
    found.finish()
    store.end(folder.name, found.spent, found.claims)


def weights(
    accounts: Iterable[str],
    currency: str,
    nano: int,
    tokens: int,
    windows: Iterable[Window],
) -> Iterator[tuple[Window, int]]:
    """What a call weighs on each of the windows that it is in."""
    named = set(accounts)
    needs = {"requests": 1, "tokens": tokens, f"money:{currency}": nano}
    for window in windows:
        if window.account in named and window.unit in needs:
            yield window, needs[window.unit]


def unsettled(record: Record) -> list[Unsettled]:
    """The calls that processes which are gone left unsettled, oldest first.

    Without those that wait for a person, or that one has decided: they go on, and are settled then.
    """
    handoffs = catch_up(record, [HANDOFFS])[HANDOFFS.name]
    going = {usage for name in ("waiting", "decided") for usage in handoffs[name]}
    over = [folder.name for folder in journals(record.home) if (folder / ENDED).exists()]
    words = (
        "SELECT u.usage_id, u.gateway, u.at, t.key, t.holder, t.service, t.currency, u.nano,"
        " u.reserved_tokens, t.accounts FROM usage u JOIN terms t ON t.gateway = u.gateway AND"
        " t.number = u.terms WHERE u.outcome = 'unsettled' ORDER BY u.at, u.sequence"
    )
    with usage_of(record) as usage:
        rows = [row for row in usage.execute(words) if row[1] in over and row[0] not in going]
    return [Unsettled(*(*row[:9], tuple(json.loads(row[9])))) for row in rows]


def reconcile(
    record: Record, store: LedgerStore, calls: Mapping[Unsettled, int], by: str, reason: str
) -> None:
    """Say what unsettled calls come to, 0 to what was reserved; what is less is given back.

    Raises:
        ValueError: an amount outside that. HomeError, RecordError.
    """
    for one, nano in calls.items():
        if not 0 <= nano <= one.nano:
            raise ValueError(f"{one.usage_id}: {nano} is outside 0 to {one.nano}")
    by_gateway = dict[str, list[Unsettled]]()
    for one in calls:
        by_gateway.setdefault(one.gateway, []).append(one)
    actor = record.context.actor("finance")
    for gateway, some in by_gateway.items():
        for start in range(0, len(some), CALLS_MAX):
            part = some[start : start + CALLS_MAX]
            said = {one.usage_id: str(calls[one]) for one in part}
            happened = Reconciled(gateway, said, by, reason)
            record.append(Draft(happened, actor, GATEWAY + gateway))
            _credit(record, store, part, calls)


def _credit(
    record: Record, store: LedgerStore, part: Iterable[Unsettled], calls: Mapping[Unsettled, int]
) -> None:
    used = store.used()
    gives = list[tuple[Window, int]]()
    for one in part:
        less = one.nano - calls[one]
        # A call that is not to be paid at all used no tokens either; it stays a request.
        tokens = one.tokens if calls[one] == 0 else 0
        windows = counting(record, used, one.at_ms)
        found = weights(one.accounts, one.currency, less, tokens, windows)
        gives += [(window, n) for window, n in found if window.unit != "requests"]
    store.credit(gives)
