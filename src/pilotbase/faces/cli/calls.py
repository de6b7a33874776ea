"""`pilotbase gateway calls`: what is under way, what ended; with ``--follow`` until Ctrl-C."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import click
from rich.console import Console

from pilotbase.faces.cli.show_keeping import _say, _table
from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.verb import Context
from pilotbase.serve.telemetry.verbs import CallsRequest, CallsResponse

POLL_SECONDS = 1.0
LIVE = Text("{count} calls under way ({processes} processes).",
            "进行中的调用 {count} 个 ({processes} 个进程)。")  # fmt: skip
ENDED = Text("Ended lately:", "最近结束:")
HEADS = (
    Text("since", "开始"), Text("usage id", "用量编号"), Text("filing", "备案"),
    Text("operation", "操作"), Text("for", "委托方"), Text("upstream", "上游"),
    Text("seconds", "秒"),
)  # fmt: skip
STATE, OUTCOME, CHARGE = Text("state", "状态"), Text("outcome", "结果"), Text("charge", "费用")
WORDS = ("since", "usage", "filing", "operation", "for", "upstream", "seconds")
OUTCOMES = {
    "served": Text("served", "已应答"), "aborted": Text("left by the caller", "调用方中止"),
    "failed": Text("failed", "失败"), "cut": Text("cut", "被切断"),
    "refused": Text("refused", "被拒绝"),
}  # fmt: skip
STATES = {
    "asked": Text("asked", "已发送"), "answering": Text("answering", "应答中"),
    "with a person": Text("with a person", "人工处理中"),
}  # fmt: skip


def _calls(console: Console, found: CallsResponse, language: Language) -> None:
    heads = [head.in_language(language) for head in HEADS]
    _say(console, LIVE, language, count=len(found.live), processes=len(found.processes))
    if found.live:
        rows = [
            (*(one[word] for word in WORDS), STATES[one["state"]].in_language(language))
            for one in found.live
        ]
        _table(console, [*heads, STATE.in_language(language)], rows)
    if found.ended:
        _say(console, ENDED, language)
        more = [text.in_language(language) for text in (OUTCOME, CHARGE)]
        ended = [
            (*(one[word] for word in WORDS), _outcome(one, language), one["charge"])
            for one in found.ended
        ]
        _table(console, [*heads, *more], ended)


def _outcome(call: Mapping[str, Any], language: Language) -> str:
    said = OUTCOMES[call["outcome"]].in_language(language)
    return f"{said} ({call['code']})" if call["code"] else said


def follow(context: Context, request: CallsRequest, language: Language, as_json: bool) -> int:
    """Print each call as it ends."""
    from pilotbase.serve.telemetry.asking import seen

    last: dict[str, int] = {}
    with suppress(KeyboardInterrupt):
        while True:
            for one in fresh(seen(request).ended, last):
                click.echo(json.dumps(one, ensure_ascii=False) if as_json else line(one, language))
            time.sleep(POLL_SECONDS)
    return 0


def fresh(ended: tuple[dict[str, Any], ...], last: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Those that were not seen before; ``last`` is the latest number seen of each process."""
    for one in ended:
        if one["number"] > last.get(one["gateway"], 0):
            last[one["gateway"]] = one["number"]
            yield one


def line(call: Mapping[str, Any], language: Language) -> str:
    """One call on one line."""
    return (
        f"{call['until']}  {call['usage']}  {call['filing']}  {call['operation']}  {call['for']}  "
        f"{call['seconds']} s  {_outcome(call, language)}  {call['charge']}"
    )


CALLS_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {"gateway.calls": _calls}
