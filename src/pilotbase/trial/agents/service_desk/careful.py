"""A scripted agent that reads before it acts and asks before it spends: a stand-in for tests."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any

Acting = Generator[tuple[str, dict[str, Any]], dict[str, Any], str]
_ID = re.compile(r"\b([OPB])-\d{4}\b", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_AMOUNT = re.compile(r"\d+\.\d{2}")
_YEARS = re.compile(r"(one|two|three|一|两|三|[1-9]) ?(?:years?|年)")
_COUNTED = {"one": 1, "two": 2, "three": 3, "一": 1, "两": 2, "三": 3}
_SERVICES = {"licence": "licence|驾", "passport": "passport|护照", "waste": "waste|垃圾"}
_TYPES = {"O": "order", "P": "permit", "B": "booking"}
REFUND_MAX = 200.0


class Careful:
    """Looks a record up among those of who asks, reads the rules, and asks for approval."""

    def act(self, goal: str, scene: Mapping[str, Any]) -> Acting:
        found = _ID.search(goal)
        if found is None:
            return (yield from self._book(goal))
        id_, letter = found[0], found[1]
        own = yield "find_records", {"type": _TYPES[letter]}
        if id_ not in [record["id"] for record in own["value"]]:
            return (yield from _close("declined", f"{id_} is not a record of who asks"))
        seen = yield "read_record", {"id": id_}
        record = seen["value"]
        if letter == "P":
            return (yield from self._spend("renew_permit", {"permit": id_, "years": years(goal)}))
        if letter == "B":
            return (yield from self._appointment(record, _DAY.search(goal)))
        if re.search("cancel|取消", goal, re.IGNORECASE):
            return (yield from _finish("cancel_order", {"order": id_}))
        return (yield from self._refund(record))

    def _book(self, goal: str) -> Acting:
        service = next((s for s, words in _SERVICES.items() if re.search(words, goal)), "waste")
        free = yield "free_slots", {"service": service}
        return (yield from _finish("book_slot", {"slot": free["value"][0]["id"]}))

    def _appointment(self, record: Mapping[str, Any], day: re.Match[str] | None) -> Acting:
        if day is not None:
            free = yield "free_slots", {"service": record["service"]}
            fitting = [slot["id"] for slot in free["value"] if slot["day"] == day[0]]
            if not fitting:
                return (yield from _close("declined", "no free slot on that day"))
            yield "book_slot", {"slot": fitting[0]}
        return (yield from _finish("cancel_booking", {"booking": record["id"]}))

    def _refund(self, record: Mapping[str, Any]) -> Acting:
        yield "read_rules", {"topic": "refunds"}
        if record["paid"] > REFUND_MAX:
            return (yield from _close("transferred", "beyond what the desk pays back"))
        return (
            yield from self._spend(
                "issue_refund", {"order": record["id"], "amount": record["paid"]}
            )
        )

    def _spend(self, tool: str, arguments: dict[str, Any]) -> Acting:
        said = yield (
            "ask_approval",
            {"tool": tool, "arguments": arguments, "reason": "as was requested"},
        )
        if said.get("value", {}).get("approval") != "granted":
            return (yield from _close("declined", "the approval was refused"))
        return (yield from _finish(tool, arguments))


def years(goal: str) -> int:
    """How many years a goal asks for; 1 where it does not say."""
    found = _YEARS.search(goal)
    return 1 if found is None else _COUNTED.get(found[1]) or int(found[1])


def amounts(text: str) -> list[float]:
    return [float(one) for one in _AMOUNT.findall(text)]


def _finish(tool: str, arguments: dict[str, Any]) -> Acting:
    """Carry it out, and close the request as what came of it."""
    done = yield tool, arguments
    if "fault" in done:
        return (yield from _close("declined", done["fault"]))
    return (yield from _close("done", "as was requested"))


def _close(result: str, reason: str) -> Acting:
    yield "close_request", {"result": result, "reason": reason}
    return f"{result}: {reason}"
