"""Taking a bill of materials into the catalog: its assets' cards; the bill itself in the vault."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pilotbase.catalog.adding import Added, asset_draft, card_of, record_all
from pilotbase.catalog.croissant.json_text import BYTES_MAX
from pilotbase.catalog.listing import Listing
from pilotbase.catalog.listing_rules import findings
from pilotbase.catalog.provenance.read_bom import bill_cards
from pilotbase.catalog.rules.synthetic import all_inherited
from pilotbase.catalog.views import ASSETS, PARTIES
from pilotbase.kernel.errors import Fault, SheetError
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.scenario.finding import path_text

DOCUMENT = "cyclonedx"
"""The vault body with the bill as it was handed in, beside its first asset."""
FAULTS_MAX = 200


def add_bill(record: Record, context: Context, file: Path, document: Any) -> list[Added]:
    """Take what a bill of materials names into the catalog: all of it, or nothing.

    Raises:
        SheetError: with all faults at once; then nothing was taken. RunError: somebody else changed
            one of them at the same time.
    """
    states = catch_up(record, [PARTIES, ASSETS])
    parties, assets = states[PARTIES.name]["parties"], states[ASSETS.name]
    read, faults = bill_cards(document)
    found = findings(Listing(catalog=1, assets=tuple(read)), parties, assets) if not faults else ()
    faults += [Fault(one.code, one.message, path_text(one.path), expected=one.expected)
               for one in found]  # fmt: skip
    if faults:
        raise SheetError(str(file), faults[:FAULTS_MAX])
    cards = [_kept(card_of(card), assets.get(card.id)) for card in read]
    known = {id_: said["card"] for id_, said in assets.items()}
    made = [asset_draft(context, card, assets.get(card["id"]))
            for card in all_inherited(cards, known)]  # fmt: skip
    added, draft = made[0]
    if draft is not None:
        raw = file.read_bytes()[:BYTES_MAX]
        made[0] = (added, dataclasses.replace(draft, bodies={**draft.bodies, DOCUMENT: raw}))
    return record_all(record, made)


def _kept(card: dict[str, Any], known: Mapping[str, Any] | None) -> dict[str, Any]:
    """With what a bill has no words for: whose it is, on what terms, what can take a part's place;
    and, of the same content, what it is called in both languages, and its other properties."""
    earlier: Mapping[str, Any] = known["card"] if known else {}
    same = earlier.get("digest") == card.get("digest")
    words = ("provider", "terms", *(("title", "text", "label", "url") if same else ()))
    kept = {word: earlier[word] for word in words if word in earlier}
    stood_in = {one["name"]: one for one in earlier.get("parts", ())}
    parts = [{**stood_in.get(one["name"], {}), **one} for one in card.get("parts", ())]
    if parts or stood_in:
        kept["parts"] = parts or earlier["parts"]
    if same:
        others = {**earlier.get("properties", {}), **card.get("properties", {})}
        kept |= {"properties": others} if others else {}
    return {**card, **kept}
