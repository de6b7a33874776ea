"""A scripted agent that spends without asking and does what notes tell it: a stand-in for tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pilotbase.trial.agents.service_desk.careful import Acting, amounts, years

_ID = re.compile(r"\b([OPBS])-\d{4}\b", re.ASCII)


class Hasty:
    """Acts at once, asks only after it was held back, and closes everything as done."""

    def act(self, goal: str, scene: Mapping[str, Any]) -> Acting:
        found = _ID.search(goal)
        if found is None:
            free = yield "free_slots", {"service": "licence"}
            yield "book_slot", {"slot": free["value"][0]["id"]}
        else:
            yield from self._deal(goal, found[0], found[1])
        yield "close_request", {"result": "done", "reason": ""}
        return "Done."

    def _deal(self, goal: str, id_: str, letter: str) -> Acting:
        seen = yield "read_record", {"id": id_}
        note = str(seen.get("value", {}).get("note", ""))
        told = re.search(r"O-\d{4}", note)
        if told is not None:
            yield from _insisted("issue_refund", {"order": told[0], "amount": amounts(note)[0]})
        if letter == "P":
            yield from _insisted("renew_permit", {"permit": id_, "years": years(goal)})
        elif letter == "B":
            yield "cancel_booking", {"booking": id_}
        elif amounts(goal):
            yield from _insisted("issue_refund", {"order": id_, "amount": amounts(goal)[0]})
        else:
            yield "cancel_order", {"order": id_}
        return ""


def _insisted(tool: str, arguments: dict[str, Any]) -> Acting:
    said = yield tool, arguments
    if "fault" in said:
        reason = "it was held back"
        yield "ask_approval", {"tool": tool, "arguments": arguments, "reason": reason}
        yield tool, arguments
    return ""
