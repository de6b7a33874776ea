"""What happens to a pilot, in the order of its life. Each event moves it one state on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotbase.kernel.event import Duty, event, upgrader
from pilotbase.kernel.text import Text

WORDS_KEPT = "P2Y"
"""What was said in words may be about people; the verdict rests on the integers in the evidence. So
it is kept no longer than is needed (GDPR, article 5(1)(e); PIPL, article 19): beyond the months
in which an appeal or an exit report is due. Two years are assumed; `retention.toml` overrides."""


@event("pilot.submitted/1")
@dataclass(frozen=True)
class Submitted:
    """A need was handed in as a scenario file; its content is the vault body ``scenario``."""

    scenario: str
    item: str
    owner: str
    principal: str
    digest: str


@event("pilot.eligible/1")
@dataclass(frozen=True)
class Eligible:
    """The case officer accepted the application, for the reasons given."""

    reasons: tuple[str, ...]


@event("pilot.matched/1")
@dataclass(frozen=True)
class Matched:
    """Candidates were matched with the need; ``why`` says how each came in."""

    candidates: tuple[str, ...]
    why: Mapping[str, str]


@event("pilot.planned/1")
@dataclass(frozen=True)
class Planned:
    """Criteria, data and the rule of order were frozen. The plan is the vault body ``plan``, the
    base's signature over its hash is ``note``.

    ``earlier_plans`` counts the plans on the same data that this record already held: whoever tries
    often until it fits cannot hide it.
    """

    plan: str
    data: str
    note: str
    earlier_plans: int


@event("pilot.ready/1")
@dataclass(frozen=True)
class Ready:
    """Data and compute were confirmed: this many rows and units are there."""

    data: str
    rows: int
    units: int


@event("pilot.started/1")
@dataclass(frozen=True)
class Started:
    """The trial began in the committed order. ``receipt`` is the outside witness's signed note, or
    empty where the order is self-attested."""

    order: str
    receipt: str


@event("pilot.answers_kept/1", retention=WORDS_KEPT)
@dataclass(frozen=True)
class AnswersKept:
    """A stretch of what a candidate said, case by case, is the vault body
    ``replies:<candidate>:<number>``: gzip of JSON lines."""

    run: str
    candidate: str
    number: int
    answers: int


@event("pilot.evaluated/2")
@dataclass(frozen=True)
class Evaluated:
    """Every candidate was tried; the integers are the vault bodies ``evidence:<candidate>``.

    ``exposures`` counts how often the hold-out of these data had been read before this trial.
    ``transcripts`` says by candidate how many answers were kept, in how many bodies, and the Merkle
    root of their commitments (`AnswersKept`).
    """

    evidence: Mapping[str, str]
    faults: Mapping[str, int]
    outages: Mapping[str, int]
    exposures: int
    software: Mapping[str, str]
    transcripts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@upgrader("pilot.evaluated/1", "pilot.evaluated/2")
def _with_transcripts(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "transcripts": {}}


@event("rating.given/1", retention=WORDS_KEPT)
@dataclass(frozen=True)
class RatingGiven:
    """A person rated an answer that the plan puts before people: item, and the key that signed.

    Mark and reason are the rater's signed note, the vault body ``rating``. ``rater`` is the name of
    the key, a pseudonym.
    """

    run: str
    item: str
    rater: str
    vkey: str


@event("pilot.judged/1")
@dataclass(frozen=True)
class Judged:
    """The verdict on each candidate; the full verdict is the vault body ``verdict``."""

    verdict: str
    verdicts: Mapping[str, str]
    chosen: str | None


EXIT_REPORT = Duty(
    "exit-report",
    "P2M",
    Text(
        "Give the exit report of a pilot that was not passed, within two months of its proof.",
        "未通过的试点须在签证后两个月内提交退出报告。",
    ),
    {"outcome": ("no-go", "insufficient")},
)


@event("pilot.evidenced/2", opens=(EXIT_REPORT,))
@dataclass(frozen=True)
class Evidenced:
    """The signatory signed the written proof: a signed note over the verdict's hash.

    ``outcome`` is the pilot's: the verdict on the chosen candidate, or, where none was chosen,
    ``insufficient`` or ``no-go``; these two open the duty of an exit report.
    """

    note: str
    outcome: str = ""


@upgrader("pilot.evidenced/1", "pilot.evidenced/2")
def _with_outcome(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "outcome": ""}


@event("pilot.filed/1")
@dataclass(frozen=True)
class Filed:
    """A candidate of the pilot is filed for the first time; ``filing`` is the register's id."""

    filing: str


@event("pilot.exited/1", closes=(EXIT_REPORT.name,))
@dataclass(frozen=True)
class Exited:
    """The pilot has ended; its exit report, with this hash, is the vault body ``report``."""

    report: str


BY_STATE: dict[str, type[Any]] = {
    "submitted": Submitted,
    "eligible": Eligible,
    "matched": Matched,
    "planned": Planned,
    "ready": Ready,
    "running": Started,
    "evaluated": Evaluated,
    "judged": Judged,
    "evidenced": Evidenced,
    "filed": Filed,
    "exited": Exited,
}
"""The state that each event leads to."""
