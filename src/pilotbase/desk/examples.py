"""A few answers in words for a reader: the first in the committed order, picked by nobody."""

from __future__ import annotations

from typing import Any

import numpy as np

from pilotbase.trial.candidates.messages import BadReply, read_reply
from pilotbase.trial.cases import Cases, Ints
from pilotbase.trial.journal import Journal, Kept, Place

EXAMPLES = 5
CHARACTERS = 600


def examples_of(
    journal: Journal, asked: str, candidate: str, cases: Cases, order: Ints
) -> list[dict[str, Any]]:
    """``{case, question, answer, cites, refused, fault}`` of the first rows in committed order.

    Args:
        asked: names the question in the journal.
    """
    found: list[dict[str, Any]] = []
    language = cases.language
    for unit in order.tolist() if language is not None else ():
        for row in np.flatnonzero(cases.scored & (cases.unit == unit)).tolist():
            kept = journal.said(asked, candidate, Place(row))
            if kept is None or len(found) == EXAMPLES:
                return found
            assert language is not None
            said = {"case": cases.names[row], "question": _short(str(language.question[row]))}
            found.append({**said, **_answer(kept)})
    return found


def _answer(kept: Kept) -> dict[str, Any]:
    nothing = {"answer": "", "cites": [], "refused": False}
    if kept.fields is None:
        return {**nothing, "fault": _short(kept.reason)}
    try:
        reply = read_reply(kept.fields)
    except BadReply as error:
        return {**nothing, "fault": _short(str(error))}
    cites = [_short(one.passage) for one in reply.citations[:EXAMPLES]]
    return {"answer": _short(reply.text), "cites": cites, "refused": reply.refused, "fault": ""}


def _short(text: str) -> str:
    cut = text if len(text) <= CHARACTERS else text[:CHARACTERS] + "…"
    return cut.encode("utf-8", "replace").decode()
