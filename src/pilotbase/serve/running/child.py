"""One gateway process: gate, meter, upstreams, doors and pages on one event loop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.doors.beside import Beside
from pilotbase.serve.gateway.server import Server
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.guards.watch import Watchers
from pilotbase.serve.metering.journal import STUCK_S
from pilotbase.serve.metering.opened import Metering
from pilotbase.serve.people.door import CallDoor
from pilotbase.serve.people.handoff import HandOff
from pilotbase.serve.ports import Door
from pilotbase.serve.receipts.door import ReceiptDoor
from pilotbase.serve.receipts.store import Receipts
from pilotbase.serve.routes.gate import RecordGate
from pilotbase.serve.routes.pages import Pages
from pilotbase.serve.routes.watch import LOST_SECONDS, Watch
from pilotbase.serve.routes.workers import Note
from pilotbase.serve.rules.budget import limits_of
from pilotbase.serve.running.doors import mounted
from pilotbase.serve.running.order import Order
from pilotbase.serve.telemetry.metrics import Parts
from pilotbase.serve.telemetry.opened import Telemetry
from pilotbase.serve.upstreams.replicas import Replicas
from pilotbase.serve.upstreams.timer import Ticks

PARENT_POLL_SECONDS = 1.0
LOOK_SECONDS = 5.0


def main() -> None:
    """``python -c … ORDER``: one line of JSON when it is ready, then calls until SIGTERM."""
    order = Order(**json.loads(sys.argv[1]))
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        import uvloop

        code = uvloop.run(_run(order))
    except ImportError:
        code = asyncio.run(_run(order))
    sys.exit(code)


async def _run(order: Order) -> int:
    try:
        with ExitStack() as stack:
            process = _Process(order, stack)
            await process.start()
            await process.ended.wait()
            await process.stop()
    except PilotbaseError as error:
        _tell({"ready": False, **error.as_dict()})
        return error.exit_code
    return 0


class _Process:
    """Everything of one gateway process, put together."""

    def __init__(self, order: Order, stack: ExitStack) -> None:
        self._order = order
        loop = asyncio.get_running_loop()
        context = Context(Path(order.home), vault_key=_path(order.vault_key))
        self.ended = asyncio.Event()
        record = stack.enter_context(open_record(context, create=False))
        self._metering = Metering(record, loop)
        stack.callback(self._metering.close)
        ticks = Ticks(loop)
        self._gate = RecordGate()
        self._watch = Watch(
            context, self._gate, sockets=order.sockets, development=order.development
        )
        stack.callback(self._watch.close)
        self._replicas = Replicas(ticks)
        watchers = Watchers()
        stack.callback(watchers.close)
        self._people = HandOff(record, loop, self._metering.gateway)
        stack.callback(self._people.close)
        receipts = Receipts(record)
        stack.callback(receipts.close)
        self._metrics = socket.socket(fileno=order.metrics) if order.metrics >= 0 else None
        self._telemetry = Telemetry(
            self._gate, self._metering.gateway, order.sockets,
            log=order.log, export=order.export, metrics=self._metrics,
        )  # fmt: skip
        stack.callback(self._telemetry.close)
        self._serving = Serving(
            self._gate,
            self._metering.meter,
            self._replicas,
            {},
            watching=watchers.watch,
            people=self._people,
            receipts=receipts,
            observer=self._telemetry.counts,
        )
        self._server = self._open_doors(record, receipts, ticks)
        self._gate.on_change(self._changed)
        self._looking: asyncio.TimerHandle | None = None

    def _open_doors(self, record: Record, receipts: Receipts, ticks: Ticks) -> Server:
        """All that can be reached: the protocols that are wanted, and the pages beside them."""
        order, gate = self._order, self._gate
        calls = CallDoor(self._people, gate, self._serving.resume, time.time)
        receipt = ReceiptDoor(receipts, record, gate, time.time)
        # Asked only when a call comes: the doors and the pages each have something of the other.
        beside = Beside(record, self._people, calls, lambda: pages.filings(),
                        lambda name: pages.said(name), order.address)  # fmt: skip
        doors = mounted(order.doors, self._serving, beside)
        pages = Pages(
            gate,
            lambda: gate.books,
            self._checks,
            workers=Note(order.sockets).states,
            upstreams=self._telemetry.upstreams,
            more=(*doors.paths, *self._telemetry.door.routes, *calls.routes, *receipt.routes),
        )
        return Server(self._serving, doors.door_of or _no_door, pages.app, ticks)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self.ended.set)
        loop.add_signal_handler(signal.SIGHUP, self._watch.look_now)
        await self._people.open()
        await self._watch.start()
        self._look()
        await self._telemetry.start(
            Parts(
                self._metering.gateway, self._telemetry.counts, self._serving, self._server,
                self._metering.journal, self._watch, time.time(),
            )
        )  # fmt: skip
        listening = socket.socket(fileno=self._order.socket)
        await self._server.listen(*(one for one in (listening, self._metrics) if one is not None))
        _tell({"ready": True, "pid": os.getpid(), "gateway": self._metering.gateway})

    async def stop(self) -> None:
        await self._server.stop(self._order.drain)
        if self._looking is not None:
            self._looking.cancel()

    def _look(self) -> None:
        """What is overdue, of this gateway and of those that are gone; the record need not grow."""
        self._people.look()
        self._looking = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _changed(self) -> None:
        """The record has grown: limits, live calls and upstreams follow."""
        books = self._gate.books
        assert books is not None  # it was just put there
        # From what the watching thread has read: the loop waits for no file and no database.
        said = books.limits.values()
        self._metering.meter.limit([limit for one in said for limit in limits_of(one)])
        self._serving.recheck()
        self._people.look()
        self._replicas.keep(self._gate.routes(time.time()))

    def _checks(self) -> Mapping[str, Any]:
        journal = self._metering.journal
        stuck = journal.lag_s > STUCK_S
        return {
            "taking calls": not self._server.draining,
            "record fresh": self._watch.age_s < LOST_SECONDS,
            "journal": "the disk does not answer" if stuck else journal.writable,
        }


def _no_door(method: bytes, path: bytes) -> Door | None:
    return None


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _tell(said: Mapping[str, Any]) -> None:
    """One line to whoever started it, who reads no further: what a plug-in prints goes beside."""
    os.write(1, json.dumps(said, ensure_ascii=False).encode() + b"\n")
    os.dup2(2, 1)


def _end_with_parent(parent: int) -> None:
    """Whoever kept it is gone: stop as when told to, so that the journal is completed."""
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
