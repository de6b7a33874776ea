"""Reading journals into the database of usage, and holding what was read against the record.

What a sealed segment comes to stands in the log: how many calls it begins and settles, and their
sums. Rows of the database are good where they come to the same, and are read again from the files
where they do not. Of a segment that is not sealed the links are followed, and each row has to be
what its file says.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.stores import store_of
from pilotbase.serve.metering.findings import CUT_SHORT
from pilotbase.serve.metering.rows import Rows, take
from pilotbase.serve.metering.segments import (
    FOLDER,
    Reading,
    Summed,
    begun_to_make,
    journals,
    name_of,
    segments,
)
from pilotbase.serve.metering.told import told
from pilotbase.serve.metering.views import named
from pilotbase.serve.rules.frames import FIRST_LINK, HEAD_SIZE, Broken, decode

_NONE: Mapping[str, Any] = {"segments": [], "ended": None}
_ERRORS = (msgspec.DecodeError, ValueError, TypeError, KeyError, IndexError, sqlite3.Error)


@dataclass
class Shape:
    """What journals come to: by segment, how many calls it begins and settles, and their sums."""

    intents: Counter[int] = field(default_factory=Counter)
    settled: Counter[int] = field(default_factory=Counter)
    sums: Counter[tuple[int, str]] = field(default_factory=Counter)

    def add(self, number: int, intents: int, settled: int, sums: Mapping[str, Any]) -> None:
        self.intents[number] += intents
        self.settled[number] += settled
        for currency, nano in sums.items():
            self.sums[number, currency] += int(nano)


Was = tuple[int, str, int]
"""Up to where a segment was read, the link of the record that ends there, and when its file had
been changed (in ns)."""


class Stale(Exception):
    """The database has something that does not stand in the journal."""


def ingest(record: Record, connection: sqlite3.Connection) -> list[RecordError]:
    """Read what is new in the home's journals; what cannot be right, at most one for each journal.

    Again, or by two at once, it changes nothing.
    """
    folders = {folder.name: folder for folder in journals(record.home)}
    said, away, found = told(record), list[str](), list[RecordError]()
    shared = store_of(record.home) is not None
    for gateway in sorted({*folders, *said, *_cached(connection)}):
        folder = record.home / FOLDER / gateway
        if gateway in folders or (folder / name_of(1)).exists():
            work = _Journal(record, connection, folder, said.get(gateway))
            if (problem := work.read()) is not None:
                found.append(problem)
            continue
        _forget(connection, gateway)
        if gateway in said and said[gateway]["ended"] != 0:
            away.append(gateway)
    if away and not shared:
        found += [_problem(record.home / FOLDER / gateway, MISSING) for gateway in away]
    elif away:
        record.context.remark(AWAY.format(names=", ".join(away)))
    return found


class _Journal:
    """One journal on its way into the database."""

    def __init__(
        self,
        record: Record,
        connection: sqlite3.Connection,
        folder: Path,
        said: Mapping[str, Any] | None,
    ) -> None:
        self._record, self._connection, self._folder = record, connection, folder
        self._gateway, self._known, self._said = folder.name, said is not None, said or _NONE

    def read(self) -> RecordError | None:
        """Read what is new in one transaction; what cannot be right, None where all is well."""
        connection, fresh = self._connection, not self._sizes()
        problem: RecordError | None = None
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not self._try():
                if not fresh:
                    self._record.context.remark(AGAIN.format(name=self._gateway))
                _forget_rows(connection, self._gateway)
                if not self._try():
                    lacking = ", ".join(self._lacking()[:3])
                    said = NOT_BEGUN.format(usage=lacking) if lacking else NOT_ITS_SUMS
                    problem = _problem(self._folder, said)
        except RecordError as error:
            problem = error
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return problem

    def _sizes(self) -> dict[int, Was]:
        return _sizes_of(self._connection, self._gateway)

    def _try(self) -> bool:
        """Read what is new; whether the database now says what the journal and the record say."""
        self._as_read = True
        try:
            wanted = self._new()
        except Stale:
            return False
        same = _shape_of(self._connection, self._gateway) == wanted
        return same and self._as_read and not self._lacking()

    def _lacking(self) -> list[str]:
        """The calls that the record names and that are not begun in the journal."""
        words = "SELECT 1 FROM usage WHERE gateway = ? AND usage_id = ?"
        return [
            one for one in sorted(named(self._said))
            if self._connection.execute(words, (self._gateway, one)).fetchone() is None
        ]  # fmt: skip

    def _new(self) -> Shape:
        """Take what is new; what the whole journal comes to. Raises RecordError."""
        shape, link = Shape(), FIRST_LINK
        seals = {one["number"]: one for one in self._said["segments"]}
        paths, sizes = segments(self._folder), self._sizes()
        if self._said["ended"] is None and begun_to_make(paths, known=self._known):
            paths.pop()
        self._all_there(paths, seals)
        for number, path in enumerate(paths, 1):
            seal, was = seals.get(number), sizes.get(number)
            stands = path.stat()
            if seal and was == (stands.st_size, seal["link"], stands.st_mtime_ns):
                shape.add(number, seal["intents"], seal["settled"], seal["sums"])
                link = bytes.fromhex(seal["link"])
                continue
            try:
                reading = Reading(path)
            except Broken as broken:
                raise _problem(path, NO_HEADER, None, None if seal else ACCEPT) from broken
            if (reading.gateway, reading.number, reading.before) != (self._gateway, number, link):
                raise _problem(path, NOT_NEXT, None, None if seal else ACCEPT)
            rows = None if seal else Rows()
            summed = self._take_all(reading, number, was, stands.st_mtime_ns, rows)
            if rows is not None and not rows.stand(self._connection, self._gateway, number):
                self._as_read = False
            _hold(path, reading, summed, seal)
            if seal is None and (reading.rest or reading.damage is not None):
                self._behind(path, reading)
            shape.add(number, summed.intents, summed.settled, summed.sums)
            link = reading.link
        return shape

    def _all_there(self, paths: list[Path], seals: Mapping[int, Any]) -> None:
        """Every segment that was sealed, and none that the record cannot know of."""
        wanted = max(max(seals, default=0), self._said["ended"] or 0, len(paths))
        there = {path.name for path in paths}
        for number in range(1, wanted + 1):
            if name_of(number) not in there:
                raise _problem(self._folder / name_of(number), GONE)
            if self._said["ended"] is not None and number not in seals:
                raise _problem(self._folder / name_of(number), NOT_SEALED)

    def _take_all(
        self, reading: Reading, number: int, was: Was | None, changed: int, rows: Rows | None
    ) -> Summed:
        """Take a segment's records as far as they are new; all of them summed up, and as rows where
        these are wanted."""
        fresh, link, _ = was or (0, "", 0)
        summed, follows = Summed(), not fresh
        for frame in reading.frames():
            try:
                summed.take([frame.payload], [frame.leaf])
                said = decode(frame.payload)
                if rows is not None:
                    rows.take(self._gateway, said)
                if frame.offset >= fresh:
                    take(self._connection, self._gateway, number, said)
            except _ERRORS as error:
                raise _problem(reading.path, UNREADABLE, frame.offset) from error
            if frame.offset + HEAD_SIZE + len(frame.payload) == fresh:
                follows = frame.link.hex() == link
        if not follows:
            raise Stale
        if summed.intents and not self._known and self._gateway not in told(self._record):
            raise _problem(self._folder, UNKNOWN)
        row = (self._gateway, number, reading.size, reading.link.hex(), changed)
        self._connection.execute("INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?)", row)
        return summed

    def _behind(self, path: Path, reading: Reading) -> None:
        """What stands behind the last good record of a segment that is not sealed."""
        if reading.damage is not None:
            short, count = reading.damage.short, reading.damage.records
            said = CUT_SHORT if short else DAMAGED.format(count=count)
            raise _problem(path, said, reading.size, ACCEPT)
        said = TAIL.format(where=str(path), offset=reading.size)
        self._record.context.remark(said)


def _hold(path: Path, reading: Reading, summed: Summed, seal: Mapping[str, Any] | None) -> None:
    """Raise RecordError where a segment is not what was sealed."""
    if seal is None:
        return
    if summed.records < seal["records"]:
        said = SHORT.format(sealed=seal["records"], there=summed.records)
        raise _problem(path, said, reading.size)
    sums = {currency: str(nano) for currency, nano in summed.sums.items()}
    mine = (summed.records, summed.intents, summed.settled, reading.link.hex(), sums)
    sealed = tuple(seal[name] for name in ("records", "intents", "settled", "link", "sums"))
    if mine != sealed:
        raise _problem(path, NOT_AS_SEALED)


def _cached(connection: sqlite3.Connection) -> set[str]:
    """The journals of which the database has anything."""
    words = "SELECT DISTINCT gateway FROM segment UNION SELECT DISTINCT gateway FROM usage"
    return {gateway for (gateway,) in connection.execute(words)}


def _sizes_of(connection: sqlite3.Connection, gateway: str) -> dict[int, Was]:
    words = "SELECT number, size, link, changed FROM segment WHERE gateway = ?"
    return {number: tuple(was) for number, *was in connection.execute(words, (gateway,))}


def _shape_of(connection: sqlite3.Connection, gateway: str) -> Shape:
    """What the database's own rows of a journal come to."""
    shape = Shape()
    words = "SELECT begun, count(*) FROM usage WHERE gateway = ? GROUP BY 1"
    for number, count in connection.execute(words, (gateway,)):
        shape.intents[number] = count
    words = (
        "SELECT u.settled, t.currency, count(*), sum(u.nano) FROM usage u JOIN terms t ON"
        " t.gateway = u.gateway AND t.number = u.terms WHERE u.gateway = ? AND u.settled > 0"
        " GROUP BY 1, 2"
    )
    for number, currency, count, nano in connection.execute(words, (gateway,)):
        shape.settled[number] += count
        shape.sums[number, currency] = nano
    return shape


def _forget(connection: sqlite3.Connection, gateway: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    _forget_rows(connection, gateway)
    connection.execute("COMMIT")


def _forget_rows(connection: sqlite3.Connection, gateway: str) -> None:
    for table in ("usage", "terms", "segment"):
        connection.execute(f"DELETE FROM {table} WHERE gateway = ?", (gateway,))


def _problem(
    path: Path, said: Text, offset: int | None = None, next_step: Text | None = None
) -> RecordError:
    where = str(path) if offset is None else f"{path}: byte {offset}"
    return RecordError("serve.journal_not_right", said, where=where, next_step=next_step or VERIFY)


DAMAGED = Text(
    "a record was changed here, and not left so by a crash; {count} that can be read follow",
    "此处的记录已被改动, 并非崩溃所致; 其后尚有 {count} 条可读记录",
)
ACCEPT = Text(
    "No figures are given from it. Stop the gateway that writes it, and put the journal back from a"
    " backup. Where there is none, `pilotbase gateway reconcile --accept-damage --as PERSON"
    " --reason WHY` gives the record and what follows up, keeps them beside it (.cut), and says so"
    " in the record.",
    "不据此给出任何数字。请停止写入该日志的网关, 并从备份恢复该日志。如无备份, "
    "`pilotbase gateway reconcile --accept-damage --as 自然人 --reason 理由` "
    "将放弃该条及其后内容, 另存于旁 (.cut), 并写入记录。",
)
VERIFY = Text(
    "No figures are given from it. Run `pilotbase gateway verify`, and put the journal back from a "
    "backup.",
    "不据此给出任何数字。请运行 `pilotbase gateway verify`, 并从备份恢复该日志。",
)
MISSING = Text(
    "the record knows this usage journal, and it is not here",
    "记录中有此用量日志, 但此处没有",
)
GONE = Text("this segment of the usage journal is gone", "用量日志的该分段已缺失")
NOT_SEALED = Text(
    "the journal is complete and this segment of it is not sealed in the record",
    "该日志已完成, 但此分段未在记录中封存",
)
UNKNOWN = Text(
    "the record does not know this usage journal, and calls stand in it",
    "记录中没有此用量日志, 而其中有调用",
)
NO_HEADER = Text("the segment's first record cannot be read", "该分段的首条记录无法读取")
NOT_NEXT = Text("the segment does not follow on the one before", "该分段与前一分段不相衔接")
NOT_BEGUN = Text(
    "the record names calls that were begun in this journal, and they are not in it ({usage}):"
    " changed or cut",
    "记录提到在该日志中开始的调用, 而日志中没有 ({usage}): 已被改动或截断",
)
UNREADABLE = Text("this record of the usage journal cannot be read", "用量日志的此条记录无法读取")
SHORT = Text(
    "{sealed} records were sealed, and {there} follow on each other: changed or cut from here on",
    "封存时有 {sealed} 条记录, 现相衔接的有 {there} 条: 自此处起已被改动或截断",
)
NOT_AS_SEALED = Text(
    "its records follow on each other, and are not those that were sealed",
    "其记录相互衔接, 但并非封存时的记录",
)
NOT_ITS_SUMS = Text(
    "its calls do not come to what its segments say: one is begun or settled twice, or not begun",
    "其各次调用与分段所述的合计不符: 有调用开始或结算了两次, 或未曾开始",
)
AGAIN = Text(
    "usage.db did not agree with the journal {name}; it was read again from its files.",
    "usage.db 与日志 {name} 不一致; 已从其文件重新读取。",
)
AWAY = Text(
    "Without the journals that lie on other machines: {names}.",
    "不含位于其他机器上的日志: {names}。",
)
TAIL = Text(
    "{where}: what stands behind byte {offset} is a record that is not finished: it is being "
    "written, or a crash has left it. It is not in these figures.",
    "{where}: 字节 {offset} 之后是未写完的记录: 正在写入或崩溃所致。以上数字未计入。",
)
