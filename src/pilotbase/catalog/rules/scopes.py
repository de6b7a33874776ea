"""Scopes: what a mandate or a key allows, as dotted words; they may only narrow on the way down.

``serve.call`` is one thing, ``serve.*`` all that lies below ``serve``, ``*`` everything. There is
no other pattern, so whether one scope covers another is decided by comparing beginnings. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

EVERYTHING = ("*",)
_SCOPE = re.compile(r"(?=.{1,200}\Z)(?:\*|[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)*(?:\.\*)?)")


def is_scope(text: str) -> bool:
    """Whether a text is a scope.

    >>> [is_scope(text) for text in ("serve.call", "serve.*", "*", "serve*", "Serve", "")]
    [True, True, True, False, False, False]
    """
    return _SCOPE.fullmatch(text) is not None


def covers(wide: str, narrow: str) -> bool:
    """Whether all that ``narrow`` allows is allowed by ``wide``.

    >>> covers("serve.*", "serve.call.logit"), covers("serve.*", "serve"), covers("*", "a.*")
    (True, False, True)
    """
    if wide == "*" or wide == narrow:
        return True
    return wide.endswith(".*") and narrow.startswith(wide[:-1])


def beyond(held: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """The wanted scopes that no held one covers, in their order.

    >>> beyond(["serve.*", "record.show"], ["serve.call", "record.*"])
    ('record.*',)
    """
    wide = tuple(held)
    return tuple(want for want in wanted if not any(covers(one, want) for one in wide))
