"""`pilotbase gateway calls`: what is under way, what ended; with ``--follow`` until Ctrl-C."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import click
from rich.console import Console

from pilotbase.faces.cli.show_keeping import _say
from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.verb import Context
from pilotbase.serve.telemetry.verbs import CallsRequest, CallsResponse

POLL_SECONDS = 1.0
LIVE = Text("{count} {calls} under way ({processes} {noun}).",
            "进行中的调用 {count} 个 ({processes} 个进程)。")  # fmt: skip
ENDED = Text("Ended lately:", "最近结束:")
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
    count, processes = len(found.live), len(found.processes)
    _say(console, LIVE, language, count=count, calls="call" if count == 1 else "calls",
         processes=processes, noun="process" if processes == 1 else "processes")  # fmt: skip
    for one in found.live:
        console.print("  " + line(one, language), markup=False, soft_wrap=True)
    if found.ended:
        _say(console, ENDED, language)
    for one in found.ended:
        console.print("  " + line(one, language), markup=False, soft_wrap=True)


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
    """One call on one line: as it stands, or how it ended and what it came to."""
    how = STATES[call["state"]].in_language(language) if "state" in call else ""
    words = (call["since"], call["usage"], call["filing"], call["operation"], call["for"],
             call["upstream"], f"{call['seconds']} s", how or _outcome(call, language),
             call.get("charge", ""))  # fmt: skip
    return "  ".join(word for word in words if word)


CALLS_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {"gateway.calls": _calls}
