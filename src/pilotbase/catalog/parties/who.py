"""Reading: who acts with a key and for whom, and which keys there are."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pilotbase.catalog.parties.mandates import KEY
from pilotbase.catalog.parties.registry import Registry, chain_links, refused, registry, unknown
from pilotbase.catalog.rules.delegation import Refusal
from pilotbase.catalog.rules.keys import WRONG, Key, hash_of, id_of
from pilotbase.catalog.rules.scopes import covers
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.record.opened import Record


def who_holds(record: Record, wanted: str, scope: str, at: datetime) -> dict[str, Any]:
    """What `pilotbase.catalog.parties.verbs.WhoResponse` says of a key.

    Raises:
        InputError: there is no such key, or the text is not that of the key with its id.
    """
    held = registry(record)
    key, ring = _key(held, wanted), held.ring()
    chain, why_not = ring.chain(key), ring.standing(key, at)
    refusal = why_not if isinstance(why_not, Refusal) else None
    if refusal is None and scope and not any(covers(one, scope) for one in key.scopes):
        message = Text(f"the key does not open {scope!r}", f"该密钥不含范围 {scope!r}")
        refusal = Refusal("key.scope", message, key.id)
    said: dict[str, Any] = {
        **_shown(key),
        "holds": refusal is None,
        "code": refusal.code if refusal else "",
        "why_not": refusal.message if refusal else None,
    }
    if isinstance(chain, Refusal):
        return {**said, "principal": "", "person": "", "chain": ()}
    links = tuple(chain_links(record, held, key.holder, chain))
    return {**said, "principal": chain.principal, "person": chain.person, "chain": links}


def _key(held: Registry, wanted: str) -> Key:
    """The key with an id; one that is given by its text has to be that text."""
    id_ = id_of(wanted)
    key = held.keys.get(id_ or wanted)
    if id_ is not None and (key is None or not hmac.compare_digest(hash_of(wanted), key.hash)):
        raise refused([WRONG])
    if key is None:
        raise unknown(KEY, wanted, held.keys)
    return key


def listed(record: Record, holder: str, at: datetime) -> Iterator[dict[str, Any]]:
    """All keys, or those of one party, and whether each holds at a moment."""
    held = registry(record)
    ring = held.ring()
    for key in held.keys.values():
        if not holder or key.holder == holder:
            said = ring.standing(key, at)
            refusal = said if isinstance(said, Refusal) else None
            yield {
                **_shown(key),
                "under": key.under,
                "state": refusal.code if refusal else "holds",
                "why_not": refusal.message.as_dict() if refusal else None,
            }


def _shown(key: Key) -> dict[str, Any]:
    return {
        "key": key.id,
        "holder": key.holder,
        "scopes": key.scopes,
        "since": stamp(key.since),
        "until": stamp(key.until),
    }
