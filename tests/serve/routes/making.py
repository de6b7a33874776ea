"""A base as the gate reads it: real record, parties, keys and filings; no trial behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pilotbase.catalog.adding import add_list
from pilotbase.catalog.parties.mandates import Wanted, create_key, delegate
from pilotbase.desk import events as pilot
from pilotbase.kernel.canonical import digest, encode
from pilotbase.kernel.event import Draft
from pilotbase.kernel.time import parse, stamp
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.register.events import Filed
from pilotbase.register.filings import act
from pilotbase.register.views import FILING
from pilotbase.serve.routes.books import Reading
from pilotbase.serve.routes.compile import compiled
from pilotbase.serve.routes.gate import RecordGate

START = parse("2026-11-22T08:00:00Z")
SOCKETS = "/run/pb"
PARTIES = """\
catalog: 1
parties:
  - {id: person-1, kind: person, name: Lin}
  - {id: person-2, kind: person, name: Zhao}
  - {id: maker, kind: body, name: Maker, principal: person-1}
  - {id: buyer, kind: body, name: Buyer, principal: person-2}
  - {id: robot, kind: agent, name: Robot}
  - {id: helper, kind: agent, name: Helper}
"""


@dataclass
class Moving:
    """A clock that a test moves."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Stream:
    """Entropy that repeats."""

    n: int = 0

    def __call__(self, count: int) -> bytes:
        self.n += 1
        seed = hashlib.sha256(str(self.n).encode()).digest()
        return (seed * (count // 32 + 1))[:count]


@dataclass
class Base:
    """A record that is open, and what a test does to it."""

    context: Context
    record: Record
    clock: Moving
    gate: RecordGate = field(default_factory=RecordGate)
    development: bool = False

    @property
    def at(self) -> float:
        return self.clock.at.timestamp()

    def file(self, candidate: str = "logit", number: int = 1, **more: Any) -> str:
        """A filing of scenario ``advice``; its id."""
        id_ = f"advice-{candidate}-{number}"
        usual = filed(id_, candidate, self.clock.at)
        by = self.context.actor("case officer")
        self.record.append(Draft(replace(usual, **more), by, FILING + id_))
        return id_

    def try_(self, *candidates: str, verdict: str = "no-go", **words: Any) -> None:
        """A pilot of scenario ``advice`` that was judged."""
        by = self.context.actor("case officer")
        document = {
            "task": "classification",
            "data": {"dataset": "statsmodels.modechoice"},
            "candidates": [{"id": name, "estimator": "sklearn.svm.SVC"} for name in candidates],
            **words,
        }
        submitted = pilot.Submitted("advice", "A3.1", "Owner", "Lin", digest(document))
        bodies = {"scenario": encode(document)}
        self.record.append(Draft(submitted, by, "pilot:run1", bodies))
        judged = pilot.Judged("sha256:0", dict.fromkeys(candidates, verdict), None)
        self.record.append(Draft(judged, by, "pilot:run1"))

    def key(self, holder: str = "buyer", *scopes: str, **more: Any) -> str:
        wanted = Wanted(scopes or ("serve.*",), **more)
        return create_key(self.record, self.context, holder, wanted)[1]

    def delegate(self, giver: str, taker: str, *scopes: str, **more: Any) -> str:
        wanted = Wanted(scopes or ("serve.*",), **more)
        entry = delegate(self.record, self.context, giver, taker, wanted)
        return str(entry.body["delegation"])

    def act(self, filing: str, action: Any) -> None:
        act(self.record, self.context, filing, action, "case officer", reason="a test")

    def compile(self) -> RecordGate:
        """The gate as the record is now."""
        reading = Reading(self.record, development=self.development)
        reading.grown()
        books = reading.books()
        made = compiled(books, self.at, SOCKETS, development=self.development)
        self.gate.put(books, made)
        return self.gate


def filed(id_: str, candidate: str, at: datetime) -> Filed:
    """A filing for a year, at 0.02 CNY a case."""
    return Filed(
        filing=id_, earlier="", run="run1", scenario="advice", candidate=candidate,
        asset={"id": f"advice-{candidate}", "version": "sha256:aa", "number": 1},
        tried="sha256:bb", trust="tried", plan="sha256:cc", verdict="sha256:dd", said="go",
        conditions=(), tier={"tier": "limited"}, since=stamp(at),
        expires=stamp(at + timedelta(days=365)), price={"amount": "0.02 CNY", "per": "case"},
        principal="maker", person="person-1", accepted_by="person-2", ip={}, parts=(),
        single_points=(),
    )  # fmt: skip


@contextmanager
def base(home: Path, *, real_time: bool = False) -> Iterator[Base]:
    """A new base with parties; with ``real_time`` its clock says the time."""
    clock = Moving(datetime.now(START.tzinfo)) if real_time else Moving()
    context = Context(home, clock=clock, entropy=Stream())
    with open_record(context) as record:
        sheet = home / "parties.yaml"
        sheet.write_text(PARTIES, "utf-8")
        add_list(record, context, sheet)
        yield Base(context, record, clock)
