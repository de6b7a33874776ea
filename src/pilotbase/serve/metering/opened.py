"""A gateway process's meter over a home: journal, ledger, sealing, and what a crash left."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress

from pilotbase.kernel.home import only_one, storage_errors
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.serve.metering.journal import SEGMENT_BYTES, SEGMENT_S, Journal
from pilotbase.serve.metering.keeper import Keeper
from pilotbase.serve.metering.ledger_file import open_store
from pilotbase.serve.metering.meter import Held, JournalMeter
from pilotbase.serve.metering.reconcile import ENDED, recover
from pilotbase.serve.metering.recount import LOCK, restore
from pilotbase.serve.metering.sealing import Sealer, opened
from pilotbase.serve.metering.segments import FOLDER, Complete, sync_folder
from pilotbase.serve.metering.store import Spent
from pilotbase.serve.metering.views import LIMITS
from pilotbase.serve.rules.budget import Limit, limits_of

ID_BYTES = 6
NOT_WHOLE = Text(
    "the disk did not take all of the usage journal: calls whose end is not on it stay charged as"
    " reserved until `pilotbase gateway reconcile`",
    "磁盘未能写入全部用量日志: 未写入结束记录的调用按预留额计费, 直至运行"
    " `pilotbase gateway reconcile`",
)


def limits(record: Record) -> list[Limit]:
    """The limits in force."""
    state = catch_up(record, [LIMITS])[LIMITS.name]
    return [limit for said in state.values() for limit in limits_of(said)]


class Metering:
    """The meter of one gateway process, and all that stands behind it.

    ``meter`` is the `ports.Meter`. Give it the limits anew when the record has grown: `reload`.
    """

    def __init__(
        self,
        record: Record,
        loop: asyncio.AbstractEventLoop,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        segment_s: float = SEGMENT_S,
    ) -> None:
        """Complete what processes that are gone have left, then begin a journal.

        Args:
            record: stays open until after `close`; other threads append to it too.

        Raises:
            HomeError, RecordError: disk full, not writable, database out of reach.
        """
        self._record = record
        self.gateway = record.context.entropy(ID_BYTES).hex()
        self._folder = record.home / FOLDER / self.gateway
        self._lock = ExitStack()
        store = open_store(record.home)
        store.renew()
        recover(record, store)
        restore(record, store)
        with storage_errors(self._folder):
            self._folder.mkdir(parents=True, mode=0o700)
            sync_folder(self._folder.parent)
            sync_folder(record.home)
            self._lock.enter_context(only_one(self._folder / LOCK))
            # From here on its leases say what it spends.
            store.count({self.gateway: Spent({})})
            self._sealer = Sealer(record, self.gateway)
            self._keeper = Keeper(store, self.gateway, loop)
            self._journal = Journal[Held](
                self._folder, self.gateway, loop, self._written, self._full,
                self._unwritten, segment_bytes=segment_bytes, segment_s=segment_s,
            )  # fmt: skip
        # Said only now: a journal that the record knows has been there.
        opened(record, self.gateway)
        self.meter = JournalMeter(self.gateway, self._journal, self._keeper, limits(record), loop)
        self._keeper.granted = self.meter.granted

    @property
    def journal(self) -> Journal[Held]:
        """For whoever looks after it; only the meter writes to it."""
        return self._journal

    def reload(self) -> None:
        """Put the limits in force that the record has now. On the loop's thread."""
        self.meter.limit(limits(self._record))

    def close(self) -> None:
        """Put everything down, give back what was leased, seal; blocks. Loop's thread."""
        whole = not self.meter.unsettled
        self.meter.close()
        if not self._journal.whole:
            self._record.context.remark(NOT_WHOLE)
        if self._sealer.close() and whole and self._keeper.ended:
            with suppress(OSError):
                (self._folder / ENDED).touch()
        self._lock.close()

    def _written(self, group: list[Held], done: bool) -> None:
        self.meter.written(group, done)

    def _unwritten(self, held: Held) -> bytes:
        return self.meter.unwritten(held)

    def _full(self, done: Complete) -> None:
        self._sealer.take(done)
