"""What the desk's verbs answer with: typed results; ``as_dict()`` is a published shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import Fault, ScenarioError
from pilotbase.kernel.text import Text
from pilotbase.match.answers import NeedsResponse


@dataclass(frozen=True)
class RunResponse:
    """A run's verdict. ``as_dict()`` is the published shape of ``--json``."""

    run: str
    scenario: str
    estimand: str
    plan: dict[str, str]
    candidates: tuple[dict[str, Any], ...]
    chosen: str | None
    record: dict[str, Any]
    title: Text
    item: str
    report: Path | None = None
    unofficial: bool = False
    arms: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "scenario": self.scenario,
            "estimand": self.estimand,
            "plan": self.plan,
            "candidates": list(self.candidates),
            "chosen": self.chosen,
            "record": self.record,
            "run": self.run,
            "title": self.title,
            "item": self.item,
            "report": str(self.report) if self.report else None,
        }
        if self.arms is not None:
            shape["arms"] = self.arms
        return {**shape, "unofficial": True} if self.unofficial else shape


@dataclass(frozen=True)
class PlanResponse:
    """A frozen, signed plan."""

    run: str
    hash: str
    note: str
    plan: dict[str, Any]
    earlier_plans: int
    witness: str


@dataclass(frozen=True)
class ReportResponse:
    """Where the report lies."""

    run: str
    html: Path
    json: Path


@dataclass(frozen=True)
class TourResponse:
    """The verdicts of all built-in scenarios, and the filings of those that passed.

    Attributes:
        assets: how many of each kind the catalog has. matchings: of the packs' needs and products.
        measured: by data set that was measured, its quality score.
    """

    runs: tuple[RunResponse, ...]
    reports: Path
    filings: tuple[str, ...] = ()
    assets: dict[str, int] = field(default_factory=dict)
    matchings: tuple[NeedsResponse, ...] = ()
    measured: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckResponse:
    """Whether a scenario file is good, every fault if not, and what a reader should know."""

    file: Path
    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]
    rows: int

    @property
    def exit_code(self) -> int:
        return ScenarioError.exit_code if self.faults else 0

    def as_dict(self) -> dict[str, Any]:
        faults = [fault.as_dict() for fault in self.faults]
        remarks = [remark.as_dict() for remark in self.remarks]
        found = {"file": str(self.file), "ok": not faults, "rows": self.rows}
        return {**found, "faults": faults, "remarks": remarks}


@dataclass(frozen=True)
class RebuildResponse:
    """Per view, whether the bytes made again from the log equal those that stood there; None
    where none stood there."""

    views: dict[str, bool | None]

    @property
    def exit_code(self) -> int:
        return 3 if False in self.views.values() else 0


@dataclass(frozen=True)
class WitnessKeyResponse:
    """A witness's new key: the private half stays in the file."""

    key_file: Path
    vkey: str


@dataclass(frozen=True)
class WitnessSignResponse:
    """The receipt: hand it to ``pilotbase run --receipt``."""

    receipt: str
    file: Path | None


@dataclass(frozen=True)
class ExitResponse:
    """The run that has exited, the entry that says so, and the hash of the recorded report."""

    run: str
    entry: int
    report: str


@dataclass(frozen=True)
class RateResponse:
    """What waits for a rater.

    Attributes:
        given: ratings that were recorded just now. left: how many items are left for this rater.
        items: those left, in this rater's order, each ``{item, rubric, question, language,
            expected, passages, answer, refused}``.
    """

    run: str
    rater: str
    given: int
    left: int
    items: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class RatingsResponse:
    """How far raters agree; for the evaluator, not for publication.

    Attributes:
        agreement: Krippendorff's alpha over everybody, with interval.
        without: by rater, alpha of the others. apart: without whom they agree clearly better.
    """

    run: str
    ratings: int
    items: int
    agreement: dict[str, Any]
    without: dict[str, float | None]
    apart: tuple[str, ...]


@dataclass(frozen=True)
class ArmsResponse:
    """Person, AI, and the two together, from a scenario's decisions; see the page rules/arms."""

    scenario: str
    arms: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"scenario": self.scenario, **self.arms}


@dataclass(frozen=True)
class ExportResponse:
    """The file with the evidence on one candidate, and in which format it is."""

    run: str
    candidate: str
    format: str
    file: Path
