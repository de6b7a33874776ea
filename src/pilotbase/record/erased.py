"""Why a body is not in the vault: the log records its erasure, or it is lost."""

from __future__ import annotations

from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.ports import LogReader
from pilotbase.record.rules.erasure import ERASED, erased_by

RESTORE = Text(
    "Run `pilotbase record verify`; put the home back from a backup if it reports a fault.",
    "请运行 `pilotbase record verify`; 如有错误, 请从备份恢复主目录。",
)


class Erasures:
    """Which entry records the erasure of a body. Each erasure of the log is read once."""

    def __init__(self, log: LogReader) -> None:
        self._log = log
        self._at: dict[str, int] = {}
        self._read = 0

    def gone(self, commitment: str, where: str) -> RecordError:
        """The error for a body that is not kept: erased by which entry and why, or lost."""
        at = self._entry_of(commitment)
        said = _LOST if at is None else _ERASED.format(at=at, why=self._why(at))
        step = RESTORE if at is None else _NOTHING_TO_DO.format(at=at)
        return RecordError("record.body_gone", said, where=where, next_step=step)

    def _entry_of(self, commitment: str) -> int | None:
        size = self._log.size()
        if commitment not in self._at and self._read < size:
            for row in self._log.rows(self._read, size, kind=ERASED):
                self._at |= dict.fromkeys(erased_by(row.data), row.index)
            self._read = size
        return self._at.get(commitment)

    def _why(self, at: int) -> str:
        # Only what could be decoded was read; its words may still be anything.
        said = decode(next(iter(self._log.rows(at, at + 1))).data)["body"]
        return f"{said.get('reason')} ({said.get('ground')})"


_LOST = Text(
    "the body was erased or lost; its commitment remains", "正文已被删除或丢失; 其承诺值仍在"
)
_ERASED = Text(
    "the body was erased, as entry {at} records: {why}; its commitment remains",
    "正文已依第 {at} 条记录删除: {why}; 其承诺值仍在",
)
_NOTHING_TO_DO = Text(
    "Nothing is amiss: `pilotbase record show {at}` says who erased it. Putting the home back from "
    "a backup would undo the erasure.",
    "记录无误: `pilotbase record show {at}` 可查看由谁删除。从备份恢复主目录会使该删除失效。",
)
