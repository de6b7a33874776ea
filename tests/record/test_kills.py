"""Publishing, rotating a key and cosigning, killed (SIGKILL) at random moments, again and again.

``PILOTBASE_TEST_KILLS`` says how many kills each takes; a few by default.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.verb import Context, Silent
from pilotbase.record.audit import verify
from pilotbase.record.fetch import fetch
from pilotbase.record.opened import open_record
from pilotbase.record.publish import publish
from pilotbase.record.rules import note
from pilotbase.record.rules.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from pilotbase.record.rules.merkle import consistency_proof, leaf_hash, root
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.witnessing import Refused, Request
from pilotbase.record.static import Folder, StaticLog
from pilotbase.record.witness import Witness

KILLS = int(os.environ.get("PILOTBASE_TEST_KILLS", "3"))
HEAD = """
import sys
from dataclasses import dataclass
from pathlib import Path
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft, event
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.record.publish import publish
from pilotbase.record.witness import Witness

@event("kill.wrote/1")
@dataclass(frozen=True)
class Wrote:
    "It was written."
    n: int

context, by = Context(Path(sys.argv[1])), Actor("Li Hua", "case officer")
def say(said):
    print(said, flush=True)
"""
PUBLISH = """
with open_record(context) as record:
    for _ in range(10**6):
        first = record.size
        record.append_many([Draft(Wrote(n), by) for n in range(first, first + 97)])
        say(publish(record, Path(sys.argv[2])).size)
"""
ROTATE = """
with open_record(context) as record:
    for n in range(10**6):
        record.append(Draft(Wrote(record.size), by))
        record.rotate_key("once more", by)
        say(record.vkey)
        say(record.checkpoint().encode().hex())
"""
COSIGN = """
with Witness(context) as witness:
    for file in sorted(Path(sys.argv[2]).iterdir()):
        witness.add_checkpoint(file.read_text())
        say(int(file.name))
"""


def killed(program: str, home: Path, *words: Path, chance: random.Random) -> list[str]:
    """What a process acknowledged before it was killed, some time after its first word."""
    process = subprocess.Popen(
        [sys.executable, "-c", HEAD + program, str(home), *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(p for p in sys.path if p), "PATH": ""},
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(chance.uniform(0, 0.25))
    process.kill()
    rest, _ = process.communicate(timeout=60)
    lines = (first + rest).splitlines(keepends=True)
    return [line.strip() for line in lines if line.endswith("\n")]


def test_publishing(tmp_path: Path, new_home: Callable[[Path], Path]) -> None:
    """A reader of the folder never sees a checkpoint whose files are not there."""
    home, folder, chance = new_home(tmp_path / "home"), tmp_path / "log", random.Random(1)
    newest = 0
    for _ in range(KILLS):
        said = killed(PUBLISH, home, folder, chance=chance)
        with open_record(Context(home)) as record:
            found = fetch(StaticLog(Folder(folder)), record.verifier, Silent())
            assert found.ok, found.findings.listed
            newest = max(newest, *map(int, said))
            assert found.size >= newest, "what was said to be published is"
            newest = found.size
    with open_record(Context(home)) as record:
        assert publish(record, folder).size == record.size
        report = verify(record, published=folder)
        assert report.ok and report.tiles > 2
        # What a kill left under a temporary name is no file of the log, and is only noted.
        assert all(".part" in finding.where.en for finding in report.findings)


def test_rotating(tmp_path: Path, new_home: Callable[[Path], Path]) -> None:
    """One key is in force, whenever the kill came; every checkpoint stays good under the chain."""
    home, chance = new_home(tmp_path / "home"), random.Random(2)
    with open_record(Context(home)) as record:
        first, notes, known = record.vkey, [record.checkpoint()], [record.vkey]
    for _ in range(KILLS):
        said = killed(ROTATE, home, chance=chance)
        known += [line for line in said if "+" in line]
        notes += [bytes.fromhex(line).decode() for line in said if "+" not in line]
        with open_record(Context(home)) as record:
            notes.append(record.checkpoint())
            keys = [key.encode() for key in record.chain().known]
            assert record.vkey == keys[-1]
            assert [key for key in keys if key in known] == known, "in the order they were given"
            known = keys
            report = verify(record, VerifierKey.parse(first), held=notes[0])
            assert report.ok and report.findings == ()
            chain = record.chain()
            for text in notes:
                signed = verify_checkpoint(text, chain)
                assert record.root(signed.size) == signed.root
    with open_record(Context(home)) as record:
        record.rotate_key("the last time", Actor("Li Hua", "case officer"))
    secrets = {file.name for file in (home / "keys").iterdir() if ".vkey" not in file.name}
    kept = {name for name in secrets if not name.startswith(".next-")}
    assert kept == {"base.key"}, "no secret that was ever in force is left over"


def test_cosigning(tmp_path: Path) -> None:
    """What was cosigned is never forgotten, or a fork could be cosigned next."""
    home, folder, chance = tmp_path / "witness", tmp_path / "asked", random.Random(3)
    log = note.SigningKey("log.example", bytes([1]) * 32)
    leaves = [leaf_hash(bytes(n)) for n in range(700)]
    folder.mkdir()

    def request(old: int, size: int, hashes: list[bytes]) -> Request:
        made = sign_checkpoint(Checkpoint(log.name, size, root(hashes[:size])), log)
        return Request(old, tuple(consistency_proof(hashes[:size], old)), made)

    with Witness(Context(home)) as witness:
        witness.know(log.verifier.encode())
        vkey = witness.verifier.encode()
    size = 0
    for _ in range(KILLS):
        for file in folder.iterdir():
            file.unlink()
        for n in range(size, min(size + 150, len(leaves) - 1)):
            (folder / f"{n + 1:04d}").write_text(request(n, n + 1, leaves).encode())
        said = killed(COSIGN, home, folder, chance=chance)
        acknowledged = max(map(int, said))
        with Witness(Context(home)) as witness:
            assert witness.verifier.encode() == vkey
            for at in range(size, acknowledged):
                try:
                    witness.add_checkpoint(request(at, at + 1, leaves).encode())
                except Refused as refused:
                    assert refused.status == 409 and int(refused.body) >= acknowledged
                    size = int(refused.body)
                else:
                    raise AssertionError("it forgot what it had cosigned")
            fork = [*leaves[: size - 1], *(leaf_hash(b"fork") for _ in range(9))]
            try:
                witness.add_checkpoint(request(size, size + 3, fork).encode())
            except Refused as refused:
                assert refused.status == 422
            else:
                raise AssertionError("it cosigned a fork")
