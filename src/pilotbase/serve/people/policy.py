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
from pilotbase.register.rules.tiers import TIERS
from pilotbase.serve.call import Call
from pilotbase.serve.rules.unfit import Unfit

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
    policy, faults = read(handoff)
    if faults:
        raise SheetError("handoff", faults)
    return policy


def read(handoff: Mapping[str, Any]) -> tuple[Policy, list[Fault]]:
    """A hand-off and all that is wrong with it; a word that is stands for what is usual."""
    words = _Words(handoff, ("handoff",), _KNOWN)
    policy = Policy(
        _occasion(words, "before"),
        _occasion(words, "after"),
        words.read("people", _texts, ()),
        words.read("wait", seconds_of, WAIT_S),
        words.read("late", _late, "refuse"),
        words.read("webhook", _hook, None),
    )
    if policy.before.path:
        said = Text("before a call there is no confidence yet", "调用之前尚无置信度")
        words.fault(said, "before", "confidence")
    return policy, words.faults


_KNOWN = ("before", "after", "people", "wait", "late", "webhook")
_OCCASION = ("always", "tiers", "flags", "audit", "confidence")
_USUAL = Occasion()


class _Words:
    """Words and values that are read one by one; of each that is wrong there is a fault."""

    def __init__(self, said: Any, at: tuple[str, ...], known: Sequence[str]) -> None:
        self.faults: list[Fault] = []
        self._at, self.said = at, said if isinstance(said, Mapping) else {}
        names = ", ".join(known)
        if not isinstance(said, Mapping):
            self.fault(Text(f"names and values: {names}", f"应为字段与值: {names}"))
        for name in sorted(map(str, self.said.keys() - set(known))):
            self.fault(Text(f"known are {names}", f"可用: {names}"), name)

    def read(self, name: str, read: Callable[[Any], Any], usual: Any) -> Any:
        if name not in self.said:
            return usual
        try:
            return read(self.said[name])
        except Unfit as error:
            self.fault(Text(error.en, error.zh), name)
            return usual

    def fault(self, said: Text, *names: str) -> None:
        self.faults.append(Fault("serve.handoff", said, " → ".join((*self._at, *names))))


def _occasion(words: _Words, stage: str) -> Occasion:
    if stage not in words.said:
        return _USUAL
    said = _Words(words.said[stage], ("handoff", stage), _OCCASION)
    path, below = said.read("confidence", _confidence, ((), 0.0))
    tiers = said.read("tiers", _texts, ())
    for strange in [one for one in tiers if one not in TIERS]:
        told = Text(
            f"{strange[:60]!r} is no tier: {', '.join(TIERS)}",
            f"没有等级 {strange[:60]!r}, 可用: {', '.join(TIERS)}",
        )
        said.fault(told, "tiers")
    found = Occasion(
        said.read("always", _always, False),
        tiers,
        said.read("flags", _texts, ()),
        said.read("audit", _share, 0.0),
        path,
        below,
    )
    words.faults += said.faults
    return found


def seconds_of(term: Any) -> float:
    """Seconds of ``PT30M``, ``PT1H30M``, ``PT45S``. Raises Unfit for anything else."""
    found = _WAIT.fullmatch(term) if isinstance(term, str) else None
    if found is None or not any(found.groups()):
        raise Unfit(f"{term!r}: a time like PT30M or PT2H is needed",
                    f"{term!r}: 须为 PT30M、PT2H 这样的时长")  # fmt: skip
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = float(hours * 3600 + minutes * 60 + seconds)
    if not 0 < total <= WAIT_S_MAX:
        raise Unfit(f"{term!r}: above 0, at most 30 days", f"{term!r}: 须大于 0, 至多 30 天")
    return total


def _always(said: Any) -> bool:
    if not isinstance(said, bool):
        raise Unfit("true or false", "须为 true 或 false")
    return said


def _share(said: Any) -> float:
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not 0 <= said <= 1:
        raise Unfit("a share from 0 to 1", "须为 0 至 1 的比例")
    return float(said)


def _confidence(said: Any) -> tuple[tuple[str, ...], float]:
    if said is None:
        return (), 0.0
    if not isinstance(said, Mapping) or said.keys() != {"path", "below"}:
        raise Unfit("path and below", "须有 path 与 below")
    below = said["below"]
    if isinstance(below, bool) or not isinstance(below, (int, float)):
        raise Unfit("below is a number", "below 须为数值")
    return tuple(str(said["path"]).split(".")), float(below)


def _texts(said: Any) -> tuple[str, ...]:
    if not isinstance(said, (list, tuple)) or not all(isinstance(one, str) for one in said):
        raise Unfit("a list of texts", "须为文本列表")
    return tuple(said)


def _late(said: Any) -> str:
    if said not in LATE:
        raise Unfit(f"one of {', '.join(LATE)}", f"须为 {'、'.join(LATE)} 之一")
    return str(said)


def _hook(said: Any) -> tuple[str, str, bool]:
    """An address that may be reached later is read now: a wrong one is a fault of the sheet."""
    from pilotbase.kernel.errors import CandidateError
    from pilotbase.trial.endpoints.address import address_of

    if not isinstance(said, Mapping) or not {"url", "secret"} <= said.keys() <= _HOOK:
        raise Unfit("url and secret (env:NAME or file:PATH), perhaps private",
                    "须有 url 与 secret (env:名称 或 file:路径), 可附 private")  # fmt: skip
    private = said.get("private", False) is True
    try:
        address_of(str(said["url"]), private=private)
    except CandidateError as error:
        raise Unfit(error.message.en, error.message.zh) from None
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
