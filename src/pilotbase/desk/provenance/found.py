"""What a filing, an asset or a run stands for in the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.catalog.reading import assets_of
from pilotbase.desk.journey import Journey
from pilotbase.desk.rules import reached
from pilotbase.desk.views import VIEWS
from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import InputError, RecordError
from pilotbase.kernel.event import Entry
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.register.checks import TRIED
from pilotbase.register.filings import filings
from pilotbase.scenario.finding import nearest
from pilotbase.trial.plan import scenario_of

Said = Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """One candidate of one judged run, as the record has it.

    Attributes:
        scenario, plan, verdict: the recorded documents; ``scenario`` with all its words.
        candidate: the candidate's entry in the verdict. offer: its words in the scenario.
        software: versions recorded when it was tried. at: when it was judged.
    """

    run: str
    scenario: Said
    plan: Said
    verdict: Said
    candidate: Said
    offer: Said
    software: Mapping[str, str]
    at: str


@dataclass(frozen=True)
class Wanted:
    """What a word names: a filing, an asset, or both a filing and its asset.

    Attributes:
        asset: its id, empty for a run. filing: its id, or empty.
        runs: the judged runs that it stands on, newest last.
    """

    asset: str = ""
    filing: str = ""
    runs: tuple[str, ...] = ()


def wanted(record: Record, word: str) -> Wanted:
    """A filing by its id, else an asset by its id, else a run by its id or its beginning.

    Raises:
        InputError: it is none of these.
    """
    filed = filings(record)
    if word in filed:
        said = filed[word]
        return Wanted(said["asset"]["id"], word, (said["run"],))
    assets = assets_of(record)
    if word in assets:
        return Wanted(word, "", runs_of(record, assets[word]["card"]))
    pilots = judged(record)
    starts = [run for run in pilots if word and run.startswith(word)]
    named = [run for run, pilot in pilots.items() if pilot["scenario"] == word]
    if len(starts) == 1 or named:
        return Wanted(runs=(starts[0] if len(starts) == 1 else named[-1],))
    known = [*filed, *assets, *(pilot["scenario"] for pilot in pilots.values())]
    meant = nearest(word, known)
    raise InputError(
        "provenance.unknown",
        Text(
            f"no filing, asset or run is called {word!r}", f"没有名为 {word!r} 的备案、资产或试验"
        ),
        where=word[:80],
        next_step=Text(
            f"Did you mean {meant!r}?" if meant else "`pilotbase catalog list` shows the assets.",
            f"是否想写 {meant!r}?" if meant else "`pilotbase catalog list` 可列出资产。",
        ),
    )


def judged(record: Record) -> dict[str, Said]:
    """By run, the pilots that have a verdict, in the order of their verdicts."""
    pilots = catch_up(record, VIEWS)["pilots"]
    found = {
        about.removeprefix("pilot:"): pilot
        for about, pilot in pilots.items()
        if reached(pilot["state"], "judged")
    }
    return dict(sorted(found.items(), key=lambda one: one[1]["entries"]["judged"]))


def runs_of(record: Record, card: Said) -> tuple[str, ...]:
    """The judged runs in which an asset was tried, or whose data it is."""
    contents = {card.get("digest"), card.get("properties", {}).get(TRIED)} - {None}
    runs = []
    for run, pilot in judged(record).items():
        entry = record.entry(pilot["entries"]["planned"])
        plan = plan_of(record, entry)
        named = {entry.body["data"], *(c["digest"] for c in plan["candidates"])}
        runs += [run] if contents & named else []
    return tuple(runs)


def plan_of(record: Record, planned: Entry) -> Said:
    """The recorded plan; one without candidates and data where it was erased."""
    try:
        plan: Said = decode(record.body(planned, "plan"))
    except RecordError as error:
        if error.code != "record.body_gone":
            raise
        return {"candidates": (), "data": {}}
    return plan


def trial_of(record: Record, context: Context, run: str, content: str) -> Trial | None:
    """The trial of the candidate with that digest in a judged run; None where it has none."""
    journey = Journey(record, context, f"pilot:{run}")
    plan = plan_of(record, journey.entry("planned"))
    id_ = next((c["id"] for c in plan["candidates"] if c["digest"] == content), None)
    if id_ is None:
        return None
    verdict: Said = decode(journey.body("judged", "verdict"))
    scenario = scenario_of(decode(journey.body("submitted", "scenario")))
    return Trial(
        run,
        scenario,
        plan,
        verdict,
        next(c for c in verdict["candidates"] if c["id"] == id_),
        next(o for o in scenario["candidates"] if o["id"] == id_),
        journey.entry("evaluated").body["software"],
        journey.entry("judged").envelope["at"],
    )


def contents_of(card: Said) -> Iterator[str]:
    """The digests by which a plan may name an asset."""
    for said in (card.get("digest"), card.get("properties", {}).get(TRIED)):
        if said:
            yield said
