"""What a pilot brings into the catalog by itself: its candidates and its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.catalog.adding import Added, asset_draft, record_all
from pilotbase.catalog.reading import assets_of
from pilotbase.desk.recorded import judged_pilot
from pilotbase.kernel.canonical import decode
from pilotbase.kernel.verb import Context
from pilotbase.scenario.schema import LANGUAGE_TASKS
from pilotbase.trial.plan import offers_of

Said = Mapping[str, Any]
ID_MAX = 64


def asset_id(scenario: str, name: str) -> str:
    """The catalog's id of what a scenario names."""
    return f"{scenario}-{name}"[:ID_MAX].strip("-")


def candidate_card(plan: Said, offer: Said, provider: str = "") -> dict[str, Any]:
    """A candidate as an asset: its content is what the plan froze."""
    tried = {one["id"]: one["digest"] for one in plan["candidates"]}
    id_ = offer["id"]
    card = {
        "id": asset_id(plan["scenario_id"], id_),
        "kind": "agent" if plan["task"] in LANGUAGE_TASKS else "model",
        "title": offer["title"] or {"en": id_, "zh": id_},
        "digest": tried[id_],
    }
    return {**card, "provider": provider} if provider else card


def data_card(plan: Said, title: Said, source: str = "") -> dict[str, Any]:
    """The data of a plan as an asset: by their hash alone, they stay where they are.

    Args:
        title: of the scenario. source: the asset that they were prepared from, where it is known.
    """
    data = plan["data"]
    card = {
        "id": asset_id(plan["scenario_id"], "data"),
        "kind": "dataset",
        "title": {"en": f"{title['en']}: data", "zh": f"{title['zh']}: 数据"},
        "text": data["source"],
        "digest": data["digest"],
        "properties": {"rows": data["rows"], "units": data["units"]},
    }
    return {**card, "parts": [{"name": source}]} if source else card


def enrol(context: Context, run: str, source: str = "") -> list[Added]:
    """Take a run's candidates and data into the catalog, where they are not there yet.

    Args:
        source: the asset that the data were prepared from, where the catalog has it.
    """
    with judged_pilot(context, run) as journey:
        plan: Said = decode(journey.body("planned", "plan"))
        written: Said = decode(journey.body("submitted", "scenario"))
        known = assets_of(journey.record)
        cards = [candidate_card(plan, offer) for offer in offers_of(written)]
        if known.get(source, {"card": {}})["card"].get("digest") != plan["data"]["digest"]:
            cards.insert(0, data_card(plan, written["title"], source))
        # What was filed has a provider by now: the same content, and more said of it.
        new = [card for card in cards if not _is_there(card, known.get(card["id"]))]
        made = [asset_draft(context, card, known.get(card["id"])) for card in new]
        return record_all(journey.record, made)


def _is_there(card: Said, known: Said | None) -> bool:
    return known is not None and known["card"].get("digest") == card["digest"]
