"""Folders for a while: gone with the body, and after a process that was killed with the next."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pilotbase.kernel.scratch import PREFIX, scratch

WORKING = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from pilotbase.kernel.scratch import scratch
with scratch() as folder:
    (folder / "rows.csv").write_text("a row of somebody")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@contextmanager
def working(root: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process at work in a folder."""
    words = [sys.executable, "-c", WORKING, str(root)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_it_is_private_and_gone_afterwards(root: Path) -> None:
    with pytest.raises(ValueError, match="on the way"), scratch() as folder:
        assert folder.parent == root and folder.stat().st_mode & 0o777 == 0o700
        (folder / "rows.csv").write_text("a")
        with scratch() as inner:
            assert inner != folder and (folder / "rows.csv").exists()
        raise ValueError("on the way")
    assert not list(root.iterdir())


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_has_is_not(root: Path) -> None:
    with working(root) as (killed, left), working(root) as (_, lives):
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert (left / "rows.csv").exists()
        with scratch() as folder:
            assert not left.exists() and (lives / "rows.csv").exists()
            assert {*root.iterdir()} == {folder, lives}


def test_one_that_was_killed_before_it_had_the_lock_is_swept(root: Path) -> None:
    (root / f"{PREFIX}empty").mkdir()
    other, link = root / "other", root / f"{PREFIX}link"
    other.mkdir()
    (other / "file").touch()
    link.symlink_to(other)
    with scratch():
        assert not (root / f"{PREFIX}empty").exists() and (other / "file").exists()
