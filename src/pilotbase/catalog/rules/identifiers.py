"""Personal identifiers in a text, by their form and, where they have them, their check digits.

Resident identity number of China (GB 11643-1999: 18 characters, check character by ISO 7064 MOD
11-2), bank card (ISO/IEC 7812-1: Luhn's check digit, the first digits of a card network), IBAN (ISO
13616-1: modulo 97 is 1), mobile number of China (11 digits that begin with 13 to 19), e-mail
address. Names, addresses, licence plates and everything else are not seen. Linear in the length of
the text.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

from pilotbase.catalog.rules.folding import folded

_WEIGHTS = tuple(2**power % 11 for power in range(17, 0, -1))
_CHECKS = "10x98765432"
_PROVINCES = frozenset({*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), 50, 51,
                        52, 53, 54, *range(61, 66), 71, 81, 82, 83, 91})  # fmt: skip
_NETWORKS = re.compile(r"4|5[1-5]|2[2-7]|62|3[47]|6011|65|35|30|36|38|9")
_RESIDENT = re.compile(r"(?<![0-9a-z])[0-9]{17}[0-9x](?![0-9a-z])")
_CARD = re.compile(
    r"(?<![0-9])(?:[0-9]{13,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}"
    r"|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5})(?![0-9])"
)
_IBAN = re.compile(
    r"(?<![0-9a-z])[a-z]{2}[0-9]{2}(?:[ ]?[0-9a-z]{4}){2,7}(?:[ ]?[0-9a-z]{1,3})?(?![0-9a-z])"
)
_MOBILE = re.compile(
    r"(?<![0-9])(?:\+?86[ -]?)?1[3-9][0-9](?:[0-9]{8}|[ -][0-9]{4}[ -][0-9]{4})(?![0-9])"
)
_EMAIL = re.compile(
    r"(?<![\w.+-])[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![a-z0-9-])"
)
_SEPARATORS = re.compile("[ -]")


def identifiers(text: str) -> frozenset[str]:
    """The personal identifiers in a text, without blanks and hyphens, each with its kind.

    >>> sorted(identifiers("id 11010519491231002X, card 4111 1111 1111 1111, call 4112"))
    ['card:4111111111111111', 'resident:11010519491231002x']
    """
    plain = folded(text)
    found: set[str] = set()
    for kind, form, checked in KINDS:
        for match in form.finditer(plain):
            bare = bare_of(kind, match[0])
            if checked(bare):
                found.add(f"{kind}:{_national(bare) if kind == 'mobile' else bare}")
    return frozenset(found)


def bare_of(kind: str, match: str) -> str:
    """A match as its check takes it: without blanks and hyphens, an e-mail address as it is."""
    return match if kind == "email" else _SEPARATORS.sub("", match)


def resident(number: str) -> bool:
    """Whether 18 characters are a resident identity number: region, date of birth, check character.

    >>> resident("11010519491231002x"), resident("110105194912310021")
    (True, False)
    """
    try:
        datetime.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(d) * w for d, w in zip(number[:17], _WEIGHTS, strict=True))
    known = int(number[:2]) in _PROVINCES and 1850 <= int(number[6:10]) <= 2150
    return known and _CHECKS[total % 11] == number[17]


def card(number: str) -> bool:
    """Whether digits are a bank card number of a known network, by Luhn's check digit.

    >>> card("4111111111111111"), card("4111111111111112")
    (True, False)
    """
    digits = [int(digit) for digit in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return bool(_NETWORKS.match(number)) and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def iban(number: str) -> bool:
    """Whether letters and digits are an IBAN.

    >>> iban("gb82west12345698765432"), iban("gb82west12345698765433")
    (True, False)
    """
    turned = number[4:] + number[:4]
    return len(number) >= 15 and int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def _national(number: str) -> str:
    return number.removeprefix("+").removeprefix("86")


def _always(number: str) -> bool:
    return True


KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("resident", _RESIDENT, resident),
    ("card", _CARD, card),
    ("iban", _IBAN, iban),
    ("mobile", _MOBILE, _always),
    ("email", _EMAIL, _always),
)
"""Kind, form over a folded text, and whether what `bare_of` leaves of a match is one."""
