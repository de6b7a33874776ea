"""The ledger's store, shared by all gateway processes: what is counted, leased and claimed.

In a SQLite file in the home, or in the PostgreSQL database that holds the record: then gateways on
several machines share one budget. A statement means the same in both; what differs is how one is
alone in writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import Any, NamedTuple

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.serve.rules.budget import Window, slice_of
from pilotbase.serve.rules.price import comes_back
from pilotbase.serve.rules.usage_id import AGAIN_MAX, again
from pilotbase.serve.rules.window import MONTH, length_of

KEPT_S = 2 * 86_400
"""Claims are forgotten when they are older; see `rules.usage_id`."""
WINDOWS_KEPT = 8
"""So many windows of a limit are never forgotten."""
_TABLES = (
    "CREATE TABLE IF NOT EXISTS gateway_counter (account text, unit text, per text, start bigint,"
    " used bigint NOT NULL, PRIMARY KEY (account, unit, per, start))",
    "CREATE TABLE IF NOT EXISTS gateway_lease (gateway text, account text, unit text, per text,"
    " start bigint, taken bigint NOT NULL, open bigint NOT NULL,"
    " PRIMARY KEY (gateway, account, unit, per, start))",
    "CREATE TABLE IF NOT EXISTS gateway_claim (usage_id text PRIMARY KEY, gateway text NOT NULL,"
    " at bigint NOT NULL, settled integer NOT NULL)",
    "CREATE TABLE IF NOT EXISTS gateway_counted (gateway text PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS gateway_scheme (number integer PRIMARY KEY)",
)
SCHEME = 2
"""What ``start`` of a counter means: since 2 from when its limit was set within the window."""
_OF = "account = ? AND unit = ? AND per = ? AND start = ?"


class Given(NamedTuple):
    """What a lease came to.

    Attributes:
        amount: leased now. open: what all processes hold that is not finally spent, this lease
            included; it may come back before the window turns.
    """

    amount: int
    open: int


class Asked(NamedTuple):
    """What a process asks of a window.

    Attributes:
        most: the limit. amount: what it needs more than it holds. held: what it holds now that is
            not finally spent.
    """

    window: Window
    most: int
    amount: int
    held: int


class Claimed(IntEnum):
    """What became of a call that has an idempotency key; a higher one is said later."""

    OPEN = 0
    SETTLED = 1
    FREE = 2
    """It cost nothing, and did nothing: another call may have its key."""


def claimed_of(outcome: str, operation: str) -> Claimed:
    """What a call's outcome says of its idempotency key; empty where it has none yet."""
    if not outcome:
        return Claimed.OPEN
    return Claimed.FREE if comes_back(outcome, operation) else Claimed.SETTLED


class Claim(NamedTuple):
    """Who had an idempotency key before, and whether that call is settled."""

    usage_id: str
    settled: bool


class Spent(NamedTuple):
    """What a journal says: by window what was spent, and its calls with an idempotency key as
    ``(usage id, seconds since 1970, what became of it)``."""

    windows: Mapping[Window, int]
    claims: Sequence[tuple[str, int, Claimed]] = ()


class Standing(NamedTuple):
    """The ledger at one moment.

    Attributes:
        used: by window. leased: by gateway process and window, what it took and has not given back.
        counted: the processes whose spending is in ``used``.
    """

    used: Mapping[Window, int]
    leased: Mapping[tuple[str, Window], int]
    counted: frozenset[str]


class Wanted(NamedTuple):
    """A call with an idempotency key.

    Attributes:
        first: the usage id of its name. before: the one the name had yesterday. at: seconds since
            1970. follows: of a second choice, the first choice's usage id: it stands in nobody's
            way.
    """

    first: str
    before: str
    at: int
    follows: str = ""


class LedgerStore:
    """Used by one thread of each process; every method is one durable transaction.

    ``used`` of a window is all that was leased and not given back, and what was counted from
    journals that it knew nothing of. A lease's ``taken`` is what of
    it one gateway process took: what it did spend stands in its journal, so that the rest of a dead
    process's lease can be given back exactly.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        begin: str,
        mark: str,
        errors: type[Exception],
        said: Callable[[Any], PilotbaseError] | None = None,
    ) -> None:
        """Connect, and make the tables where they are missing.

        Args:
            connect: again after an error, because a server may have been restarted. begin: how one
                is alone in writing. mark: how a parameter is written. errors: what may be raised.
                said: such an error in words for people, which is raised instead of it.
        """
        self._connect, self._begin, self._mark, self._said = connect, begin, mark, said
        self._connection: Any = None
        self.errors = errors
        with self._alone() as do:
            for table in _TABLES:
                do(table)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def current(self) -> bool:
        """Whether its counters, if there are any, mean what they mean to this program."""
        with self._alone() as do:
            said = do("SELECT max(number) FROM gateway_scheme").fetchone()[0]
            empty = do("SELECT count(*) FROM gateway_counter").fetchone()[0] == 0
            return said == SCHEME or (said is None and empty)

    def renew(self) -> None:
        """Throw counters of an earlier program away; they are to be counted again (`recount`)."""
        with self._alone() as do:
            if do("SELECT max(number) FROM gateway_scheme").fetchone()[0] == SCHEME:
                return
            for table in ("gateway_counter", "gateway_lease", "gateway_counted", "gateway_scheme"):
                do(f"DELETE FROM {table}")
            do("INSERT INTO gateway_scheme VALUES (?)", (SCHEME,))

    def lease(self, gateway: str, asks: Sequence[Asked]) -> tuple[Given, ...]:
        """Lease from windows: to each ask what it gets."""
        with self._alone() as do:
            return tuple(_lease(do, gateway, ask) for ask in asks)

    def give_back(
        self, gateway: str, gives: Iterable[tuple[Window, int]], held: Mapping[Window, int]
    ) -> None:
        """Give back what was leased and not spent; ``held`` is what of a lease is still open."""
        with self._alone() as do:
            for window, amount in gives:
                do(f"UPDATE gateway_counter SET used = used - ? WHERE {_OF}", (amount, *window))
                words = "UPDATE gateway_lease SET taken = taken - ? WHERE gateway = ? AND "
                do(words + _OF, (amount, gateway, *window))
            for window, amount in held.items():
                words = "UPDATE gateway_lease SET open = ? WHERE gateway = ? AND "
                do(words + _OF, (amount, gateway, *window))

    def claim(self, gateway: str, wanted: Sequence[Wanted]) -> list[str | Claim]:
        """Claim usage ids for calls: the one that is claimed now, or who has the name."""
        with self._alone() as do:
            return [_claim(do, gateway, one) for one in wanted]

    def unclaim(self, usage_ids: Sequence[str]) -> None:
        """Take claims back: the calls were refused, so the same names may come again."""
        with self._alone() as do:
            for one in usage_ids:
                do("DELETE FROM gateway_claim WHERE usage_id = ?", (one,))

    def settled(self, usage_ids: Sequence[str]) -> None:
        """Say that claimed calls are settled."""
        with self._alone() as do:
            for one in usage_ids:
                _say(do, one, Claimed.SETTLED)

    def free(self, usage_ids: Sequence[str]) -> None:
        """Say that claimed calls are settled and cost nothing: their names may come again."""
        with self._alone() as do:
            for one in usage_ids:
                _say(do, one, Claimed.FREE)

    def leases(self, gateway: str) -> dict[Window, int]:
        """What a gateway process took and did not give back, by window."""
        with self._alone() as do:
            words = "SELECT account, unit, per, start, taken FROM gateway_lease WHERE gateway = ?"
            return {Window(*row[:4]): row[4] for row in do(words, (gateway,)).fetchall()}

    def end(self, gateway: str, spent: Mapping[Window, int], claims: Mapping[str, Claimed]) -> None:
        """End the leases of a process that is gone: what it did not spend is given back.

        Args:
            spent: by window, what its journal says. claims: of its claims, those whose intents are
                in its journal, and what became of them; all others are taken back.
        """
        with self._alone() as do:
            words = "SELECT account, unit, per, start, taken FROM gateway_lease WHERE gateway = ?"
            for *window, taken in do(words, (gateway,)).fetchall():
                rest = max(taken - spent.get(Window(*window), 0), 0)
                do(f"UPDATE gateway_counter SET used = used - ? WHERE {_OF}", (rest, *window))
            do("DELETE FROM gateway_lease WHERE gateway = ?", (gateway,))
            words = "SELECT usage_id, settled FROM gateway_claim WHERE gateway = ?"
            for usage_id, known in do(words, (gateway,)).fetchall():
                if usage_id in claims:
                    _say(do, usage_id, claims[usage_id])
                elif known == Claimed.OPEN:
                    do("DELETE FROM gateway_claim WHERE usage_id = ?", (usage_id,))

    def credit(self, gives: Iterable[tuple[Window, int]]) -> None:
        """Give back what stayed charged of calls that somebody said are not to be paid."""
        with self._alone() as do:
            for window, amount in gives:
                words = f"UPDATE gateway_counter SET used = used - ? WHERE {_OF} AND used >= ?"
                do(words, (amount, *window, amount))

    def used(self) -> dict[Window, int]:
        """By window, what is used or leased."""
        with self._alone() as do:
            words = "SELECT account, unit, per, start, used FROM gateway_counter"
            return {Window(*row[:4]): row[4] for row in do(words).fetchall()}

    def standing(self) -> Standing:
        """All that it says of windows."""
        with self._alone() as do:
            words = "SELECT account, unit, per, start, used FROM gateway_counter"
            used = {Window(*row[:4]): row[4] for row in do(words).fetchall()}
            words = "SELECT gateway, account, unit, per, start, taken FROM gateway_lease"
            leased = {(row[0], Window(*row[1:5])): row[5] for row in do(words).fetchall()}
            counted = do("SELECT gateway FROM gateway_counted").fetchall()
            return Standing(used, leased, frozenset(row[0] for row in counted))

    def count(self, journals: Mapping[str, Spent]) -> list[str]:
        """Count what journals say was spent, each once in this ledger's life; which were new."""
        fresh = list[str]()
        with self._alone() as do:
            for gateway, said in journals.items():
                words = "INSERT INTO gateway_counted VALUES (?) ON CONFLICT DO NOTHING"
                if do(words, (gateway,)).rowcount != 1:
                    continue
                fresh.append(gateway)
                for window, amount in said.windows.items():
                    _use(do, window, amount)
                for usage_id, at, claimed in said.claims:
                    words = "INSERT INTO gateway_claim VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
                    do(words, (usage_id, gateway, at, int(claimed)))
        return fresh

    def drop_leases(self, gateway: str) -> None:
        """A process ends in good order: what it has taken and not given back is spent or open."""
        with self._alone() as do:
            do("DELETE FROM gateway_lease WHERE gateway = ?", (gateway,))

    def forget(self, at: int) -> None:
        """Forget claims too old at a moment (seconds since 1970), and windows long over.

        Of each limit the newest windows stay: where a clock was ahead, the one that is current by
        another clock is among them, unless as many were used since as would have ended it.
        """
        newest = (
            "(SELECT start FROM gateway_counter b WHERE b.account = a.account AND b.unit = a.unit"
            f" AND b.per = a.per ORDER BY start DESC LIMIT 1 OFFSET {WINDOWS_KEPT - 1})"
        )
        with self._alone() as do:
            do("DELETE FROM gateway_claim WHERE at < ?", (at - KEPT_S,))
            pers = do("SELECT DISTINCT per FROM gateway_counter WHERE per <> 'total'").fetchall()
            for (per,) in pers:
                before = at - max(2 * length_of(per), 62 * 86_400 * (per == MONTH), KEPT_S)
                words = "DELETE FROM gateway_counter AS a WHERE per = ? AND start < ? AND start < "
                do(words + newest, (per, before))
            words = "DELETE FROM gateway_lease WHERE (account, unit, per, start) NOT IN (SELECT"
            do(words + " account, unit, per, start FROM gateway_counter)")

    @contextmanager
    def _alone(self) -> Iterator[Callable[..., Any]]:
        try:
            if self._connection is None:
                self._connection = self._connect()
            connection, mark = self._connection, self._mark

            def do(words: str, values: Sequence[Any] = ()) -> Any:
                return connection.execute(words.replace("?", mark), values)

            for words in self._begin.split(";"):
                connection.execute(words)
            yield do
            connection.execute("COMMIT")
        except BaseException as error:
            # Closing takes back what was not committed, also where nobody answers any more.
            with suppress(self.errors):
                self.close()
            if self._said is not None and isinstance(error, self.errors):
                raise self._said(error) from error
            raise


def _lease(do: Callable[..., Any], gateway: str, asked: Asked) -> Given:
    window, most, needed, held = asked
    row = do(f"SELECT used FROM gateway_counter WHERE {_OF}", window).fetchone()
    amount = slice_of(most - (row[0] if row else 0), needed)
    words = "UPDATE gateway_lease SET open = ? WHERE gateway = ? AND open <> ? AND "
    do(words + _OF, (held, gateway, held, *window))
    if amount:
        _use(do, window, amount)
        words = (
            "INSERT INTO gateway_lease VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (gateway, account,"
            " unit, per, start) DO UPDATE SET taken = gateway_lease.taken + ?,"
            " open = gateway_lease.open + ?"
        )
        do(words, (gateway, *window, amount, amount, amount, amount))
    total = do(f"SELECT sum(open) FROM gateway_lease WHERE {_OF}", window).fetchone()[0]
    return Given(amount, int(total or 0))


def _use(do: Callable[..., Any], window: Window, amount: int) -> None:
    words = (
        "INSERT INTO gateway_counter VALUES (?, ?, ?, ?, ?) ON CONFLICT"
        " (account, unit, per, start) DO UPDATE SET used = gateway_counter.used + ?"
    )
    do(words, (*window, amount, amount))


def _claim(do: Callable[..., Any], gateway: str, wanted: Wanted) -> str | Claim:
    words = "SELECT usage_id FROM gateway_claim WHERE usage_id IN (?, ?)"
    known = do(words, (wanted.first, wanted.before)).fetchone() is not None
    found = _next_of(do, wanted) if known else wanted.first
    if isinstance(found, str):
        do("INSERT INTO gateway_claim VALUES (?, ?, ?, 0)", (found, gateway, wanted.at))
    return found


def _next_of(do: Callable[..., Any], wanted: Wanted) -> str | Claim:
    """The usage id that comes next where all before it are free, else the first that is not."""
    words = "SELECT usage_id, settled FROM gateway_claim WHERE usage_id IN "
    words += f"({', '.join('?' * AGAIN_MAX)})"
    names = list[str]()
    known = dict[str, int]()
    for first in (wanted.before, wanted.first):
        names = [again(first, number) for number in range(AGAIN_MAX)]
        known = dict(do(words, names).fetchall())
        for name in names:
            said = known.get(name, Claimed.FREE)
            if said != Claimed.FREE and name != wanted.follows:
                return Claim(name, said == Claimed.SETTLED)
    return next((name for name in names if name not in known), Claim(names[-1], True))


def _say(do: Callable[..., Any], usage_id: str, claimed: Claimed) -> None:
    """Once more was said of a call, less is not said any more."""
    words = "UPDATE gateway_claim SET settled = ? WHERE usage_id = ? AND settled < ?"
    do(words, (int(claimed), usage_id, int(claimed)))
