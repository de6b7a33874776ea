"""The run's journal: finished answers, kept the moment they are finished.

One SQLite file a run, ``trials/<run>.db`` in the home. A run that was killed reads its finished
answers back, byte for byte, and asks only for the others. Parts are what a worker finished (folds,
windows); answers are what was said case by case; exchanges are what went over a network. What was
said is kept once, under its own hash.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotbase.kernel.errors import HomeError, RunError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.trial.cases import Predictions
from pilotbase.trial.endpoints.port import Response

FORMAT = 2
_ARRAYS = ("status", "score", "value", "lower", "upper", "latency_ms", "cost", "label")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS plan (hash TEXT NOT NULL, seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS finished (
    question TEXT NOT NULL, candidate TEXT NOT NULL, part TEXT NOT NULL, answers BLOB NOT NULL,
    PRIMARY KEY (question, candidate, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS said (
    question TEXT NOT NULL, candidate TEXT NOT NULL, row INTEGER NOT NULL,
    version INTEGER NOT NULL, repeat INTEGER NOT NULL,
    reply TEXT, reason TEXT NOT NULL, taken_ms REAL, cost REAL, requests TEXT NOT NULL,
    PRIMARY KEY (question, candidate, row, version, repeat)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS exchange (
    request TEXT PRIMARY KEY, response TEXT, reason TEXT NOT NULL, kind TEXT NOT NULL,
    taken_ms REAL NOT NULL, tries INTEGER NOT NULL, headers TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS body (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL);
"""


@dataclass
class Finished:
    """What is kept of one part (a fold, a window, a unit): one block a version, and notes."""

    blocks: Sequence[Predictions]
    drops: Mapping[str, float] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer belongs: a row of the question, under a perturbation, asked again or not."""

    row: int
    version: int = 0
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer to one case as it is kept.

    Attributes:
        fields: the answer in the words of `candidates.messages`; None where there is none.
        reason: why there is none, which is the candidate's fault.
        taken_ms: time to the answer.
        cost: what it cost in minor units of money; None where it is not told by the answer.
        requests: digests of the exchanges that it took.
    """

    fields: Mapping[str, Any] | None
    reason: str = ""
    taken_ms: float = math.nan
    cost: float | None = None
    requests: tuple[str, ...] = ()


class Journal:
    """Finished answers of one run of one plan. Safe to use from several threads.

    Args:
        path: the file; made with its folder where missing.
        plan_hash: the plan's digest. A journal of another plan is refused.

    Raises:
        HomeError: not writable, disk full, or written by a newer version.
        RunError: the journal belongs to another plan.
    """

    def __init__(self, path: Path, plan_hash: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._storage():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            # What a power cut may take is asked again; a killed process loses nothing.
            self._db.execute("PRAGMA synchronous=NORMAL")
        try:
            with self._storage():
                self._check(plan_hash)
        except BaseException:
            self._db.close()
            raise

    def _check(self, plan_hash: str) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > FORMAT:
            raise _newer(self.path, version)
        self._db.executescript(f"PRAGMA user_version={FORMAT};{_SCHEMA}")
        with self._transaction():
            row = self._db.execute("SELECT hash FROM plan").fetchone()
            if row is None:
                self._db.execute("INSERT INTO plan VALUES (?, 0)", (plan_hash,))
        if row is not None and row[0] != plan_hash:
            raise _other_plan(self.path, row[0])

    def put(self, question: str, candidate: str, part: str, finished: Finished) -> None:
        """Keep a finished part, in one transaction. A part that is there already stays as it is."""
        body = packed(finished)
        with self._storage(), self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO finished VALUES (?, ?, ?, ?)",
                (question, candidate, part, body),
            )

    def all(self, question: str, candidate: str) -> dict[str, Finished]:
        """Everything finished of a candidate, by part."""
        with self._storage(), self._lock:
            rows = self._db.execute(
                "SELECT part, answers FROM finished WHERE question = ? AND candidate = ?",
                (question, candidate),
            ).fetchall()
        return {part: unpacked(body) for part, body in rows}

    def keep(self, question: str, candidate: str, place: Place, kept: Kept) -> None:
        """Keep an answer to one case. One that is there already stays as it is."""
        body = None if kept.fields is None else _json(kept.fields)
        with self._storage(), self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO said VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    question, candidate, place.row, place.version, place.repeat,
                    None if body is None else self._put_body(body), kept.reason,
                    kept.taken_ms, kept.cost, " ".join(kept.requests),
                ),
            )  # fmt: skip

    def said(self, question: str, candidate: str, place: Place) -> Kept | None:
        """The answer to one case, if it is there."""
        with self._storage(), self._lock:
            found = self._db.execute(
                "SELECT reason, taken_ms, cost, requests, bytes FROM said "
                "LEFT JOIN body ON digest = reply WHERE question = ? AND candidate = ? "
                "AND row = ? AND version = ? AND repeat = ?",
                (question, candidate, place.row, place.version, place.repeat),
            ).fetchone()
        if found is None:
            return None
        reason, taken_ms, cost, requests, body = found
        fields = None if body is None else json.loads(body)
        taken = math.nan if taken_ms is None else taken_ms
        return Kept(fields, reason, taken, cost, tuple(requests.split()))

    def answers(self, question: str, candidate: str) -> Iterator[tuple[Place, str | None, Kept]]:
        """Everything said of a candidate by row, version and repeat: place, hash and answer."""
        last = (-1, -1, -1)
        while True:  # page by page: others may write in between, and all of it may not fit
            with self._storage(), self._lock:
                rows = self._db.execute(
                    "SELECT row, version, repeat, reply, reason, taken_ms, cost, requests, bytes "
                    "FROM said LEFT JOIN body ON digest = reply WHERE question = ? AND "
                    "candidate = ? AND (row, version, repeat) > (?, ?, ?) "
                    "ORDER BY row, version, repeat LIMIT 500",
                    (question, candidate, *last),
                ).fetchall()
            for row, version, repeat, reply, reason, taken, cost, requests, body in rows:
                fields = None if body is None else json.loads(body)
                taken = math.nan if taken is None else taken
                kept = Kept(fields, reason, taken, cost, tuple(requests.split()))
                yield Place(row, version, repeat), reply, kept
            if not rows:
                return
            last = rows[-1][:3]

    def judges(self, candidates: Collection[str]) -> list[str]:
        """The names under which judges' marks are kept: all that are no candidate's, sorted."""
        with self._storage(), self._lock:
            rows = self._db.execute("SELECT DISTINCT candidate FROM said").fetchall()
        return sorted(name for (name,) in rows if name not in candidates)

    def count(self, question: str, candidate: str) -> int:
        """How many answers of a candidate are there."""
        with self._storage(), self._lock:
            (count,) = self._db.execute(
                "SELECT count(*) FROM said WHERE question = ? AND candidate = ?",
                (question, candidate),
            ).fetchone()
        return int(count)

    @property
    def spent(self) -> float:
        """What all answers cost that told their cost, in minor units of money."""
        with self._storage(), self._lock:
            return float(self._db.execute("SELECT total(cost) FROM said").fetchone()[0])

    def endings(self, question: str, candidate: str, beginning: str) -> int:
        """How many answers of a candidate failed for a reason that begins so."""
        with self._storage(), self._lock:
            (count,) = self._db.execute(
                "SELECT count(*) FROM said WHERE question = ? AND candidate = ? "
                "AND substr(reason, 1, ?) = ?",
                (question, candidate, len(beginning), beginning),
            ).fetchone()
        return int(count)

    def keep_exchange(self, request: str, response: Response | None, reason: str = "") -> None:
        """Keep what came back for a request, or why nothing did."""
        said = response or Response(b"", "", 0.0, 1)
        with self._storage(), self._transaction():
            digest = None if response is None else self._put_body(said.body)
            self._db.execute(
                "INSERT OR IGNORE INTO exchange VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    request, digest, reason, said.kind, said.taken_ms, said.tries,
                    json.dumps(dict(said.headers)),
                ),
            )  # fmt: skip

    def exchange(self, request: str) -> tuple[Response | None, str] | None:
        """What came back for a request, and why nothing did; None where it was never sent."""
        with self._storage(), self._lock:
            found = self._db.execute(
                "SELECT reason, kind, taken_ms, tries, headers, bytes FROM exchange "
                "LEFT JOIN body ON digest = response WHERE request = ?",
                (request,),
            ).fetchone()
        if found is None:
            return None
        reason, kind, taken_ms, tries, headers, body = found
        if body is None:
            return None, reason
        return Response(body, kind, taken_ms, tries, json.loads(headers)), ""

    def _put_body(self, body: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self._db.execute("INSERT OR IGNORE INTO body VALUES (?, ?)", (digest, body))
        return digest

    @property
    def seconds(self) -> float:
        """How long the run has been at work so far, over all its starts."""
        with self._storage(), self._lock:
            return float(self._db.execute("SELECT seconds FROM plan").fetchone()[0])

    def spend(self, seconds: float) -> None:
        """Add to `seconds`."""
        with self._storage(), self._transaction():
            self._db.execute("UPDATE plan SET seconds = seconds + ?", (seconds,))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:  # a full disk has ended it already
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            with storage_errors(self.path):
                yield
        except sqlite3.Error as error:
            raise _storage_error(self.path, error) from error


def _json(fields: Mapping[str, Any]) -> bytes:
    # In ASCII: a program may say half a surrogate pair, which UTF-8 cannot hold.
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def packed(finished: Finished) -> bytes:
    """The same bytes for the same answers: a JSON line that lists the arrays, then their bytes."""
    arrays: dict[str, NDArray[Any]] = {}
    for at, block in enumerate(finished.blocks):
        for name in (*_ARRAYS, "probability"):
            values = getattr(block, name)
            if values is not None:
                arrays[f"{at}/{name}"] = values.astype(str) if values.dtype == object else values
    head = {
        "drops": dict(finished.drops),
        "warnings": list(finished.warnings),
        "problems": [block.problems for block in finished.blocks],
        "arrays": [[name, a.dtype.newbyteorder("<").str, a.shape] for name, a in arrays.items()],
    }
    line = json.dumps(head, ensure_ascii=False).encode()
    bodies = (a.astype(a.dtype.newbyteorder("<")).tobytes() for a in arrays.values())
    return b"\n".join([line, b"".join(bodies)])


def unpacked(body: bytes) -> Finished:
    """Inverse of `packed`."""
    line, _, rest = body.partition(b"\n")
    head = json.loads(line)
    arrays, start = {}, 0
    for name, kind, shape in head["arrays"]:
        dtype, count = np.dtype(kind), int(np.prod(shape))
        # A copy, because answers are written into and bytes are not.
        values = np.frombuffer(rest, dtype, count, start).reshape(shape).copy()
        arrays[name] = values.astype(dtype.newbyteorder("="))
        start += count * dtype.itemsize
    blocks = [_block(arrays, at, problems) for at, problems in enumerate(head["problems"])]
    return Finished(blocks, head["drops"], head["warnings"])


def _block(arrays: Mapping[str, Any], at: int, problems: Sequence[Any]) -> Predictions:
    values = {name: arrays[f"{at}/{name}"] for name in _ARRAYS}
    if values["label"].dtype.kind == "U":
        values["label"] = values["label"].astype(object)
    return Predictions(
        **values,
        probability=arrays.get(f"{at}/probability"),
        problems=[(int(row), str(reason)) for row, reason in problems],
    )


def _storage_error(path: Path, error: sqlite3.Error) -> HomeError:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return HomeError(
            "home.disk_full",
            Text("the disk is full", "磁盘已满"),
            where=str(path),
            next_step=Text(
                "Free some space and run the same command again; it goes on where it stopped.",
                "请释放空间后重新运行同一命令, 将从中断处继续。",
            ),
        )
    return HomeError(
        "home.journal",
        Text(f"the run's journal cannot be used: {error}", f"无法使用试验日志: {error}"),
        where=str(path),
        next_step=Text(
            "Check the file and the disk; a deleted journal only means that units run again.",
            "请检查该文件与磁盘; 删除日志只会使各单元重新试验。",
        ),
    )


def _newer(path: Path, version: int) -> HomeError:
    return HomeError(
        "home.newer",
        Text(
            f"the journal has format {version}; this version knows formats up to {FORMAT}",
            f"试验日志的格式为 {version}, 本版本只认识到 {FORMAT}",
        ),
        where=str(path),
        next_step=Text(
            "Upgrade Pilotbase. Nothing was changed.", "请升级 Pilotbase。未作任何改动。"
        ),
    )


def _other_plan(path: Path, found: str) -> RunError:
    return RunError(
        "journal.other_plan",
        Text(f"the journal belongs to the plan {found}", f"该日志属于另一计划 {found}"),
        where=str(path),
        next_step=Text(
            "Use another home, or run the plan that it belongs to.",
            "请另选主目录, 或运行其所属的计划。",
        ),
    )
