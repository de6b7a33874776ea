"""A batch on its way into the log: envelopes, counters, salted bodies, and the tree's new nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft, envelope
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import Clock, stamp
from pilotbase.record.ports import LogReader, LogWriter, Row, Sealed
from pilotbase.record.rules.commitment import SALT_SIZE, commit
from pilotbase.record.rules.merkle import CompactRange, cover, leaf_hash, node_count, node_number


class Batch:
    """What one transaction adds: `rows`, `hashes` of completed nodes, `bodies` by commitment."""

    def __init__(self, log: LogWriter, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._log = log
        self._clock = clock
        self._entropy = entropy
        self._tree = tree_of(log)
        self._counts: dict[str, int] = {}
        self._indexes: dict[str, int] = {}
        self.rows: list[Row] = []
        self.hashes: list[bytes] = []
        self.bodies: dict[str, Sealed] = {}

    def add(self, draft: Draft) -> int:
        """Add an event, unless its key is known; the index of the entry that has the key."""
        key = draft.idempotency_key()
        known = self._indexes[key] if key in self._indexes else self._log.find(key)
        if known is not None:
            return known
        kind, index = draft.kind, self._tree.size
        count = self._counts.get(kind)
        if count is None:
            count = self._log.next_count(kind)
        sealed = {name: self._seal(bytes(body)) for name, body in draft.bodies.items()}
        data = envelope(
            replace(draft, key=key),
            counter=count,
            at=stamp(self._clock()),
            commitments={
                name: {"commitment": commitment, "size": len(kept.body)}
                for name, (commitment, kept) in sealed.items()
            },
        )
        self.rows.append(Row(index, data, key, kind, count, draft.about))
        self.hashes += self._tree.append(leaf_hash(data))
        self.bodies.update(sealed.values())
        self._counts[kind], self._indexes[key] = count + 1, index
        return index

    def _seal(self, body: bytes) -> tuple[str, Sealed]:
        salt = self._entropy(SALT_SIZE)
        return commit(salt, body), Sealed(salt, body)


def tree_of(log: LogReader) -> CompactRange:
    """The right edge of the stored tree.

    Raises:
        RecordError: entries and nodes are not of the same size, so nothing may be built on them.
    """
    size = log.size()
    if log.node_total() != node_count(size):
        raise RecordError(
            "record.damaged",
            Text(
                f"the log has {size} entries, but its stored tree is of another size",
                f"日志有 {size} 条记录, 但已存储的树大小不符",
            ),
            next_step=Text(
                "Run `pilotbase record verify` to see where; put the home back from a backup.",
                "请运行 `pilotbase record verify` 查看位置, 并从备份恢复主目录。",
            ),
        )
    return CompactRange(size, log.nodes([node_number(node) for node in cover(0, size)]))
