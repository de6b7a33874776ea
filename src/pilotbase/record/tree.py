"""The tree of a log, from the nodes that are stored."""

from __future__ import annotations

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.ports import LogReader
from pilotbase.record.rules.merkle import (
    CompactRange,
    cover,
    hash_ranges,
    node_count,
    node_number,
)


def root_of(log: LogReader, size: int) -> bytes:
    """The root of the first ``size`` entries, from the stored nodes."""
    return hash_ranges([(0, size)], log.nodes)[0]


def tree_of(log: LogReader, before: CompactRange | None = None) -> CompactRange:
    """The right edge of the stored tree.

    Args:
        before: what it was when it was last looked at: taken where the log has not changed.

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
    nodes = [node_number(node) for node in cover(0, size)]
    if before is not None and before.size == size and before.hashes[-1:] == log.nodes(nodes[-1:]):
        return before
    return CompactRange(size, log.nodes(nodes))
