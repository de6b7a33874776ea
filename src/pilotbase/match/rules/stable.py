"""Stable matching of proposers with receivers that have places. Pure.

Sources: D. Gale and L. S. Shapley (1962), College Admissions and the Stability of Marriage,
American Mathematical Monthly 69 (1); A. E. Roth and M. A. O. Sotomayor (1990), Two-Sided Matching,
chapters 2 and 5: existence, optimality for either side, rural hospitals, strategy-proofness.

Preferences are mappings from an id to the ids of the other side, best first and strict. Lists may
be partial: who is not listed is not acceptable. An id without a list of its own takes no part,
as after a withdrawal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from heapq import heappush, heapreplace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotbase.match.rules.market import Ints, Market, Preferences, market_of

_PAIR = (1 << 32) - 1
FEW = 1_024
"""Proposals of a round below which one by one is quicker than sorting everyone who is held."""


def deferred_acceptance(
    proposer_prefs: Preferences,
    receiver_prefs: Preferences,
    capacities: Mapping[Any, int] | None = None,
) -> dict[Any, list[Any]]:
    """The stable matching that is best for every proposer, among all stable matchings.

    Args:
        proposer_prefs, receiver_prefs: id → acceptable ids of the other side, best first.
        capacities: receiver → places, ≥ 0; one each where left out.

    Returns:
        Every receiver → its proposers, in the receiver's order. Who is in no list is unmatched.

    Raises:
        InputError: ``match.listed_twice`` for a list that names an id twice; ``match.capacity`` for
            a receiver without a capacity, or with one that is no whole number from 0.

    >>> deferred_acceptance(
    ...     {"a": ["x", "y"], "b": ["x", "y"], "c": ["x"]}, {"x": ["c", "b", "a"], "y": ["a"]},
    ...     {"x": 1, "y": 1},
    ... )
    {'x': ['c'], 'y': ['a']}
    """
    market = market_of(proposer_prefs, receiver_prefs, capacities)
    held = _one_by_one(market, *_in_rounds(market))
    return _named(market, held)


def _in_rounds(market: Market) -> tuple[Ints, Ints, Ints]:
    """Rounds in which all who are free propose at once, until few do.

    Returns:
        next: the pair that each proposer proposes next; held: the pairs held; free: the proposers
        who are still to propose.
    """
    upto, ends = market.first[:-1].copy(), market.first[1:]
    owner = np.repeat(np.arange(len(market.proposers)), np.diff(market.first))
    standing = _Standing(market)
    free = np.flatnonzero(upto < ends)
    while len(free) > FEW:
        proposed = list[Ints]()
        # Who is turned down at once proposes again before anything is sorted.
        while len(free):
            pairs = upto[free]
            upto[free] += 1
            fits = standing.fits(pairs)
            proposed.append(pairs[fits])
            free = free[~fits]
            free = free[upto[free] < ends[free]]
        free = owner[standing.hold(np.concatenate(proposed))]
        free = free[upto[free] < ends[free]]
    return upto, standing.held & _PAIR, free


class _Standing:
    """Who is held, as numbers that sort by receiver and then by how well each stands there.

    Attributes:
        held: ``place << 32 | pair``, ascending. The places of a receiver follow each other, the
            best first, and those of the next receiver follow on them.
    """

    def __init__(self, market: Market) -> None:
        self.held = np.empty(0, np.int64)
        self._market = market
        lengths = np.zeros(len(market.receivers), np.int64)
        np.maximum.at(lengths, market.receiver, market.rank + 1)
        self._first = np.concatenate(([0], np.cumsum(lengths)))
        self._limit = self._first[1:] << 32
        self._limit[market.places == 0] = -1

    def fits(self, pairs: Ints) -> NDArray[np.bool_]:
        """Which pairs stand before the worst that a full receiver holds."""
        return self._standing(pairs) < self._limit[self._market.receiver[pairs]]

    def _standing(self, pairs: Ints) -> Ints:
        market = self._market
        places: Ints = self._first[market.receiver[pairs]] + market.rank[pairs]
        return places << 32 | pairs

    def hold(self, pairs: Ints) -> Ints:
        """Hold the best of those held and of pairs that fit, as far as there are places.

        Returns:
            The pairs that are held no more, or not at all.
        """
        every = np.concatenate((self.held, self._standing(pairs)))
        every.sort()
        begins = np.searchsorted(every, self._first << 32)
        counts, places = np.diff(begins), self._market.places
        taken = np.minimum(counts, places)
        full = np.flatnonzero((counts >= places) & (places > 0))
        self._limit[full] = every[begins[full] + places[full] - 1]
        # For each receiver in turn: so many are held, and so many are not.
        turns = np.column_stack((taken, counts - taken)).ravel()
        kept = np.repeat(np.tile([True, False], len(taken)), turns)
        self.held = every[kept]
        others: Ints = every[~kept] & _PAIR
        return others


def _one_by_one(market: Market, upto: Ints, held: Ints, free: Ints) -> list[list[int]]:
    """The proposals that are left, each with its chain of rejections; the order plays no part.

    Returns:
        For each receiver a heap of ``-(rank * proposers + proposer)``: the worst is on top.
    """
    heaps = _heaps(market, held)
    count, places = len(market.proposers), market.places.tolist()
    # Views give Python numbers one by one; lists of all of them would take longer to make.
    receivers, ranks = market.receiver.data, market.rank.data
    first, next_ = market.first.data, upto.data
    for start in free.tolist():
        proposer = start
        at, end = next_[proposer], first[proposer + 1]
        while at < end:
            heap, code = heaps[receivers[at]], -(ranks[at] * count + proposer)
            room = places[receivers[at]]
            at += 1
            if len(heap) < room:
                heappush(heap, code)
                next_[proposer] = at
                break
            if room and heap[0] < code:
                next_[proposer] = at
                proposer = -heapreplace(heap, code) % count
                at, end = next_[proposer], first[proposer + 1]
    return heaps


def _heaps(market: Market, held: Ints) -> list[list[int]]:
    owner = np.searchsorted(market.first, held, side="right") - 1
    codes = -(market.rank[held] * len(market.proposers) + owner)
    order = np.lexsort((codes, market.receiver[held]))
    ends = np.cumsum(np.bincount(market.receiver[held], minlength=len(market.receivers))).tolist()
    sorted_codes = codes[order].tolist()
    # What is sorted is a heap.
    return [sorted_codes[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def _named(market: Market, heaps: list[list[int]]) -> dict[Any, list[Any]]:
    names, count = market.proposers, len(market.proposers)
    return {
        receiver: [names[-code % count] for code in sorted(heap, reverse=True)]
        for receiver, heap in zip(market.receivers, heaps, strict=True)
    }


def receiver_optimal(
    proposer_prefs: Preferences,
    receiver_prefs: Preferences,
    capacities: Mapping[Any, int] | None = None,
) -> dict[Any, list[Any]]:
    """The stable matching that is best for every receiver: receivers offer their places.

    Arguments, result and errors as in `deferred_acceptance`.

    >>> two = {"a": ["x", "y"], "b": ["y", "x"]}, {"x": ["b", "a"], "y": ["a", "b"]}
    >>> deferred_acceptance(*two), receiver_optimal(*two)
    ({'x': ['a'], 'y': ['b']}, {'x': ['b'], 'y': ['a']})
    """
    market = market_of(proposer_prefs, receiver_prefs, capacities)
    kept = np.array(_offers(market), np.int64)
    return _named(market, _heaps(market, kept[kept >= 0]))


def _offers(market: Market) -> list[int]:
    """Receivers offer their places down their lists; the pair that each proposer keeps, or -1."""
    counts = np.bincount(market.receiver, minlength=len(market.receivers))
    ends = np.cumsum(counts)
    upto, stops = (ends - counts).tolist(), ends.tolist()
    owners = np.repeat(np.arange(len(market.proposers)), np.diff(market.first)).tolist()
    # By receiver and rank: the order in which each offers its places.
    pairs = np.lexsort((market.rank, market.receiver)).tolist()
    receivers = market.receiver.tolist()
    taken = [-1] * len(market.proposers)
    free = np.minimum(counts, market.places)
    offering = deque(np.repeat(np.arange(len(free)), free).tolist())
    while offering:
        receiver = offering.popleft()
        while upto[receiver] < stops[receiver]:
            pair = pairs[upto[receiver]]
            upto[receiver] += 1
            before = taken[owners[pair]]
            # A smaller pair stands earlier on the proposer's own list.
            if before < 0 or pair < before:
                taken[owners[pair]] = pair
                if before >= 0:
                    offering.append(receivers[before])
                break
    return taken


def blocking_pairs(
    matching: Mapping[Any, Sequence[Any]],
    proposer_prefs: Preferences,
    receiver_prefs: Preferences,
    capacities: Mapping[Any, int] | None = None,
) -> list[tuple[Any, Any]]:
    """Pairs that would both rather have each other than what the matching gives them.

    None, together with `faults_of_matching` finding nothing, certifies that the matching is stable.
    Who is matched against the own list counts as having nobody.

    Returns:
        (proposer, receiver), by proposer and in the proposer's order.

    >>> prefs = {"a": ["x", "y"], "b": ["x"]}, {"x": ["a", "b"], "y": ["a"]}
    >>> blocking_pairs({"x": ["b"], "y": ["a"]}, *prefs)
    [('a', 'x')]
    """
    market = market_of(proposer_prefs, receiver_prefs, capacities)
    number = {name: at for at, name in enumerate(market.proposers)}
    receiver_number = {name: at for at, name in enumerate(market.receivers)}
    owner = np.repeat(np.arange(len(market.proposers)), np.diff(market.first))
    partner = np.full(len(market.proposers), -1, np.int64)
    for receiver, names in matching.items():
        for name in names:
            partner[number[name]] = receiver_number[receiver]
    matched = market.receiver == partner[owner]
    held = np.flatnonzero(matched)
    # The place on the own list of the present partner; beyond the end where there is none.
    present = market.first[1:].copy()
    present[owner[held]] = held
    counts = np.bincount(market.receiver[held], minlength=len(market.receivers))
    worst = np.full(len(market.receivers), -1, np.int64)
    np.maximum.at(worst, market.receiver[held], market.rank[held])
    wanted = np.arange(len(owner)) < present[owner]
    vacant = counts[market.receiver] < market.places[market.receiver]
    better = market.rank < worst[market.receiver]
    open_places = market.places[market.receiver] > 0
    found = np.flatnonzero(wanted & open_places & (vacant | better))
    return [(market.proposers[owner[at]], market.receivers[market.receiver[at]]) for at in found]


def faults_of_matching(
    matching: Mapping[Any, Sequence[Any]],
    proposer_prefs: Preferences,
    receiver_prefs: Preferences,
    capacities: Mapping[Any, int] | None = None,
) -> list[tuple[str, Any, Any]]:
    """What keeps a matching from being one at all, or from being individually rational.

    Returns:
        ``("twice", proposer, receiver)`` for a proposer in a second place, ``("unacceptable",
        proposer, receiver)`` where one is not on the other's list, ``("full", None, receiver)`` for
        a receiver with more than its places.
    """
    found: list[tuple[str, Any, Any]] = []
    seen: set[Any] = set()
    for receiver, names in matching.items():
        places = 1 if capacities is None else capacities.get(receiver, 0)
        if len(names) > places:
            found.append(("full", None, receiver))
        acceptable = set(receiver_prefs.get(receiver, ()))
        for name in names:
            if name in seen:
                found.append(("twice", name, receiver))
            seen.add(name)
            if name not in acceptable or receiver not in proposer_prefs.get(name, ()):
                found.append(("unacceptable", name, receiver))
    return found
