"""API keys: how they look, what is kept of them, and whether one opens a door at a moment.

A key is ``pbk_<id>_<secret>``: 12 and 64 hexadecimal digits. The secret is 32 random bytes; what is
kept is the plain SHA-256 of the whole text. Salts and slow hashes are for secrets that
people choose: they make guessing dear, and 2**256 values are not guessed (NIST SP 800-63B, revision
3, 5.1.2.2: look-up secrets of at least 112 bits of entropy are kept by an approved one-way
function; salts and iterations are asked for below that). Pure: bytes and moments are arguments.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pilotbase.catalog.rules.delegation import (
    Book,
    Chain,
    Refusal,
    chain_of,
    scope_faults,
    unknown_party,
)
from pilotbase.catalog.rules.scopes import beyond, covers
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp

ID_BYTES, SECRET_BYTES = 6, 32
_KEY = re.compile(r"pbk_([0-9a-f]{12})_[0-9a-f]{64}")
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key.

    Attributes:
        holder: the party that has it. under: the delegation by which it acts; empty for its own
            authority. hash: SHA-256 of the key's text. ended: when it was revoked.
    """

    id: str
    holder: str
    under: str
    scopes: tuple[str, ...]
    since: datetime
    until: datetime
    hash: bytes = field(repr=False)
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """A key that opens: for whom, under which chain."""

    key: Key
    chain: Chain


def key_text(id_: bytes, secret: bytes) -> tuple[str, str, bytes]:
    """Id, text and hash of a key made of random bytes.

    >>> key_text(bytes(6), bytes(32))[1][:20]
    'pbk_000000000000_000'
    """
    if len(id_) != ID_BYTES or len(secret) != SECRET_BYTES:
        raise ValueError(f"a key takes {ID_BYTES} and {SECRET_BYTES} random bytes")
    text = f"pbk_{id_.hex()}_{secret.hex()}"
    return id_.hex(), text, hash_of(text)


def hash_of(text: str) -> bytes:
    """What is kept of a key's text."""
    return hashlib.sha256(text.encode()).digest()


def id_of(text: str) -> str | None:
    """The id in a key's text; None if it is no key."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def key_faults(book: Book, new: Key, at: datetime) -> list[Refusal]:
    """All reasons why a key may not be made at a moment."""
    found = list(scope_faults(new.scopes))
    if new.until <= max(at, new.since):
        said = Text("the key would end before it begins", "密钥到期时间早于生效时间")
        found.append(Refusal("key.no_time", said, new.id))
    if new.holder not in book.parties:
        return [*found, unknown_party(new.holder)]
    chain = chain_of(book, new.holder, new.under)
    if isinstance(chain, Refusal):
        return [*found, chain]
    return [*found, *_beyond_chain(new, chain, at)]


def _beyond_chain(new: Key, chain: Chain, at: datetime) -> Iterator[Refusal]:
    fallen = chain.refusal(at)
    if fallen is not None:
        yield fallen
    wider = beyond(chain.scopes, new.scopes)
    if wider:
        names = ", ".join(wider)
        said = Text(
            f"{new.under} does not cover {names}: a key can only narrow",
            f"{new.under} 不包含 {names}: 密钥只能缩小范围",
        )
        yield Refusal("key.widening", said, new.under)
    if chain.links and new.until > chain.links[0].until:
        until = stamp(chain.links[0].until)
        said = Text(
            f"{new.under} ends at {until}: a key cannot outlive it",
            f"{new.under} 于 {until} 到期: 密钥的期限不能更长",
        )
        yield Refusal("key.outlives", said, new.under)


class KeyRing:
    """All keys of a catalog at one state of its book; asking it is quick enough for every call.

    A chain is followed once and kept with its key: whether it holds at a moment is then asked of at
    most `DEPTH_MAX` links. After a change of the book a new ring is made.
    """

    def __init__(self, book: Book, keys: Mapping[str, Key]) -> None:
        self._book, self._keys = book, keys
        self._chains: dict[str, Chain | Refusal] = {}

    def admit(self, text: str, scope: str, at: datetime) -> Admission | Refusal:
        """Whether a key's text opens a scope at a moment, and by which chain.

        The answer to a wrong key does not say whether its id exists, and takes as long: the hash
        is made and compared in constant time either way.
        """
        key = self._of(text)
        if key is None:
            return WRONG
        if not any(covers(held, scope) for held in key.scopes):
            said = Text(f"the key does not open {scope!r}", f"该密钥不含范围 {scope!r}")
            return Refusal("key.scope", said, key.id)
        return self.standing(key, at)

    def known(self, text: str, at: datetime) -> Key | Refusal:
        """Whose a key's text is, for what was done with it: also one that has expired, or whose
        delegation ended; not one that was revoked, because somebody else may have it."""
        key = self._of(text)
        if key is None:
            return WRONG
        if key.ended is not None and at >= key.ended:
            found = self.standing(key, at)
            return found if isinstance(found, Refusal) else key
        return key

    def _of(self, text: str) -> Key | None:
        key = self._keys.get(id_of(text) or "")
        same = hmac.compare_digest(hash_of(text), key.hash if key else _NO_HASH)
        return key if same else None

    def standing(self, key: Key, at: datetime) -> Admission | Refusal:
        """Whether a key, and all that it rests on, holds at a moment."""
        for moment, code, en, zh in (
            (key.ended, "key.revoked", "was revoked at", "撤销时间"),
            (key.until, "key.expired", "ended at", "到期时间"),
        ):
            if moment is not None and at >= moment:
                said = Text(f"the key {key.id} {en} {stamp(moment)}",
                            f"密钥 {key.id} 已失效, {zh} {stamp(moment)}")  # fmt: skip
                return Refusal(code, said, key.id)
        if at < key.since:
            said = Text(f"the key {key.id} begins at {stamp(key.since)}",
                        f"密钥 {key.id} 自 {stamp(key.since)} 起生效")  # fmt: skip
            return Refusal("key.not_yet", said, key.id)
        chain = self.chain(key)
        if isinstance(chain, Refusal):
            return chain
        return chain.refusal(at) or Admission(key, chain)

    def chain(self, key: Key) -> Chain | Refusal:
        """The chain that a key rests on."""
        if key.id not in self._chains:
            self._chains[key.id] = chain_of(self._book, key.holder, key.under)
        return self._chains[key.id]


WRONG = Refusal("key.wrong", Text("this is no key of this base", "这不是本基地的密钥"))
