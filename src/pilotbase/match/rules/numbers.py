"""Ids as numbers: millions of entries of preference lists, looked up without hashing each. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]
_SPAN_MAX = 1 << 24  # entries of the table that is looked up directly; 64 MiB
_LONG = 64  # entries of a list, on average, from which a copy of it pays


def numbers_of(lists: Collection[Sequence[Any]], names: Sequence[Any]) -> Numbers:
    """For each entry of the lists, one after the other, its place among the names; -1 for none.

    Lists mostly hold the very objects that name the other side, and an object is found by its
    address: hashing two million scattered texts takes longer than all the rest of a matching.
    Entries that are equal without being the same object are looked up by their value afterwards, so
    the answer is that of a dictionary.

    >>> numbers_of([["x", "y"], ["y", "z"]], ["y", "x"]).tolist()
    [1, 0, 0, -1]
    """
    count = sum(map(len, lists))
    if not names:
        return np.full(count, -1, np.int32)
    held = np.fromiter(map(id, names), np.int64, len(names))
    found = _looked_up(_addresses(lists, count), held)
    missing = np.flatnonzero(found < 0)
    if len(missing):
        flat = list(chain.from_iterable(lists))
        found[missing] = _by_value([flat[at] for at in missing.tolist()], names)
    return found


def _addresses(lists: Collection[Sequence[Any]], count: int) -> NDArray[np.int64]:
    """`id` of each entry, one after the other."""
    # A long list is copied first: copying reaches its scattered objects many at a time and brings
    # them near, where one by one they would be waited for.
    near = map(list, lists) if count > _LONG * len(lists) else lists
    entries = np.fromiter(chain.from_iterable(near), object, count)
    # An array of objects is their addresses side by side, which is what CPython's `id` gives, and
    # several times quicker than asking for each.
    addresses = np.frombuffer(entries.tobytes(), np.intp).astype(np.int64, copy=False)
    if count and (addresses[0], addresses[-1]) != (id(entries[0]), id(entries[-1])):
        return np.fromiter(map(id, entries), np.int64, count)
    return addresses


def _by_value(entries: Sequence[Any], names: Sequence[Any]) -> Numbers:
    kinds = set(map(type, names)) | set(map(type, entries))
    if kinds == {int} and max(map(abs, chain(names, entries))) < 2**62:
        return _looked_up(np.array(entries, np.int64), np.array(names, np.int64))
    number: Mapping[Any, int] = {name: at for at, name in enumerate(names)}
    return np.array([number.get(entry, -1) for entry in entries], np.int32)


def _looked_up(entries: NDArray[np.int64], names: NDArray[np.int64]) -> Numbers:
    """The place of each entry among different names, -1 where it is none of them."""
    low, span = int(names.min()), int(names.max() - names.min()) + 1
    shift = 4 if not (names & 15).any() and not (entries & 15).any() else 0
    if span >> shift < _SPAN_MAX:
        low, span = low >> shift, (span >> shift) + 1
        table = np.full(span + 1, -1, np.int32)  # the last one is for all that lie outside
        table[(names >> shift) - low] = np.arange(len(names), dtype=np.int32)
        at = (entries >> shift) - low
        at[(at < 0) | (at >= span)] = span
        found: Numbers = table[at]
        return found
    order = np.argsort(names)
    place = np.minimum(np.searchsorted(names[order], entries), len(names) - 1)
    return np.where(names[order][place] == entries, order[place], -1).astype(np.int32)
