"""Croissant 1.0 and 1.1 into descriptions: all faults of a document at once, each by its path.

What the specification requires and is not there is a fault where nothing can be made of the
description without it (name, version of the format, ids), else a remark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from pilotbase.catalog.croissant.described import CONFORMS, VERSIONS, Described
from pilotbase.catalog.croissant.json_ld import (
    Names,
    context_faults,
    own_context,
    references,
)
from pilotbase.catalog.croissant.json_text import read_json
from pilotbase.catalog.croissant.read_columns import columns_of
from pilotbase.catalog.croissant.read_files import files_of
from pilotbase.catalog.croissant.reading import Reading, Said
from pilotbase.kernel.errors import Fault, SheetError
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Path, path_text, shown

DATASETS_MAX = 1_000
FAULTS_MAX = 200
REQUIRED = ("description", "license", "url", "creator", "datePublished")
_SPDX = re.compile(r"https?://spdx\.org/licenses/([A-Za-z0-9.+-]+?)(?:\.html|\.json)?")


@dataclass(frozen=True)
class Croissant:
    """What a document says: its data sets, and remarks on what the specification misses there."""

    datasets: tuple[Described, ...]
    remarks: tuple[Fault, ...] = ()


def read_croissant(file: File) -> Croissant:
    """The data sets that a file describes: one, a list of them, or an ``@graph``.

    Raises:
        SheetError: with all faults at once.
    """
    document = read_json(file)
    faults, remarks = list(context_faults(document)), list[Fault]()
    made = list[Described | None]()
    if not faults:
        for path, node, context in _nodes(document, faults):
            reading = Reading(Names(context), path)
            made.append(_dataset(reading, node))
            faults += reading.faults
            remarks += reading.remarks
    if not made and not faults:
        said = Text("no data set is described here", "其中没有描述任何数据集")
        faults.append(
            Fault("croissant.no_dataset", said, expected=Text("a sc:Dataset", "sc:Dataset"))
        )
    if faults:
        raise SheetError(str(file), cut(faults))
    return Croissant(tuple(one for one in made if one is not None), tuple(remarks))


def cut(faults: list[Fault]) -> list[Fault]:
    """As many as a person reads, and that there are more."""
    if len(faults) <= FAULTS_MAX:
        return faults
    more = len(faults) - FAULTS_MAX
    said = Text(f"and {more:,} more faults", f"另有 {more:,} 处错误")
    return [*faults[:FAULTS_MAX], Fault("croissant.more_faults", said)]


def _nodes(document: Any, faults: list[Fault]) -> list[tuple[Path, dict[str, Any], dict[str, Any]]]:
    """The data sets of a document, each with its path and context."""
    context = own_context(document) if isinstance(document, dict) else {}
    graph = document.get("@graph") if isinstance(document, dict) else None
    start: Path = ("@graph",) if graph is not None else ()
    found = graph if graph is not None else document
    items = found if isinstance(found, list) else [found]
    listed = isinstance(found, list)
    nodes = []
    for number, item in enumerate(items):
        path: Path = (*start, number) if listed else start
        if not isinstance(item, dict):
            said = Text(f"{shown(item)} is no description", f"{shown(item)} 不是描述")
            faults.append(Fault("croissant.value", said, path_text(path)))
            continue
        terms = {**context, **own_context(item)}
        kinds = item.get("@type", item.get("type"))
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if listed and "Dataset" not in [Names(terms).word(str(kind)) for kind in kinds]:
            continue  # an @graph also holds persons, licences …
        nodes.append((path, item, terms))
    if len(nodes) > DATASETS_MAX:
        said = Text(f"more than {DATASETS_MAX:,} data sets", f"超过 {DATASETS_MAX:,} 个数据集")
        faults.append(Fault("croissant.too_large", said))
        return []
    return nodes


def _dataset(reading: Reading, node: Mapping[str, Any]) -> Described | None:
    """The description; None where a fault was found."""
    said = reading.names.keys(node)
    version = _version(reading, said)
    if "Dataset" not in reading.types(node):
        reading.fault("type", (), Text("this is no data set", "这不是数据集"),
                    Text("“@type”: “sc:Dataset”", "“@type”: “sc:Dataset”"))  # fmt: skip
    name = reading.both(said, "name", "alternateName")
    if not name.en:
        reading.missing("name", ())
    for word in REQUIRED:
        if word not in said:
            reading.remark(word)
    files = files_of(reading, said)
    columns = columns_of(reading, said, {file.id for file in files})
    if reading.faults:
        return None
    return Described(
        name=name,
        text=reading.both(said, "description", "abstract"),
        licence=_licence(reading, said),
        url=reading.word(said, "url"),
        creators=_creators(reading, said),
        published=reading.word(said, "datePublished"),
        files=tuple(files),
        columns=tuple(columns),
        id=reading.word(said, "identifier"),
        version=reading.word(said, "version"),
        conforms=version,
    )


def _version(reading: Reading, said: Said) -> str:
    key, value = said.get("conformsTo", ("conformsTo", None))
    named = [iri.replace("https://", "http://").rstrip("/") for iri in references(value)]
    for version in reversed(VERSIONS):
        if CONFORMS + version in named:
            return version
    known = " / ".join(CONFORMS + version for version in VERSIONS)
    told = Text(f"{shown(', '.join(named))} is not read", f"不支持 {shown(', '.join(named))}")
    if not named:
        told = Text(f"“{key}” is missing", f"缺少 “{key}”")
    reading.fault("version", (key,) if named else (), told, Text(known, known))
    return ""


def _licence(reading: Reading, said: Said) -> str:
    value = said.get("license", ("", ""))[1]
    words = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, Mapping):
            own = reading.names.keys(item)
            item = reading.word(own, "name") or reading.word(own, "url") or item.get("@id", "")
        spdx = _SPDX.fullmatch(str(item))
        words.append(spdx[1] if spdx else str(item))
    return " OR ".join(word for word in words if word)


def _creators(reading: Reading, said: Said) -> tuple[str, ...]:
    value = said.get("creator", ("", []))[1]
    found = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, Mapping):
            found.append(reading.word(reading.names.keys(item), "name"))
        elif isinstance(item, str):
            found.append(item)
    return tuple(name for name in found if name)
