"""All built-in scenarios, one after the other; what passes is filed where its pack has a sheet.

What was tried comes into the catalog, its data measured and described, and the pack's lists of
needs and products are matched with what the trials found. A pack's folder ``filings`` holds
``parties.yaml``, who stands behind its scenarios, and for each scenario whose chosen candidate is
to be filed a filing sheet with the scenario's id as its name; its folder ``matching`` holds
``needs.yaml`` and ``products.yaml``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pilotbase.catalog.adding import add_list
from pilotbase.catalog.reading import assets_of
from pilotbase.desk.answers import RunResponse, TourResponse
from pilotbase.desk.conduct import conduct
from pilotbase.desk.filing.conduct import file_service
from pilotbase.desk.filing.enrol import enrol
from pilotbase.desk.filing.sources import enrol_source, qualities
from pilotbase.desk.matching import match_needs
from pilotbase.desk.reporting import REPORTS
from pilotbase.kernel.verb import Context
from pilotbase.match.answers import NeedsRequest, NeedsResponse
from pilotbase.record.opened import Record, open_record
from pilotbase.register.filings import filings
from pilotbase.scenario.library import packs

FILINGS, PARTIES = "filings", "parties.yaml"
MATCHING, NEEDS, PRODUCTS = "matching", "needs.yaml", "products.yaml"


def run_packs(context: Context) -> TourResponse:
    """Run every scenario file of every installed pack; what has been run is read back."""
    runs, filed, matched = list[RunResponse](), list[str](), list[NeedsResponse]()
    for pack in packs():
        made = [conduct(context, file, receipt=None, trust=False) for file in pack.files]
        filed += _filed(context, made, pack.folder / FILINGS)
        runs += made
        matched += _matched(context, pack.folder / MATCHING)
    reports = context.home / REPORTS
    with open_record(context) as record:
        counted, measured = _counted(record), qualities(record)
    return TourResponse(tuple(runs), reports, tuple(filed), counted, tuple(matched), measured)


def _matched(context: Context, folder: Path) -> list[NeedsResponse]:
    """The pack's needs and products, matched on what the trials found."""
    needs, products = folder / NEEDS, folder / PRODUCTS
    if not (needs.exists() and products.exists()):
        return []
    return [match_needs(context, NeedsRequest(needs, products))]


def _counted(record: Record) -> dict[str, int]:
    """By kind, how many assets the catalog has."""
    kinds = Counter(said["what"] for said in assets_of(record).values())
    return dict(sorted(kinds.items()))


def _filed(context: Context, runs: list[RunResponse], folder: Path) -> list[str]:
    """Take what was tried into the catalog, and file what passed; the ids of the filings."""
    if runs and (folder / PARTIES).exists():
        with open_record(context) as record:
            add_list(record, context, folder / PARTIES)
    for run in runs:
        enrol(context, run.run, enrol_source(context, run.run))
        sheet = folder / f"{run.scenario}.yaml"
        if run.chosen is not None and sheet.exists() and not _known(context, run.run):
            file_service(context, run.run, sheet)
    return [id_ for run in runs for id_ in _known(context, run.run)]


def _known(context: Context, run: str) -> list[str]:
    """The filings of a run: the tour files each once, whatever became of it since."""
    with open_record(context) as record:
        return [id_ for id_, said in filings(record).items() if said["run"] == run]
