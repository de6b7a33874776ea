"""A home with one filed service on a real run, for tests of bills of materials and lineage."""

from __future__ import annotations

import json
from pathlib import Path

from pilotbase import Base
from pilotbase.catalog.assets.verbs import AddRequest, add
from pilotbase.catalog.parties.verbs import DelegateRequest, delegate
from pilotbase.desk.filing.enrol import enrol
from pilotbase.desk.filing.verbs import FileRequest
from pilotbase.desk.filing.verbs import file as file_
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context
from tests.desk.files import write
from tests.desk.test_filing import CANDIDATES, HARD, PARTIES, SHEET


def filed(folder: Path) -> Context:
    """The context of a home in which acme filed ``small-logit-1``; person-1 answers for acme, and
    the agent bot may act for it."""
    base = Base(folder / "home", clock=fixed_clock("2026-11-22T08:00:00Z"))
    run = base.run(write(folder, candidates=CANDIDATES[:2], acceptance=[HARD]))
    (folder / "parties.yaml").write_text(PARTIES, "utf-8")
    add(base.context, AddRequest(folder / "parties.yaml"))
    enrol(base.context, run.run)
    (folder / "sheet.yaml").write_text(json.dumps(SHEET), "utf-8")
    file_(base.context, FileRequest(run.run, folder / "sheet.yaml"))
    asked = DelegateRequest("acme", "bot", scopes=("serve.call",), until="P30D", reason="to answer")
    delegate(base.context, asked)
    return base.context
