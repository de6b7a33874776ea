"""Lineage as W3C PROV: what was made of what, by which activity, on whose behalf. Pure.

`Lineage` collects statements; `Lineage.as_json` is PROV-JSON (W3C Member Submission, 24 April 2013)
of the PROV data model (PROV-DM, W3C Recommendation, 30 April 2013).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pilotbase.kernel.canonical import digest
from pilotbase.kernel.text import Text

Kind = Literal["entity", "activity", "agent"]
NAMESPACE = "https://pilotbase.example/ns#"
PREFIXES = {"pb": NAMESPACE, "xsd": "http://www.w3.org/2001/XMLSchema#"}
RELATIONS: Mapping[str, tuple[str, str, Kind, Kind, Text]] = {
    "wasGeneratedBy": (
        "prov:entity", "prov:activity", "entity", "activity", Text("was made by", "产生于"),
    ),
    "used": ("prov:activity", "prov:entity", "activity", "entity", Text("used", "使用")),
    "wasDerivedFrom": (
        "prov:generatedEntity", "prov:usedEntity", "entity", "entity",
        Text("was derived from", "派生自"),
    ),
    "specializationOf": (
        "prov:specificEntity", "prov:generalEntity", "entity", "entity",
        Text("is a version of, with content", "的内容即"),
    ),
    "wasAttributedTo": (
        "prov:entity", "prov:agent", "entity", "agent", Text("is answered for by", "归属于"),
    ),
    "wasAssociatedWith": (
        "prov:activity", "prov:agent", "activity", "agent", Text("was done by", "执行者为"),
    ),
    "actedOnBehalfOf": (
        "prov:delegate", "prov:responsible", "agent", "agent", Text("acted for", "代表"),
    ),
}  # fmt: skip
"""By relation: names of subject and object, what each must be, and how it reads."""


@dataclass(frozen=True)
class Node:
    """An entity, activity or agent.

    Attributes:
        id: a qualified name, ``pb:…``. label: what it is called. note: a second line, e.g. the
            beginning of a digest. attributes: further PROV attributes by qualified name.
    """

    id: str
    kind: Kind
    label: Text
    note: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Edge:
    """A statement: ``source`` relation ``target``, e.g. an activity used an entity."""

    relation: str
    source: str
    target: str
    attributes: tuple[tuple[str, str], ...] = ()


class Lineage:
    """Statements about where things come from, each kept once."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: dict[Edge, None] = {}

    def add(self, kind: Kind, id_: str, label: Text, note: str = "", /, **attributes: Any) -> str:
        """Say that there is something; whoever says it first names it. Returns its id."""
        name = qualified(id_)
        said = {f"pb:{k}": v for k, v in attributes.items() if v not in (None, "")}
        known = self.nodes.get(name)
        if known is not None:
            said = {**said, **known.attributes}
            label, note = known.label, known.note or note
        self.nodes[name] = Node(name, kind, label, note, said)
        return name

    def relate(self, relation: str, source: str, target: str, **attributes: str) -> None:
        """Say how two things that were added stand to each other.

        Raises:
            ValueError: one of them is not there, or is of a kind that the relation does not take.
        """
        _, _, *kinds, _ = RELATIONS[relation]
        for id_, kind in zip((source, target), kinds, strict=True):
            if id_ not in self.nodes or self.nodes[id_].kind != kind:
                raise ValueError(f"{relation} takes an {kind}, and {id_} is none")
        said = {name.replace("_", ":", 1): value for name, value in attributes.items()}
        self.edges[Edge(relation, source, target, tuple(sorted(said.items())))] = None

    def as_json(self) -> dict[str, Any]:
        """The PROV-JSON document; relations bear blank ids drawn from what they say."""
        document: dict[str, Any] = {"prefix": dict(PREFIXES)}
        for node in sorted(self.nodes.values(), key=lambda node: node.id):
            document.setdefault(node.kind, {})[node.id] = _attributes(node)
        for edge in sorted(self.edges, key=lambda e: (e.relation, e.source, e.target)):
            first, second, *_ = RELATIONS[edge.relation]
            said = {first: edge.source, second: edge.target, **dict(edge.attributes)}
            name = f"_:{edge.relation}-{digest(said).removeprefix('sha256:')[:12]}"
            document.setdefault(edge.relation, {})[name] = said
        return document


def _attributes(node: Node) -> dict[str, Any]:
    labels = [{"$": node.label.en, "lang": "en"}, {"$": node.label.zh, "lang": "zh"}]
    times = {"pb:start": "prov:startTime", "pb:end": "prov:endTime", "pb:kind": "prov:type"}
    said = {times.get(name, name): _value(value) for name, value in node.attributes.items()}
    if node.kind == "agent" and "prov:type" in said:
        said["prov:type"] = {
            "$": f"prov:{node.attributes['pb:kind']}",
            "type": "prov:QUALIFIED_NAME",
        }
    return {"prov:label": labels, **said}


def _value(value: Any) -> Any:
    """Truth values and whole numbers as typed literals, as PROV-JSON has them."""
    if isinstance(value, bool):
        return {"$": str(value).lower(), "type": "xsd:boolean"}
    if isinstance(value, int):
        return {"$": str(value), "type": "xsd:integer"}
    return str(value)


def qualified(id_: str) -> str:
    """An id as a qualified name of ours: what a local name cannot hold becomes a dash, and a few
    hexadecimal digits of the whole keep apart what then looks alike.

    >>> qualified("plan/3f2a"), qualified("owner/北京 1")
    ('pb:plan/3f2a', 'pb:owner/北京-1-c23f2d')
    """
    plain = "".join(c if c.isalnum() or c in "-_./" else "-" for c in id_)
    return f"pb:{plain}" if plain == id_ else f"pb:{plain}-{digest(id_)[-6:]}"
