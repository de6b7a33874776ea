"""A golden log: whoever changes the envelope, the tree or a note will see these bytes change.

Run this file as a script to write the golden files anew, after reading why they differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import Record, open_record
from pilotbase.record.proofs import prove
from pilotbase.record.rules import merkle
from pilotbase.record.rules.checkpoint import verify_checkpoint
from pilotbase.record.rules.commitment import commit
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.proof import check

FOLDER = Path(__file__).parents[1] / "golden" / "record"
Make = Callable[..., Draft]


def fill(record: Record, make: Make, make_other: Make) -> dict[str, Any]:
    record.append_many([make(n) if n % 4 else make_other(n, about="pilot:乙") for n in range(9)])
    bodies = {"evidence": b'{"correct":[1,0,1]}', "note": "证据".encode()}
    entry = record.append(make(9, **bodies))
    openings = {name: record.opening(entry, name) for name in bodies}
    checkpoint, size = record.checkpoint(), record.size
    record.append(make(10))
    return {
        "about": "Entries as their exact bytes, roots by size from 0, proofs, openings.",
        "entries": [e.data.decode() for e in record.entries()],
        "roots": [record.root(n).hex() for n in range(record.size + 1)],
        "inclusion_of_5_in_11": [node.hex() for node in record.inclusion(5, 11)],
        "consistency_of_6_and_11": [node.hex() for node in record.consistency(6, 11)],
        "openings": {
            name: {"index": 9, "salt": kept.salt.hex(), "body_utf8": kept.body.decode()}
            for name, kept in openings.items()
        },
        "checkpoint": checkpoint,
        "checkpoint_size": size,
        "vkey": record.vkey,
    }


def written(record: Record, make: Make, make_other: Make) -> dict[str, str]:
    log = fill(record, make, make_other)
    files = {"log.json": log, "proof.json": prove(record, 5)}
    return {
        name: json.dumps(value, ensure_ascii=False, indent=2) + "\n"
        for name, value in files.items()
    }


def test_the_bytes_are_those_of_the_golden_files(
    record: Record, make: Make, make_other: Make
) -> None:
    for name, text in written(record, make, make_other).items():
        assert text == (FOLDER / name).read_text("utf-8"), f"{name} differs"
    assert verify(record).ok


def test_the_golden_log_holds_by_itself() -> None:
    log = json.loads((FOLDER / "log.json").read_text("utf-8"))
    leaves = [merkle.leaf_hash(entry.encode()) for entry in log["entries"]]
    assert [merkle.root(leaves[:n]).hex() for n in range(len(leaves) + 1)] == log["roots"]
    key = VerifierKey.parse(log["vkey"])
    signed = verify_checkpoint(log["checkpoint"], key)
    assert signed.size == log["checkpoint_size"] and signed.root.hex() == log["roots"][signed.size]
    for name, said in log["openings"].items():
        vault = json.loads(log["entries"][said["index"]])["vault"][name]
        body = said["body_utf8"].encode()
        assert commit(bytes.fromhex(said["salt"]), body) == vault["commitment"]
        assert vault["size"] == len(body)
    assert check(json.loads((FOLDER / "proof.json").read_text("utf-8")), key).ok


if __name__ == "__main__":
    import sys
    import tempfile

    sys.path.insert(0, str(Path(__file__).parent))
    import conftest

    with tempfile.TemporaryDirectory() as folder:
        context: Context = conftest.fixed_context(Path(folder))
        with open_record(context) as opened:
            for name, text in written(opened, conftest.counted, conftest.other).items():
                (FOLDER / name).write_text(text, "utf-8")
