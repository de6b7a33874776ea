"""The openness of what is in the catalog, and of scenario files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pilotbase.catalog.openness.rules.licences import is_open
from pilotbase.catalog.openness.rules.questions import (
    Known,
    KnownData,
    May,
    Permission,
    asset_parts,
    scenario_parts,
)
from pilotbase.catalog.openness.rules.score import COMPONENTS, Openness, model_class, scored
from pilotbase.catalog.reading import assets_of
from pilotbase.catalog.rights.rules.decision import Request, evaluate
from pilotbase.catalog.rights.rules.policy import Policy
from pilotbase.catalog.rights.terms import policies_of, state_of, terms_of
from pilotbase.catalog.rights.trials import data_asset
from pilotbase.record.opened import Record
from pilotbase.scenario.read import ScenarioFile

Said = Mapping[str, Any]
CONDITIONAL = ("terms.duty", "terms.undecided", "terms.condition")
"""Decisions that would be a yes if something more were done, said or so."""
MOF_PROPERTY = "mof."
"""A model's property ``mof.<component>`` says under which licence a component is released."""


def openness_of(record: Record, asset: str, at: datetime) -> Openness:
    """The openness of an asset of the catalog at a moment."""
    known, terms = assets_of(record), terms_of(record)
    return _openness(known, terms, asset, at)


def _openness(known: Said, terms: Said, asset: str, at: datetime) -> Openness:
    card = known[asset]["card"]
    said = terms.get(asset, {})
    policies = policies_of(said)
    parties = sorted({name.id for p in policies for rule in p.rules for name in rule.assignees})
    parts = {
        part["name"]: _usable(known, terms, part["name"], at)
        for part in card.get("parts", ())
        if part.get("kind", "asset") in ("asset", "model", "dataset")
    }
    may = _asker(policies, said, asset, at)
    return scored(asset_parts(card, Known(bool(policies), may, tuple(parties), parts)))


def _asker(policies: list[Policy], said: Said, asset: str, at: datetime) -> May:
    def may(party: str, action: str) -> Permission:
        request = Request(party, action, asset, at)
        found = evaluate(policies, request, state_of(said, party))
        if found.answer == "yes":
            return "yes"
        return "if" if found.code in CONDITIONAL else "no"

    return may


def _usable(known: Said, terms: Said, asset: str, at: datetime) -> bool | None:
    """Whether anybody may use an asset; None for one that the catalog does not have."""
    if asset not in known:
        return None
    said = terms.get(asset, {})
    policies = policies_of(said)
    if policies:
        return _asker(policies, said, asset, at)("", "use") == "yes"
    return is_open(str(known[asset]["card"].get("licence", "")))


def class_of(card: Said) -> tuple[int | None, dict[int, tuple[str, ...]]]:
    """The class that a model reaches in the Model Openness Framework, from its properties."""
    said = card.get("properties", {})
    released = [one for one in COMPONENTS if is_open(str(said.get(MOF_PROPERTY + one, "")))]
    return model_class(released)


def openness_of_scenario(record: Record | None, file: ScenarioFile, at: datetime) -> Openness:
    """The openness of a scenario file; without a record, its data are no asset of any catalog."""
    data = KnownData()
    if record is not None:
        known, terms = assets_of(record), terms_of(record)
        asset = data_asset(file, known, loaded=_loaded(file) if terms else "")
        if asset:
            by_terms = bool(policies_of(terms.get(asset, {})))
            data = KnownData(asset, bool(_usable(known, terms, asset, at)), by_terms)
    return scored(scenario_parts(file.scenario, data))


def _loaded(file: ScenarioFile) -> str:
    """The hash of data that a loader brings, by which the catalog knows them; else empty."""
    if file.scenario.data.dataset is None:
        return ""
    from pilotbase.catalog.load import load_table

    return load_table(file.scenario.data, file.folder).loaded_digest
