"""The columns that a description names: the fields of its record sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.catalog.croissant.context import CROISSANT, SCHEMA
from pilotbase.catalog.croissant.described import Column
from pilotbase.catalog.croissant.json_ld import references, short, texts
from pilotbase.catalog.croissant.reading import Reading, Said
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Path, shown

COLUMNS_MAX = 20_000
TYPES = frozenset(
    {"Integer", "Float", "Number", "Boolean", "Text", "Date", "DateTime", "Time", "URL"}
)


def columns_of(reading: Reading, said: Said, files: set[str]) -> list[Column]:
    found: list[tuple[Path, Mapping[str, Any]]] = []
    for path, node in reading.listed(said, "recordSet"):
        reading.id(node, path)
        fields = _fields(reading, node, path, depth=0)
        if not fields:
            reading.missing("field", path)
        found += fields
    if len(found) > COLUMNS_MAX:
        told = Text(f"more than {COLUMNS_MAX:,} fields", f"超过 {COLUMNS_MAX:,} 个字段")
        reading.fault("too_large", (), told)
        return []
    ids = [reading.id(node, path) for path, node in found]
    known = files | set(reading.ids)
    return [
        _column(reading, node, path, id_, known)
        for (path, node), id_ in zip(found, ids, strict=True)
    ]


def _fields(
    reading: Reading, node: Mapping[str, Any], start: Path, depth: int
) -> list[tuple[Path, Mapping[str, Any]]]:
    """The fields of a record set, with those that lie in them."""
    said = reading.names.keys(node)
    found: list[tuple[Path, Mapping[str, Any]]] = []
    for path, one in reading.listed(said, "field" if depth == 0 else "subField"):
        place = (*start, *path)
        found.append((place, one))
        found += _fields(reading, one, place, depth + 1)
    return found


def _column(
    reading: Reading, node: Mapping[str, Any], path: Path, id_: str, known: set[str]
) -> Column:
    said = reading.names.keys(node)
    own = next(iter(texts(said.get("name", ("", ""))[1]).values()), "")
    source, extract = _source(reading, said, path, known)
    kind = _data_type(reading, said, path)
    about = reading.both(said, "description", "")
    return Column(
        name=extract or own or id_.rpartition("/")[2], type=kind, text=about.en, file=source
    )


def _source(reading: Reading, said: Said, path: Path, known: set[str]) -> tuple[str, str]:
    """The file or field that a field comes from, and the column in it."""
    key, value = said.get("source", ("source", None))
    if not isinstance(value, Mapping):
        return "", ""
    own = reading.names.keys(value)
    named = [id_ for word in ("fileObject", "fileSet", "field", "recordSet", "@id")
             for id_ in references(own.get(word, ("", None))[1])]  # fmt: skip
    for id_ in named:
        if id_ not in known:
            reading.unknown("file", id_, (*path, key))
    extract = own.get("extract", ("", None))[1]
    column = ""
    if isinstance(extract, Mapping):
        column = reading.word(reading.names.keys(extract), "column")
    return (named[0] if named else ""), column


def _data_type(reading: Reading, said: Said, path: Path) -> str:
    key, value = said.get("dataType", ("dataType", None))
    nested = "subField" in said or "value" in said or "references" in said
    found = [reading.names.iri(iri) for iri in references(value)]
    if not found:
        if not nested and "source" not in said:
            reading.missing("dataType", path)
        return ""
    wrong = [iri for iri in found if not iri.startswith(("http://", "https://"))]
    if wrong:
        told = Text(f"{shown(wrong[0])} is no type", f"{shown(wrong[0])} 不是类型")
        reading.fault("data_type", (*path, key), told, Text("e.g. sc:Text", "如 sc:Text"))
    plain = [iri for iri in found if short(iri) in TYPES]
    first = plain[0] if plain else found[0]
    sized = first.startswith(CROISSANT) and first[-1].isdigit()
    return short(first) if plain or sized or not first.startswith(SCHEMA) else first
