"""A policy as JSON-LD that carries its own context: nobody has to fetch anything to read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pilotbase.catalog.rights.rules.policy import (
    Action,
    Condition,
    Duty,
    Logical,
    Named,
    Policy,
    Rule,
)
from pilotbase.catalog.rights.rules.vocabulary import CC, ODRL, XSD

_TO_NODE = ("permission", "prohibition", "obligation", "duty", "remedy", "consequence",
            "constraint", "refinement", "assigner", "assignee", "target")  # fmt: skip
_TO_WORD = ("action", "conflict", "leftOperand", "operator")
_CLASSES = ("Set", "Offer", "Agreement", "PartyCollection", "AssetCollection")
CONTEXT: dict[str, Any] = {
    "odrl": ODRL,
    "cc": CC,
    "xsd": XSD,
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "uid": "@id",
    "type": "@type",
    **{name: f"odrl:{name}" for name in _CLASSES},
    **{
        name: {"@id": f"odrl:{name}", "@type": "@id"}
        for name in (*_TO_NODE, "source", "rightOperandReference")
    },
    **{name: {"@id": f"odrl:{name}", "@type": "@vocab"} for name in _TO_WORD},
    "rightOperand": "odrl:rightOperand",
    "unit": {"@id": "odrl:unit", "@type": "@id"},
    **{
        name: {"@id": f"odrl:{name}", "@type": "@id", "@container": "@list"}
        for name in ("and", "or", "xone", "andSequence")
    },
    "@vocab": ODRL,
}
"""What each word means, as ODRL's own context has it, in as far as policies here use it."""
CURRENCY = "urn:iso:std:iso:4217:"
_OWN = {"policy": "urn:pilotbase:policy:", "party": "urn:pilotbase:party:",
        "asset": "urn:pilotbase:asset:", "rule": "urn:pilotbase:rule:"}  # fmt: skip
_SIDE = {"permission": "duty", "prohibition": "remedy"}


def exported(policy: Policy) -> dict[str, Any]:
    """The policy as a JSON-LD document; ids of this base become URNs."""
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "type": policy.kind,
        "uid": _id("policy", policy.uid),
        "conflict": policy.conflict,
    }
    for kind in ("permission", "prohibition", "obligation"):
        rules = [rule for rule in policy.rules if rule.kind == kind]
        if rules:
            document[kind] = [_rule(rule, f"{kind}-{n}") for n, rule in enumerate(rules)]
    return document


def _id(kind: str, name: str) -> str:
    return name if ":" in name else _OWN[kind] + name


def _rule(rule: Rule, place: str) -> dict[str, Any]:
    """A rule; one whose id is only its place in the policy is not given a name."""
    if rule.kind == "obligation":
        return _duty(rule.duties[0], place)
    said = {**_uid(rule.id, place), "action": _actions(rule.actions), **_related(rule)}
    if rule.constraints:
        said["constraint"] = [_condition(one) for one in rule.constraints]
    if rule.duties:
        side = _SIDE[rule.kind]
        said[side] = [_duty(one, f"{rule.id}.{side}-{n}") for n, one in enumerate(rule.duties)]
    return said


def _uid(id_: str, place: str) -> dict[str, Any]:
    return {} if id_ == place else {"uid": _id("rule", id_)}


def _duty(duty: Duty, place: str) -> dict[str, Any]:
    said = {**_uid(duty.id, place), "action": _actions(duty.actions), **_related(duty)}
    if duty.constraints:
        said["constraint"] = [_condition(one) for one in duty.constraints]
    if duty.consequences:
        said["consequence"] = [
            _duty(one, f"{duty.id}.consequence-{n}") for n, one in enumerate(duty.consequences)
        ]
    return said


def _related(one: Rule | Duty) -> dict[str, Any]:
    pairs: tuple[tuple[str, str, Sequence[Named]], ...] = (
        ("assigner", "party", one.assigners),
        ("assignee", "party", one.assignees),
        ("target", "asset", one.targets),
    )
    return {word: [_named(kind, name) for name in names] for word, kind, names in pairs if names}


def _named(kind: str, name: Named) -> str | dict[str, Any]:
    if not name.collection:
        return _id(kind, name.id)
    class_ = "PartyCollection" if kind == "party" else "AssetCollection"
    said: dict[str, Any] = {"type": class_, "source": _id(kind, name.id)}
    if name.refinements:
        said["refinement"] = [_condition(one) for one in name.refinements]
    return said


def _actions(actions: Sequence[Action]) -> list[Any]:
    return [_action(one) for one in actions]


def _action(action: Action) -> str | dict[str, Any]:
    if not action.refinements:
        return action.name
    return {
        "rdf:value": {"@id": action.name if ":" in action.name else f"odrl:{action.name}"},
        "refinement": [_condition(one) for one in action.refinements],
    }


def _condition(one: Condition) -> dict[str, Any]:
    if isinstance(one, Logical):
        return {one.operand: [_condition(part) for part in one.parts]}
    said: dict[str, Any] = {"leftOperand": one.left, "operator": one.operator}
    if one.type == "reference":
        said["rightOperandReference"] = list(one.right)
    else:
        said["rightOperand"] = [_value(value, one.type) for value in one.right]
    if one.unit:
        said["unit"] = CURRENCY + one.unit if ":" not in one.unit else one.unit
    return said


def _value(value: str, type_: str) -> Any:
    if type_ == "iri":
        return {"@id": _id("party", value)}
    return {"@value": value, "@type": f"xsd:{type_}"} if type_ else value
