"""From data, or from what the catalog has of them, to a description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pilotbase.catalog.croissant.described import Column, DataFile, Described
from pilotbase.catalog.croissant.write import content_name
from pilotbase.catalog.parties.registry import name_of, unknown
from pilotbase.catalog.profile.columns import type_of
from pilotbase.catalog.profile.profiling import ASSET, PROFILE
from pilotbase.catalog.profile.source import DATA, FORMATS, Source, opened
from pilotbase.catalog.profile.views import PROFILES
from pilotbase.catalog.rules.synthetic import described
from pilotbase.catalog.table import Table
from pilotbase.catalog.views import ASSETS, PARTIES
from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.record.views import catch_up

TYPES = {
    "empty": "Text", "integer": "Integer", "float": "Float", "truth": "Boolean", "date": "Date",
    "text": "Text",
}  # fmt: skip
DESCRIBED = "catalog.described/1"


@dataclass(frozen=True)
class Given:
    """What the one who writes says of the data; empty where it is left to what is known."""

    title: Text
    text: Text
    licence: str
    url: str
    creator: str
    published: str
    version: str


def described_data(
    context: Context, target: str, given: Given, out: Path | None
) -> tuple[Described, Table | None]:
    """A file, or a loader's rows, which are then to be written beside the description.

    Raises:
        InputError: what the specification requires and neither the data nor the caller say.
    """
    with opened(target) as source:
        rows = source.connection.execute(f"SELECT count(*) FROM {DATA}").fetchone()
        count = int(rows[0]) if rows else 0
        kinds = [TYPES[type_of(source, at, count)] for at in range(len(source.names))]
    table = source.table
    made = _described(
        given,
        context,
        title=Text(_stem(source), _stem(source)),
        text=table.about if table and table.about else Text("", ""),
        licence=table.licence.en if table and table.licence else "",
        creator=table.source.en.partition(": ")[2][:200] if table else "",
        url="",
        file=_file(source, out),
        columns=tuple(Column(n, k) for n, k in zip(source.names, kinds, strict=True)),
    )
    return made, table


def _file(source: Source, out: Path | None) -> DataFile:
    if source.table is None:
        digest = source.digest.removeprefix("sha256:")
        media = FORMATS[source.kind]
        if source.encoding not in ("", "utf-8"):
            media += f"; charset={source.encoding}"
        return DataFile(_id(source.name), media, source.name, digest, source.size)
    # A loader has no file: its rows are written as one, and hashed then.
    name = f"{out.stem if out else source.name}.csv"
    return DataFile(_id(name), FORMATS["csv"], name)


def _stem(source: Source) -> str:
    return source.name if source.table is not None else Path(source.name).stem


def _id(name: str) -> str:
    return "_".join(name.split())


def described_asset(context: Context, asset: str, given: Given) -> Described:
    """A data set of the catalog: its card, and its columns as described or measured.

    Raises:
        InputError: no such data set; or what is required is missing. RecordError: no record.
    """
    with open_record(context, create=False) as record:
        states = catch_up(record, [ASSETS, PARTIES, PROFILES])
        found = states[ASSETS.name].get(asset)
        if found is None or found["what"] != "dataset":
            raise unknown(ASSET, asset, states[ASSETS.name])
        card = found["card"]
        creator = _provider(record, card, states[PARTIES.name]["parties"])
        said = _newest(record, asset)
        columns = _columns(said, _measured(record, states[PROFILES.name].get(asset, {})))
    both = card.get("text") or {"en": "", "zh": ""}
    creators = said.get("creators") or []
    made = _described(
        given,
        context,
        title=Text(**card["title"]),
        text=Text(**both),
        licence=card.get("licence") or card.get("terms") or "",
        creator=creator or ", ".join(creators),
        url=card.get("url") or "",
        file=_named_file(asset, card, said),
        columns=columns,
        id_=asset,
        version=f"{found['number']}.0.0",
    )
    return replace(made, text=described(made.text, card))


def _provider(record: Record, card: Mapping[str, Any], parties: Mapping[str, Any]) -> str:
    """The body that provides it by name; a person by pseudonym, since a description travels."""
    provider = card.get("provider", "")
    said = parties.get(provider)
    if said is None or said["what"] == "person":
        return str(provider)
    name = name_of(record, said)
    return name["en"] if name else str(provider)


def _newest(record: Record, asset: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = {}
    for entry in record.entries(kind=DESCRIBED, about=f"asset:{asset}"):
        found = entry.body["said"]
    return found


def _measured(record: Record, known: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "profile" not in known:
        return []
    profile = decode(record.body(record.entry(known["entry"]), PROFILE))
    return list(profile["columns"])


def _columns(said: Mapping[str, Any], measured: list[Mapping[str, Any]]) -> tuple[Column, ...]:
    if said.get("columns"):
        return tuple(Column(c["name"], c["type"], c["text"]) for c in said["columns"])
    return tuple(Column(c["name"], TYPES[c["type"]]) for c in measured)


def _named_file(asset: str, card: Mapping[str, Any], said: Mapping[str, Any]) -> DataFile:
    """The content by its hash: it stays with its owner."""
    digest = (card.get("digest") or "").removeprefix("sha256:")
    files = said.get("files") or []
    if len(files) == 1:
        return DataFile(
            files[0]["id"], files[0]["format"], "", files[0]["sha256"], files[0]["size"]
        )
    return DataFile(asset, "application/octet-stream", "", digest)


def _described(
    given: Given,
    context: Context,
    *,
    title: Text,
    text: Text,
    licence: str,
    creator: str,
    url: str,
    file: DataFile,
    columns: tuple[Column, ...],
    id_: str = "",
    version: str = "1.0.0",
) -> Described:
    at = url or given.url or (content_name(file.sha256) if file.sha256 else "")
    made = Described(
        name=given.title if given.title.en else title,
        text=given.text if given.text.en else text,
        licence=given.licence or licence,
        url=given.url or at,
        creators=(given.creator or creator,),
        published=given.published or stamp(context.clock())[:10],
        files=(file,),
        columns=columns,
        id=id_,
        version=version,
        conforms=given.version,
    )
    missing = [
        option
        for option, known in (
            ("--text", made.text.en), ("--licence", made.licence), ("--creator", made.creators[0]),
        )
        if not known
    ]  # fmt: skip
    if missing:
        words = ", ".join(missing)
        raise InputError(
            "croissant.incomplete",
            Text(f"the specification requires what is not known here: {words}",
                 f"规范要求的内容尚不知道: {words}"),
            where=title.en,
            next_step=Text(f"Say it with {words}.", f"请用 {words} 给出。"),
        )  # fmt: skip
    return made
