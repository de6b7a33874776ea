"""The ledger counted again from the journals: where it was lost, and to hold its counters to them.

A counter is what was leased of a window and not given back. Of a process that is gone that is what
its journal says was spent, for calls begun while the limit was in force; of one that runs it is
what the ledger says it took. So each counter can be recomputed, and a journal that a ledger knows
nothing of (it is new, or an older copy) is counted when a gateway starts.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from sqlite3 import Connection

from pilotbase.kernel.errors import HomeError, RecordError
from pilotbase.kernel.home import only_one
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import parse
from pilotbase.record.opened import Record
from pilotbase.record.stores import store_of
from pilotbase.serve.metering.ledger_file import FILE, store_to_read
from pilotbase.serve.metering.refusals import amount_of
from pilotbase.serve.metering.segments import FOLDER, journals
from pilotbase.serve.metering.store import (
    KEPT_S,
    Claimed,
    LedgerStore,
    Spent,
    Standing,
    claimed_of,
)
from pilotbase.serve.metering.usage import UNSETTLED, usage_of
from pilotbase.serve.rules.budget import Limit, Window, limits_of
from pilotbase.serve.rules.window import bounds

LOCK = "lock.db"
FOLLOWS_MS = 5_000
"""A running gateway follows a limit within a second or two."""
BEFORE_MS = 600_000
"""A call that came before a limit was set may have been begun after it, when guards took long."""
_log = logging.getLogger("pilotbase.serve")

TRIES = 3

Key = tuple[str, str, str]
"""Account, unit and window length of a limit."""
Span = tuple[float, float]
"""From one moment to another, in ms since 1970."""
Tally = Mapping[tuple[str, int], tuple[int, int, int]]
"""By gateway and number of terms: calls, tokens, nano-units."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A counter that is not what the journals say: ``least`` to ``most``, without what running
    gateways hold."""

    window: Window
    counted: int
    least: int
    most: int

    def message(self) -> Text:
        """What is wrong with it."""
        account, unit, per, _ = self.window
        limit = Limit(account, unit, per, 0)
        counted, least, most = (amount_of(limit, n) for n in (self.counted, self.least, self.most))
        said = SAID if self.least == self.most else SAID_BETWEEN
        return said.format(account=account, per=per, counted=counted, least=least, most=most)


SAID = Text(
    "the ledger counts {counted} of ended gateways against {account} ({per}); the journals say"
    " {least}",
    "账本为 {account} ({per}) 计入已结束网关的用量 {counted}; 日志为 {least}",
)
SAID_BETWEEN = Text(
    "the ledger counts {counted} of ended gateways against {account} ({per}); the journals say"
    " {least} to {most}",
    "账本为 {account} ({per}) 计入已结束网关的用量 {counted}; 日志为 {least} 至 {most}",
)


def spans_of(record: Record) -> dict[Key, list[Span]]:
    """When each limit that there ever was did hold."""
    spans = dict[Key, list[Span]]()
    for entry in record.entries(kind="serve.limited/1"):
        said, at = entry.body, parse(entry.envelope["at"]).timestamp() * 1000
        units = {limit.unit for limit in limits_of(said)}
        held = {
            key for key, found in spans.items()
            if (key[0], key[2]) == (said["account"], said["per"]) and found[-1][1] == inf
        }  # fmt: skip
        for key in held:
            if key[1] not in units:
                spans[key][-1] = spans[key][-1][0], at
        for unit in units - {key[1] for key in held}:
            spans.setdefault((said["account"], unit, said["per"]), []).append((at, inf))
    return spans


def counting(record: Record, windows: Iterable[Window], at_ms: int) -> list[Window]:
    """Those of some windows that a call is in whose limit was in force when it came."""
    spans = spans_of(record)
    return [
        one for one in windows
        if any(
            since <= at_ms < until and _start(one.per, at_ms / 1000, since) == one.start
            for since, until in spans.get(one[:3], ())
        )
    ]  # fmt: skip


def _start(per: str, at: float, since_ms: float) -> int:
    """From when a limit that was set at a moment counts in the window of another."""
    return bounds(per, at, int(since_ms // 1000))[0]


def restore(record: Record, store: LedgerStore) -> list[str]:
    """Count the journals of processes that are gone and that the ledger knows nothing of; which
    these were. Of a damaged journal counts what can be read.

    Raises:
        HomeError, RecordError.
    """
    stands = store.standing()
    lost = [
        folder.name for folder in journals(record.home)
        if folder.name not in stands.counted and _is_over(record, folder.name)
    ]  # fmt: skip
    if not lost:
        return []
    fresh = store.count(_spent_of(record, lost))
    _log.warning("the ledger knew nothing of %d usage journals: they were counted", len(fresh))
    return fresh


def _is_over(record: Record, gateway: str) -> bool:
    """Whether no living process holds the journal."""
    try:
        with only_one(record.home / FOLDER / gateway / LOCK):
            return True
    except HomeError:
        return False


def _spent_of(record: Record, gateways: Iterable[str]) -> dict[str, Spent]:
    now = record.context.clock().timestamp()
    windows = {gateway: Counter[Window]() for gateway in gateways}
    with usage_of(record, damaged=True) as usage:
        asking = _Asking(usage)
        for key, spans in spans_of(record).items():
            start, end = bounds(key[2], now)
            for since, until in spans:
                span = max(since, start * 1000), min(until, end * 1000)
                for gateway, amount in asking.weight(key, span).items():
                    if gateway in windows and amount:
                        window = Window(*key, _start(key[2], now, since))
                        windows[gateway][window] += amount
        return {
            gateway: Spent(found, tuple(_claims(usage, gateway, now - KEPT_S)))
            for gateway, found in windows.items()
        }


def _claims(usage: Connection, gateway: str, since: float) -> Iterator[tuple[str, int, Claimed]]:
    words = (
        "SELECT usage_id, at, outcome, operation FROM usage LEFT JOIN terms"
        " ON terms.gateway = usage.gateway AND number = usage.terms"
        " WHERE usage.gateway = ? AND usage_id LIKE 'k%' AND at >= ?"
    )
    for usage_id, at, outcome, operation in usage.execute(words, (gateway, since * 1000)):
        said = "" if outcome == UNSETTLED else outcome
        yield usage_id, at // 1000, claimed_of(said, operation or "")


def differences(record: Record, store: LedgerStore, *, anew: bool = False) -> list[Difference]:
    """The counters of current windows that are not what the journals say.

    Where journals lie on other machines, only what is counted too little shows.

    Args:
        anew: read the journals themselves, and not the cache of them.

    Raises:
        HomeError, RecordError.
    """
    if not store.current():
        return []  # an earlier program's: the next gateway to start counts it again
    now = record.context.clock().timestamp()
    seen, found = Counter[Window](), list[Difference]()
    for _ in range(TRIES):
        stands = store.standing()
        with usage_of(record, damaged=True, anew=anew and not seen) as usage:
            found = list(_differing(record, stands, _Asking(usage), now))
        if not found or store.standing() == stands:
            return found
        # A process came or went, or leased: what was read is not of one moment. A counter that is
        # wrong is so each time.
        seen.update(one.window for one in found)
    return [one for one in found if seen[one.window] == TRIES]


def ledger_faults(record: Record) -> list[Text]:
    """What is wrong with the ledger, held against the journals themselves.

    Raises:
        HomeError, RecordError: the journals cannot be read.
    """
    if not spans_of(record):
        return []  # nobody ever limited anything: it holds nothing that could be wrong
    if store_of(record.home) is None and not (record.home / FOLDER / FILE).exists():
        return [GONE] if journals(record.home) else []
    try:
        with store_to_read(record.home) as store:
            if not store.current():
                return [EARLIER]
            return [one.message() for one in differences(record, store, anew=True)]
    except RecordError as error:
        if error.code != "serve.ledger_damaged":
            raise
        return [error.message]


EARLIER = Text(
    "the ledger was kept by an earlier program; the next gateway to start counts it again from the"
    " journals",
    "账本由早期程序计数; 下一个启动的网关将依据日志重新计出",
)
GONE = Text(
    "the ledger is gone; the next gateway to start counts it again from the journals",
    "账本缺失; 下一个启动的网关将依据日志重新计出",
)


def _differing(
    record: Record, stands: Standing, asking: _Asking, now: float
) -> Iterator[Difference]:
    here = {folder.name for folder in journals(record.home)}
    opened = {
        entry.body["gateway"]: parse(entry.envelope["at"]).timestamp() * 1000
        for entry in record.entries(kind="serve.journal_opened/1")
    }
    for key, spans in spans_of(record).items():
        if spans[-1][1] != inf:
            continue  # lifted: its counter stays as it is, and holds nobody back
        start, end = bounds(key[2], now)
        window, least, most = Window(*key, _start(key[2], now, spans[-1][0])), 0, 0
        # Set anew within a second of when it was set before, it goes on with that counter.
        for span in (one for one in spans if _start(key[2], now, one[0]) == window.start):
            low, high = _around(asking, key, span, (start * 1000, end * 1000), opened)
            gone = [name for name in high if (name, window) not in stands.leased]
            least += sum(low.get(name, 0) for name in gone)
            most += sum(high[name] for name in gone)
        leased = sum(n for (_, one), n in stands.leased.items() if one == window)
        counted = stands.used.get(window, 0) - leased
        more = counted > most and stands.counted <= here
        if counted < least or more:
            yield Difference(window, counted, least, most)


def _around(
    asking: _Asking, key: Key, span: Span, window: Span, opened: Mapping[str, float]
) -> tuple[dict[str, int], dict[str, int]]:
    """By gateway, what surely counted and what may have counted while a limit held."""

    def weight(since: float, until: float) -> dict[str, int]:
        return asking.weight(key, (max(since, window[0]), min(until, window[1])))

    since, until = span
    exact, sure = weight(since, until), weight(since + FOLLOWS_MS, until)
    low = {
        name: exact[name] if opened.get(name, 0) >= since else sure.get(name, 0) for name in exact
    }
    return low, weight(since - BEFORE_MS, until + FOLLOWS_MS)


class _Asking:
    """Asks the usage database, each span once."""

    def __init__(self, usage: Connection) -> None:
        self._usage = usage
        self._tallies = dict[Span, Tally]()
        words = "SELECT gateway, number, currency, accounts FROM terms"
        self._terms = {
            (gateway, number): (currency, frozenset(json.loads(accounts)))
            for gateway, number, currency, accounts in usage.execute(words)
        }

    def weight(self, key: Key, span: Span) -> dict[str, int]:
        """By gateway, what calls that came in a span weigh on a limit."""
        account, unit, _ = key
        found = dict[str, int]()
        for terms, needs in self._tally(span).items():
            currency, accounts = self._terms[terms]
            which = {"requests": 0, "tokens": 1, f"money:{currency}": 2}.get(unit)
            if account in accounts and which is not None:
                found[terms[0]] = found.get(terms[0], 0) + needs[which]
        return found

    def _tally(self, span: Span) -> Tally:
        if span not in self._tallies:
            words = (
                "SELECT gateway, terms, count(*), sum(CASE outcome"
                " WHEN 'unsettled' THEN reserved_tokens"
                " WHEN 'reconciled' THEN (nano > 0) * reserved_tokens"
                " ELSE min(input_tokens + output_tokens, reserved_tokens) END), sum(nano)"
                " FROM usage WHERE at >= ? AND at < ? GROUP BY gateway, terms"
            )
            rows = self._usage.execute(words, [min(one, 2.0**62) for one in span])
            self._tallies[span] = {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows}
        return self._tallies[span]
