"""Delegations and keys. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pilotbase.catalog import views as views
from pilotbase.catalog.parties import events as events
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

if TYPE_CHECKING:
    from pilotbase.catalog.parties.mandates import Wanted
    from pilotbase.kernel.event import Entry

SCOPES = (
    "What is allowed: words like serve.call.SERVICE, serve.* or *.",
    "允许的范围: serve.call.服务名、serve.* 或 * 等。",
)
UNDER = (
    "The delegation that is acted under; left out, an agent's only one that fits.",
    "所依据的委托; 省略时取智能体唯一符合的一项。",
)
SINCE = ("From when: a moment, RFC 3339 (default: now).", "生效时间, RFC 3339 (默认: 现在)。")
UNTIL = (
    "Until when: a moment or a term like P90D (default: a year, a key 90 days; never longer than "
    "what it rests on).",
    "到期时间: 时刻或 P90D 形式的期限 (默认一年, 密钥为 90 天; 不超过所依据的委托)。",
)
REASON = ("Why, as it is to stand in the record.", "理由, 将写入记录。")


@dataclass(frozen=True)
class DelegateRequest:
    giver: str = asked("The party that gives: a person, a body or an agent.", "授权方。")
    taker: str = asked("The party that may act for it.", "受托方。")
    scopes: tuple[str, ...] = asked(*SCOPES, default=(), many=True)
    under: str = asked(*UNDER, default="")
    since: str = asked(*SINCE, default="")
    until: str = asked(*UNTIL, default="")
    further: int = asked("How many more links may follow below.", "还可转委托的层数。", default=0)
    reason: str = asked(*REASON, default="")


@dataclass(frozen=True)
class DelegationResponse:
    """A delegation as recorded, and the entry that says so."""

    delegation: str
    giver: str
    taker: str
    scopes: tuple[str, ...]
    since: str
    until: str
    under: str
    further: int
    entry: int


@verb(
    "catalog.delegate",
    summary=Text(
        "Let a party act for another, within scopes and until a moment; it can only narrow.",
        "委托: 让一方在限定范围与期限内代另一方行事; 逐层只能缩小。",
    ),
    changes=True,
    roles=("case officer", "scenario owner", "provider"),
)
def delegate(context: Context, request: DelegateRequest) -> DelegationResponse:
    from pilotbase.catalog.parties.mandates import delegate as given
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        entry = given(record, context, request.giver, request.taker, _wanted(request))
    said = entry.body
    return DelegationResponse(
        said["delegation"], said["giver"], said["taker"], tuple(said["scopes"]), said["since"],
        said["until"], said["under"], said["further"], entry.index,
    )  # fmt: skip


def _wanted(request: DelegateRequest | KeyCreateRequest) -> Wanted:
    from pilotbase.catalog.parties.mandates import Wanted

    further = getattr(request, "further", 0)
    reason = getattr(request, "reason", "")
    return Wanted(request.scopes, request.under, request.since, request.until, further, reason)


@dataclass(frozen=True)
class UndelegateRequest:
    delegation: str = asked("The delegation's id.", "委托编号。")
    reason: str = asked(*REASON, default="")


@dataclass(frozen=True)
class RevokedResponse:
    """What was revoked, since when, by which entry, and what ended with it (ids)."""

    id: str
    at: str
    entry: int
    with_it: tuple[str, ...]


@verb(
    "catalog.undelegate",
    summary=Text(
        "Revoke a delegation; everything given under it ends with it.",
        "撤销委托; 依其所作的一切授权同时终止。",
    ),
    changes=True,
    roles=("case officer", "scenario owner", "provider", "regulator"),
)
def undelegate(context: Context, request: UndelegateRequest) -> RevokedResponse:
    from pilotbase.catalog.parties.mandates import undelegate as revoked
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        entry, below = revoked(record, context, request.delegation, request.reason)
    return _revoked(request.delegation, entry, below)


def _revoked(id_: str, entry: Entry, below: list[str]) -> RevokedResponse:
    return RevokedResponse(id_, entry.body["at"], entry.index, tuple(below))


@dataclass(frozen=True)
class WhoRequest:
    key: str = asked("The key's id, or its whole text.", "密钥编号, 或其全文。")
    scope: str = asked("Also ask whether it opens this.", "并查询是否含此范围。", default="")
    at: str = asked(
        "The moment in question, RFC 3339 (default: now).",
        "所问的时间, RFC 3339 格式 (默认: 现在)。",
        default="",
    )


@dataclass(frozen=True)
class WhoResponse:
    """Who acts with a key, and for whom.

    ``chain`` goes from the holder up to the person who answers for it: ``{"party", "what", "name",
    "delegation", "scopes", "since", "until", "reason"}``, the last five of the delegation by which
    the party acts for the next; ``name`` is None where it was erased. ``why_not`` says why the key
    does not hold; ``code`` is its stable name.
    """

    key: str
    holder: str
    holds: bool
    code: str
    why_not: Text | None
    scopes: tuple[str, ...]
    since: str
    until: str
    principal: str
    person: str
    chain: tuple[dict[str, Any], ...]

    @property
    def exit_code(self) -> int:
        return 0 if self.holds else 3


@verb(
    "catalog.who",
    summary=Text(
        "Show who acts with a key and for whom, up to the person who answers for it.",
        "显示密钥由谁使用、代谁行事, 直至负责的自然人。",
    ),
    changes=False,
    roles=("case officer", "regulator"),
)
def who(context: Context, request: WhoRequest) -> WhoResponse:
    from pilotbase.catalog.parties.who import who_holds
    from pilotbase.record.opened import open_record
    from pilotbase.record.verbs.words import moment

    at = moment(request.at, context.clock)
    with open_record(context, create=False) as record:
        return WhoResponse(**who_holds(record, request.key, request.scope, at))


@dataclass(frozen=True)
class KeyCreateRequest:
    holder: str = asked("The party that is to have the key.", "密钥持有方。")
    scopes: tuple[str, ...] = asked(*SCOPES, default=(), many=True)
    under: str = asked(*UNDER, default="")
    since: str = asked(*SINCE, default="")
    until: str = asked(*UNTIL, default="")


@dataclass(frozen=True)
class KeyCreateResponse:
    """A new key. ``text`` is shown this once and kept nowhere; the record has its hash."""

    key: str
    text: str
    holder: str
    under: str
    scopes: tuple[str, ...]
    since: str
    until: str
    entry: int


@verb(
    "catalog.key.create",
    summary=Text(
        "Make an API key for a party; its text is shown once, the record keeps a hash.",
        "为主体生成 API 密钥; 全文仅显示一次, 记录只保存哈希。",
    ),
    changes=True,
    roles=("case officer", "scenario owner", "provider"),
)
def key_create(context: Context, request: KeyCreateRequest) -> KeyCreateResponse:
    from pilotbase.catalog.parties.mandates import create_key
    from pilotbase.catalog.parties.opening import remarks
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        entry, text = create_key(record, context, request.holder, _wanted(request))
        for remark in remarks(record, entry.body["scopes"]):
            context.remark(remark)
    said = entry.body
    return KeyCreateResponse(
        said["key"], text, said["holder"], said["under"], tuple(said["scopes"]), said["since"],
        said["until"], entry.index,
    )  # fmt: skip


@dataclass(frozen=True)
class KeyRevokeRequest:
    key: str = asked("The key's id.", "密钥编号。")
    reason: str = asked(*REASON, default="")


@verb(
    "catalog.key.revoke",
    summary=Text("Revoke a key, at once and for good.", "撤销密钥, 立即且永久生效。"),
    changes=True,
    roles=("case officer", "scenario owner", "provider", "regulator"),
)
def key_revoke(context: Context, request: KeyRevokeRequest) -> RevokedResponse:
    from pilotbase.catalog.parties.mandates import revoke_key
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        entry = revoke_key(record, context, request.key, request.reason)
    return _revoked(request.key, entry, [])


@dataclass(frozen=True)
class KeyListRequest:
    holder: str = asked("Only keys of this party.", "仅此主体的密钥。", default="")


@dataclass(frozen=True)
class KeyListResponse:
    """Keys as ``{"key", "holder", "under", "scopes", "since", "until", "state", "why_not"}``, in
    the order of making; ``state`` is ``holds`` or the code of why not, by now."""

    keys: tuple[dict[str, Any], ...]


@verb(
    "catalog.key.list",
    summary=Text("List the keys and whether each holds now.", "列出密钥及其当前是否有效。"),
    changes=False,
    roles=("case officer", "regulator"),
)
def key_list(context: Context, request: KeyListRequest) -> KeyListResponse:
    from pilotbase.catalog.parties.who import listed
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        return KeyListResponse(tuple(listed(record, request.holder, context.clock())))
