"""A home that cannot be written to is still read and verified, by someone who may only read it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from tests.record.hands import change_entry

Make = Callable[..., Draft]
# Everything is imported, by doing it all once, before the process gives up its rights.
SCRIPT = """
import os, sys
from pathlib import Path
from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.record import verbs
from pilotbase.record.verbs.auditing import VerifyRequest
from pilotbase.record.verbs.reading import ShowRequest
from pilotbase.record.verbs.signing import CheckpointRequest

def all_of_it(home):
    context = Context(Path(home))
    try:
        print(verbs.verify(context, VerifyRequest()).ok, end=" ")
        print(len(verbs.show(context, ShowRequest()).entries), end=" ")
        with open_record(context) as record:
            record.checkpoint()
    except PilotbaseError as error:
        print(error.code)

rehearsal, home = sys.argv[1:]
all_of_it(rehearsal)
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
all_of_it(home)
"""


@pytest.fixture
def home(context: Context, make: Make, tmp_path: Path) -> Path:
    with open_record(context) as record:
        record.append_many([make(n, e=b"body") for n in range(5)])
        record.checkpoint()
    return context.home


def seen(home: Path, tmp_path: Path) -> str:
    with open_record(Context(tmp_path / "rehearsal")) as rehearsal:
        rehearsal.checkpoint()
    for folder in (home, *home.parents):
        if folder == Path("/tmp"):
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    for path in home.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    home.chmod(0o555)
    try:
        words = [sys.executable, "-c", SCRIPT, str(tmp_path / "rehearsal"), str(home)]
        found = {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        run = subprocess.run(words, capture_output=True, text=True, check=False, env=found)
        assert run.returncode == 0, run.stderr
        return run.stdout
    finally:
        for path in (home, *home.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)


@pytest.mark.skipif(sys.platform == "win32", reason="needs modes of files")
class TestReadOnly:
    def test_it_is_verified_and_shown_and_not_signed(self, home: Path, tmp_path: Path) -> None:
        assert seen(home, tmp_path).endswith("True 5 home.not_writable\n")

    def test_damage_shows(self, home: Path, tmp_path: Path) -> None:
        change_entry(home, 2)
        assert seen(home, tmp_path).endswith("False record.bad_entry\n")

    def test_writes_that_wait_in_the_log_of_writes(self, home: Path, tmp_path: Path) -> None:
        """A process that was killed has left them; without their index they cannot be read."""
        leave_waiting(home)
        assert seen(home, tmp_path).endswith("True 6 home.not_writable\n")
        leave_waiting(home)
        for index in home.glob("*-shm"):
            index.unlink()
        assert seen(home, tmp_path).endswith("True 0 home.writes_waiting\n")


def leave_waiting(home: Path) -> None:
    """Append an entry, and end as if killed: nothing is taken over from the log of writes."""
    code = (
        "import os, sys; from pathlib import Path; from pilotbase.kernel.verb import Context\n"
        "from pilotbase.record.opened import open_record\n"
        "from tests.record.conftest import counted\n"
        "record = open_record(Context(Path(sys.argv[1])))\n"
        "record.append(counted(99)); record.checkpoint(); os._exit(0)\n"
    )
    found = {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    subprocess.run([sys.executable, "-c", code, str(home)], check=True, env=found)
    assert (home / "record.db-wal").stat().st_size
