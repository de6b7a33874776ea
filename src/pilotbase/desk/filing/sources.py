"""The data that come with an installed loader, as assets: measured, and described as Croissant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pilotbase.catalog.adding import asset_draft, card_of, record_all
from pilotbase.catalog.croissant.adding import card_from, described_draft, document_bytes
from pilotbase.catalog.croissant.described import Described
from pilotbase.catalog.croissant.making import Given, described_data
from pilotbase.catalog.croissant.write import croissant
from pilotbase.catalog.croissant.writing import with_rows
from pilotbase.catalog.profile.profiling import measure, record_profile
from pilotbase.catalog.profile.views import PROFILES
from pilotbase.catalog.reading import assets_of
from pilotbase.desk.recorded import judged_pilot
from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up

Said = Mapping[str, Any]
UNSAID = Given(Text("", ""), Text("", ""), "", "", "", "", "1.1")
"""A loader says itself what its data are, on which terms, and where from."""


def source_id(loader: str) -> str:
    """The catalog's id of a loader's data.

    >>> source_id("sklearn.load_diabetes")
    'sklearn-load-diabetes'
    """
    return re.sub(r"[^a-z0-9]+", "-", loader.lower()).strip("-")[:64].rstrip("-")


def enrol_source(context: Context, run: str) -> str:
    """Take the data that a run loaded into the catalog: card, measured profile, description.

    The card's hash is that of the table as loaded, before `prepare`: the one by which a scenario on
    the same data is found. What is there as it was tried is not measured again.

    Returns:
        The asset's id; "" where the data are no installed loader's.
    """
    with judged_pilot(context, run) as journey:
        loader = decode(journey.body("submitted", "scenario"))["data"].get("dataset") or ""
        tried = decode(journey.body("planned", "plan"))["data"]["digest"]
        if not loader or ":" in loader:
            return ""
        if not _is_there(journey.record, source_id(loader), tried):
            _take(journey.record, context, loader)
        return source_id(loader)


def _is_there(record: Record, id_: str, tried: str) -> bool:
    """Whether the source is measured already, and rests on the data that were tried."""
    known = assets_of(record)
    measured = catch_up(record, [PROFILES])[PROFILES.name].get(id_, {}).get("data")
    hashes = {asset["card"].get("digest") for asset in known.values()}
    return id_ in known and known[id_]["card"].get("digest") == measured and tried in hashes


def _take(record: Record, context: Context, loader: str) -> None:
    id_ = source_id(loader)
    shown = measure(context, loader, "")
    said = _described(context, loader)
    title = {"en": loader, "zh": loader}
    card = card_of(card_from(said)) if said else {"kind": "dataset", "title": title}
    card |= {"id": id_, "digest": shown.profile["data"]}
    added, draft = asset_draft(context, card, assets_of(record).get(id_))
    made = [(added, draft)]
    if said is not None:
        raw = document_bytes(croissant(said))
        made.append((added, described_draft(context, added, said, raw)))
    record_all(record, made)
    record_profile(record, context, id_, shown)


def _described(context: Context, loader: str) -> Described | None:
    """None where the loader does not say what its data are, on which terms, and where from."""
    try:
        made, table = described_data(context, loader, UNSAID, None)
    except InputError as error:
        if error.code != "croissant.incomplete":
            raise
        return None
    return with_rows(made, table)[0]


def qualities(record: Record) -> dict[str, float]:
    """By data set of the catalog that was measured, its quality score (0 … 100)."""
    state: Said = catch_up(record, [PROFILES])[PROFILES.name]
    return {id_: said["score"] for id_, said in sorted(state.items()) if "score" in said}
