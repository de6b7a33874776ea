"""From a JSON-LD document to a policy: all faults at once, each with its path.

What the document says and is not understood is a fault, not passed over: a word left out of terms
can turn them round. Only words of other vocabularies (``dc:title``) are left aside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pilotbase.catalog.rights.rules.jsonld import Reader, Unreadable, context_of, parsed
from pilotbase.catalog.rights.rules.policy import (
    Action,
    Condition,
    Constraint,
    Duty,
    Kind,
    Logical,
    Named,
    Policy,
    Rule,
    RuleKind,
)
from pilotbase.catalog.rights.rules.vocabulary import (
    ASIDE,
    CARRIED,
    EVALUATED,
    KEYS,
    LOGICAL,
    OPERATORS,
    Conflict,
)
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Finding, Path, nearest, shown

RULES_MAX = 500
REFERENCES_MAX = 1_000
PATH_MAX = 60
TEXT_MAX = 2_000
KINDS: tuple[Kind, ...] = ("Set", "Offer", "Agreement")
CONFLICTS: tuple[Conflict, ...] = ("perm", "prohibit", "invalid")
_ID = frozenset({"@id", "@type", "type", "uid"})
_RELATED = frozenset({"assigner", "assignee", "target"})
_SHARED = _RELATED | {"action"}
_SIDES: dict[str, str] = {
    "permission": "duty", "prohibition": "remedy", "obligation": "consequence",
}  # fmt: skip
Json = Mapping[str, Any]
T = TypeVar("T")


@dataclass
class _Reading:
    reader: Reader
    nodes: Mapping[str, Json]
    found: list[Finding] = field(default_factory=list)
    referred: int = 0

    def fault(self, at: Path, code: str, en: str, zh: str, **more: Any) -> None:
        self.found.append(Finding(at, f"terms.{code}", Text(en, zh), **more))


def read_policy(data: bytes) -> tuple[Policy | None, list[Finding]]:
    """The policy that a document holds, or what is wrong with it. It never raises."""
    try:
        document = parsed(data)
    except Unreadable as error:
        return None, [error.args[0]]
    return policy_of(document)


def policy_of(document: Any) -> tuple[Policy | None, list[Finding]]:
    """The policy in JSON data; see `read_policy`."""
    if not isinstance(document, dict):
        said = Text("this is no policy", "这不是策略")
        wanted = Text('an object with "@type" and "uid"', '带 "@type" 与 "uid" 的对象')
        return None, [Finding((), "terms.no_policy", said, wanted)]
    reader, found = context_of(document, KEYS)
    graph = document.get("@graph")
    nodes = [one for one in graph if isinstance(one, dict)] if isinstance(graph, list) else []
    reading = _Reading(reader, {_id_of(reader, one): one for one in nodes}, found)
    typed = [one for one in nodes if "@type" in one or "type" in one]
    heads = [one for one in typed if _class(reading, one) in (*KINDS, "Policy")]
    if graph is not None and len(heads) != 1:
        reading.fault(("@graph",), "several", "not exactly one policy", "须恰有一个策略")
        return None, reading.found
    # Where the parts refer to one another, paths are those within the policy.
    try:
        policy = _policy(reading, {**heads[0], "@context": None} if heads else document)
    except Unreadable:
        return None, reading.found
    return (None if reading.found else policy), reading.found


def _policy(reading: _Reading, node: Json) -> Policy:
    known = _SHARED | {"conflict", "profile", "inheritFrom", "permission", "prohibition",
                       "obligation", "@context", "@graph"}  # fmt: skip
    said = _words(reading, (), node, known)
    kind = _class(reading, node)
    if kind not in (*KINDS, "Policy"):
        reading.fault(
            ("@type",), "type", f"{shown(kind)!r} is no kind of terms", f"{shown(kind)!r} 不是条款",
            expected=Text("Set, Offer or Agreement", "Set、Offer 或 Agreement"),
        )  # fmt: skip
    uid = _id_of(reading.reader, node)
    if not uid:
        reading.fault((), "no_uid", "“uid” is missing", "缺少 “uid”")
    for word, en, zh in (
        ("profile", "a profile that this base does not know", "本基地不认识的扩展规范 (profile)"),
        ("inheritFrom", "what another policy says is not fetched", "不抓取其他策略的内容"),
    ):
        if said.get(word):
            hint = Text("all rules written out", "写出全部规则")
            reading.fault((word,), word, en, zh, expected=hint)
    shared = {word: value for word, value in said.items() if word in _SHARED}
    rules = [
        _rule(reading, (name, number), name, one, shared)
        for name in ("permission", "prohibition", "obligation")
        for number, one in enumerate(_listed(said.get(name)))
    ]
    _check_rules(reading, kind, rules)
    conflict = _one_word(reading, ("conflict",), said.get("conflict"), CONFLICTS, "invalid")
    real: Kind = kind if kind in KINDS else "Set"
    return Policy(uid, real, conflict, tuple(rules))


def _check_rules(reading: _Reading, kind: str, rules: list[Rule]) -> None:
    if not rules:
        reading.fault((), "no_rules", "there is no rule", "没有任何规则")
    if len(rules) > RULES_MAX:
        reading.fault((), "many_rules", f"more than {RULES_MAX} rules", f"规则超过 {RULES_MAX} 条")
    for rule in rules:
        needs = {"Offer": ("assigners",), "Agreement": ("assigners", "assignees")}.get(kind, ())
        for side in needs:
            if not getattr(rule, side):
                word = side.removesuffix("s")
                said = f"{kind}: {rule.id} names no {word}", f"{kind}: {rule.id} 没有 {word}"
                reading.fault((), f"no_{word}", *said)
    ids = [rule.id for rule in rules] + [
        duty.id for duty in Policy("", rules=tuple(rules)).duties()
        if not any(duty.id == rule.id for rule in rules if rule.kind == "obligation")
    ]  # fmt: skip
    for twice in sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        reading.fault((), "duplicate_id", f"{twice!r} names two rules", f"{twice!r} 指两条规则")


def _rule(reading: _Reading, at: Path, kind: str, said: Any, shared: Json) -> Rule:
    node = _node(reading, at, said)
    side = _SIDES[kind]
    words = _words(reading, at, node, _SHARED | {"constraint", side})
    own = {**shared, **words}
    id_ = _id_of(reading.reader, node) or f"{kind}-{at[-1]}"
    common = _common(reading, at, own)
    duties = tuple(
        _duty(reading, (*at, side, n), f"{id_}.{side}-{n}", one, kind)
        for n, one in enumerate(_listed(words.get(side)))
    )
    if kind == "obligation":
        duties = (Duty(id_, consequences=duties, **common),)
        common["constraints"] = ()
    real: RuleKind = kind  # type: ignore[assignment]
    return Rule(id_, real, duties=duties, **common)


def _duty(reading: _Reading, at: Path, name: str, said: Any, kind: str) -> Duty:
    node = _node(reading, at, said)
    words = _words(reading, at, node, _SHARED | {"constraint", "consequence"})
    id_ = _id_of(reading.reader, node) or name
    further = tuple(
        _duty(reading, (*at, "consequence", n), f"{id_}.consequence-{n}", one, kind)
        for n, one in enumerate(_listed(words.get("consequence")))
    )
    return Duty(id_, consequences=further, **_common(reading, at, words))


def _common(reading: _Reading, at: Path, words: Json) -> dict[str, Any]:
    """What rules and duties have in common."""
    actions = _each(reading, at, words, "action", _action)
    if not actions:
        reading.fault(at, "no_action", "“action” is missing", "缺少 “action”")
    return {
        "actions": actions,
        "targets": _each(reading, at, words, "target", _named),
        "assignees": _each(reading, at, words, "assignee", _named),
        "assigners": _each(reading, at, words, "assigner", _named),
        "constraints": _each(reading, at, words, "constraint", _condition),
    }


def _each(
    reading: _Reading, at: Path, words: Json, word: str, read: Callable[[_Reading, Path, Any], T]
) -> tuple[T, ...]:
    said = _listed(words.get(word))
    return tuple(read(reading, (*at, word, n), one) for n, one in enumerate(said))


def _action(reading: _Reading, at: Path, said: Any) -> Action:
    if isinstance(said, dict) and not _plain_id(said):
        node = _words(reading, at, said, {"rdf:value", "refinement"}, left=("rdf:value",))
        value = node.get("rdf:value") or _id_of(reading.reader, said)
        refinements = _each(reading, at, node, "refinement", _condition)
        return Action(_action_name(reading, at, value), refinements)
    return Action(_action_name(reading, at, said))


def _action_name(reading: _Reading, at: Path, said: Any) -> str:
    name = _text(said)
    if not name:
        reading.fault(at, "action", f"{shown(said)} is no action", f"{shown(said)} 不是行为")
    return reading.reader.word(name)


def _named(reading: _Reading, at: Path, said: Any) -> Named:
    described = reading.nodes.get(reading.reader.name(_text(said)))
    if described is not None and not _plain_id(described):
        said = described
    if isinstance(said, dict) and not _plain_id(said):
        node = _words(reading, at, said, {"source", "refinement"})
        kind = _class(reading, said)
        collection = kind.endswith("Collection") or "source" in node or "refinement" in node
        id_ = reading.reader.name(_text(node.get("source"))) or _id_of(reading.reader, said)
        refinements = _each(reading, at, node, "refinement", _condition)
        if id_:
            return Named(id_, collection, refinements)
        said = None
    name = _text(said)
    if not name:
        reading.fault(at, "name", f"{shown(said)} names nobody", f"{shown(said)} 未指明对象")
    return Named(reading.reader.name(name))


def _condition(reading: _Reading, at: Path, said: Any) -> Condition:
    node = _node(reading, at, said)
    known = {"leftOperand", "operator", "rightOperand", "rightOperandReference", "unit", "dataType",
             "status", *LOGICAL}  # fmt: skip
    words = _words(reading, at, node, known)
    logical = [word for word in LOGICAL if word in words]
    if logical:
        if len(logical) > 1 or "leftOperand" in words:
            reading.fault(at, "mixed", "one operand at a time", "一次只能用一个逻辑运算")
        word = logical[0]
        parts = _each(reading, at, {word: _inner(words[word])}, word, _condition)
        if not parts:
            reading.fault((*at, word), "empty", "there is nothing in it", "其中没有条件")
        return Logical(word, parts)
    return _constraint(reading, at, words)


def _constraint(reading: _Reading, at: Path, words: Json) -> Constraint:
    left = reading.reader.word(_text(words.get("leftOperand")))
    known = EVALUATED | CARRIED
    if not left:
        reading.fault(at, "no_left", "“leftOperand” is missing", "缺少 “leftOperand”")
    elif left not in known and ":" not in left:
        reading.fault(
            (*at, "leftOperand"), "left", f"unknown operand {shown(left)!r}",
            f"未知的操作数 {shown(left)!r}", nearest=nearest(left, known),
        )  # fmt: skip
    operator = _one_word(reading, (*at, "operator"), words.get("operator"), sorted(OPERATORS), "")
    given = _inner(words.get("rightOperand"))
    reference = [_text(one) for one in _listed(words.get("rightOperandReference"))]
    right = [_value(reading, one) for one in _listed(given)]
    if not right and not reference:
        reading.fault(at, "no_right", "“rightOperand” is missing", "缺少 “rightOperand”")
    if not all(value for value, _ in right):
        reading.fault((*at, "rightOperand"), "right", "this is no value", "此处不是值")
    declared = _text(words.get("dataType")).rpartition("#")[2].rpartition(":")[2]
    types = {kind for _, kind in right}
    type_ = types.pop() if len(types) == 1 else ""
    values = reference if reference and not right else [value for value, _ in right]
    unit = reading.reader.iri(_text(words.get("unit")))
    return Constraint(
        left, operator, tuple(values), unit.removeprefix("urn:iso:std:iso:4217:"),
        "reference" if reference and not right else type_ or declared,
    )  # fmt: skip


def _value(reading: _Reading, said: Any) -> tuple[str, str]:
    """A right operand as text, and its data type."""
    if isinstance(said, dict):
        if "@value" in said:
            kind = reading.reader.iri(_text(said.get("@type")))
            return _text(said["@value"]), kind.rpartition("#")[2]
        return _identified(reading, _text(said)), "iri"
    text = _text(said)
    return _identified(reading, text), ""


def _identified(reading: _Reading, text: str) -> str:
    return reading.reader.name(text) if ":" in text else text


def _one_word(reading: _Reading, at: Path, said: Any, known: Iterable[T], default: T | str) -> Any:
    """A word out of a list, or the default where nothing is said."""
    words = [str(one) for one in known]
    if said is None and default:
        return default
    word = reading.reader.word(_text(said))
    if word not in words:
        reading.fault(
            at, "word", f"{shown(said)!r} does not fit here", f"{shown(said)!r} 不适用于此处",
            expected=Text(", ".join(words), ", ".join(words)), nearest=nearest(word, words),
        )  # fmt: skip
    return word


def _words(
    reading: _Reading, at: Path, node: Json, known: Iterable[str], left: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The node's words by their local names; a fault for each that nobody knows here."""
    fitting, said = frozenset(known), dict[str, Any]()
    for key, value in node.items():
        word = key if key in left or key.startswith("@") else reading.reader.word(key)
        if word in fitting:
            said[word] = value
        elif word not in _ID and word not in ASIDE and (":" not in word or word.startswith("cc:")):
            reading.fault(
                (*at, key), "unknown_word", f"unknown word “{shown(key)}”",
                f"未知的字段 “{shown(key)}”", nearest=nearest(word, fitting), at_key=True,
            )  # fmt: skip
    return said


def _node(reading: _Reading, at: Path, said: Any) -> Json:
    """An object; one that is only named is looked up in the document."""
    name = (
        _text(said) if isinstance(said, str) or (isinstance(said, dict) and _plain_id(said)) else ""
    )
    if name:
        known = reading.nodes.get(reading.reader.name(name))
        reading.referred += 1
        # A circle of references would have no end, and one that branches a very late one.
        if reading.referred > REFERENCES_MAX or len(at) > PATH_MAX:
            reading.fault(at, "circular", "references without end", "引用过多或循环引用")
            raise Unreadable(reading.found[-1])
        if known is not None and not _plain_id(known):
            return known
        reading.fault(
            at, "not_here", f"{shown(name)!r} is not in the file", f"文件中没有 {shown(name)!r}"
        )
        return {"action": "use", "leftOperand": "purpose", "operator": "eq", "rightOperand": "-"}
    if isinstance(said, dict):
        return said
    reading.fault(
        at, "no_section", f"{shown(said)} does not fit here", f"{shown(said)} 不适用于此处"
    )
    return {}


def _inner(said: Any) -> Any:
    """What stands in a list that says that it is one."""
    return said["@list"] if isinstance(said, dict) and "@list" in said else said


def _listed(said: Any) -> list[Any]:
    inner = _inner(said)
    if inner is None:
        return []
    return inner if isinstance(inner, list) else [inner]


def _plain_id(node: Json) -> bool:
    return set(node) <= {"@id", "uid"} and len(node) == 1


def _text(said: Any) -> str:
    """A text, the id of an object, or a number as it is written; "" for anything else."""
    if isinstance(said, dict):
        said = said.get("@id", said.get("uid"))
    if isinstance(said, bool) or not isinstance(said, (str, int)):
        return ""
    text = str(said).strip()
    return text if len(text) <= TEXT_MAX else ""


def _id_of(reader: Reader, node: Json) -> str:
    said = node.get("@id", node.get("uid", node.get("odrl:uid")))
    return reader.name(_text(said)) if isinstance(said, str) else ""


def _class(reading: _Reading, node: Json) -> str:
    said = _listed(node.get("@type", node.get("type")))
    words = [reading.reader.word(_text(one)) for one in said]
    # A Set is what a policy is that says nothing else (section 2.1).
    real = [word for word in words if word != "Policy"] or words
    return real[0] if real else "Set"
