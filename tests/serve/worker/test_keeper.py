"""The keeper of workers: a worker that ends again and again is started ever later, and told of."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.serve.routes.workers import Note
from pilotbase.serve.worker import keeper as keeping
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
            assert place.reason == Text("its process ended (-9)", "进程已结束 (-9)")
        finally:
            keeper.close()

    asyncio.run(scene())


def test_a_worker_that_fails_is_told_of_and_the_others_are_seen_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No process can be had for one; another's first line is not its own; a third is well."""
    monkeypatch.setattr(keeping, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(subprocess, "Popen", _Started)
    folder = tmp_path / "sockets"
    folder.mkdir(mode=0o700)

    async def scene() -> None:
        keeper = Keeper(Context(tmp_path / "home"), folder)
        names = ("forkless", "chatty", "well")
        keeper.want({str(folder / name): Wanted(name, "v1", True, "") for name in names})
        try:
            async with asyncio.timeout(20):
                while keeper.states()["well"]["state"] != "ready" or "chatty" not in caplog.text:
                    await asyncio.sleep(0.01)
            said = keeper.states()
            assert said["forkless"]["state"] == said["chatty"]["state"] == "down"
            assert "Cannot allocate memory" in said["forkless"]["reason"]
            assert "Expecting value" in said["chatty"]["reason"]
            assert said["chatty"]["reason_zh"].startswith("无法启动: ")
        finally:
            keeper.close()

    asyncio.run(scene())
    assert "the worker of chatty failed" in caplog.text


class _Started(subprocess.Popen[bytes]):
    """In a worker's place: no process at all, or one that says a line. For tests."""

    def __init__(self, command: list[str], **how: Any) -> None:
        name = json.loads(command[-1])["name"]
        if name == "forkless":
            raise OSError(12, "Cannot allocate memory")
        said = "Iter  Train Loss" if name == "chatty" else '{"reason": ""}'
        super().__init__(["sh", "-c", f"echo '{said}'; exec sleep 60"], **how)


def test_what_an_estimator_prints_is_no_word_of_its_worker(tmp_path: Path) -> None:
    """As one with ``verbose: 1`` does in its fit, before the worker has said anything."""
    code = "import os; from pilotbase.serve.worker import process; "
    code += "process._model = lambda order: (print('Iter 1', flush=True), exit(3)); process.main()"
    order = dict.fromkeys(("home", "vault_key", "name", "version", "folder"), "")
    line = json.dumps({**order, "filed": True, "socket": 0, "memory_mb": 2048})
    done = subprocess.run([sys.executable, "-P", "-c", code, line], capture_output=True)
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"Iter 1\n", 3)
