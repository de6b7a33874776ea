"""A description as a file, with a loader's rows beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pilotbase.catalog.croissant.adding import document_bytes
from pilotbase.catalog.croissant.described import Described
from pilotbase.catalog.croissant.write import content_name, croissant
from pilotbase.catalog.table import Table
from pilotbase.kernel.canonical import digest_bytes
from pilotbase.kernel.home import storage_errors, write_whole


def write_files(
    said: Described, table: Table | None, out: Path | None
) -> tuple[Mapping[str, Any], Path | None]:
    """Write the document, and the rows that it describes where no file holds them yet; the
    document, and where such rows were written."""
    said, raw = with_rows(said, table)
    rows = None
    if raw and out is not None:
        rows = out.with_name(said.files[0].url)
        with storage_errors(rows):
            write_whole(rows, raw)
    document = croissant(said)
    if out is not None:
        with storage_errors(out):
            write_whole(out, document_bytes(document))
    return document, rows


def with_rows(said: Described, table: Table | None) -> tuple[Described, bytes]:
    """A description that names its rows by their hash, and these rows as a CSV file's bytes; as it
    is, and nothing, where they lie in a file already."""
    if table is None:
        return said, b""
    raw = table.frame.to_csv(index=False, lineterminator="\n").encode()
    sha256 = digest_bytes(raw).removeprefix("sha256:")
    file = replace(said.files[0], sha256=sha256, size=len(raw))
    return replace(said, files=(file,), url=said.url or content_name(sha256)), raw
