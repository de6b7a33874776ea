"""Keys: only the right text opens, only within scope, time and chain."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.catalog.rules.delegation import Book, Delegation, Party, Refusal
from pilotbase.catalog.rules.keys import (
    Admission,
    Key,
    KeyRing,
    hash_of,
    id_of,
    key_faults,
    key_text,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)
ID, TEXT, HASH = key_text(b"\x01" * 6, b"\x02" * 32)
KEY = Key(ID, "bot", "d1", ("serve.call.*",), NOW, NOW + 9 * DAY, HASH)
LINK = Delegation("d1", "li", "bot", ("serve.*",), NOW, NOW + 10 * DAY)


def book(link: Delegation = LINK) -> Book:
    parties = {"li": Party("li", "person"), "bot": Party("bot", "agent")}
    return Book(parties, {link.id: link})


def answer(
    text: str = TEXT,
    scope: str = "serve.call.x",
    days: float = 1,
    link: Delegation = LINK,
    key: Key = KEY,
) -> str:
    said = KeyRing(book(link), {key.id: key}).admit(text, scope, NOW + days * DAY)
    return said.code if isinstance(said, Refusal) else said.chain.person


def test_the_right_key_opens() -> None:
    assert answer() == "li"
    said = KeyRing(book(), {ID: KEY}).admit(TEXT, "serve.call.x", NOW)
    assert isinstance(said, Admission) and said.key is KEY


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"text": TEXT[:-1] + "3"}, "key.wrong"),
        ({"text": TEXT.replace(ID, "0" * 12)}, "key.wrong"),
        ({"text": ""}, "key.wrong"),
        ({"text": TEXT + "\n"}, "key.wrong"),
        ({"text": ID}, "key.wrong"),
        ({"scope": "serve.callx"}, "key.scope"),
        ({"scope": "serve.*"}, "key.scope"),
        ({"days": -0.01}, "key.not_yet"),
        ({"days": 9}, "key.expired"),
        ({"key": replace(KEY, ended=NOW + DAY)}, "key.revoked"),
        ({"link": replace(LINK, ended=NOW + DAY)}, "delegation.revoked"),
        ({"link": replace(LINK, until=NOW + DAY)}, "delegation.expired"),
        ({"link": replace(LINK, giver="nobody")}, "party.unknown"),
        ({"key": replace(KEY, under="")}, "delegation.agent_principal"),
    ],
)
def test_what_does_not_open(asked: dict[str, object], code: str) -> None:
    assert answer(**asked) == code  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "codes"),
    [
        (KEY, []),
        (replace(KEY, scopes=("*",), until=NOW + 99 * DAY), ["key.widening", "key.outlives"]),
        (replace(KEY, scopes=(), until=NOW), ["scope.none", "key.no_time"]),
        (replace(KEY, holder="nobody"), ["party.unknown"]),
        (replace(KEY, under=""), ["delegation.agent_principal"]),
        (replace(KEY, holder="li", under="", scopes=("*",), until=NOW + 999 * DAY), []),
    ],
)
def test_what_key_may_be_made(key: Key, codes: list[str]) -> None:
    assert [fault.code for fault in key_faults(book(), key, NOW)] == codes


@given(st.binary(min_size=6, max_size=6), st.binary(min_size=32, max_size=32))
def test_a_key_s_text_has_its_id_and_not_its_hash(id_: bytes, secret: bytes) -> None:
    name, text, kept = key_text(id_, secret)
    assert id_of(text) == name == id_.hex() and kept == hash_of(text)
    assert secret.hex() in text and secret.hex() not in kept.hex()
    assert kept.hex() not in repr(replace(KEY, hash=kept))


def test_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        key_text(bytes(6), bytes(16))


@given(st.text(max_size=100))
def test_any_text_is_answered(text: str) -> None:
    assert answer(text=text) == "key.wrong"
