"""What happens to limits and to the usage journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pilotbase.kernel.event import event


@event("serve.limited/1")
@dataclass(frozen=True)
class Limited:
    """An account was limited, or its limit lifted. About ``account:<account>``.

    Attributes:
        account: ``key:…``, ``party:…``, ``mandate:…`` or ``service:…``. per: the window: ``PT1M``,
            ``PT1H``, ``P1D`` and the like, ``P1M`` for the calendar month, or ``total``.
        requests, tokens: at most so many in each window; None where there is no such limit.
        money: an amount like ``"100.00 CNY"``, or None. All three None lifts the limit of ``per``.
        by: the party that set it. reason: why.
    """

    account: str
    per: str
    requests: int | None
    tokens: int | None
    money: str | None
    by: str
    reason: str


@event("serve.journal_opened/1")
@dataclass(frozen=True)
class JournalOpened:
    """A gateway process began a usage journal; its segments are sealed as they are complete.

    About ``gateway:<id>``.
    """

    gateway: str


@event("serve.segment_sealed/1")
@dataclass(frozen=True)
class SegmentSealed:
    """A segment of a usage journal is complete. About ``gateway:<id>``. No personal data.

    Attributes:
        number: from 1. records: how many it has. root: the RFC 9162 root over them, each
            behind the link before it (`rules.frames`). previous: the root
            of the segment before, empty for the first. link: the last record's.
        intents, settled: how many calls it says were begun and settled.
        sums: by currency, what was settled, in nano-units as text.
        cut: bytes behind the last good record that a crash had left, and that were set aside.
    """

    gateway: str
    number: int
    records: int
    root: str
    previous: str
    link: str
    intents: int
    settled: int
    sums: Mapping[str, str]
    cut: int


@event("serve.journal_ended/1")
@dataclass(frozen=True)
class JournalEnded:
    """A usage journal is complete. About ``gateway:<id>``.

    Attributes:
        segments: how many it has. in_order: whether its process ended it itself; otherwise it was
            killed, and the journal was completed from what it had left.
        given_up: at least so many records were damaged, or followed on such, and were set aside.
            by: the party that accepted that. reason: why.
    """

    gateway: str
    segments: int
    in_order: bool
    given_up: int = 0
    by: str = ""
    reason: str = ""


@event("serve.reconciled/1")
@dataclass(frozen=True)
class Reconciled:
    """What calls came to that a crash left unsettled. About ``gateway:<id>``.

    Attributes:
        calls: ``{usage id: nano-units as text}``; 0 to what was reserved.
        by: the party that decided it. reason: why.
    """

    gateway: str
    calls: Mapping[str, str]
    by: str
    reason: str


@event("serve.settled_late/1")
@dataclass(frozen=True)
class SettledLate:
    """A call that outlived the process that began it came to its end. About ``gateway:<id>``: the
    one whose journal has its intent. The rest is as in the journal's own settlings.

    Attributes:
        nano: the charge in nano-units of ``currency``, as text; 0 to what was reserved.
        upstream: the id of the one that answered, empty where none was asked.
    """

    gateway: str
    usage: str
    outcome: str
    currency: str
    nano: str
    input_tokens: int
    output_tokens: int
    cases: int
    bytes_in: int
    bytes_out: int
    chunks: int
    counted: bool
    upstream: str = ""
