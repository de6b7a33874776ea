"""Marks that are not computed: a judge's, and people's, for one answer that has just come in."""

from __future__ import annotations

import math

import numpy as np

from pilotbase.trial.asking import Asking
from pilotbase.trial.candidates.messages import BadReply, read_reply
from pilotbase.trial.cases import OK, Predictions
from pilotbase.trial.endpoints.port import Case
from pilotbase.trial.journal import Kept, Place
from pilotbase.trial.marking import Wanted
from pilotbase.trial.people import NO_ANSWER, Item, every_of, people_key
from pilotbase.trial.reply import Reply
from pilotbase.trial.respondent import Outage


async def judged(
    asking: Asking, candidate: str, case: Case, block: Predictions, place: int, kept: Kept
) -> list[str]:
    """Put the marks of one answer into its block; what kept a judge from marking, in words.

    A case may be asked again for other criteria; judge and people mark its first reply, and one
    that is missing is the candidate's fault, whatever it said later.

    A judge that fails leaves no mark. That is never the candidate's fault, and costs labels alone:
    the guess for such a unit is the mean of what people said.

    Raises:
        CandidateError, PluginError: a judge cannot be asked at all.
    """
    wanted = [w for w in asking.marks if w.version == case.version and w.metric.asks is not None]
    if not wanted or block.status[place] != OK or case.question is None:
        return []
    reply, troubles = _first_reply(kept), []
    for one in wanted:
        if reply is None:
            block.marks[people_key(one.criterion)][place] = NO_ANSWER
            block.marks[one.key][place] = NO_ANSWER
            continue
        item = Item.of(one.criterion.rubric or "", case.question, reply)
        block.marks[people_key(one.criterion)][place] = _by_people(
            asking, candidate, case, one, item
        )
        if one.metric.asks == "judge":
            said = await _by_judge(asking, candidate, case, one, item)
            block.marks[one.key][place] = said.fields["mark"] if said.fields else math.nan
            if said.fields is None:
                troubles.append(f"judge {one.criterion.judge}: {said.reason}")
    return troubles


def _first_reply(kept: Kept) -> Reply | None:
    try:
        return None if kept.fields is None else read_reply(kept.fields)
    except BadReply:
        return None


def _by_people(asking: Asking, candidate: str, case: Case, wanted: Wanted, item: Item) -> float:
    every = every_of(wanted.metric, wanted.criterion)
    unit = int(asking.cases.unit[case.row])
    if not asking.people.audited(asking.cases, wanted.criterion, every)[unit]:
        return math.nan
    turn = int(np.flatnonzero(asking.planned == unit)[0])
    return asking.people.mark(item, turn, candidate, people_key(wanted.criterion))


async def _by_judge(asking: Asking, candidate: str, case: Case, wanted: Wanted, item: Item) -> Kept:
    """The judge's mark, from the journal where it was given before. The judge is not told which
    units are audited: it is asked of all of them, in the same way."""
    name = f"judge:{wanted.criterion.judge}:{candidate}:{wanted.key}"
    place = Place(case.row, case.version)
    kept = asking.journal.said(asking.question, name, place)
    if kept is None:
        try:
            kept = await asking.bench.mark(str(wanted.criterion.judge), item, asking.exchanges.send)
        except Outage as error:
            return Kept(None, str(error))  # not kept: asked again when the run goes on
        asking.journal.keep(asking.question, name, place, kept)
        asking.purse.pay(kept.cost)
    return kept
