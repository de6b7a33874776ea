"""Data that the base does not hold: whose they are, by what the catalog knows of their hash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pilotbase.catalog.profile.views import PROFILES
from pilotbase.catalog.views import ASSETS
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record import stores
from pilotbase.record.opened import Record, open_record
from pilotbase.record.views import catch_up
from pilotbase.scenario.read import read_scenario


@contextmanager
def told_whose(context: Context, scenario: Path, *, trust: bool) -> Iterator[None]:
    """Add to the error about data that are not held here what the catalog has of them."""
    try:
        yield
    except DataError as error:
        if error.code != "data.not_held" or not stores.begun(context.home):
            raise
        hash_ = read_scenario(scenario, trust=trust).scenario.data.digest
        with open_record(context, create=False) as record:
            said = _listed(record, str(hash_))
        told = Text(f"{error.message.en}; {said.en}", f"{error.message.zh}; {said.zh}")
        raise DataError(error.code, told, where=error.where, next_step=error.next_step) from error


def _listed(record: Record, hash_: str) -> Text:
    """Under which name the catalog lists content of a hash, who provides it, and what is known."""
    states = catch_up(record, [ASSETS, PROFILES])
    for id_, asset in sorted(states[ASSETS.name].items()):
        if asset["card"].get("digest") != hash_:
            continue
        provider = asset["card"].get("provider", "?")
        known = states[PROFILES.name].get(id_, {})
        profiled = known.get("data") == hash_
        beside = Text("its profile is here", "已有其画像") if profiled else Text(
            "no profile of it is here", "尚无其画像"
        )  # fmt: skip
        return Text(
            f"the catalog lists them as {id_}, provider {provider}; {beside.en}",
            f"目录中为 {id_}, 供给方 {provider}; {beside.zh}",
        )
    return Text("the catalog does not list them", "目录中未列出")
