"""What happens to parties, delegations and keys. Moments are RFC 3339 in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pilotbase.kernel.event import event


@event("catalog.party_added/1")
@dataclass(frozen=True)
class PartyAdded:
    """A party came into the catalog, or what is said of it changed; ``number`` counts from 1.

    ``what`` is person, body or agent. A person's name and contact are the vault body ``person``,
    which can be erased, and ``party`` is a pseudonym; of bodies and agents they stand here.
    ``principal`` is the person who answers for a body, ``asset`` the catalog's agent that an agent
    runs.
    """

    party: str
    what: str
    number: int
    name: Mapping[str, str] | None = None
    contact: str = ""
    principal: str = ""
    asset: str = ""


@event("catalog.delegated/1")
@dataclass(frozen=True)
class Delegated:
    """``giver`` let ``taker`` act for it within ``scopes``, from ``since`` up to ``until``.

    ``under`` is the delegation that is passed on by this one, or empty where the giver acts on its
    own authority; ``further`` how many more links may follow.
    """

    delegation: str
    giver: str
    taker: str
    scopes: tuple[str, ...]
    since: str
    until: str
    under: str
    further: int
    reason: str


@event("catalog.undelegated/1")
@dataclass(frozen=True)
class Undelegated:
    """A delegation was revoked; whatever was given or opened under it has ended with it."""

    delegation: str
    at: str
    reason: str


@event("catalog.key_created/1")
@dataclass(frozen=True)
class KeyCreated:
    """A key was made for ``holder``. Its text was shown once; ``sha256`` is the hash of that text.

    ``under`` is the delegation by which the holder acts, empty for its own authority.
    """

    key: str
    holder: str
    under: str
    scopes: tuple[str, ...]
    since: str
    until: str
    sha256: str


@event("catalog.key_revoked/1")
@dataclass(frozen=True)
class KeyRevoked:
    """A key was revoked."""

    key: str
    at: str
    reason: str
