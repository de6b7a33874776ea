"""Terms of assets in the record: setting them, asking them, and what was used and fulfilled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pilotbase.catalog.parties.registry import Registry, registry, unknown
from pilotbase.catalog.reading import assets_of
from pilotbase.catalog.rights import events
from pilotbase.catalog.rights.persons import PARTY, acts_for, named_person, reason_of
from pilotbase.catalog.rights.registration import open_disputes, rights_of
from pilotbase.catalog.rights.rules.conflicts import faults, remarks
from pilotbase.catalog.rights.rules.constraints import currency, number
from pilotbase.catalog.rights.rules.decision import (
    Decision,
    Fulfilment,
    Request,
    State,
    evaluate,
    owing,
)
from pilotbase.catalog.rights.rules.export import exported
from pilotbase.catalog.rights.rules.jsonld import BYTES_MAX
from pilotbase.catalog.rights.rules.policy import Duty, Named, Policy
from pilotbase.catalog.rights.rules.reading import policy_of, read_policy
from pilotbase.catalog.rights.rules.states import RIGHTS, under_dispute
from pilotbase.catalog.rights.rules.vocabulary import ACTIONS, SAME_ACTION
from pilotbase.catalog.rights.views import TERMS, place
from pilotbase.kernel.canonical import digest
from pilotbase.kernel.errors import Fault, InputError, RunError, SheetError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.home import read_attached
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import parse
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.scenario.finding import Finding, nearest, path_text

ABOUT = "terms:"
POLICIES_MAX = 50
TIMES_MAX = 1_000_000
ASSET = Text("asset", "资产")
POLICY = Text("policy", "策略")
DUTY = Text("duty", "义务")
Said = Mapping[str, Any]


def terms_of(record: Record) -> Said:
    """The view: by asset, its policies, uses and fulfilled duties."""
    said: Said = catch_up(record, [TERMS])[TERMS.name]
    return said


def policies_of(said: Said) -> list[Policy]:
    """The policies of an asset as the rules take them."""
    found = [policy_of(one["terms"])[0] for _, one in sorted(said.get("policies", {}).items())]
    return [policy for policy in found if policy is not None]


def set_terms(
    record: Record, context: Context, asset: str, file: Path, person: str
) -> tuple[Entry, list[Fault]]:
    """Make a policy part of an asset's terms; one of the same uid becomes its newer version.

    Returns:
        the entry, and remarks: what is not wrong and has consequences.

    Raises:
        SheetError: all that is wrong with the policy. InputError: no such asset or person, or the
            person does not act for whoever provides the asset. RunError: a right is under dispute.
    """
    held, known = registry(record), assets_of(record)
    if asset not in known:
        raise unknown(ASSET, asset, known)
    named_person(held, person)
    policy, found = read_policy(read_attached(file, BYTES_MAX, _bad_file))
    if policy is not None:
        found = [*faults(policy), *_foreign(held, known, asset, policy)]
    if policy is None or found:
        raise SheetError(str(file), [_fault(one) for one in found])
    _check_may_set(record, context, held, known[asset], asset, person)
    state = terms_of(record).get(asset, {"policies": {}, "steps": 0})
    if policy.uid not in state["policies"] and len(state["policies"]) >= POLICIES_MAX:
        raise _many()
    said = exported(policy)
    version = digest(said)
    happened = events.TermsSet(asset, policy.uid, version, said, person)
    known_as = state["policies"].get(policy.uid, {})
    if known_as.get("version") == version:
        entry = record.entry(known_as["entry"])
    else:
        entry = _append(record, context, state["steps"], happened)
    return entry, [_fault(one) for one in remarks(policy)]


def withdraw(
    record: Record, context: Context, asset: str, policy: str, person: str, reason: str
) -> Entry:
    """Take a policy out of an asset's terms. Raises InputError, RunError as `set_terms`."""
    held, known, said = registry(record), assets_of(record), terms_of(record)
    named_person(held, person)
    state = said.get(asset, {"policies": {}, "steps": 0})
    if policy not in state["policies"]:
        raise unknown(POLICY, policy, state["policies"])
    _check_may_set(record, context, held, known[asset], asset, person)
    gone = events.TermsWithdrawn(asset, policy, person, reason_of(reason))
    return _append(record, context, state["steps"], gone)


def _append(record: Record, context: Context, steps: int, happened: Any) -> Entry:
    """Append as the next change of an asset's terms; whoever comes second is told."""
    key = f"terms:{happened.asset}:{steps}"
    draft = Draft(happened, context.actor("data steward"), ABOUT + happened.asset, key=key)
    entry = record.append(draft)
    if entry.kind != draft.kind or entry.body != draft.body():
        raise RunError(
            "terms.changed_meanwhile",
            Text("these terms were changed at the same time", "这些条款同时被他人更改"),
            where=happened.asset,
            next_step=Text("Look at them and run the command again.", "请查看后重新运行命令。"),
        )
    return entry


def decide(
    record: Record,
    party: str,
    action: str,
    asset: str,
    at: datetime,
    facts: Mapping[str, str],
    times: int = 1,
) -> Decision:
    """What the terms of an asset say to a party. Raises InputError: for an unknown party, action,
    asset, or an amount that is none."""
    held, known = registry(record), assets_of(record)
    if party not in held.book.parties:
        raise unknown(PARTY, party, held.book.parties)
    if asset not in known:
        raise unknown(ASSET, asset, known)
    request = Request(
        party,
        known_action(action),
        asset,
        at,
        _checked(facts),
        asset_collections=frozenset(_wholes(known, asset)),
        broader=_kinds(held),
        times=times,
    )
    said = terms_of(record).get(asset, {})
    return evaluate(policies_of(said), request, state_of(said, party))


def state_of(said: Said, party: str) -> State:
    """What happened so far on an asset, for one asking party."""
    uses = said.get("uses", {}).get(party, {})
    done = [
        Fulfilment(one["party"], one["policy"], one["duty"], parse(one["at"]), one["facts"])
        for one in said.get("fulfilled", [])
        if said["policies"].get(one["policy"], {}).get("version") == one["version"]
    ]
    return State(uses, done)


def use(record: Record, context: Context, happened: events.AssetUsed) -> Entry:
    """Record a use, with the decision at that time: what happened is recorded, allowed or not.

    Raises:
        InputError: the person is none of the catalog, or the number of times is out of range.
    """
    named_person(registry(record), happened.person)
    if not 1 <= happened.times <= TIMES_MAX:
        said = Text(f"`--times` is from 1 to {TIMES_MAX:,}", f"`--times` 为 1 至 {TIMES_MAX:,}")
        raise InputError("terms.times", said, where="--times")
    key = f"used:{context.entropy(12).hex()}"
    by = context.actor("data steward")
    return record.append(Draft(happened, by, ABOUT + happened.asset, key=key))


def fulfil(
    record: Record,
    context: Context,
    asset: str,
    duty: str,
    party: str,
    *,
    facts: Mapping[str, str],
    evidence: str,
    person: str,
) -> tuple[Entry, bool]:
    """Record that a party did what a duty asks; whether it is met now.

    Raises:
        InputError: an unknown asset, party, person or duty; several policies have a duty of that
            id.
    """
    held, said = registry(record), terms_of(record)
    if party not in held.book.parties:
        raise unknown(PARTY, party, held.book.parties)
    if asset not in assets_of(record):
        raise unknown(ASSET, asset, assets_of(record))
    named_person(held, person)
    of_asset = said.get(asset, {"policies": {}})
    found = _duties(of_asset)
    if duty not in found:
        raise unknown(DUTY, duty, found)
    policy, meant = found[duty]
    version = of_asset["policies"][policy]["version"]
    done = events.DutyFulfilled(
        party, asset, policy, version, meant.id, _checked(facts), reason_of(evidence, "--evidence"),
        person,
    )  # fmt: skip
    by = context.actor("data steward")
    entry = record.append(Draft(done, by, ABOUT + asset))
    after = terms_of(record)[asset]
    request = Request(party, "use", asset, context.clock())
    return entry, not any(owing(policy, meant, request, state_of(after, party)))


def _duties(said: Said) -> dict[str, tuple[str, Duty]]:
    """By id, the duties of an asset's policies; by policy and id where two have the same."""
    every = [(policy.uid, duty) for policy in policies_of(said) for duty in policy.duties()]
    ids = [duty.id for _, duty in every]
    return {
        duty.id if ids.count(duty.id) == 1 else f"{uid}#{duty.id}": (uid, duty)
        for uid, duty in every
    }


def known_action(action: str) -> str:
    """The action by ODRL's word. Raises InputError where it is not of the vocabulary."""
    word = action.removeprefix("odrl:")
    word = SAME_ACTION.get(word, word)
    if word not in ACTIONS:
        meant = nearest(word, ACTIONS)
        raise InputError(
            "terms.action",
            Text(f"{action!r} is no action of ODRL", f"{action!r} 不是 ODRL 的行为"),
            where="ACTION",
            next_step=Text(
                f"Did you mean {meant!r}?" if meant else "Such as use, read, derive, distribute.",
                f"是否想写 {meant!r}?" if meant else "例如 use、read、derive、distribute。",
            ),
        )
    return word


def _checked(facts: Mapping[str, str]) -> dict[str, str]:
    """The facts that are said. Raises InputError for an amount that is none."""
    said = {name: value.strip() for name, value in facts.items() if value.strip()}
    amount, _, code = said.get("payAmount", "0 CNY").rpartition(" ")
    if number(amount) is None or currency(code) != code or not code:
        raise InputError(
            "terms.amount",
            Text(f"{said['payAmount']!r} is no amount", f"{said['payAmount']!r} 不是金额"),
            where="--pay",
            next_step=Text('Write it like "5.00 CNY".', '请写作 "5.00 CNY" 的形式。'),
        )
    return said


def _wholes(known: Said, asset: str) -> list[str]:
    """The assets that this one is a part of."""
    return [
        id_
        for id_, one in known.items()
        if any(part["name"] == asset for part in one["card"].get("parts", ()))
    ]


def _kinds(held: Registry) -> dict[str, tuple[str, ...]]:
    """What the catalog knows of its parties: person, body or agent."""
    return {id_: (party.kind,) for id_, party in held.book.parties.items()}


def _foreign(held: Registry, known: Said, asset: str, policy: Policy) -> list[Finding]:
    """Parties and assets of this base that it does not have; and terms of something else."""
    found = list[Finding]()
    for rule in policy.rules:
        for name in (*rule.assignees, *rule.assigners):
            found += _stranger(rule.id, name, Text("party", "主体"), held.book.parties)
        for name in rule.targets:
            found += _stranger(rule.id, name, ASSET, known)
        if rule.targets and not any(one.collection or one.id == asset for one in rule.targets):
            said = Text(
                f"{rule.id} is about something else than {asset}",
                f"{rule.id} 与 {asset} 无关",
            )
            found.append(Finding((), "terms.other_target", said))
    return found


def _stranger(rule: str, name: Named, what: Text, known: Mapping[str, Any]) -> list[Finding]:
    if name.collection or ":" in name.id or name.id in known:
        return []
    said = Text(f"{rule}: there is no {what.en} {name.id!r}", f"{rule}: 没有{what.zh} {name.id!r}")
    return [Finding((), "terms.unknown", said, nearest=nearest(name.id, known))]


def _check_may_set(
    record: Record, context: Context, held: Registry, one: Said, asset: str, person: str
) -> None:
    """Terms are set for whoever provides the asset or holds a registered right over it."""
    state = rights_of(record)
    for right in RIGHTS:
        disputes = open_disputes(state, place(asset, right))
        if disputes:
            no = under_dispute(len(disputes))
            raise RunError(no.code, no.message, where=place(asset, right))
    holders = [
        said["in_force"]["holder"]
        for said in state["registrations"].values()
        if said["asset"] == asset and said["in_force"]
    ]
    givers = [id_ for id_ in (one["card"].get("provider"), *holders) if id_]
    if givers and not any(acts_for(held, person, giver, context.clock()) for giver in givers):
        names = ", ".join(dict.fromkeys(givers))
        raise InputError(
            "terms.not_yours",
            Text(f"{person} acts for none of: {names}", f"{person} 无权代表: {names}"),
            where="--by",
            next_step=Text(
                "Terms are set by who provides the asset or holds a right over it.",
                "条款由资产的供给方或权利人设定。",
            ),
        )


def _bad_file(message: Text) -> InputError:
    step = Text("Give a JSON-LD file of at most 1 MiB.", "请提供不超过 1 MiB 的 JSON-LD 文件。")
    return InputError("terms.bad_file", message, where="FILE", next_step=step)


def _many() -> InputError:
    said = Text(
        f"an asset has at most {POLICIES_MAX} policies", f"每项资产至多 {POLICIES_MAX} 项策略"
    )
    return InputError("terms.too_many", said)


def _fault(one: Finding) -> Fault:
    path = path_text(one.path)
    return Fault(one.code, one.message, path, expected=one.expected, nearest=one.nearest)
