"""Whether a condition holds, in three values: true, false, undecided.

Undecided is what nobody said (the asker named no purpose), what cannot be compared (an amount in
another currency, a moment without a time zone), and what the base cannot measure. It is never taken
for the answer that lets more happen: `pilotbase.catalog.rights.rules.decision` sees to that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from pilotbase.catalog.rights.rules.policy import Condition, Constraint, Logical
from pilotbase.catalog.rights.rules.vocabulary import EVALUATED, NUMBERS, RELATIONS, Truth

NUMBER_CHARACTERS_MAX = 40
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_TAIL = re.compile(r"[#/:]([^#/:]+)$")
_CURRENCIES = {"Euro": "EUR", "United_States_dollar": "USD", "Renminbi": "CNY"}


@dataclass(frozen=True)
class Facts:
    """What is known of one use, or of how a duty was fulfilled.

    Attributes:
        at: the moment. said: by left operand, a value (``payAmount`` as ``"5.00 CNY"``).
        broader: of a value, what it is a kind or a part of; nothing else is known of it.
    """

    at: datetime
    said: Mapping[str, str] = field(default_factory=dict)
    broader: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def negated(truth: Truth) -> Truth:
    return None if truth is None else not truth


def all_of(truths: Iterable[Truth]) -> Truth:
    """True if all are, False if one is not, else undecided.

    >>> all_of([True, None]), all_of([None, False]), all_of([])
    (None, False, True)
    """
    seen = list(truths)
    if False in seen:
        return False
    return None if None in seen else True


def any_of(truths: Iterable[Truth]) -> Truth:
    """True if one is, False if none is, else undecided."""
    return negated(all_of(negated(one) for one in truths))


def exactly_one_of(truths: Iterable[Truth]) -> Truth:
    """True if one is and all others are not, else undecided while it could still be so."""
    seen = list(truths)
    if seen.count(True) > 1:
        return False
    return None if None in seen else seen.count(True) == 1


def holds(condition: Condition, facts: Facts) -> Truth:
    """Whether a condition holds. Total: it never raises."""
    if isinstance(condition, Constraint):
        return _compared(condition, facts)
    truths = [holds(part, facts) for part in condition.parts]
    if condition.operand == "or":
        return any_of(truths)
    if condition.operand == "xone":
        return exactly_one_of(truths)
    # What has to hold one after the other has to hold; the order itself is nowhere recorded.
    whole = all_of(truths)
    return None if condition.operand == "andSequence" and whole else whole


def all_hold(conditions: Iterable[Condition], facts: Facts) -> Truth:
    return all_of(holds(one, facts) for one in conditions)


def open_questions(conditions: Iterable[Condition], facts: Facts) -> list[str]:
    """What stays undecided, by name of the operand, each once."""
    found: list[str] = []
    for one in conditions:
        if holds(one, facts) is None:
            if isinstance(one, Logical):
                inner = open_questions(one.parts, facts)
                found += inner or ["andSequence"]
            else:
                found.append(one.left)
    return list(dict.fromkeys(found))


def _compared(one: Constraint, facts: Facts) -> Truth:
    # What lies behind a reference is not fetched, so nobody knows it.
    if one.left not in EVALUATED or not one.right or one.type == "reference":
        return None
    if one.left == "dateTime":
        return _single(one, lambda right: _moment(one.operator, facts.at, right))
    value = facts.said.get(one.left)
    if not value:
        return None
    if one.left == "payAmount":
        return _single(one, lambda right: _amount(one.operator, value, right, one.unit))
    if one.left in NUMBERS:
        return _single(one, lambda right: _ordered(one.operator, number(value), number(right)))
    return _words(one, value, facts)


def _single(one: Constraint, compare: Callable[[str], Truth]) -> Truth:
    """A comparison with one value; with several, as the set operators say."""
    if one.operator in RELATIONS:
        return compare(one.right[0]) if len(one.right) == 1 else None
    return None


def _ordered(operator: str, left: Decimal | None, right: Decimal | None) -> Truth:
    if left is None or right is None:
        return None
    return {
        "eq": left == right, "neq": left != right, "lt": left < right, "lteq": left <= right,
        "gt": left > right, "gteq": left >= right,
    }.get(operator)  # fmt: skip


def number(text: str) -> Decimal | None:
    """A plain decimal number; None for anything else."""
    if len(text) > NUMBER_CHARACTERS_MAX:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def currency(unit: str) -> str:
    """The ISO 4217 code that a unit stands for, "" where none can be told.

    >>> currency("CNY"), currency("http://dbpedia.org/resource/Euro"), currency("apples")
    ('CNY', 'EUR', '')
    """
    found = _TAIL.search(unit)
    tail = found[1] if found else unit
    tail = _CURRENCIES.get(tail, tail)
    return tail if _CURRENCY.fullmatch(tail) else ""


def _amount(operator: str, value: str, right: str, unit: str) -> Truth:
    amount, _, code = value.strip().rpartition(" ")
    if not currency(unit) or currency(unit) != code:
        return None
    return _ordered(operator, number(amount), number(right))


def span(text: str) -> tuple[datetime, datetime] | None:
    """First moment and first moment past it of an xsd:dateTime, or of the UTC day of an xsd:date;
    None for a moment that names no time zone, and for anything else."""
    try:
        if _DATE.fullmatch(text):
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return day, day + timedelta(days=1)
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC)
        return moment, moment + timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


def _moment(operator: str, at: datetime, right: str) -> Truth:
    """A moment against a moment, or against a day as a whole."""
    found = span(right)
    if found is None:
        return None
    start, end = found
    return {
        "eq": start <= at < end, "neq": not start <= at < end, "lt": at < start, "lteq": at < end,
        "gt": at >= end, "gteq": at >= start,
    }.get(operator)  # fmt: skip


def _words(one: Constraint, value: str, facts: Facts) -> Truth:
    """A value that is a name, against one name or several."""
    same = [_same(one.left, value, right) for right in one.right]
    if one.operator in ("eq", "neq"):
        found = same[0] if len(same) == 1 else None
        return found if one.operator == "eq" else negated(found)
    if one.operator == "isAllOf":
        return all_of(same)
    if one.operator in ("isAnyOf", "isNoneOf"):
        found = any_of(same)
        return found if one.operator == "isAnyOf" else negated(found)
    if one.operator in ("isA", "isPartOf"):
        return any_of(_below(one.left, value, right, facts) for right in one.right)
    if one.operator == "hasPart":
        return any_of(_below(one.left, right, value, facts) for right in one.right)
    return None


def area(text: str) -> str:
    """The ISO 3166 code that a place's name or IRI ends with, "" where there is none.

    >>> area("CN-BJ"), area("https://www.iso.org/obp/ui/#iso:code:3166:IT"), area("Beijing")
    ('CN-BJ', 'IT', '')
    """
    found = _TAIL.search(text)
    tail = found[1] if found else text
    return tail if _CODE.fullmatch(tail) else ""


def _same(left: str, value: str, right: str) -> Truth:
    if value == right:
        return True
    if left == "spatial":
        ours, theirs = area(value), area(right)
        # A code and some other name may mean the same place.
        return ours == theirs if ours and theirs else None
    return False


def _below(left: str, value: str, wide: str, facts: Facts) -> Truth:
    """Whether a value is, or is a kind or part of, another; undecided where nothing is known."""
    same = _same(left, value, wide)
    if same:
        return True
    if left == "spatial" and area(value) and area(wide):
        return area(value).startswith(area(wide) + "-")
    seen, waiting = {value}, list(facts.broader.get(value, ()))
    if not waiting:
        return None
    while waiting:
        above = waiting.pop()
        if _same(left, above, wide):
            return True
        if above not in seen:
            seen.add(above)
            waiting += facts.broader.get(above, ())
    return False
