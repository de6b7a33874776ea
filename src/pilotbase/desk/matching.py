"""Needs meet products: the desk hands the trials' evidence to the match room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, verb
from pilotbase.match import events as events
from pilotbase.match.answers import (
    NeedsRequest,
    NeedsResponse,
    OpenNeedsRequest,
    OpenNeedsResponse,
)

if TYPE_CHECKING:
    from pilotbase.match.rules.ranking import Tried
    from pilotbase.record.opened import Record

MEANING = Text(
    "For research and providers: what is needed and nobody has shown yet.",
    "供研究机构与供给方参考: 这些需求尚无人证明能够满足。",
)


@verb(
    "match.needs",
    summary=Text(
        "Match a list of needs with a list of products; a receipt for every pair.",
        "将需求清单与产品清单匹配, 每一对均出具凭据。",
    ),
    changes=True,
    roles=("case officer", "scenario owner", "provider"),
)
def match_needs(context: Context, request: NeedsRequest) -> NeedsResponse:
    from pilotbase.match.making import make
    from pilotbase.record import stores
    from pilotbase.record.opened import open_record

    evidence: dict[tuple[str, str], Tried] = {}
    if stores.begun(context.home):
        with open_record(context, create=False) as record:
            evidence = trial_evidence(record)
    return make(context, request, evidence)


@verb(
    "match.open-needs",
    summary=Text(
        "List needs without a product and pilots that did not pass, with the reasons.",
        "列出尚无产品的需求与未通过的试点, 并说明原因。",
    ),
    changes=False,
    roles=("public",),
)
def match_open_needs(context: Context, request: OpenNeedsRequest) -> OpenNeedsResponse:
    from pilotbase.match.making import kept
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        answer = kept(record, request.match)
        pilots = tuple(_failed(record))
    return OpenNeedsResponse(answer["id"], tuple(answer["open"]), pilots, MEANING)


def trial_evidence(record: Record) -> dict[tuple[str, str], Tried]:
    """By scenario and candidate, what the newest judged pilot found.

    The bound is of the first blocking criterion that asks for at least something; see
    `pilotbase.match.rules.ranking`.
    """
    from pilotbase.match.rules.ranking import Tried

    found = {}
    for about, verdict in _judged(record):
        run = about.removeprefix("pilot:")
        for candidate in verdict["candidates"]:
            metric, lower = _bound(candidate["criteria"])
            tried = Tried(candidate["verdict"], run, metric, lower)
            found[str(verdict["scenario"]), str(candidate["id"])] = tried
    return found


def _judged(record: Record) -> Iterator[tuple[str, dict[str, Any]]]:
    """Judged pilots, oldest first, with their verdicts; one whose body was erased says nothing."""
    from pilotbase.kernel.canonical import decode
    from pilotbase.kernel.errors import RecordError

    for entry in record.entries(kind="pilot.judged/1"):
        try:
            yield entry.about, decode(record.body(entry, "verdict"))
        except RecordError as error:
            if error.code != "record.body_gone":
                raise


def _bound(criteria: list[dict[str, Any]]) -> tuple[str, float | None]:
    for criterion in criteria:
        interval = criterion["interval"]
        if criterion["blocking"] and criterion["direction"] == "at_least" and interval:
            return str(criterion["metric"]), float(interval[0])
    return "", None


def _failed(record: Record) -> Iterator[dict[str, Any]]:
    """The newest pilot of each scenario, where all its candidates are a no-go."""
    newest = {str(verdict["scenario"]): (about, verdict) for about, verdict in _judged(record)}
    for scenario, (about, verdict) in newest.items():
        verdicts = {str(c["id"]): str(c["verdict"]) for c in verdict["candidates"]}
        if verdicts and set(verdicts.values()) == {"no-go"}:
            yield {
                "scenario": scenario,
                "run": about.removeprefix("pilot:"),
                "verdicts": verdicts,
            }
