"""When a person is needed: an arrangement's ``handoff``, read once and asked for every call.

handoff:
  before: {tiers: [high], flags: ["injection*"], audit: 0.02}
  after: {always: true, confidence: {path: choices.0.message.confidence, below: 0.7}}
  people: [reviewer-1]
  wait: PT30M
  late: refuse
  webhook: {url: https://example.org/hook, secret: env:HOOK_SECRET}
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pilotbase.kernel.errors import Fault, SheetError
from pilotbase.kernel.text import Text
from pilotbase.serve.call import Call

LATE = ("refuse", "unreviewed", "manual")
_WAIT = re.compile(r"PT(?:([0-9]{1,3})H)?(?:([0-9]{1,4})M)?(?:([0-9]{1,5})S)?")
WAIT_S, WAIT_S_MAX = 1800.0, 30 * 86_400.0


@dataclass(frozen=True)
class Occasion:
    """When a person is needed at one stage; any of them is enough.

    Attributes:
        flags: patterns of what guards flag. audit: the share of calls that is drawn by lot.
        path, below: a number in the answer, by names and places, under which a person looks; an
            answer without it counts as under it.
    """

    always: bool = False
    tiers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    audit: float = 0.0
    path: tuple[str, ...] = ()
    below: float = 0.0

    def reasons(
        self,
        call: Call,
        flags: Sequence[str],
        answer: bytes | None,
        lot: Callable[[float], bool],
    ) -> tuple[str, ...]:
        """Why, by name; empty where nobody is needed. ``lot`` says whether a share is drawn."""
        found = ["always"] if self.always else []
        if call.route.tier in self.tiers:
            found.append(f"tier:{call.route.tier}")
        found += [
            f"flag:{flag}"
            for flag in flags
            if any(fnmatch.fnmatchcase(flag, pattern) for pattern in self.flags)
        ]
        if self.path and answer is not None and not _number(answer, self.path) >= self.below:
            found.append("confidence")
        if self.audit and lot(self.audit):
            found.append("audit")
        return tuple(found)


@dataclass(frozen=True)
class Policy:
    """A route's hand-off.

    Attributes:
        people: who may decide; empty for every person of the catalog. wait_s: seconds until
            ``late`` applies: refuse, unreviewed or manual.
        hook: address, place of the secret, and whether it may be private.
    """

    before: Occasion = Occasion()
    after: Occasion = Occasion()
    people: tuple[str, ...] = ()
    wait_s: float = WAIT_S
    late: str = "refuse"
    hook: tuple[str, str, bool] | None = None


def policy_of(handoff: Mapping[str, Any]) -> Policy:
    """Read an arrangement's hand-off.

    Raises:
        SheetError: all that is wrong with it.
    """
    faults: list[Fault] = []

    def tried(name: str, read: Callable[[Any], Any], usual: Any) -> Any:
        if name not in handoff:
            return usual
        try:
            return read(handoff[name])
        except ValueError as error:
            said = Text(str(error), f"设置有误: {error}")
            faults.append(Fault("serve.handoff", said, f"handoff → {name}"))
            return usual

    known = ("before", "after", "people", "wait", "late", "webhook")
    for name in sorted(handoff.keys() - set(known)):
        said = Text(f"known are {', '.join(known)}", f"可用: {', '.join(known)}")
        faults.append(Fault("serve.handoff", said, f"handoff → {name}"))
    policy = Policy(
        tried("before", _occasion, Occasion()),
        tried("after", _occasion, Occasion()),
        tried("people", _texts, ()),
        tried("wait", seconds_of, WAIT_S),
        tried("late", _late, "refuse"),
        tried("webhook", _hook, None),
    )
    if policy.before.path:
        said = Text("before a call there is no confidence yet", "调用之前尚无置信度")
        faults.append(Fault("serve.handoff", said, "handoff → before → confidence"))
    if faults:
        raise SheetError("handoff", faults)
    return policy


def seconds_of(term: Any) -> float:
    """Seconds of ``PT30M``, ``PT1H30M``, ``PT45S``. Raises ValueError for anything else."""
    found = _WAIT.fullmatch(term) if isinstance(term, str) else None
    if found is None or not any(found.groups()):
        raise ValueError(f"{term!r}: a time like PT30M or PT2H is needed")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = float(hours * 3600 + minutes * 60 + seconds)
    if not 0 < total <= WAIT_S_MAX:
        raise ValueError(f"{term!r}: above 0, at most 30 days")
    return total


def _occasion(said: Any) -> Occasion:
    if not isinstance(said, Mapping):
        raise ValueError("always, tiers, flags, audit or confidence")
    strange = said.keys() - {"always", "tiers", "flags", "audit", "confidence"}
    if strange:
        raise ValueError(f"{', '.join(sorted(strange))}: not known here")
    always, audit = said.get("always", False), said.get("audit", 0.0)
    if not isinstance(always, bool):
        raise ValueError("always: true or false")
    if isinstance(audit, bool) or not isinstance(audit, (int, float)) or not 0 <= audit <= 1:
        raise ValueError("audit: a share from 0 to 1")
    path, below = _confidence(said.get("confidence"))
    tiers, flags = _texts(said.get("tiers", ())), _texts(said.get("flags", ()))
    return Occasion(always, tiers, flags, float(audit), path, below)


def _confidence(said: Any) -> tuple[tuple[str, ...], float]:
    if said is None:
        return (), 0.0
    if not isinstance(said, Mapping) or said.keys() != {"path", "below"}:
        raise ValueError("confidence: path and below")
    below = said["below"]
    if isinstance(below, bool) or not isinstance(below, (int, float)):
        raise ValueError("confidence: below is a number")
    return tuple(str(said["path"]).split(".")), float(below)


def _texts(said: Any) -> tuple[str, ...]:
    if not isinstance(said, (list, tuple)) or not all(isinstance(one, str) for one in said):
        raise ValueError("a list of texts")
    return tuple(said)


def _late(said: Any) -> str:
    if said not in LATE:
        raise ValueError(f"one of {', '.join(LATE)}")
    return str(said)


def _hook(said: Any) -> tuple[str, str, bool]:
    """An address that may be reached later is read now: a wrong one is a fault of the sheet."""
    from pilotbase.kernel.errors import CandidateError
    from pilotbase.trial.endpoints.address import address_of

    if not isinstance(said, Mapping) or not {"url", "secret"} <= said.keys() <= _HOOK:
        raise ValueError("url and secret (env:NAME or file:PATH), perhaps private")
    private = said.get("private", False) is True
    try:
        address_of(str(said["url"]), private=private)
    except CandidateError as error:
        raise ValueError(error.message.en) from None
    return str(said["url"]), str(said["secret"]), private


_HOOK = {"url", "secret", "private"}


def _number(answer: bytes, path: Sequence[str]) -> float:
    """The number at a path of an answer; NaN where there is none."""
    try:
        node = msgspec.json.decode(answer)
        for part in path:
            node = node[int(part)] if isinstance(node, list) else node[part]
    except (msgspec.DecodeError, RecursionError, LookupError, TypeError, ValueError):
        return float("nan")
    number = isinstance(node, (int, float)) and not isinstance(node, bool)
    return float(node) if number else float("nan")
