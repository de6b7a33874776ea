"""Segments of the log as Parquet files, for questions in SQL and for others' tools.

A segment holds the entries ``start <= index < stop``, at most `SIZE` of them, and begins at a
multiple of that. Its root is the Merkle root over its own entries; a full one is a node of the
log's tree. Roots are recorded, so that a segment that is passed on can be checked: the column
``entry`` holds the exact bytes that are hashed.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.canonical import encode
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import parse
from pilotbase.record.events import SEALED, SegmentsSealed
from pilotbase.record.opened import Record
from pilotbase.record.rules.merkle import CompactRange, leaf_hash

if TYPE_CHECKING:
    import duckdb

SIZE = 2**16
LIST = "segments.json"
COLUMNS = {
    "index": "BIGINT",
    "recorded_at": "TIMESTAMP",
    "kind": "VARCHAR",
    "count": "BIGINT",
    "about": "VARCHAR",
    "actor": "VARCHAR",
    "role": "VARCHAR",
    "bodies": "BIGINT",
    "body": "JSON",
    "key": "VARCHAR",
    "entry": "VARCHAR",
}
"""``recorded_at`` is UTC; ``bodies`` counts those in the vault; ``entry`` is the whole leaf."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of entries: which, the hex root over them, and the file's SHA-256."""

    file: str
    start: int
    stop: int
    root: str
    sha256: str


def export(record: Record, folder: Path, *, by: Actor) -> tuple[list[Segment], int]:
    """Write the log's segments into a folder and record their roots; the recording entry's index.

    Full segments that are there already are kept; the last one, which grows, is written anew.

    Raises:
        HomeError: disk full, not writable.
    """
    stop = _stop(record)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        kept = {segment.file: segment for segment in _listed(folder)}
        made = list(_write(record, folder, stop, kept))
        write_whole(folder / LIST, encode([asdict(segment) for segment in made]))
        for old in kept.keys() - {segment.file for segment in made}:
            (folder / old).unlink(missing_ok=True)
    sealed = tuple(
        {"start": s.start, "stop": s.stop, "root": s.root, "sha256": s.sha256} for s in made
    )
    entry = record.append(Draft(SegmentsSealed(sealed), by))
    return made, entry.index


def load(record: Record, folder: Path) -> list[Path]:
    """The files of an exported folder, each compared with what the record says of it.

    Raises:
        RecordError: ``segments.changed``: a file is missing, changed, or was never recorded.
    """
    sealed = {
        (said["start"], said["stop"], said["sha256"])
        for entry in record.entries(kind=SEALED)
        for said in entry.body["segments"]
    }
    files = []
    for segment in _listed(folder):
        path = folder / segment.file
        with storage_errors(path):
            there = path.is_file() and path.parent == folder
            digest = _sha256(path) if there else ""
        if (segment.start, segment.stop, digest) not in sealed:
            raise _changed(path)
        files.append(path)
    if not files:
        raise _changed(folder / LIST)
    return files


def temporary(record: Record, folder: Path) -> list[Path]:
    """The log as it is now, in files that nobody keeps; nothing is recorded."""
    return [folder / segment.file for segment in _write(record, folder, record.size, {})]


def _stop(record: Record) -> int:
    """What to export: all, except a last entry that only says what was exported before."""
    size = record.size
    last = record.entry(size - 1) if size else None
    return size - 1 if last is not None and last.kind == SEALED else size


def _write(record: Record, folder: Path, stop: int, kept: dict[str, Segment]) -> Iterator[Segment]:
    import duckdb

    label = Text("exporting segments", "导出分段")
    with duckdb.connect() as connection, record.context.progress.task(label, stop) as progress:
        for start in range(0, stop, SIZE):
            end = min(start + SIZE, stop)
            name = f"entries-{start:012}-{end:012}.parquet"
            there = kept.get(name)
            if there is not None and _is(folder / name, there.sha256):
                progress(end - start)
                yield there
                continue
            entries = record.entries(start, end)
            root = _write_one(connection, entries, folder / name, progress)
            yield Segment(name, start, end, root.hex(), _sha256(folder / name))


def _write_one(
    connection: duckdb.DuckDBPyConnection, entries: Iterator[Entry], path: Path, progress: Any
) -> bytes:
    """Write a segment whole or not at all; its root."""
    tree = CompactRange()
    types = ", ".join(f"\"{name}\": '{kind}'" for name, kind in COLUMNS.items())
    with tempfile.TemporaryDirectory(prefix=".segment-", dir=path.parent) as scratch:
        lines, part = Path(scratch, "lines"), Path(scratch, "part")
        with lines.open("wb") as file:
            while page := list(islice(entries, 1000)):
                for entry in page:
                    tree.append(leaf_hash(entry.data))
                    file.write(json.dumps(_row(entry), ensure_ascii=False).encode() + b"\n")
                progress(len(page))
        connection.execute(
            f"COPY (SELECT * FROM read_json('{_quoted(lines)}', format='newline_delimited', "
            f"columns={{{types}}}, maximum_object_size=134217728)) "
            f"TO '{_quoted(part)}' (FORMAT parquet, COMPRESSION zstd)"
        )
        os.replace(part, path)
    return tree.root()


def _row(entry: Entry) -> dict[str, Any]:
    said = entry.envelope
    return {
        "index": entry.index,
        "recorded_at": parse(said["at"]).replace(tzinfo=None).isoformat(sep=" "),
        "kind": said["kind"],
        "count": said["count"],
        "about": said["about"],
        "actor": said["by"].get("name"),
        "role": said["by"].get("role"),
        "bodies": len(said["vault"]),
        "body": said["body"],
        "key": said["key"],
        "entry": entry.data.decode(),
    }


def _listed(folder: Path) -> list[Segment]:
    path = folder / LIST
    try:
        with storage_errors(path):
            said = json.loads(path.read_bytes()) if path.exists() else []
        return [Segment(**item) for item in said]
    except (ValueError, TypeError) as error:
        raise _changed(path) from error


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and _sha256(path) == sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _changed(path: Path) -> RecordError:
    return RecordError(
        "segments.changed",
        Text("this is not what was exported and recorded", "与导出时记录的不一致"),
        where=str(path),
        next_step=Text(
            "Export again with `pilotbase record segments DIR`.",
            "请用 `pilotbase record segments 文件夹` 重新导出。",
        ),
    )
