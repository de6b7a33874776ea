"""A data set as it is described: who made it, on which terms, its files and their columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.canonical import digest
from pilotbase.kernel.text import Text

VERSIONS = ("1.0", "1.1")
CONFORMS = "http://mlcommons.org/croissant/"
"""What `conformsTo` says, before the version."""


@dataclass(frozen=True)
class Column:
    """A column: its name, the name of its type (``Integer``, ``Text`` …, or an IRI), and what it
    holds, where that is said. ``file`` is the id of the file it comes from."""

    name: str
    type: str
    text: str = ""
    file: str = ""


@dataclass(frozen=True)
class DataFile:
    """A file: how it is called, its media type and its SHA-256 as 64 hexadecimal digits, if known.

    ``inside`` is the id of the archive it lies in, ``url`` where it is to be had.
    """

    id: str
    format: str
    url: str = ""
    sha256: str = ""
    size: int | None = None
    inside: str = ""


@dataclass(frozen=True)
class Described:
    """A description.

    Attributes:
        id: the catalog's short name; empty where the description has none.
        name, text: title and description, in both languages where both are given.
        licence: an SPDX identifier, a URL or words. creators: names of persons or bodies.
        published: day or moment, ISO 8601. conforms: 1.0 or 1.1.
    """

    name: Text
    text: Text
    licence: str
    url: str
    creators: tuple[str, ...]
    published: str
    files: tuple[DataFile, ...]
    columns: tuple[Column, ...]
    id: str = ""
    version: str = ""
    conforms: str = "1.1"

    @property
    def digest(self) -> str | None:
        """Hash of the content: of the one file, or of the names and hashes of all that do not lie
        in another; None where one of them has none."""
        outer = {file.id: file.sha256 for file in self.files if not file.inside}
        if not outer or not all(outer.values()):
            return None
        hashes = list(outer.values())
        return f"sha256:{hashes[0]}" if len(hashes) == 1 else digest(outer)

    def as_dict(self) -> dict[str, Any]:
        """What the record keeps of it beside the asset's card."""
        return {
            "conforms": self.conforms,
            "creators": list(self.creators),
            "published": self.published,
            "columns": [{"name": c.name, "type": c.type, "text": c.text} for c in self.columns],
            "files": [
                {"id": f.id, "format": f.format, "sha256": f.sha256, "size": f.size}
                for f in self.files
            ],
        }
