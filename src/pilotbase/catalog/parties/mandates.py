"""Giving and revoking: delegations and keys, recorded only where the rules allow them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pilotbase.catalog.parties.events import Delegated, KeyCreated, KeyRevoked, Undelegated
from pilotbase.catalog.parties.registry import (
    Registry,
    delegation_of,
    key_of,
    refused,
    registry,
    unknown,
)
from pilotbase.catalog.rules.delegation import Refusal, faults_of_delegation, passable
from pilotbase.catalog.rules.keys import ID_BYTES, SECRET_BYTES, key_faults, key_text
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import check_term, end_of_term, parse, stamp
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record

TEXT_MAX = 2_000
DELEGATION_TERM, KEY_TERM = "P1Y", "P90D"
DELEGATION, KEY = Text("delegation", "委托"), Text("key", "密钥")


@dataclass(frozen=True)
class Wanted:
    """What is asked for: scopes, and moments or terms as people write them."""

    scopes: tuple[str, ...]
    under: str = ""
    since: str = ""
    until: str = ""
    further: int = 0
    reason: str = ""


def delegate(record: Record, context: Context, giver: str, taker: str, wanted: Wanted) -> Entry:
    """Record a delegation. Raises InputError: with every reason why it may not be given."""
    now, held = context.clock(), registry(record)
    since = _moment(wanted.since, now, "--since") if wanted.since else now
    under = _under(held, giver, wanted, since)
    until = _until(held, under, wanted.until, since, DELEGATION_TERM)
    given = Delegated(
        delegation=f"d{context.entropy(6).hex()}",
        giver=giver,
        taker=taker,
        scopes=tuple(dict.fromkeys(wanted.scopes)),
        since=stamp(since),
        until=stamp(until),
        under=under,
        further=wanted.further,
        reason=_words(wanted.reason),
    )
    found = faults_of_delegation(held.book, delegation_of(vars(given)), now)
    if found:
        raise refused(found)
    return record.append(
        Draft(given, context.actor("case officer"), f"delegation:{given.delegation}")
    )


def undelegate(record: Record, context: Context, id_: str, reason: str) -> tuple[Entry, list[str]]:
    """Record that a delegation is revoked; the entry, and the delegations and keys that end
    with it. One that was revoked before gives the entry of that day.

    Raises:
        InputError: there is no such delegation.
    """
    held = registry(record)
    if id_ not in held.book.delegations:
        raise unknown(DELEGATION, id_, held.book.delegations)
    gone = Undelegated(id_, stamp(context.clock()), _words(reason))
    draft = Draft(
        gone, context.actor("case officer"), f"delegation:{id_}", key=f"undelegated:{id_}"
    )
    return record.append(draft), _below(held, id_)


def _below(held: Registry, id_: str) -> list[str]:
    """The delegations and keys that rest on a delegation, nearest first."""
    found, waiting = list[str](), [id_]
    while waiting:
        above = waiting.pop(0)
        found += [key.id for key in held.keys.values() if key.under == above]
        below = [one.id for one in held.book.delegations.values() if one.under == above]
        found, waiting = found + below, waiting + below
    return found


def create_key(record: Record, context: Context, holder: str, wanted: Wanted) -> tuple[Entry, str]:
    """Record a new key; its entry, and the text that is shown this once.

    Raises:
        InputError: with every reason why it may not be made.
    """
    now, held = context.clock(), registry(record)
    since = _moment(wanted.since, now, "--since") if wanted.since else now
    under = _under(held, holder, wanted, since)
    until = _until(held, under, wanted.until, since, KEY_TERM)
    id_, text, hash_ = key_text(context.entropy(ID_BYTES), context.entropy(SECRET_BYTES))
    made = KeyCreated(
        key=id_,
        holder=holder,
        under=under,
        scopes=tuple(dict.fromkeys(wanted.scopes)),
        since=stamp(since),
        until=stamp(until),
        sha256=hash_.hex(),
    )
    found = key_faults(held.book, key_of(vars(made)), now)
    if found:
        raise refused(found)
    return record.append(Draft(made, context.actor("case officer"), f"key:{id_}")), text


def revoke_key(record: Record, context: Context, id_: str, reason: str) -> Entry:
    """Record that a key is revoked; of one that was revoked before, the entry of that day.

    Raises:
        InputError: there is no such key.
    """
    held = registry(record)
    if id_ not in held.keys:
        raise unknown(KEY, id_, held.keys)
    gone = KeyRevoked(id_, stamp(context.clock()), _words(reason))
    return record.append(
        Draft(gone, context.actor("case officer"), f"key:{id_}", key=f"key-revoked:{id_}")
    )


def _under(held: Registry, giver: str, wanted: Wanted, at: datetime) -> str:
    """The delegation that is acted under: the named one, or an agent's only one that fits."""
    party = held.book.parties.get(giver)
    if wanted.under or party is None or party.kind != "agent":
        return wanted.under
    fitting = passable(held.book, giver, wanted.scopes, at)
    if len(fitting) > 1:
        said = Text(
            f"{giver} holds several delegations that fit: {', '.join(fitting)}",
            f"{giver} 持有多项符合的委托: {', '.join(fitting)}",
        )
        raise refused([Refusal("delegation.several", said, giver)], "--under")
    # Without any that fits, name one that does not, so that the answer says what it lacks.
    held_by = [one.id for one in held.book.delegations.values() if one.taker == giver]
    return next(iter([*fitting, *(held_by if len(held_by) == 1 else [])]), "")


def _until(held: Registry, under: str, text: str, since: datetime, term: str) -> datetime:
    """The end that is asked for; by default a term, or sooner if what it rests on ends sooner."""
    if text:
        return _moment(text, since, "--until")
    end, above = end_of_term(since, term), held.book.delegations.get(under)
    return end if above is None else min(end, above.until)


def _moment(text: str, start: datetime, where: str) -> datetime:
    """A moment, or the end of a term that begins at ``start``."""
    try:
        return end_of_term(start, check_term(text)) if text.startswith("P") else parse(text)
    except (ValueError, OverflowError) as error:
        raise InputError(
            "catalog.bad_time",
            Text(f"{text!r} is neither a moment nor a term", f"{text!r} 既非时间也非期限"),
            where=where,
            next_step=Text(
                "Write 2027-01-31T00:00:00Z, or a term like P90D (ISO 8601).",
                "请写 2027-01-31T00:00:00Z, 或 P90D 形式的期限 (ISO 8601)。",
            ),
        ) from error


def _words(text: str) -> str:
    if len(text) > TEXT_MAX:
        raise InputError(
            "catalog.too_long",
            Text(f"a reason has at most {TEXT_MAX} characters", f"理由最多 {TEXT_MAX} 个字符"),
            where="--reason",
        )
    return text
