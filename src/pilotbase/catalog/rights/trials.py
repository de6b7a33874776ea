"""What the terms of the catalog say to a scenario's data: remarked before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pilotbase.catalog.adding import hash_file
from pilotbase.catalog.parties.registry import name_of, registry
from pilotbase.catalog.paths import inside
from pilotbase.catalog.reading import assets_of
from pilotbase.catalog.rights.rules.decision import Request, evaluate
from pilotbase.catalog.rights.terms import policies_of, state_of, terms_of
from pilotbase.catalog.table import Table
from pilotbase.kernel.errors import DataError, Fault
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.record.stores import begun
from pilotbase.scenario.read import ScenarioFile

PURPOSE = "trial"
"""The purpose that a trial is asked under."""


def terms_remarks(context: Context, file: ScenarioFile, table: Table) -> list[Fault]:
    """A remark where the data are an asset whose terms do not permit a trial to the owner.

    It is a remark and no fault: whether the owner named in the file is that party of the catalog is
    told by its name only.
    """
    if not begun(context.home):
        return []
    with open_record(context, create=False) as record:
        return list(_remarks(context, record, file, table))


def _remarks(context: Context, record: Record, file: ScenarioFile, table: Table) -> Iterator[Fault]:
    asset = data_asset(file, assets_of(record), loaded=table.loaded_digest)
    said = terms_of(record).get(asset, {}) if asset else {}
    policies = policies_of(said)
    if not policies:
        return
    party = _owner(record, file.scenario.owner.name)
    request = Request(party, "use", asset, context.clock(), {"purpose": PURPOSE})
    found = evaluate(policies, request, state_of(said, party))
    if found.answer != "yes":
        told = Text(
            f"the terms of the data ({asset}) do not permit a trial to "
            f"{party or file.scenario.owner.name} as things stand: {found.why.en}",
            f"数据 ({asset}) 的使用条款目前不允许 {party or file.scenario.owner.name} 进行试验: "
            f"{found.why.zh}",
        )
        yield file.fault(("data",), found.code, told)


def _owner(record: Record, name: str) -> str:
    """The party of the catalog that has this id or name; "" where there is none."""
    held = registry(record)
    if name in held.book.parties:
        return name
    named = (
        id_
        for id_, said in sorted(held.state["parties"].items())
        if name in (name_of(record, said) or {}).values()
    )
    return next(named, "")


def data_asset(file: ScenarioFile, known: Mapping[str, Any], *, loaded: str = "") -> str:
    """The data set of the catalog that a scenario's data are, by content hash; "" if none.

    Args:
        loaded: the hash of the table as loaded, if it was.
    """
    said = file.scenario.data
    name = said.csv or said.xlsx or said.parquet
    hashes = {loaded} - {""}
    if name is not None:
        try:
            (path,) = inside(file.folder, name, "data", trust=True)
            hashes.add(hash_file(path))
        except (DataError, OSError, ValueError):
            return ""
    found = [
        id_
        for id_, one in sorted(known.items())
        if one["what"] == "dataset" and one["card"].get("digest", "-") in hashes
    ]
    return found[0] if found else ""
