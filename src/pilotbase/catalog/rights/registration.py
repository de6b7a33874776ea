"""Registering rights over data sets in the record: only what the table of states allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.catalog.parties.registry import Registry, registry, unknown
from pilotbase.catalog.reading import assets_of
from pilotbase.catalog.rights import events
from pilotbase.catalog.rights.persons import acts_for, known_holder, named_person, reason_of
from pilotbase.catalog.rights.rules.states import (
    ENDED,
    MOVES,
    Action,
    No,
    Outcome,
    Right,
    Standing,
    disputed,
    moved,
    rivals,
    settled,
    under_dispute,
)
from pilotbase.catalog.rights.views import RIGHTS, place
from pilotbase.kernel.actor import ROLES, Role
from pilotbase.kernel.canonical import digest
from pilotbase.kernel.errors import InputError, RunError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import check_term, end_of_term, parse, stamp
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up

ABOUT = "right:"
PUBLICATION = "P14D"
"""The term of a publication if none is said: ten working days where nothing else is a holiday."""
REGISTRATION = Text("registration", "登记")
DISPUTE = Text("dispute", "争议")
DATA_SET = Text("data set", "数据集")
Said = Mapping[str, Any]


def rights_of(record: Record) -> Said:
    """The view: registrations and disputes by id, steps by right of each data set."""
    said: Said = catch_up(record, [RIGHTS])[RIGHTS.name]
    return said


def registration_named(state: Said, id_: str) -> Said:
    """A registration. Raises InputError when there is none of that id."""
    if id_ not in state["registrations"]:
        raise unknown(REGISTRATION, id_, state["registrations"])
    said: Said = state["registrations"][id_]
    return said


def open_disputes(state: Said, where: str) -> list[Said]:
    """The disputes over one right of one data set that are not settled."""
    return [d for d in state["disputes"].values() if d["about"] == where and not d["outcome"]]


def standing_of(state: Said, one: Said) -> Standing:
    """A registration as the rules take it."""
    where = place(one["asset"], one["right"])
    until = parse(one["until"]) if one["until"] else None
    disputes = len(open_disputes(state, where))
    return Standing(one["stage"], one["in_force"] is not None, disputes, until)


def apply(
    record: Record, context: Context, asset: str, right: Right, holder: str, person: str, basis: str
) -> Entry:
    """Apply to have a right registered.

    Raises:
        InputError: an unknown data set, holder or person; a person who cannot act for the holder.
        RunError: the right is under dispute, or registered for somebody it cannot stand beside.
    """
    held, state = registry(record), rights_of(record)
    known = {id_: one for id_, one in assets_of(record).items() if one["what"] == "dataset"}
    if asset not in known:
        raise unknown(DATA_SET, asset, known)
    _acting(held, context, named_person(held, person), known_holder(held, holder))
    where = place(asset, right)
    disputes = open_disputes(state, where)
    if disputes:
        raise _refused(under_dispute(len(disputes)), where)
    live = {
        id_: (one["in_force"] or one["asked"])["holder"]
        for id_, one in state["registrations"].items()
        if place(one["asset"], one["right"]) == where and one["stage"] not in ENDED
    }
    beside = rivals(right, holder, live)
    if beside:
        raise _taken(where, beside[0], live[beside[0]])
    happened = events.RightApplied(
        registration=f"r{context.entropy(6).hex()}",
        asset=asset,
        version=known[asset]["version"],
        right=right,
        holder=holder,
        basis=reason_of(basis, "--basis"),
        person=person,
    )
    return _append(record, context, state, where, happened, "provider")


def move(
    record: Record,
    context: Context,
    id_: str,
    action: Action,
    role: Role,
    *,
    person: str,
    reason: str,
    term: str = PUBLICATION,
) -> Entry:
    """Accept, review, publish, give a code, refuse or cancel.

    Raises:
        InputError: no such registration, person, role, reason or term. RunError: the table of
            states does not allow it, or somebody else changed it meanwhile.
    """
    held, state = registry(record), rights_of(record)
    one = registration_named(state, id_)
    _may(held, context, one, action, role, person)
    after = _after(state, one, action, context)
    until = stamp(end_of_term(context.clock(), _term(term))) if action == "publish" else ""
    code = _code(one) if action == "code" else ""
    happened = events.RightMoved(id_, action, after.stage, person, reason_of(reason), until, code)
    return _append(record, context, state, place(one["asset"], one["right"]), happened, role)


def amend(
    record: Record,
    context: Context,
    id_: str,
    action: Action,
    role: Role,
    *,
    person: str,
    reason: str,
    holder: str = "",
    basis: str = "",
) -> Entry:
    """Apply for a change or a correction of a registered right, of its holder or its basis.

    Raises: as `move`.
    """
    held, state = registry(record), rights_of(record)
    one = registration_named(state, id_)
    _may(held, context, one, action, role, person)
    _after(state, one, action, context)
    asked = {**one["in_force"], "version": assets_of(record)[one["asset"]]["version"]}
    asked |= {"holder": known_holder(held, holder)} if holder else {}
    asked |= {"basis": reason_of(basis, "--basis")} if basis else {}
    if asked == one["in_force"]:
        raise InputError(
            "rights.no_change",
            Text("nothing would be different", "没有任何变更"),
            where=id_,
            next_step=Text("Name another --holder or --basis.", "请给出新的 --holder 或 --basis。"),
        )
    happened = events.RightAmended(
        id_, action, asked["holder"], asked["basis"], asked["version"], person, reason_of(reason)
    )
    return _append(record, context, state, place(one["asset"], one["right"]), happened, role)


def dispute(record: Record, context: Context, id_: str, person: str, reason: str) -> Entry:
    """Open a dispute over a registration. Raises InputError, RunError."""
    held, state = registry(record), rights_of(record)
    one = registration_named(state, id_)
    after = disputed(standing_of(state, one))
    if isinstance(after, No):
        raise _refused(after, id_)
    happened = events.RightDisputed(
        f"q{context.entropy(6).hex()}", id_, named_person(held, person), reason_of(reason)
    )
    where = place(one["asset"], one["right"])
    return _append(record, context, state, where, happened, "public")


def settle(
    record: Record, context: Context, id_: str, outcome: Outcome, role: Role, person: str,
    reason: str,
) -> Entry:  # fmt: skip
    """Settle a dispute: the registration stands or falls.

    Raises:
        InputError: no such dispute, person or reason, or the person is a side of it. RunError: it
            is settled already.
    """
    held, state = registry(record), rights_of(record)
    if id_ not in state["disputes"]:
        raise unknown(DISPUTE, id_, state["disputes"])
    about = state["disputes"][id_]
    one = registration_named(state, about["registration"])
    holder = (one["in_force"] or one["asked"])["holder"]
    if named_person(held, person) == about["person"] or acts_for(
        held, person, holder, context.clock()
    ):
        raise _not_yours(person, Text("is a side of the dispute", "是争议的一方"))
    after = settled(standing_of(state, one), outcome)
    if about["outcome"] or isinstance(after, No):
        raise _refused(No("rights.settled", Text("it is settled already", "该争议已裁定")), id_)
    happened = events.RightSettled(id_, one["registration"], outcome, person, reason_of(reason))
    return _append(record, context, state, place(one["asset"], one["right"]), happened, role)


def _after(state: Said, one: Said, action: Action, context: Context) -> Standing:
    after = moved(standing_of(state, one), action, context.clock())
    if isinstance(after, No):
        raise _refused(after, one["registration"])
    return after


def _may(
    held: Registry, context: Context, one: Said, action: Action, role: Role, person: str
) -> None:
    """Whether role and person may do it: for the holder, or for the registrar and never both."""
    rule = MOVES[action]
    if role not in rule.roles:
        names = Text(*(", ".join(ROLES[r].in_language(lang) for r in rule.roles)
                       for lang in ("en", "zh")))  # fmt: skip
        raise InputError(
            "rights.role",
            Text(f"{role} may not {action}", f"{ROLES[role].zh}不能执行 {action}"),
            where="--as",
            next_step=Text(f"Who may: {names.en}.", f"有权者: {names.zh}。"),
        )
    named_person(held, person)
    holders = {said["holder"] for said in (one["asked"], one["in_force"]) if said}
    if rule.for_holder:
        _acting(held, context, person, (one["in_force"] or one["asked"])["holder"])
    elif any(acts_for(held, person, holder, context.clock()) for holder in holders):
        raise _not_yours(person, Text("acts for the holder", "代表权利人"))


def _acting(held: Registry, context: Context, person: str, holder: str) -> None:
    if not acts_for(held, person, holder, context.clock()):
        raise InputError(
            "rights.not_for_holder",
            Text(f"{person} does not act for {holder}", f"{person} 无权代表 {holder}"),
            where="--by",
            next_step=Text(
                f"Name who answers for it, or delegate: `pilotbase catalog delegate {holder} "
                f"{person} rights.register`.",
                f"请指明其负责人, 或先委托: `pilotbase catalog delegate {holder} {person} "
                "rights.register`。",
            ),
        )


def _not_yours(person: str, why: Text) -> InputError:
    return InputError(
        "rights.not_yours",
        Text(f"{person} {why.en} and cannot decide", f"{person} {why.zh}, 不能作出决定"),
        where="--by",
        next_step=Text("Somebody else has to decide.", "须由他人决定。"),
    )


def _code(one: Said) -> str:
    """A code that tells data set, right and content: ``hold-`` and the first 12 digits of a hash.

    It is the base's own; a code of the national platform can be said in the reason.
    """
    said = {"asset": one["asset"], "right": one["right"], **one["asked"]}
    hex_ = digest({**said, "registration": one["registration"]}).removeprefix("sha256:")
    return f"{one['right']}-{hex_[:12]}"


def _term(term: str) -> str:
    try:
        return check_term(term)
    except ValueError as error:
        raise InputError(
            "rights.term",
            Text(f"{term!r} is no term", f"{term!r} 不是期限"),
            where="--term",
            next_step=Text("Write one like P14D or PT4H.", "请写作 P14D 或 PT4H 等形式。"),
        ) from error


def _append(
    record: Record, context: Context, state: Said, where: str, happened: Any, role: Role
) -> Entry:
    """Append as the next step of this right of this data set; whoever comes second is told."""
    key = f"rights:{where}:{state['steps'].get(where, 0)}"
    about = ABOUT + happened.registration
    draft = Draft(happened, context.actor(role), about, key=key)
    entry = record.append(draft)
    if entry.kind != draft.kind or entry.body != draft.body():
        said = Text("this right was changed at the same time", "此项权利同时被他人更改")
        raise _refused(No("rights.changed_meanwhile", said), where)
    return entry


def _taken(where: str, id_: str, holder: str) -> RunError:
    said = Text(
        f"{id_} is registered for {holder} or under way", f"{id_} 已为 {holder} 登记或正在办理"
    )
    return _refused(No("rights.taken", said), where)


def _refused(no: No, where: str) -> RunError:
    return RunError(
        no.code,
        no.message,
        where=where,
        next_step=Text(
            "`pilotbase catalog rights list` shows how the registrations stand.",
            "`pilotbase catalog rights list` 可查看各项登记的状态。",
        ),
    )
