"""The same attacks where the base is no root: user namespaces, or none; Landlock of version 3."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import pilotbase
from pilotbase.trial.sandbox.boxed import open_to_all

SOURCE = Path(pilotbase.__file__).parents[1]
PYTHON = "/usr/bin/python3"
ATTACKS = """
import json, os, socket, sys, time

def tried(function):
    try:
        return repr(function())
    except Exception as error:
        return type(error).__name__

key, base = sys.argv[1], int(sys.argv[2])
print(json.dumps([
    tried(socket.socket), tried(lambda: open(key).read()), tried(lambda: os.chmod(key, 0)),
    tried(lambda: os.kill(base, 9)), tried(lambda: os.setuid(0)),
]), flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("alive", "w").write("x")
        time.sleep(600)
    os._exit(0)
while not os.path.exists("alive"):
    time.sleep(0.01)
if sys.argv[3] == "fork":
    while True:
        os.fork()
"""
BASE = """
import json, os, sys, tempfile
from dataclasses import replace
from pathlib import Path
from pilotbase.trial.sandbox.boxed import Box, Boxed, possible
from pilotbase.trial.sandbox.walls import Limits

program = sys.argv[1]
key = Path(tempfile.mkdtemp(), "signing.key")
key.write_text("secret")
found = possible()
said = []
for can in (found, replace(found, namespaces=""), replace(found, namespaces="", landlock=3)):
    for end in ("exit", "fork"):
        command = [sys.executable, "-c", program, str(key), str(os.getpid()), end]
        boxed = Boxed(command, {}, Box(Limits(64, 5, 8, 8), can))
        refused = json.loads(boxed.process.stdout.readline())
        boxed.process.wait(100)
        ending = boxed.ending()
        left = 0
        for entry in Path("/proc").iterdir():
            try:
                left += os.readlink(entry / "cwd").startswith(boxed.folder)
            except OSError:
                pass
        said.append([refused, ending, left, os.path.exists(boxed.folder), key.read_text()])
print(json.dumps(said))
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path(PYTHON).exists() or not open_to_all(str(SOURCE)),
    reason="only root can become an ordinary user, who has to be able to read this package",
)
def test_an_ordinary_user_can_hold_a_program() -> None:
    ended = subprocess.run(
        [PYTHON, "-P", "-c", BASE, ATTACKS],
        user=65534, group=65534, extra_groups=[], cwd="/",
        env={"PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    said = json.loads(ended.stdout)
    assert len(said) == 6
    for refused, ending, left, folder, key in said:
        network, file, rights, other, root = refused
        assert (network, file, rights) == ("PermissionError",) * 3
        assert other in ("PermissionError", "ProcessLookupError")
        assert root in ("PermissionError", "OSError")
        assert ending in ("exit code 0", "sandbox: more than 8 processes (processes)")
        assert (left, folder, key) == (0, False, "secret")
    assert [ending for _, ending, *_ in said][:2] == [
        "exit code 0",
        "sandbox: more than 8 processes (processes)",
    ]
