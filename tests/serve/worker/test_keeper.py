"""The keeper of workers: a worker that ends again and again is started ever later, and told of."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from pilotbase.kernel.verb import Context
from pilotbase.serve.routes.workers import Note
from pilotbase.serve.worker.keeper import Keeper, Wanted


def test_a_worker_that_ends_again_and_again_is_started_later_each_time(tmp_path: Path) -> None:
    """Killed before it has read anything, so that it costs little."""
    folder = tmp_path / "sockets"
    folder.mkdir(mode=0o700)
    note, path = Note(str(folder)), str(folder / "one.sock")

    async def scene() -> None:
        keeper = Keeper(Context(tmp_path / "home"), folder)
        keeper.want({path: Wanted("loans-1", "v1", True, "")})
        place = keeper._places[path]
        gaps = list[float]()
        try:
            for _ in range(3):
                while place.process is None:
                    await asyncio.sleep(0.01)
                os.kill(place.process.pid, signal.SIGKILL)
                while place.process is not None:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0)
                gaps.append(note.said()["loans-1"].get("again", 0.0) - time.time())
                assert note.states() == {"loans-1": "down"}
            assert gaps[0] < 0 and gaps[1] < 0 and 1.5 < gaps[2] <= 2.0
            assert place.reason == "its process ended (-9)"
        finally:
            keeper.close()

    asyncio.run(scene())
