"""Taking described data sets into the catalog: an asset's card each, and the columns beside it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pilotbase.catalog.adding import Added, asset_draft, card_of, record_all
from pilotbase.catalog.croissant import events
from pilotbase.catalog.croissant.beside import beside_faults
from pilotbase.catalog.croissant.described import Described
from pilotbase.catalog.croissant.json_text import BYTES_MAX
from pilotbase.catalog.croissant.read import Croissant, cut, read_croissant
from pilotbase.catalog.listing import AssetCard, Listing
from pilotbase.catalog.listing_rules import findings
from pilotbase.catalog.rules.synthetic import told
from pilotbase.catalog.views import ASSETS, PARTIES
from pilotbase.kernel.canonical import digest, encode
from pilotbase.kernel.errors import Fault, InputError, SheetError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.scenario.finding import Finding, path_text
from pilotbase.scenario.section import Bilingual

DOCUMENT = "croissant"
"""The vault body with the description as it was handed in."""
ENDINGS = (".json", ".jsonld")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NO_TITLE = Text("(untitled)", "(无标题)")


def is_json(file: Path) -> bool:
    """Whether a file handed in is a document in JSON and no list: by its ending."""
    return file.suffix.lower() in ENDINGS


def add_croissant(record: Record, context: Context, file: Path) -> list[Added]:
    """Take the data sets of a Croissant file into the catalog: all of them, or none.

    Raises:
        SheetError: with all faults at once; then nothing was taken. RunError: somebody else changed
            one of them at the same time.
    """
    read = checked(file)
    states = catch_up(record, [PARTIES, ASSETS])
    parties, assets = states[PARTIES.name]["parties"], states[ASSETS.name]
    cards = [card_from(said) for said in read.datasets]
    listing = Listing(catalog=1, assets=tuple(cards))
    wrong = [_fault(found) for found in findings(listing, parties, assets)]
    if wrong:
        raise SheetError(str(file), cut(wrong))
    raw = file.read_bytes()[:BYTES_MAX]
    made: list[tuple[Added, Draft | None]] = []
    for card, said in zip(cards, read.datasets, strict=True):
        known = assets.get(card.id)
        added, draft = asset_draft(context, _kept(card_of(card), known), known)
        made += [(added, draft), (added, described_draft(context, added, said, raw))]
    return record_all(record, made)[::2]


def checked(file: Path) -> Croissant:
    """A file's data sets, checked against the files that lie beside it.

    Raises:
        SheetError: with all faults at once.
    """
    read = read_croissant(file)
    folder = file.absolute().parent
    faults = [fault for said in read.datasets for fault in beside_faults(said, folder)]
    if faults:
        raise SheetError(str(file), cut(faults))
    return read


def card_from(said: Described) -> AssetCard:
    """The card of a described data set; its content stays where it is."""
    title = said.name if said.name.en else _NO_TITLE
    return AssetCard(
        id=id_of(said),
        kind="dataset",
        title=_bilingual(title),
        text=_bilingual(said.text) if said.text.en else None,
        label=said.version[:200] or None,
        digest=said.digest,
        licence=said.licence[:200] or None,
        url=said.url[:200] or None,
        properties=_properties(said),
    )


def _kept(card: dict[str, Any], known: Mapping[str, Any] | None) -> dict[str, Any]:
    """A described card with what the catalog knows and Croissant has no word for: whose it is, on
    what terms, made of what; and, of the same content, its other properties."""
    earlier: Mapping[str, Any] = known["card"] if known else {}
    kept = {word: earlier[word] for word in ("provider", "terms", "parts") if word in earlier}
    if earlier.get("digest") == card.get("digest"):
        others = {**earlier.get("properties", {}), **card.get("properties", {})}
        kept |= {"properties": others} if others else {}
    return {**card, **kept}


def id_of(said: Described) -> str:
    """The catalog's short name: the description's own identifier where it is one, else made of its
    title; of a title without Latin letters a part of its hash.

    >>> from dataclasses import replace
    >>> said = Described(Text("Visits to Wards", ""), Text("", ""), "", "", (), "", (), ())
    >>> id_of(said), id_of(replace(said, id="visits"))
    ('visits-to-wards', 'visits')
    """
    if _SLUG.fullmatch(said.id):
        return said.id
    plain = unicodedata.normalize("NFKD", said.name.en).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:64].rstrip("-")
    return slug or "dataset-" + digest([said.name.en, said.url])[7:15]


def _properties(said: Described) -> dict[str, Any]:
    found = {
        "croissant": said.conforms,
        "creator": ", ".join(said.creators),
        "published": said.published,
        "columns": len(said.columns),
        "files": len(said.files),
        **told(said.text, [column.name for column in said.columns]),
    }
    return {name: value for name, value in found.items() if value}


def _bilingual(text: Text) -> Bilingual:
    return Bilingual(en=text.en[:4000], zh=text.zh[:4000])


def described_draft(context: Context, added: Added, said: Described, raw: bytes) -> Draft | None:
    """What the card has no words for; once for every version of the asset."""
    if added.state == "unchanged":
        return None
    happened = events.Described(added.id, added.version, said.as_dict())
    key = f"described:{added.id}:{added.number}"
    by = context.actor("data steward")
    return Draft(happened, by, f"asset:{added.id}", {DOCUMENT: raw}, key=key)


def _fault(found: Finding) -> Fault:
    return Fault(
        found.code.replace("sheet.", "croissant.", 1),
        found.message,
        path_text(found.path),
        expected=found.expected,
        nearest=found.nearest,
    )


def document_bytes(document: Mapping[str, Any] | list[Any]) -> bytes:
    """A document as it is written to a file: readable, UTF-8, one line end."""
    encode(document)  # refuses what JSON cannot hold before anything is written
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def read_all(files: Sequence[Path]) -> tuple[tuple[dict[str, Any], ...], tuple[Fault, ...]]:
    """Every data set of several files, and remarks; see `catalog.croissant.verbs.ReadResponse`.

    Raises:
        SheetError: with all faults of all files at once. InputError: no file is named.
    """
    if not files:
        raise InputError(
            "croissant.no_file", Text("no file is named", "未指明文件"), where="croissant read"
        )
    found, remarks, faults = list[dict[str, Any]](), list[Fault](), list[Fault]()
    for file in files:
        try:
            read = checked(file)
        except SheetError as error:
            faults += [_in_file(fault, file, files) for fault in error.faults]
            continue
        remarks += [_in_file(fault, file, files) for fault in read.remarks]
        for said in read.datasets:
            card = card_of(card_from(said))
            found.append({"file": str(file), "card": card, "described": said.as_dict()})
    if faults:
        raise SheetError(str(files[0]) if len(files) == 1 else "", cut(faults))
    return tuple(found), tuple(remarks)


def _in_file(fault: Fault, file: Path, files: Sequence[Path]) -> Fault:
    if len(files) == 1:
        return fault
    return replace(fault, path=f"{file}: {fault.path}" if fault.path else str(file))
