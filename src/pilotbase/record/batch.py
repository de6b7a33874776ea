"""A batch on its way into the log: envelopes, counters, salted bodies, and the tree's new nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Fact
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import Clock, stamp
from pilotbase.record.ports import LogWriter, Row, Sealed
from pilotbase.record.rules.commitment import SALT_SIZE, commit
from pilotbase.record.rules.merkle import CompactRange, leaf_hashes
from pilotbase.record.rules.tiles import ENTRY_SIZE_MAX
from pilotbase.record.tree import tree_of


class Batch:
    """What one transaction adds: `rows` from `first` on, `hashes` of nodes, sealed `bodies`.

    ``tree`` is the right edge of the log's tree, with all that was hashed.
    """

    def __init__(
        self,
        log: LogWriter,
        clock: Clock,
        entropy: Callable[[int], bytes],
        keys: Sequence[str],
        tree: CompactRange | None = None,
    ) -> None:
        """A batch for events with these keys, which are looked up all at once.

        Args:
            tree: the log's right edge as the last batch left it; see `tree_of`.
        """
        self._log = log
        self._clock = clock
        self._entropy = entropy
        self.tree = tree_of(log, tree)
        self.first = self._next = self.tree.size
        self._counts: dict[str, int] = {}
        self._indexes = log.find(keys)
        self._now = ""
        self._since = self._until = datetime.max.replace(tzinfo=UTC)
        self.rows: list[Row] = []
        self.bodies: dict[str, Sealed] = {}

    def add(self, facts: Sequence[Fact]) -> list[int]:
        """Add events, except those whose key is known; the index of the entry that has each key.

        Raises:
            RecordError: an entry is longer than an entry bundle can hold.
        """
        indexes, counts, given = self._indexes, self._counts, list[int]()
        for fact in facts:
            draft, kind, key, _ = fact
            index = indexes.get(key)
            if index is None:
                count, index = counts.get(kind), self._next
                if count is None:
                    count = self._log.next_count(kind)
                vault = self._vault(draft.bodies) if draft.bodies else {}
                data = fact.envelope(count, self._stamp(), vault)
                if len(data) > ENTRY_SIZE_MAX:
                    raise _too_long(kind, len(data))
                self.rows.append(Row(index, data, key, kind, count, draft.about))
                counts[kind], indexes[key] = count + 1, index
                self._next = index + 1
            given.append(index)
        return given

    def add_encoded(self, rows: Sequence[Row]) -> None:
        """Add entries that another log encoded, as they are.

        Raises:
            ValueError: an index or a counter does not follow, or a key is known.
        """
        if not rows:
            return
        indexes, _, keys, kinds, counts, _ = zip(*rows, strict=True)
        following, expected = range(self._next, self._next + len(rows)), list[int]()
        for kind, run in groupby(kinds):
            count, size = self._counts.get(kind), sum(1 for _ in run)
            if count is None:
                count = self._log.next_count(kind)
            expected += range(count, count + size)
            self._counts[kind] = count + size
        known, self._next = len(self._indexes), following.stop
        self._indexes.update(zip(keys, following, strict=True))
        unknown = len(self._indexes) == known + len(keys)
        if indexes != tuple(following) or counts != tuple(expected) or not unknown:
            raise _not_following(list(zip(indexes, counts, keys, strict=True)), following, expected)
        self.rows += rows

    def hashes(self, leaves: Sequence[bytes] = ()) -> list[bytes]:
        """The hashes of the nodes that the rows complete; to be asked for once, at the end.

        Args:
            leaves: of all rows, where they are known.
        """
        return self.tree.extend(leaves or leaf_hashes([row.data for row in self.rows]))

    def _stamp(self) -> str:
        """The time by the clock; many entries are made in one millisecond."""
        moment = self._clock()
        if not self._since <= moment < self._until:
            self._now = stamp(moment)
            self._since = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
            self._until = self._since + timedelta(milliseconds=1)
        return self._now

    def _vault(self, bodies: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
        return {name: self._seal(bytes(body)) for name, body in bodies.items()}

    def _seal(self, body: bytes) -> dict[str, Any]:
        salt = self._entropy(SALT_SIZE)
        commitment = commit(salt, body)
        self.bodies[commitment] = Sealed(salt, body)
        return {"commitment": commitment, "size": len(body)}


def _not_following(
    given: Sequence[tuple[int, int, str]], indexes: Sequence[int], counts: Sequence[int]
) -> ValueError:
    """That the first entry with another index or counter, or a key seen before, does not follow."""
    seen, at = set[str](), 0
    for at, (index, count, key) in enumerate(given):
        if index != indexes[at] or count != counts[at] or key in seen:
            break
        seen.add(key)
    return ValueError(f"entry {given[at][0]} does not follow on the {indexes[at]} before it")


def _too_long(kind: str, size: int) -> RecordError:
    return RecordError(
        "record.entry_too_long",
        Text(
            f"the entry would have {size} bytes; {ENTRY_SIZE_MAX} is the most a log can publish",
            f"该条目将有 {size} 字节; 日志可发布的条目最多 {ENTRY_SIZE_MAX} 字节",
        ),
        where=kind,
        next_step=Text(
            "Put what is long into a body: the vault keeps it and the entry its commitment.",
            "请将较长内容作为正文存入保险库, 条目只保留其承诺值。",
        ),
    )
