"""The vault: list what it keeps, erase from it, let terms run out, encrypt it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.record.verbs.words import ABOUT, AT, moment

if TYPE_CHECKING:
    from pilotbase.record.erasure import Body

GROUND = (
    'The legal ground, as it is to stand in the record, e.g. "GDPR, article 17(1)(b)".',
    '法律依据, 将写入记录, 如 "个人信息保护法第四十七条"。',
)


@dataclass(frozen=True)
class ListRequest:
    about: str = asked(*ABOUT, default="")
    limit: int = asked("At most this many bodies.", "最多显示的份数。", default=1000)


@dataclass(frozen=True)
class ListResponse:
    """Bodies as ``{"entry", "kind", "about", "name", "commitment", "size", "state", "until"}``.

    ``state`` is ``kept``, ``erased`` or ``lost``; ``until`` the end of the body's term, if it has
    one. ``encrypted`` is the id of the key that the vault is encrypted under.
    """

    encrypted: str | None
    bodies: tuple[dict[str, Any], ...]


@verb(
    "vault.list",
    summary=Text(
        "List the bodies that the record commits to, and whether the vault still has them.",
        "列出记录所承诺的各份正文, 以及保险库是否仍保存。",
    ),
    changes=False,
    roles=("data steward", "regulator"),
)
def list_(context: Context, request: ListRequest) -> ListResponse:
    from itertools import islice

    from pilotbase.record import erasure
    from pilotbase.record.encryption import read_setting
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        terms, erased = erasure.terms_in_force(record), erasure.recorded_erasures(record)
        found = erasure.bodies_of(record, record.entries(about=request.about or None))
        bodies = islice(found, max(request.limit, 0))
        shown = tuple(
            {
                **body.named(),
                "kind": body.kind,
                "about": body.about,
                "size": body.size,
                "state": _state(body, erased),
                "until": erasure.until(record, body, terms),
            }
            for body in bodies
        )
        return ListResponse(read_setting(context.home), shown)


@dataclass(frozen=True)
class EraseRequest:
    reason: str = asked("Why, as it is to stand in the record.", "原因, 将写入记录。", default="")
    ground: str = asked(*GROUND, default="")
    subject: str = asked(
        "Erase the bodies of all entries about this subject.",
        "删除与此主体有关的全部条目的正文。",
        default="",
    )
    entry: int | None = asked("Erase the bodies of this entry.", "删除此条目的正文。", default=None)


@dataclass(frozen=True)
class EraseResponse:
    """What was destroyed, where the log says so, and which other files of the home mention it.

    ``erased`` are ``{"entry", "name", "commitment"}``; ``recorded`` the indexes of the recording
    entries; ``gone_before`` counts bodies that were not there any more; ``remains`` are files of
    the home (reports, journals) that name the subject: the vault cannot reach into those.
    """

    erased: tuple[dict[str, Any], ...]
    recorded: tuple[int, ...]
    gone_before: int
    remains: tuple[Path, ...]


@verb(
    "vault.erase",
    summary=Text(
        "Destroy bodies and their salts, and record that, why and on what ground.",
        "销毁正文及其盐值, 并记录此事、原因与依据。",
    ),
    changes=True,
    roles=("data steward",),
)
def erase(context: Context, request: EraseRequest) -> EraseResponse:
    from pilotbase.record import erasure
    from pilotbase.record.opened import open_record

    _check(request)
    by = context.actor("data steward")
    with open_record(context, create=False) as record:
        if request.entry is None:
            entries = list(record.entries(about=request.subject))
        else:
            entries = [record.entry(request.entry)]
        bodies = list(erasure.bodies_of(record, entries))
        if not bodies:
            raise _nothing(request)
        done = erasure.erase(record, bodies, by=by, reason=request.reason, ground=request.ground)
    subjects = {entry.about for entry in entries}
    return EraseResponse(
        erased=tuple(dict(body.named()) for body in done.erased),
        recorded=done.recorded,
        gone_before=done.gone_before,
        remains=tuple(erasure.mentions(context.home, subjects)),
    )


@dataclass(frozen=True)
class ExpireRequest:
    at: str = asked(*AT, default="")
    ground: str = asked(*GROUND, default="retention term")
    dry_run: bool = asked("Only list them.", "仅列出。", default=False)


@dataclass(frozen=True)
class ExpireResponse:
    """What is past its term, as ``{"entry", "name", "commitment", "kind", "term"}``.

    ``recorded`` are the entries that record the erasure, none after a dry run.
    """

    at: str
    erased: tuple[dict[str, Any], ...]
    recorded: tuple[int, ...]


@verb(
    "vault.expire",
    summary=Text(
        "Erase bodies whose term has ended, and record that.",
        "删除已过保存期限的正文, 并予记录。",
    ),
    changes=True,
    roles=("data steward",),
)
def expire(context: Context, request: ExpireRequest) -> ExpireResponse:
    from pilotbase.kernel.time import stamp
    from pilotbase.record import erasure
    from pilotbase.record.opened import open_record

    at = moment(request.at, context.clock)
    if at > context.clock() and not request.dry_run:
        raise InputError(
            "vault.not_yet",
            Text("that moment has not come", "该时间尚未到来"),
            where="--at",
            next_step=Text("Add --dry-run to see what will be due.", "可加 --dry-run 预览。"),
        )
    with open_record(context, create=False) as record:
        if request.dry_run:
            found = tuple(erasure.expired(record, at, erasure.terms_in_force(record)))
            recorded: tuple[int, ...] = ()
        else:
            by = context.actor("data steward")
            done = erasure.expire(record, at, by=by, ground=request.ground)
            found, recorded = done.erased, done.recorded
    shown = tuple({**body.named(), "kind": body.kind, "term": body.term} for body in found)
    return ExpireResponse(stamp(at), shown, recorded)


@dataclass(frozen=True)
class EncryptRequest:
    key_file: Path = asked(
        "The key file; made if it is not there. Keep it outside the home, and keep a copy.",
        "密钥文件; 不存在时生成。请存于主目录之外, 并另存副本。",
    )


@dataclass(frozen=True)
class EncryptResponse:
    """Under which key the vault is now encrypted, and how many bodies were rewritten."""

    key: str
    key_file: Path
    made: bool
    rewritten: int


@verb(
    "vault.encrypt",
    summary=Text(
        "Encrypt the vault under a key file, or under another one than before.",
        "用密钥文件加密保险库, 或更换密钥。",
    ),
    changes=True,
    roles=("data steward",),
)
def encrypt(context: Context, request: EncryptRequest) -> EncryptResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.record.sealing import encrypt_vault, key_of

    with open_record(context, create=False) as record:
        key, made = key_of(context, request.key_file)
        rewritten = encrypt_vault(record, key, by=context.actor("data steward"))
    return EncryptResponse(key.id.hex(), request.key_file, made, rewritten)


def _state(body: Body, erased: set[str]) -> str:
    if body.kept:
        return "kept"
    return "erased" if body.commitment in erased else "lost"


def _check(request: EraseRequest) -> None:
    missing = [name for name in ("reason", "ground") if not getattr(request, name).strip()]
    if missing:
        raise InputError(
            "vault.no_reason",
            Text("an erasure is recorded with its reason and ground", "删除须记录原因与依据"),
            where=", ".join(f"--{name}" for name in missing),
            next_step=Text(
                "Give both; name no person in them.", "请给出二者, 且不要写入个人信息。"
            ),
        )
    if bool(request.subject) == (request.entry is not None):
        raise InputError(
            "vault.no_subject",
            Text("give either --subject or --entry", "请给出 --subject 或 --entry 之一"),
            where="--subject, --entry",
        )


def _nothing(request: EraseRequest) -> InputError:
    return InputError(
        "vault.nothing",
        Text("no entry about this has a body", "没有与此有关且带正文的条目"),
        where=request.subject or f"--entry {request.entry}",
        next_step=Text("`pilotbase vault list` shows them.", "`pilotbase vault list` 可列出。"),
    )
