"""A two-sided market as integers: who lists whom, at which place on either list. Pure.

Mappings of ids are read once into arrays; the rounds of deferred acceptance then sort integers.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.match.rules.numbers import numbers_of

Ints = NDArray[np.int64]
Preferences = Mapping[Any, Sequence[Any]]
"""Id → ids of the other side, best first. Who is not listed is not acceptable."""


@dataclass(frozen=True)
class Market:
    """Mutually acceptable pairs, by proposer and within each by the proposer's order.

    Attributes:
        proposers, receivers: their ids, by number.
        first: the pairs of proposer p are ``first[p] … first[p + 1] - 1``.
        receiver: the number of each pair's receiver.
        rank: the proposer's place on that receiver's list: smaller is better within a receiver.
        places: how many proposers each receiver takes.
    """

    proposers: Sequence[Hashable]
    receivers: Sequence[Hashable]
    first: Ints
    receiver: Ints
    rank: Ints
    places: Ints


def market_of(
    proposer_prefs: Preferences, receiver_prefs: Preferences, capacities: Mapping[Any, int] | None
) -> Market:
    """Read preference lists into numbers; see `pilotbase.match.rules.stable` for what they say.

    Raises:
        InputError: ``match.listed_twice`` or ``match.capacity``.
    """
    proposers, receivers = list(proposer_prefs), list(receiver_prefs)
    places = _places(receivers, capacities)
    # Both sides by proposer and, within, by receiver: turning a sparse table over sorts it by
    # counting, which is several times quicker than comparing.
    ours = _table(proposer_prefs, receivers).tocsc().tocsr()
    theirs = _table(receiver_prefs, proposers).tocsc()
    _refuse_double(ours, proposer_prefs, proposers)
    _refuse_double(theirs, receiver_prefs, receivers)
    ranks = np.full(ours.nnz, -1, np.int64)
    same = np.array_equal(ours.indptr, theirs.indptr)
    if same and np.array_equal(ours.indices, theirs.indices):
        ranks[ours.data] = theirs.data
    else:
        here, there = _common(ours, theirs, len(receivers))
        ranks[ours.data[here]] = theirs.data[there]
    return _mutual(proposers, receivers, places, ours, ranks)


def _table(lists: Preferences, others: Sequence[Any]) -> Any:
    """Lists as a sparse table: a row for each, a column for each of the others, as value the
    number of the entry among those that name somebody of the other side."""
    lengths = np.fromiter(map(len, lists.values()), np.int64, len(lists))
    other = numbers_of(lists.values(), others)
    known = other >= 0
    ends = np.cumsum(lengths)
    if not known.all():
        ends = np.concatenate(([0], np.cumsum(known)))[ends]
        other = other[known]
    first = np.concatenate(([0], ends))
    entry = np.arange(len(other), dtype=np.int32)
    return csr_array((entry, other, first), shape=(len(lists), len(others)))


def _mutual(
    proposers: list[Any], receivers: list[Any], places: Ints, ours: Any, ranks: Ints
) -> Market:
    """The market of the pairs that have a rank, in the order of the proposers' lists."""
    receiver = np.empty(ours.nnz, np.int64)
    receiver[ours.data] = ours.indices
    kept = ranks >= 0
    first = ours.indptr.astype(np.int64)
    if not kept.all():
        first = np.concatenate(([0], np.cumsum(kept)))[first]
        receiver, ranks = receiver[kept], ranks[kept]
    return Market(proposers, receivers, first, receiver, ranks, places)


def _common(ours: Any, theirs: Any, width: int) -> tuple[Ints, Ints]:
    """Places of the pairs that stand in both tables."""
    here, there = (
        np.repeat(np.arange(len(one.indptr) - 1), np.diff(one.indptr)) * width + one.indices
        for one in (ours, theirs)
    )
    at = np.searchsorted(there, here)
    at[at == len(there)] = 0
    both = there[at] == here if len(there) else np.zeros(len(here), np.bool_)
    return np.flatnonzero(both), at[both]


def _refuse_double(table: Any, lists: Preferences, owners: Sequence[Any]) -> None:
    """Raises InputError where a list names somebody of the other side twice."""
    if _is_double(table):
        for owner in owners:
            if len(set(lists[owner])) < len(lists[owner]):
                raise _twice(owner, _named_twice(lists[owner]))


def _is_double(table: Any) -> bool:
    """Whether a place of a table that is sorted within its lines is taken twice."""
    again = table.indices[1:] == table.indices[:-1]
    # Two neighbours may be the last of one line and the first of the next.
    begins = table.indptr[1:-1]
    again[begins[(begins > 0) & (begins < table.nnz)] - 1] = False
    return bool(again.any())


def _named_twice(names: Sequence[Any]) -> Any:
    seen: set[Any] = set()
    return next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]


def _places(receivers: Sequence[Any], capacities: Mapping[Any, int] | None) -> Ints:
    if capacities is None:
        return np.ones(len(receivers), np.int64)
    for receiver in receivers:
        number = capacities.get(receiver)
        whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
        if not whole or number < 0:  # type: ignore[operator]
            raise _no_capacity(receiver, number)
    return np.array([capacities[receiver] for receiver in receivers], np.int64)


def _twice(owner: Any, named: Any) -> InputError:
    return InputError(
        "match.listed_twice",
        Text(
            f"the list of {owner!r} names {named!r} twice", f"{owner!r} 的排序中 {named!r} 出现两次"
        ),
        where=str(owner),
        next_step=Text(
            "Preferences are strict: name each once, ties broken beforehand.",
            "排序必须严格: 每个只写一次, 并列须事先打破。",
        ),
    )


def _no_capacity(receiver: Any, number: Any) -> InputError:
    return InputError(
        "match.capacity",
        Text(
            f"the capacity of {receiver!r} is {number!r}, not a whole number from 0",
            f"{receiver!r} 的容量为 {number!r}, 应为不小于 0 的整数",
        ),
        where=str(receiver),
    )
