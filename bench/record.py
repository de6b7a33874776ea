"""How fast the record is: beside pymerkle on the same machine, and beside what SHA-256 allows.

Run by hand::

    python bench/record.py [--leaves 1000000] [--folder FOLDER] [--dsn DSN]

The folder decides the disk that is measured. pymerkle is installed by pip into an environment of
its own, in the folder's ``.pymerkle``, and measured there. Every line gives what was measured, what
is asked for, and whether it holds; figures of one run only are comparable with each other. ``cpu``
is the rate by processor time, which neighbours on a busy machine disturb less.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import anyio

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft, Fact, event
from pilotbase.kernel.verb import Context
from pilotbase.record import stores
from pilotbase.record.opened import Record, open_record
from pilotbase.record.ports import Row
from pilotbase.record.rehash import rehash
from pilotbase.record.rules import merkle
from pilotbase.record.tasks import TaskAppends

BY = Actor("bench", "evaluator")
ENTRY_SIZE, CALLERS, ROUNDS, PART = 300, 128, 5, 256
PYMERKLE = """
import json, os, sys, time
from pymerkle import SqliteTree

count, file = int(sys.argv[1]), sys.argv[2]
entries = [(b'{"n":%d' % n).ljust(300, b"x") for n in range(count)]
tree = SqliteTree(file)
began, cpu = time.perf_counter(), time.process_time()
tree.append_entries(entries)
took, used = time.perf_counter() - began, time.process_time() - cpu
root = tree.get_root()
times = []
for n in range(50):
    at = time.perf_counter()
    tree.prove_inclusion(1 + n * (count // 50))
    times.append(time.perf_counter() - at)
print(json.dumps({"wall": count / took, "cpu": count / used, "proof": sorted(times)[25] * 1e3}))
"""


@event("bench.happened/1")
@dataclass(frozen=True)
class Happened:
    """Something of an ordinary size happened."""

    n: int
    text: str = "about three hundred bytes"


@dataclass(frozen=True)
class Rate:
    """How many a second, by the clock and by processor time."""

    wall: float
    cpu: float


def rate(count: int, work: Callable[[], object]) -> Rate:
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return Rate(count / (time.perf_counter() - began), count / (time.process_time() - cpu))


def median_rate(count: int, work: Callable[[], object]) -> tuple[Rate, str]:
    """The median by the clock of `ROUNDS`, and what the slowest and the quickest were."""
    each = sorted((rate(count, work) for _ in range(ROUNDS)), key=lambda one: one.wall)
    return each[ROUNDS // 2], f"{each[0].wall:,.0f} to {each[-1].wall:,.0f} in {ROUNDS} rounds"


def told(what: str, measured: Rate, asked: float = 0.0, note: str = "") -> None:
    holds = "" if not asked else "holds" if measured.wall >= asked else f"asked {asked:,.0f}"
    print(f"{what:<46}{measured.wall:>11,.0f} /s {measured.cpu:>11,.0f} cpu  {holds:<16}{note}")


def told_below(what: str, value: float, unit: str, asked: float, note: str = "") -> None:
    holds = "holds" if value <= asked else f"asked {asked:g}"
    print(f"{what:<46}{value:>11,.3f} {unit:<17} {holds:<16}{note}")


def encoded(count: int) -> Iterator[Row]:
    """Entries as another log would hand them over: 300 bytes, a random key, one kind."""
    for n in range(count):
        key = hashlib.sha256(b"%d" % n).hexdigest()
        yield Row(n, (b'{"n":%d' % n).ljust(ENTRY_SIZE, b"x"), key, "bench.moved/1", n, "pilot:b")


def draft(n: int) -> Draft:
    return Draft(Happened(n), BY, "pilot:bench")


def sha256_limit() -> Rate:
    """Leaf and node of each entry, hashed in a bare loop: what no log in Python can exceed."""
    data, pair, sha256, count = b"x" * (ENTRY_SIZE + 1), b"y" * 65, hashlib.sha256, 200_000

    def work() -> None:
        for _ in range(count):
            sha256(data).digest()
            sha256(pair).digest()

    return rate(count, work)


def json_limit() -> Rate:
    """An envelope as JSON, its key and its leaf hashed: what no encoding in Python can exceed."""
    made = json.loads(Fact.of(draft(1)).envelope(1, "2026-11-22T08:00:00.000Z", {}))
    dumps, sha256, count = json.JSONEncoder(separators=(",", ":")).encode, hashlib.sha256, 50_000

    def work() -> None:
        for _ in range(count):
            data = dumps(made).encode()
            sha256(data).hexdigest()
            sha256(b"\x00" + data).digest()

    return rate(count, work)


def pymerkle(folder: Path, count: int) -> dict[str, float] | None:
    home = folder / ".pymerkle"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "pymerkle>=6"]
    if subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode:
        print("pymerkle could not be installed; its lines are left out")
        return None
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        words = [str(python), "-c", PYMERKLE, str(count), str(Path(scratch) / "tree.db")]
        said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(said)
    return measured


def by_threads(record: Record, each: int, numbers: Iterator[int]) -> None:
    def work(first: int) -> None:
        for n in range(first, first + each):
            record.append(draft(n))

    firsts = (10**7 * next(numbers) for _ in range(CALLERS))
    threads = [threading.Thread(target=work, args=(first,)) for first in firsts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def by_tasks(record: Record, each: int, numbers: Iterator[int]) -> None:
    async def work(appends: TaskAppends, first: int) -> None:
        for n in range(first, first + each):
            await appends.append(draft(n))

    async def main() -> None:
        appends = TaskAppends(record)
        async with anyio.create_task_group() as group:
            for _ in range(CALLERS):
                group.start_soon(work, appends, 10**7 * next(numbers))

    anyio.run(main, backend_options={"use_uvloop": True})  # as in the gateway


def bulk_rate(record: Record, count: int) -> Rate:
    """Of appending alone: the entries are made, a part at a time, while the clocks stand."""
    wall = cpu = 0.0

    def given() -> Iterator[Row]:
        nonlocal wall, cpu
        entries, some = encoded(count), list[Row]()
        while True:
            wall, cpu = wall - time.perf_counter(), cpu - time.process_time()
            some = list(islice(entries, PART))
            wall, cpu = wall + time.perf_counter(), cpu + time.process_time()
            if not some:
                return
            yield from some

    began, used = time.perf_counter(), time.process_time()
    record.append_encoded(given())
    took, worked = time.perf_counter() - began - wall, time.process_time() - used - cpu
    return Rate(count / took, count / worked)


def appends(record: Record, limit: Rate, peer: dict[str, float] | None, count: int) -> None:
    bulk = bulk_rate(record, count)
    # Whichever is less, as the peer on this machine may be slower than the figure.
    asked = min(100_000.0, 1.3 * peer["wall"]) if peer else 100_000.0
    ratio = f"{bulk.wall / limit.wall:.2f} of the limit"
    if peer:
        ratio += f", {bulk.wall / peer['wall']:.2f} (cpu {bulk.cpu / peer['cpu']:.2f}) of pymerkle"
    told(f"bulk append, encoded, {count:,}", bulk, asked, ratio)
    some = min(count, 50_000)

    def in_batches() -> None:
        for first in range(0, some, 1000):
            record.append_many([draft(n) for n in range(first, first + 1000)])

    json_rate, many = json_limit(), rate(some, in_batches)
    ratio = f"{many.cpu / json_rate.cpu:.2f} (cpu) of the JSON limit"
    told("append_many, 1,000 at a time, encoding too", many, 30_000, ratio)
    each, numbers = max(1, some // CALLERS // 2), itertools.count(CALLERS)
    median, span = median_rate(each * CALLERS, lambda: by_tasks(record, each, numbers))
    told(f"append, {CALLERS} tasks", median, 25_000, span)
    threads = rate(each * CALLERS, lambda: by_threads(record, each, numbers))
    told(f"append, {CALLERS} threads", threads)
    told("append, one caller", rate(200, lambda: [record.append(draft(-n)) for n in range(200)]))


def proofs(record: Record, peer: dict[str, float] | None) -> None:
    size, took = record.size, list[float]()
    root = record.root(size)
    for n in range(1000):
        began = time.perf_counter()
        record.inclusion(n * (size // 1000), size)
        took.append(time.perf_counter() - began)
    note = f"pymerkle {peer['proof']:.3f} ms" if peer else ""
    told_below("inclusion proof, median", sorted(took)[len(took) // 2] * 1e3, "ms", 1.0, note)
    index = size // 3
    leaf, proof = (
        merkle.leaf_hash(next(record.log.rows(index, None)).data),
        record.inclusion(index, size),
    )
    took = []
    for _ in range(1000):
        began = time.perf_counter()
        good = merkle.verify_inclusion(leaf, index, size, proof, root)
        took.append(time.perf_counter() - began)
        assert good
    told_below("verify a proof, median", sorted(took)[len(took) // 2] * 1e6, "µs", 30.0)


def measure(record: Record, limit: Rate, peer: dict[str, float] | None, count: int) -> None:
    appends(record, limit, peer, count)
    proofs(record, peer)
    size = record.size
    again = rate(size, lambda: rehash(record.log))
    told("re-audit of hashes", again, 200_000, f"{again.wall / limit.wall:.2f} of the limit")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--dsn", default="", help="also measure this PostgreSQL database")
    asked = parser.parse_args()
    load = ", ".join(f"{n:.1f}" for n in os.getloadavg())
    print(
        f"{asked.leaves:,} leaves of {ENTRY_SIZE} bytes; Python {sys.version.split()[0]}; "
        f"{os.cpu_count()} processors, load {load}"
    )
    limit = sha256_limit()
    told("SHA-256 limit: a leaf and a node each", limit)
    told("JSON limit: an envelope, its key and leaf", json_limit())
    peer = pymerkle(asked.folder, asked.leaves)
    if peer:
        told("pymerkle, bulk append", Rate(peer["wall"], peer["cpu"]))
    with tempfile.TemporaryDirectory(dir=asked.folder) as home:
        with open_record(Context(Path(home))) as record:
            measure(record, limit, peer, asked.leaves)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        told_below("resident memory, peak", peak, "MiB", 64.0)
    if asked.dsn:
        print("PostgreSQL")
        with tempfile.TemporaryDirectory(dir=asked.folder) as home:
            stores.choose(Path(home), stores.Postgres(asked.dsn, f"bench_{os.getpid()}"))
            with open_record(Context(Path(home))) as record:
                measure(record, limit, peer, asked.leaves)


if __name__ == "__main__":
    main()
