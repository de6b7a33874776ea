"""What a decision comes to: for the call, and for its caller."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.text import Text
from pilotbase.serve.call import Ask, Refused
from pilotbase.serve.ports import Decided, Given
from pilotbase.serve.rules.as_events import EVENTS, as_asked, as_events, media_of

_log = logging.getLogger("pilotbase.serve")


def come_of(said: Mapping[str, Any], read: Callable[[], Decided]) -> Decided:
    """What ``read`` says that a decision comes to; a refusal where it cannot be read: its caller
    waits, and it will not be read better another time.

    Raises:
        HomeError: the record is out of reach for now.
    """
    try:
        return read()
    except HomeError:
        raise
    except Exception:
        _log.exception("what was decided of the call %s could not be read", said["usage"])
        return Decided(False, said["said"], said["person"], refused=damaged(said["usage"]))


def decided_of(
    said: Mapping[str, Any], stage: str, ask: Ask, given: Given | None, edited: bytes | None
) -> Decided:
    """What a decision means for the call.

    Args:
        said: the event's body. given: the service's answer where it has one. edited: what a person
            put in the place of the request or the answer; an answer goes out as it was asked for.
    """
    word, person = said["said"], said["person"]
    if not said["go"]:
        return Decided(False, word, person, refused=refusal_of(said))
    if word in ("manual", "edited") and edited is None:
        # What it was to take the place of is not what the person let pass.
        return Decided(False, word, person, refused=erased(said["usage"]))
    if edited is not None and (word == "manual" or stage == "after"):
        media = media_of(ask.operation, ask.stream)
        if media == EVENTS:
            edited = as_events(ask.operation, ask.body, edited)
        return Decided(True, word, person, answer=edited, media=media)
    if given is not None:
        return Decided(True, word, person, answer=given.body, media=given.media)
    if edited is not None:
        edited = as_asked(ask.operation, ask.stream, edited)
    return Decided(True, word, person, request=edited)


def refusal_of(said: Mapping[str, Any]) -> Refused:
    """What a caller is told whose call a person refused, who withdrew it, or nobody came for."""
    if said["said"] == "lapsed":
        return Refused(
            504,
            "serve.nobody_answered",
            Text(
                "a person had to look at this call, and none did in time",
                "此调用须经人工审核, 但逾期无人处理",
            ),
            Text(
                "Ask again later, or ask whoever answers for the service.",
                "请稍后重试, 或联系服务责任人。",
            ),
            where=said["usage"],
            retry_after_s=300.0,
        )
    if said["said"] == "withdrawn":
        return Refused(
            410,
            WITHDRAWN,
            Text("its caller withdrew this call", "调用方已撤回此调用"),
            Text("Call again where it is still wanted.", "如仍需要, 请重新调用。"),
            where=said["usage"],
        )
    return Refused(
        403,
        "serve.person_refused",
        Text("a person looked at this call and refused it", "经人工审核, 此调用被拒绝"),
        Text("Ask whoever answers for the service why.", "请向服务责任人询问原因。"),
        where=said["usage"],
    )


WITHDRAWN = "serve.withdrawn"


def not_fetched(usage: str) -> Refused:
    """A person let it pass, and nobody came back with the key that going on needs."""
    return Refused(
        410,
        "serve.not_fetched",
        Text("nobody came back for this call in time", "逾期未有人取回此调用"),
        Text("Call again.", "请重新调用。"),
        where=usage,
    )


def too_late(usage: str) -> Refused:
    """A call that is to be withdrawn, and was decided before."""
    return Refused(
        409,
        "serve.decided",
        Text("this call is decided already", "此调用已有处理结果"),
        Text("Fetch what came of it.", "请取回处理结果。"),
        where=usage,
    )


def unknown(usage: str) -> Refused:
    return Refused(
        404,
        "serve.no_such_call",
        Text("no parked call of this key has this usage id", "此密钥没有该用量编号的待处理调用"),
        Text("See the header pilotbase-usage of the answer.", "请查看应答头 pilotbase-usage。"),
        where=usage[:80],
    )


def lost(usage: str) -> Refused:
    return Refused(
        502,
        "serve.call_lost",
        Text("the gateway ended while the service was asked", "向服务请求期间网关终止"),
        Text("Call again.", "请重新调用。"),
        where=usage,
    )


def erased(usage: str) -> Refused:
    return Refused(
        410,
        "serve.call_erased",
        Text("what this call said was erased", "此调用的内容已被删除"),
        Text("Call again.", "请重新调用。"),
        where=usage,
    )


def damaged(usage: str) -> Refused:
    return Refused(
        502,
        "serve.call_damaged",
        Text("what was decided of this call could not be read", "此调用的处理结果无法读取"),
        Text("Call again; tell whoever runs the gateway.", "请重新调用, 并告知网关运维人员。"),
        where=usage,
    )


def full() -> Refused:
    return Refused(
        503,
        "serve.queue_full",
        Text("too many calls wait for a person", "等待人工处理的调用过多"),
        Text("Try again later.", "请稍后重试。"),
        retry_after_s=60.0,
    )


def not_parked() -> Refused:
    return Refused(
        503,
        "serve.not_parked",
        Text("the call could not be put down for a person", "无法为此调用登记人工处理"),
        Text("Try again in a while.", "请稍后重试。"),
        retry_after_s=10.0,
    )
