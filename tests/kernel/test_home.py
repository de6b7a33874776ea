"""The home folder: where it is, who may use it, and whole files or none."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.home import (
    MARKER,
    default_home,
    only_one,
    open_home,
    storage_errors,
    write_whole,
)


def test_the_home_follows_the_conventions() -> None:
    assert default_home({"PILOTBASE_HOME": "/somewhere"}) == Path("/somewhere")
    assert default_home({"XDG_DATA_HOME": "/data"}) == Path("/data/pilotbase")
    ignored = default_home({"XDG_DATA_HOME": "relative"})
    assert ignored == Path.home() / ".local" / "share" / "pilotbase"


def test_a_home_is_made_once(tmp_path: Path) -> None:
    home = open_home(tmp_path / "a" / "home")
    before = (home / MARKER).read_bytes()
    assert open_home(home) == home
    assert (home / MARKER).read_bytes() == before


def test_a_newer_home_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text(json.dumps({"format": 99}))
    with pytest.raises(HomeError) as caught:
        open_home(tmp_path)
    assert caught.value.code == "home.newer"
    assert "Upgrade" in caught.value.render("en") and "升级" in caught.value.render("zh")
    assert os.listdir(tmp_path) == [MARKER]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "x"}'])
def test_an_unreadable_mark_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / MARKER).write_text(content)
    with pytest.raises(HomeError, match="unreadable"):
        open_home(tmp_path)


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(HomeError, match="not_writable"):
        open_home(tmp_path / "home")


def test_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HomeError) as caught, storage_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.code == "home.disk_full" and caught.value.exit_code == 3
    assert "释放空间" in caught.value.render("zh")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_real_full_device_is_named(tmp_path: Path) -> None:
    full = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
    with full, pytest.raises(HomeError, match="disk_full"), storage_errors(tmp_path):
        full.write(b"x")


def test_only_one_may_hold_a_lock_and_it_is_let_go(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    with only_one(lock), pytest.raises(HomeError, match="busy"), only_one(lock):
        pass
    with only_one(lock):
        assert lock.exists()


def test_a_lock_that_the_disk_refuses_is_not_taken_for_a_busy_one(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(HomeError) as caught, only_one(tmp_path / "run.lock"):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code in ("home.disk_full", "home.io_error")
    assert "释放空间" in caught.value.next_step.zh


def test_a_full_disk_is_not_taken_for_a_busy_lock(tmp_path: Path) -> None:
    """A disk of 64 KiB that is full, in a namespace of its own."""
    words = ["unshare", "-Urm", "sh", "-ec", _FULL, str(tmp_path), sys.executable, _LOCKING]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("nobody may mount a disk in a namespace of their own here")
    assert done.stdout.split() == ["home.disk_full"], done.stderr


_FULL = """
mount -t tmpfs -o size=64k tmpfs "$0"
dd if=/dev/zero of="$0/fill" bs=4k 2>/dev/null || true
exec "$1" -c "$2" "$0/run.lock"
"""
_LOCKING = """
import sys
from pathlib import Path
from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.home import only_one
try:
    with only_one(Path(sys.argv[1])):
        print("locked")
except HomeError as error:
    print(error.code)
"""


def test_what_is_no_lock_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run.lock").write_bytes(b"something else" * 100)
    with pytest.raises(HomeError, match="not_writable"), only_one(tmp_path / "run.lock"):
        pass


def test_a_failed_write_leaves_the_old_bytes(tmp_path: Path) -> None:
    file = tmp_path / "view.json"
    write_whole(file, b"old")
    with pytest.raises(TypeError):
        write_whole(file, "not bytes")  # type: ignore[arg-type]
    assert file.read_bytes() == b"old" and os.listdir(tmp_path) == ["view.json"]
