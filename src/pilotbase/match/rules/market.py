"""A two-sided market as integers: who lists whom, at which place on either list. Pure.

Mappings of ids are read once into arrays; the rounds of deferred acceptance then sort integers.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text

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
        rank: the proposer's place on that receiver's list, from 0.
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
    ours = _entries(proposer_prefs, receivers)
    theirs = _entries(receiver_prefs, proposers)
    # One number a pair on both sides: the same pair has the same number.
    keys = ours.owner * len(receivers) + ours.other
    others = theirs.other * len(receivers) + theirs.owner
    order = _sorted(keys, ours, proposer_prefs)
    their_order = _sorted(others, theirs, receiver_prefs)
    keys, others = keys[order], others[their_order]
    at = np.searchsorted(others, keys)
    at[at == len(others)] = 0
    mutual = others[at] == keys if len(others) else np.zeros(len(keys), np.bool_)
    ranks = np.full(len(keys), -1, np.int64)
    ranks[order[mutual]] = theirs.place[their_order[at[mutual]]]
    kept = ranks >= 0
    counts = np.bincount(ours.owner[kept], minlength=len(proposers))
    first = np.concatenate(([0], np.cumsum(counts)))
    return Market(proposers, receivers, first, ours.other[kept], ranks[kept], places)


@dataclass(frozen=True)
class _Entries:
    """The entries of all lists of one side that name somebody of the other side, in their order."""

    owner: Ints
    other: Ints
    place: Ints


def _entries(lists: Preferences, others: Sequence[Any]) -> _Entries:
    number = {name: at for at, name in enumerate(others)}
    lengths = np.fromiter(map(len, lists.values()), np.int64, len(lists))
    named = chain.from_iterable(lists.values())
    other = np.fromiter(map(number.get, named, repeat(-1)), np.int64, int(lengths.sum()))
    owner = np.repeat(np.arange(len(lists)), lengths)
    place = np.arange(len(other)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    known = other >= 0
    if known.all():
        return _Entries(owner, other, place)
    return _Entries(owner[known], other[known], place[known])


def _sorted(keys: Ints, entries: _Entries, lists: Preferences) -> Ints:
    """The order of the keys. Raises InputError where a key is there twice."""
    order = np.argsort(keys, kind="stable")
    twice = np.flatnonzero(np.diff(keys[order]) == 0)
    if len(twice):
        at = order[twice[0] + 1]
        owner = list(lists)[entries.owner[at]]
        raise _twice(owner, _named_twice(lists[owner]))
    return order


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
