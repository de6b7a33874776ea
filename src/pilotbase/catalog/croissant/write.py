"""A description as Croissant: a JSON-LD document in plain data. Pure.

Croissant Format Specification 1.0 (2024-03-01) and 1.1 (2026-01-29), MLCommons.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from pilotbase.catalog.croissant.context import context
from pilotbase.catalog.croissant.described import CONFORMS, Column, DataFile, Described
from pilotbase.kernel.text import Text

RECORDS = "records"
_PLAIN_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*[0-9][A-Za-z0-9.+-]*|Unlicense|MIT|ISC|Zlib")
SPDX_PAGE = "https://spdx.org/licenses/{}.html"
READ_BY_COLUMN = frozenset({"text/csv", "application/x-parquet"})


def croissant(said: Described) -> dict[str, Any]:
    """The document of a description, in the version that it names.

    Version 1.1 has titles and descriptions in both languages. Version 1.0 has room for one: English
    stands there, Chinese in ``alternateName`` and ``abstract``.
    """
    both = said.conforms == "1.1"
    made: dict[str, Any] = {
        "@context": context(said.conforms),
        "@type": "sc:Dataset",
        **_named("name", "alternateName", said.name, both),
        **_named("description", "abstract", said.text, both),
        "conformsTo": CONFORMS + said.conforms,
        "license": licence_of(said.licence),
        "url": said.url,
        "creator": [_creator(name) for name in said.creators],
        "datePublished": said.published,
        "version": said.version,
        "identifier": said.id,
        "distribution": [_file(file) for file in said.files],
    }
    if said.columns:
        made["recordSet"] = [_records(said)]
    return {key: value for key, value in made.items() if value not in ("", [])}


def content_name(sha256: str) -> str:
    """The name of content by its hash alone, for what is to be had nowhere: RFC 6920, ``ni:``.

    >>> content_name("7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069")
    'ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk'
    """
    text = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode()
    return "ni:///sha-256;" + text.rstrip("=")


def licence_of(licence: str) -> Any:
    """A licence as Croissant wants it: the page of an SPDX identifier, a URL, or a named work.

    >>> licence_of("CC-BY-4.0")
    'https://spdx.org/licenses/CC-BY-4.0.html'
    """
    if _SPDX.fullmatch(licence):
        return SPDX_PAGE.format(licence)
    if licence.startswith(("https://", "http://")):
        return licence
    return {"@type": "sc:CreativeWork", "name": licence} if licence else ""


def _named(word: str, second: str, text: Text, both: bool) -> dict[str, Any]:
    if both:
        return {word: {"en": text.en, "zh": text.zh}} if text.en or text.zh else {}
    chinese = {"@value": text.zh, "@language": "zh"}
    return {word: text.en, second: chinese if text.zh != text.en else ""}


def _creator(name: str) -> dict[str, str]:
    return {"@type": "sc:Organization", "name": name}


def _file(file: DataFile) -> dict[str, Any]:
    made = {
        "@type": "cr:FileObject",
        "@id": file.id,
        "name": file.id,
        "contentUrl": file.url or (content_name(file.sha256) if file.sha256 else ""),
        "contentSize": f"{file.size} B" if file.size is not None else "",
        "containedIn": {"@id": file.inside} if file.inside else "",
        "encodingFormat": file.format,
        "sha256": file.sha256,
    }
    return {key: value for key, value in made.items() if value != ""}


def _records(said: Described) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": RECORDS,
        "name": RECORDS,
        "field": [
            _field(said, column, id_)
            for column, id_ in zip(said.columns, _ids(said.columns), strict=True)
        ],
    }


def _field(said: Described, column: Column, id_: str) -> dict[str, Any]:
    file = column.file or said.files[0].id
    plain = column.type.partition("://")[1] == ""
    made = {
        "@type": "cr:Field",
        "@id": id_,
        "name": column.name,
        "description": column.text,
        "dataType": f"{'cr' if column.type[-1].isdigit() else 'sc'}:{column.type}"
        if plain
        else column.type,
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
    }
    return {key: value for key, value in made.items() if value != ""}


def _ids(columns: tuple[Column, ...]) -> list[str]:
    """Ids of fields: the column's name where it can be part of an IRI, else its number."""
    taken = {column.name for column in columns if _PLAIN_ID.fullmatch(column.name)}
    ids = []
    for number, column in enumerate(columns, start=1):
        name = column.name
        if name not in taken:
            name = f"column-{number}"
            while name in taken:
                name += "-"
            taken.add(name)
        ids.append(f"{RECORDS}/{name}")
    return ids
