"""A measurement that is killed leaves no copy of the data."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pilotbase.catalog.profile.source import opened

LEFT = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from pilotbase.catalog.profile.source import opened
with opened(sys.argv[2]):
    print("measuring", flush=True)
    sys.stdin.read()
"""


def test_a_process_that_is_killed_leaves_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, temporary = tmp_path / "visits.csv", tmp_path / "temporary"
    data.write_text("name,age\n" + "Ann of Elm Street,41\n" * 50, "utf-8")
    temporary.mkdir()
    words = [sys.executable, "-c", LEFT, str(temporary), str(data)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"measuring\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    left = [path for path in temporary.rglob("*") if path.is_file()]
    assert left and not any(b"Elm Street" in path.read_bytes() for path in left)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with opened(str(data)):
        assert len(list(temporary.iterdir())) == 1
    assert not list(temporary.iterdir())
