"""How long the vault keeps a body: the term declared with the kind of event, or the base's own.

A base writes its own terms into ``retention.toml`` in its home; they go before the declared ones::

    "pilot.submitted/1" = "P10Y"                                  # every body of the kind
    "pilot.evaluated/2" = { "evidence:*" = "P5Y", "*" = "P10Y" }  # by the body's name
    "pilot.judged/1" = "forever"

A body's term begins with its entry's ``at`` and ends as `kernel.time.end_of_term` counts. Where no
term is declared a body is kept until it is erased by hand. Pure: no I/O, no clock.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pilotbase.kernel.time import check_term, end_of_term, parse

FOREVER = "forever"

Terms = Mapping[str, Mapping[str, str]]
"""By kind of event, by name or pattern of a body's name: an ISO 8601 duration, or `FOREVER`."""


@dataclass(frozen=True, slots=True)
class Term:
    """The term of one body and the first moment that is past it."""

    term: str
    until: datetime


def terms_of(declared: Terms, own: Mapping[str, Any]) -> Terms:
    """The terms in force: the declared ones, with the base's own in place of those of its kinds.

    Raises:
        ValueError: the base's own are not as described above; the message says which.
    """
    return {**declared, **{kind: _of_kind(kind, said) for kind, said in own.items()}}


def term_of(terms: Terms, kind: str, name: str, at: str) -> Term | None:
    """The term of a body of an entry, None when it has none.

    The body's own name goes before a pattern, a longer pattern before a shorter one.

    Raises:
        ValueError: ``at`` is no time.
    """
    of_kind = terms.get(kind, {})
    fitting = [p for p in of_kind if p == name or fnmatch.fnmatchcase(name, p)]
    if not fitting:
        return None
    term = of_kind[max(fitting, key=lambda pattern: (pattern == name, len(pattern)))]
    return None if term == FOREVER else Term(term, end_of_term(parse(at), term))


def _of_kind(kind: str, said: Any) -> dict[str, str]:
    by_name = said if isinstance(said, dict) else {"*": said}
    for name, term in by_name.items():
        if not isinstance(term, str):
            raise ValueError(f"{kind}: {name}: a term is text like 'P5Y'")
        if term != FOREVER:
            try:
                check_term(term)
            except ValueError as error:
                raise ValueError(f"{kind}: {name}: {error}") from error
    return by_name
