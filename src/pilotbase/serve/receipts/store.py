"""Receipts that callers asked for: signed in batches, in a thread, off the hot path.

Putting one down costs the loop the append to a list. A batch is signed when somebody asks for one
of its receipts, or after a second; one signature covers all of it. What was put down and not signed
when a gateway is killed is gone: then a receipt is made of what was metered (`of_metered`), which
never is.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pilotbase.kernel.canonical import encode
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.time import stamp
from pilotbase.record.opened import Record
from pilotbase.record.rules import merkle
from pilotbase.serve.call import Call, Charge, Outcome, Usage
from pilotbase.serve.receipts.making import of_call
from pilotbase.serve.rules.receipt import TYPE, file_of, root_body

DB = "receipts.db"
WAIT_S, BATCH_MAX = 1.0, 4_096
_TABLES = """
CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY, signed TEXT NOT NULL, leaves BLOB);
CREATE TABLE IF NOT EXISTS receipt (usage TEXT PRIMARY KEY, key TEXT NOT NULL, filing TEXT,
  batch INTEGER NOT NULL, place INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
"""


class Noted(NamedTuple):
    """A settled call whose receipt is to be signed."""

    call: Call
    usage: Usage
    charge: Charge
    outcome: Outcome
    answer: str


class Owned(NamedTuple):
    """A receipt file, and whose it is."""

    key: str
    file: dict[str, Any]


class Receipts:
    """`note` on the loop's thread; everything else may block and is called elsewhere."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._noted: list[Noted] = []
        self._signing = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)
        self._thread.start()

    def note(self, call: Call, usage: Usage, charge: Charge, outcome: Outcome, answer: str) -> None:
        """Put a settled call down; ``answer`` is the SHA-256 of what went out, or empty."""
        self._noted.append(Noted(call, usage, charge, outcome, answer))

    def sign(self) -> int:
        """Sign what was put down so far; how many. Raises RecordError, HomeError."""
        with self._signing:
            noted, self._noted = self._noted[:BATCH_MAX], self._noted[BATCH_MAX:]
            if noted:
                self._keep(noted)
            return len(noted)

    def find(self, usage: str) -> Owned | None:
        """The receipt of a call; None where none was asked for."""
        if self._noted:
            self.sign()
        with self._opened() as db:
            words = (
                "SELECT key, place, data, signed, leaves FROM receipt JOIN batch"
                " ON batch.id = receipt.batch WHERE usage = ?"
            )
            row = db.execute(words, (usage,)).fetchone()
        if row is None:
            return None
        key, place, data, signed, hashes = row
        leaves = [hashes[n : n + 32] for n in range(0, len(hashes), 32)]
        return Owned(key, file_of(data, place, leaves, json.loads(signed)))

    def one(self, receipt: Mapping[str, Any]) -> dict[str, Any]:
        """A receipt that is signed by itself."""
        data = encode(receipt)
        leaves = [merkle.leaf_hash(data)]
        return file_of(data, 0, leaves, self._seal(leaves))

    def close(self) -> None:
        """What was put down is signed first."""
        self._end.set()
        self._thread.join(10)
        self.sign()

    def _run(self) -> None:
        while not self._end.wait(WAIT_S):
            try:
                while self.sign() == BATCH_MAX:
                    pass
            except Exception:
                # Disk or record out of reach: these receipts come from what was metered.
                self._end.wait(WAIT_S)

    def _seal(self, leaves: list[bytes]) -> dict[str, Any]:
        at = stamp(self._record.context.clock())
        return self._record.seal(TYPE, root_body(merkle.root(leaves), len(leaves), at))

    def _keep(self, noted: list[Noted]) -> None:
        made = [encode(of_call(*one)) for one in noted]
        leaves = merkle.leaf_hashes(made)
        signed = json.dumps(self._seal(leaves))
        with self._opened() as db:
            words = "INSERT INTO batch (signed, leaves) VALUES (?, ?)"
            batch = db.execute(words, (signed, b"".join(leaves))).lastrowid
            rows = [
                (one.call.usage_id, one.call.grant.key, one.call.route.filing, batch, place, data)
                for place, (one, data) in enumerate(zip(noted, made, strict=True))
            ]
            db.executemany("INSERT OR IGNORE INTO receipt VALUES (?, ?, ?, ?, ?, ?)", rows)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        path = Path(self._record.home, DB)
        with storage_errors(path):
            db = sqlite3.connect(path, timeout=30)
            try:
                db.executescript(_TABLES)
                with db:
                    yield db
            finally:
                db.close()
