"""The parent has one gateway process in each place, whatever becomes of those it starts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.serve.running import parent

READY = "echo '{\"ready\": true}'; exec sleep 60"
REFUSES = "sleep 0.1; echo '{\"ready\": false}'; exec sleep 60"
PRINTS = "echo hello; exec sleep 60"
HANGS = "exec sleep 60"


class _Forks:
    """Processes in the place of gateways; ``next_`` says what they do, "" that there is none."""

    def __init__(self) -> None:
        self.next_: list[str] = []
        self.made: list[asyncio.subprocess.Process] = []
        self._fork = asyncio.create_subprocess_exec

    async def __call__(self, *command: str, **how: Any) -> asyncio.subprocess.Process:
        script = self.next_.pop(0) if self.next_ else READY
        if not script:
            raise OSError(12, "Cannot allocate memory")
        self.made.append(await self._fork("sh", "-c", script, **how))
        return self.made[-1]

    @property
    def alive(self) -> list[int]:
        return [place for place, one in enumerate(self.made) if one.returncode is None]

    async def until(self, alive: int) -> None:
        """Wait until only this one is there."""
        async with asyncio.timeout(20):
            while self.alive != [alive] or self.next_:
                await asyncio.sleep(0.01)


def test_what_cannot_be_started_is_tried_again_and_never_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forks = _Forks()

    async def scene() -> None:
        forks.next_ = ["", PRINTS, REFUSES]
        forks.made[0].kill()
        await forks.until(3)
        forks.next_ = [""]
        renew()
        await forks.until(3)  # the old one goes on
        forks.made[3].kill()
        await forks.until(4)  # and is kept
        forks.next_ = [REFUSES, READY]
        renew()
        renew()
        await forks.until(6)
        forks.made[6].kill()
        await forks.until(7)
        monkeypatch.setattr(parent, "READY_SECONDS", 0.1)
        forks.next_ = [HANGS]
        renew()
        async with asyncio.timeout(20):
            while len(forks.made) < 9 or forks.alive != [7]:
                await asyncio.sleep(0.01)

    assert _run(tmp_path, monkeypatch, forks, scene) == 0
    assert forks.alive == [] and len(forks.made) == 9
    assert "no answer in time" in capsys.readouterr().err


def renew() -> None:
    os.kill(os.getpid(), signal.SIGHUP)


def _run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, forks: _Forks, scene: Callable[[], Any]
) -> int:
    monkeypatch.setattr(asyncio, "create_subprocess_exec", forks)
    monkeypatch.setattr(parent, "BACK_OFF_SECONDS", (0.01, 0.01))
    context = Context(folder / "home")
    with open_record(context):
        pass
    scenes = list[asyncio.Task[None]]()

    async def whole() -> None:
        try:
            await scene()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    code = parent.run(
        context, parent.Running(), lambda said: scenes.append(asyncio.ensure_future(whole()))
    )
    scenes[0].result()
    return code
