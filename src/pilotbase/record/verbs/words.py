"""Help that several verbs share."""

from __future__ import annotations

from datetime import datetime

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import Clock, parse

KEY = (
    "The base's verifier key (vkey) as you got it from the base, not from this home.",
    "基地的验证密钥 (vkey), 应从基地另行取得, 而非取自本主目录。",
)
ABOUT = ("Only entries about this subject.", "仅与此主体有关的记录。")
AT = (
    "The moment in question, RFC 3339 (default: now).",
    "所问的时间, RFC 3339 格式 (默认: 现在)。",
)


def moment(text: str, clock: Clock, where: str = "--at") -> datetime:
    """The moment that is meant, now for an empty text. Raises InputError when it is none."""
    if not text:
        return clock()
    try:
        return parse(text)
    except ValueError as error:
        raise InputError(
            "record.bad_time",
            Text(f"this is no moment: {text!r}", f"这不是时间: {text!r}"),
            where=where,
            next_step=Text(
                "Write it with its time zone, like 2026-11-21T08:00:00Z.",
                "请带时区书写, 如 2026-11-21T08:00:00Z。",
            ),
        ) from error
