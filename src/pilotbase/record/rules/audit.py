"""What an audit looks at: each entry by itself and after the ones before it, and the stored tree.

Both audits take what streams by in order and go on after a fault from what is stored, so that one
changed byte is named once, where it is, and not again for all that is built on it. Nothing wrong
can hide behind that: entries, nodes and signed roots are each compared with their neighbours, and a
chain of neighbours that all agree is the whole tree.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from pilotbase.kernel.canonical import decode, decode_canonical
from pilotbase.kernel.text import Text
from pilotbase.record.ports import Row
from pilotbase.record.rules.absence import TALLIED
from pilotbase.record.rules.merkle import (
    HASH_SIZE,
    fold,
    leaf_hash,
    node_count,
    node_hash,
)

Severity = Literal["fault", "note"]
"""A fault breaks the record; a note is good to know."""

_TYPES: dict[str, type] = {
    "v": int,
    "kind": str,
    "count": int,
    "key": str,
    "at": str,
    "by": dict,
    "about": str,
    "vault": dict,
    "body": dict,
}
TREE = Text("tree", "哈希树")
_COPIES = ("key", "kind", "count", "about")
_COMMITMENT = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an audit found: how grave, where, at which entry if at one, and what differs."""

    severity: Severity
    where: Text
    message: Text
    index: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "severity": self.severity,
            "where": self.where.as_dict(),
            "index": self.index,
            "message": self.message.as_dict(),
        }


def entry_place(index: int) -> Text:
    return Text(f"entry {index}", f"第 {index} 条记录")


def of_entry(index: int, en: str, zh: str, severity: Severity = "fault") -> Finding:
    return Finding(severity, entry_place(index), Text(en, zh), index)


def of_tree(index: int, en: str, zh: str) -> Finding:
    return Finding("fault", TREE, Text(en, zh), index)


TALLY_REACH = 1 << 16
"""How far before itself a tally may count to, where an audit meets it only when it comes."""


class EntryAudit:
    """Audits entries in order: bytes, envelope, the copies stored beside it, counters."""

    def __init__(
        self,
        tallies: Iterable[tuple[int, bytes]] = (),
        *,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """``tallies``: index and bytes of the log's tally entries, known before their time.

        ``counts``: for an audit that begins midway, how many entries there are before it of the
        kinds that tallies speak of; the first counter of another kind is taken as it stands.
        """
        self._midway = counts is not None
        self._tallies: dict[int, list[tuple[int, Mapping[str, int]]]] = {}
        for index, data in tallies:
            size, said = tally_of(data)
            self._tallies.setdefault(size, []).append((index, said))
        self._counts: dict[str, int] = dict(counts or {})
        self._kinds: deque[str] = deque(maxlen=TALLY_REACH)
        self._newest = ""
        self._clock_noted = False

    def entry(self, row: Row) -> tuple[Mapping[str, Any] | None, list[Finding]]:
        """The entry's envelope, None when it cannot be read, and what is wrong with it."""
        tallied, said = self._tallied(row.index), _envelope(row.data)
        if isinstance(said, Text):
            self._counts[str(row.kind)] = _int(row.count) + 1
            return None, [*tallied, of_entry(row.index, said.en, said.zh)]
        findings = tallied + self._copies(row, said) + self._counter(row.index, said)
        return said, findings + self._time(row.index, said["at"])

    def alone(self, index: int, data: bytes) -> tuple[Mapping[str, Any] | None, list[Finding]]:
        """The same for an entry that comes without copies beside it, and tallies as they come."""
        said = _envelope(data)
        if isinstance(said, Text):
            self._kinds.append("")
            return None, [of_entry(index, said.en, said.zh)]
        kind = said["kind"]
        findings = self._tally(index, data) if kind == TALLIED else []
        self._kinds.append(sys.intern(kind))
        return said, findings + self._counter(index, said) + self._time(index, said["at"])

    def _tally(self, index: int, data: bytes) -> list[Finding]:
        """Compare a tally with what came before it, less what came after what it counts."""
        size, said = tally_of(data)
        behind = index - size
        if size < 0 or behind < 0:
            en = "it counts entries that come after it, or none that can be read"
            return [of_entry(index, en, "它所计数的条目在其之后, 或无法读取")]
        if behind > len(self._kinds):
            en = f"it counts to {behind} entries before itself, too far back to be compared here"
            zh = f"它只计数到其前第 {behind} 条, 距离过远, 此处无法比较"
            return [of_entry(index, en, zh, "note")]
        after = Counter(islice(reversed(self._kinds), behind))
        counts = {kind: self._counts.get(kind, 0) - after[kind] for kind in said}
        return miscounted(index, size, said, counts)

    def _copies(self, row: Row, said: Mapping[str, Any]) -> list[Finding]:
        stored = {"key": row.key, "kind": row.kind, "count": row.count, "about": row.about}
        differ = ", ".join(name for name in _COPIES if stored[name] != said[name])
        if not differ:
            return []
        en = f"stored beside the entry and not what the entry says: {differ}"
        return [of_entry(row.index, en, f"条目旁存储的值与条目内容不符: {differ}")]

    def _counter(self, index: int, said: Mapping[str, Any]) -> list[Finding]:
        kind, count = said["kind"], said["count"]
        expected = self._counts.get(kind, count if self._midway else 0)
        self._counts[kind] = count + 1
        if count == expected:
            return []
        en = f"it is number {count} of its kind {kind}; number {expected} was to come"
        return [of_entry(index, en, f"它是 {kind} 类的第 {count} 条, 此处应为第 {expected} 条")]

    def _tallied(self, size: int) -> list[Finding]:
        """Compare what tallies say of the first ``size`` entries with what has streamed by."""
        findings = []
        for index, counts in self._tallies.pop(size, []):
            findings += miscounted(index, size, counts, self._counts)
        return findings

    def _time(self, index: int, at: str) -> list[Finding]:
        earlier, self._newest = at < self._newest, max(at, self._newest)
        if not earlier or self._clock_noted:
            return []
        self._clock_noted = True
        en = f"the clock went back: {at} after {self._newest}; the order is that of the indexes"
        zh = f"时钟倒退: {self._newest} 之后为 {at}; 顺序以序号为准"
        return [of_entry(index, en, zh, "note")]


class TreeAudit:
    """Audits the stored nodes against the entries as both stream by, leaf by leaf."""

    def __init__(
        self, stored: Iterator[tuple[int, bytes]], size: int = 0, hashes: Sequence[bytes] = ()
    ) -> None:
        """The stored nodes after the first ``size`` entries; hashes of their ``cover(0, size)``."""
        self._stored = stored
        self._next = next(stored, None)
        self._hashes = list(hashes)
        self.size = size

    @property
    def exhausted(self) -> bool:
        """Whether no stored node is left."""
        return self._next is None

    def root(self) -> bytes:
        """The root of what has streamed by, as the stored tree has it."""
        return fold(self._hashes)

    def leaf(self, data: bytes | None) -> list[Finding]:
        """Take the next entry's bytes, or None for a missing one, with the nodes it completes."""
        index, number, findings = self.size, node_count(self.size), list[Finding]()
        stored = self._take(number, findings)
        made = leaf_hash(data) if data is not None else stored
        if stored is None:
            findings.append(
                of_entry(index, "its hash is missing from the tree", "树中缺少它的哈希")
            )
        elif made != stored:
            en = "its bytes do not have the hash that the tree holds for it"
            findings.append(of_entry(index, en, "其内容与树中保存的哈希不符"))
        joined = _adopted(stored, made)
        for level in range(1, (~index & (index + 1)).bit_length()):
            made = node_hash(self._hashes.pop(), joined)
            stored = self._take(number + level, findings)
            if stored != made:
                findings.append(_bad_node(level, index, stored is None))
            joined = _adopted(stored, made)
        self._hashes.append(joined)
        self.size += 1
        return findings

    def rest(self) -> list[Finding]:
        """After the last entry: nodes for which there is no entry."""
        if self._next is None:
            return []
        en = f"it has hashes of entries beyond the last one, from entry {self.size} on"
        zh = f"树中有超出最后一条记录的哈希, 自第 {self.size} 条起"
        return [of_tree(self.size, en, zh)]

    def _take(self, number: int, findings: list[Finding]) -> bytes | None:
        while self._next is not None and self._next[0] < number:
            en, zh = f"node {self._next[0]} does not belong here", f"节点 {self._next[0]} 不应存在"
            findings.append(of_tree(self.size, en, zh))
            self._next = next(self._stored, None)
        if self._next is None or self._next[0] != number:
            return None
        taken, self._next = self._next[1], next(self._stored, None)
        return taken


def _adopted(stored: bytes | None, made: bytes | None) -> bytes:
    if isinstance(stored, bytes) and len(stored) == HASH_SIZE:
        return stored
    return made if made is not None else bytes(HASH_SIZE)


def _bad_node(level: int, last: int, missing: bool) -> Finding:
    first = last + 1 - (1 << level)
    over, above = f"the node over entries {first} to {last}", f"第 {first} 至 {last} 条之上的节点"
    if missing:
        return of_tree(first, f"{over} is missing", f"{above}缺失")
    return of_tree(first, f"{over} is not the hash of its two halves", f"{above}与其两半的哈希不符")


def _envelope(data: bytes) -> Mapping[str, Any] | Text:
    """The envelope that the bytes are, or what keeps them from being one."""
    try:
        said = decode_canonical(data)
    except (ValueError, TypeError, RecursionError):
        return _not_canonical(data)
    if not isinstance(said, dict) or said.keys() != _TYPES.keys() or said["v"] != 1:
        return Text("it is no envelope of version 1", "不是第 1 版信封格式")
    wrong = [name for name, kind in _TYPES.items() if type(said[name]) is not kind]
    if not wrong:
        vault = said["vault"].items()
        wrong = [f"vault.{name}" for name, item in vault if not _is_commitment(item)]
    if wrong:
        names = ", ".join(wrong)
        return Text(
            f"its envelope has values of a wrong type: {names}", f"信封字段类型错误: {names}"
        )
    return said


def _not_canonical(data: bytes) -> Text:
    try:
        decode(data)
    except (ValueError, TypeError, RecursionError):
        return Text("its bytes are not JSON", "其内容不是 JSON")
    return Text("its bytes are not canonical JSON (RFC 8785)", "其内容不是规范 JSON (RFC 8785)")


def _is_commitment(item: object) -> bool:
    if not isinstance(item, dict) or item.keys() != {"commitment", "size"}:
        return False
    commitment, size = item["commitment"], item["size"]
    return (
        isinstance(commitment, str)
        and _COMMITMENT.fullmatch(commitment) is not None
        and type(size) is int
        and size >= 0
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else -1


def miscounted(
    index: int, size: int, said: Mapping[str, int], counts: Mapping[str, int]
) -> list[Finding]:
    """What is wrong with a tally of the first ``size`` entries."""
    differ = ", ".join(kind for kind, n in said.items() if counts.get(kind, 0) != n)
    if not differ:
        return []
    en = f"it miscounts the first {size} entries: {differ}"
    return [of_entry(index, en, f"它对前 {size} 条的计数有误: {differ}")]


def tally_of(data: bytes) -> tuple[int, Mapping[str, int]]:
    """The size and the counts of a tally entry; (-1, none) where it cannot be read."""
    try:
        body = decode(data)["body"]
        return int(body["size"]), dict(body["counts"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return -1, {}
