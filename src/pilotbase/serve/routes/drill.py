"""The substitution drill: an upstream of a running service is cut off, and callers are played.

The cut is an event, so every gateway on the record makes it, and it ends by itself. Calls that are
under way at the upstream are left to end; new ones go to its other upstreams, or to the filings of
second choice. Probes are calls like any other: with a key, metered and charged to it, and counted
among the calls that nobody looked at.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pilotbase.catalog.rules.keys import id_of
from pilotbase.kernel.errors import InputError, RunError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.home import read_attached
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.register.views import FILING
from pilotbase.serve.call import Route
from pilotbase.serve.routes.books import Reading
from pilotbase.serve.routes.compile import compiled
from pilotbase.serve.routes.events import DrillBegun, Drilled
from pilotbase.serve.routes.offer import check_person
from pilotbase.serve.routes.probes import (
    DOORS,
    NO_ANSWER,
    NO_GATEWAY,
    Caller,
    Probe,
    Question,
    question_of,
)
from pilotbase.serve.routes.shown import ANYWHERE

if TYPE_CHECKING:
    from pilotbase.serve.routes.verbs import DrillRequest

SECONDS_MAX, PACE_MAX, PROBES_MAX = 3600, 100, 64
REQUEST_MAX = 64 * 2**20


def drilled(context: Context, request: DrillRequest) -> Entry:
    """Cut, probe, record what was found; the entry that says so.

    Raises:
        InputError: no such upstream, no key, no person, numbers out of range, or nothing to ask
            with. RunError: the service is not live, or does not answer to begin with.
    """
    key, given = _checked(request)
    with open_record(context, create=False) as record:
        check_person(record, request.as_)
        route = _route(record, context, request)
        upstream = request.upstream or route.upstreams[0].id
        caller = Caller(request.address, key)
        question = question_of(caller, route, request.operation, given)
        _tried(caller, question, request.filing)
        until = stamp(context.clock() + timedelta(seconds=request.seconds))
        begun = DrillBegun(request.filing, upstream, until, request.as_)
        by = context.actor("compute operator")
        first = record.append(Draft(begun, by, FILING + request.filing))
        start = time.monotonic()
        probes = _probed(request, caller, question, start)
        found = summed(probes, start, request, upstream, first.index, key)
        return record.append(Draft(found, by, FILING + request.filing))


def summed(
    probes: Sequence[Probe],
    start: float,
    request: DrillRequest,
    upstream: str,
    begun: int,
    key: str = "",
) -> Drilled:
    """What the probes say, as it is recorded."""
    end = start + request.seconds
    good = sorted(min(one.ended, end) for one in probes if not one.code)
    marks = [start, *good, end]
    gaps = [later - sooner for sooner, later in itertools.pairwise(marks)]
    return Drilled(
        filing=request.filing,
        upstream=upstream,
        begun=begun,
        seconds=request.seconds,
        asked=len(probes),
        served=len(good),
        gap_ms=round(1000 * max(gaps)),
        by_filing=dict(Counter(one.filing for one in probes if not one.code)),
        refusals=dict(Counter(one.code for one in probes if one.code)),
        calls=len(probes) + 1,
        key=id_of(key) or "",
    )


def _checked(request: DrillRequest) -> tuple[str, dict[str, Any] | None]:
    """The key's text, and what is to be asked where somebody says so."""
    key = os.environ.get(request.key, "")
    if not key:
        said = Text(
            f"the variable {request.key} holds no key", f"环境变量 {request.key} 中没有密钥"
        )
        raise InputError("serve.no_key", said, where="--key")
    if not 1 <= request.seconds <= SECONDS_MAX or not 1 <= request.pace <= PACE_MAX:
        said = Text(
            f"a drill takes 1 to {SECONDS_MAX} seconds at 1 to {PACE_MAX} calls a second",
            f"演练时长 1 至 {SECONDS_MAX} 秒, 每秒 1 至 {PACE_MAX} 次调用",
        )
        raise InputError("serve.drill_range", said, where="--seconds")
    if request.request is None:
        return key, None

    def refused(message: Text) -> InputError:
        return InputError("serve.bad_request", message, where=str(request.request))

    try:
        return key, dict(json.loads(read_attached(request.request, REQUEST_MAX, refused)))
    except (ValueError, TypeError, RecursionError):
        raise refused(Text("the file holds no JSON object", "该文件中没有 JSON 对象")) from None


def _route(record: Record, context: Context, request: DrillRequest) -> Route:
    reading = Reading(record)
    reading.grown()
    made = compiled(reading.books(), context.clock().timestamp(), ANYWHERE)
    route = made.routes.get(request.filing)
    if route is None or route.filing != request.filing:
        why = made.shut.get(request.filing)
        said = Text(f"{request.filing} is not served", f"{request.filing} 未提供服务")
        raise RunError("serve.not_served", why.message if why else said, where=request.filing)
    names = [one.id for one in route.upstreams]
    if request.upstream and request.upstream not in names:
        said = Text(f"it has no upstream {request.upstream!r}", f"没有上游 {request.upstream!r}")
        step = Text(f"It has: {', '.join(names)}.", f"已有: {', '.join(names)}。")
        raise InputError("serve.no_such_upstream", said, where="--upstream", next_step=step)
    if not names:
        said = Text("a drill has cut its only upstream off already", "演练已切断其唯一的上游")
        raise RunError("serve.drill", said, where=request.filing)
    return route


def _tried(caller: Caller, question: Question, filing: str) -> None:
    """One call before anything is cut, so that a drill measures the cut. Raises RunError."""
    first = caller.ask(question)
    if not first.code:
        return
    if first.code in (NO_GATEWAY, NO_ANSWER):
        raise RunError(
            first.code,
            Text("nothing was cut: no gateway answers there", "未切断任何上游: 该地址没有网关应答"),
            where=caller.address,
            next_step=Text("Say where it listens with --address.", "请用 --address 指明网关地址。"),
        )
    door = DOORS.get(question.operation, "openai")
    raise RunError(
        "serve.drill_refused",
        Text(
            f"nothing was cut: a call like the drill's ({question.operation}) is not served "
            f"now: {first.code}",
            f"未切断任何上游: 与演练相同的调用 ({question.operation}) 目前未得到应答: {first.code}",
        ),
        where=filing,
        next_step=Text(
            f"See that a gateway at {caller.address} opens the door {door} and that the key opens "
            "the service.",
            f"请确认 {caller.address} 处的网关已打开接口 {door}, 且密钥可调用该服务。",
        ),
    )


def _probed(request: DrillRequest, caller: Caller, question: Question, start: float) -> list[Probe]:
    with ThreadPoolExecutor(PROBES_MAX) as pool:
        waiting = []
        for number in range(request.seconds * request.pace):
            time.sleep(max(0.0, start + number / request.pace - time.monotonic()))
            waiting.append(pool.submit(caller.ask, question))
        return [one.result() for one in waiting]
