"""All built-in scenarios, one after the other; what passes is filed where its pack has a sheet.

A pack's folder ``filings`` holds ``parties.yaml``, who stands behind its scenarios, and for each
scenario whose chosen candidate is to be filed a filing sheet with the scenario's id as its name.
"""

from __future__ import annotations

from pathlib import Path

from pilotbase.catalog.adding import add_list
from pilotbase.desk.answers import RunResponse, TourResponse
from pilotbase.desk.conduct import conduct
from pilotbase.desk.filing.conduct import file_service
from pilotbase.desk.filing.enrol import enrol
from pilotbase.desk.reporting import REPORTS
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.register.filings import filings
from pilotbase.scenario.library import packs

FILINGS, PARTIES = "filings", "parties.yaml"


def run_packs(context: Context) -> TourResponse:
    """Run every scenario file of every installed pack; what has been run is read back."""
    runs, filed = list[RunResponse](), list[str]()
    for pack in packs():
        made = [conduct(context, file, receipt=None, trust=False) for file in pack.files]
        filed += _filed(context, made, pack.folder / FILINGS)
        runs += made
    return TourResponse(tuple(runs), context.home / REPORTS, tuple(filed))


def _filed(context: Context, runs: list[RunResponse], folder: Path) -> list[str]:
    """Take what was tried into the catalog, and file what passed; the ids of the filings."""
    if runs and (folder / PARTIES).exists():
        with open_record(context) as record:
            add_list(record, context, folder / PARTIES)
    for run in runs:
        enrol(context, run.run)
        sheet = folder / f"{run.scenario}.yaml"
        if run.chosen is not None and sheet.exists() and not _known(context, run.run):
            file_service(context, run.run, sheet)
    return [id_ for run in runs for id_ in _known(context, run.run)]


def _known(context: Context, run: str) -> list[str]:
    """The filings of a run: the tour files each once, whatever became of it since."""
    with open_record(context) as record:
        return [id_ for id_, said in filings(record).items() if said["run"] == run]
