"""A bill of materials as CycloneDX 1.6 or 1.7 (ECMA-424): model, data sets, packages, endpoints.

Pure: what goes in is described by plain classes, what comes out is JSON data, the same for the same
input. The model's card stands in its component (`pilotbase.catalog.provenance.model_card`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pilotbase.catalog.provenance.packages import Package, is_expression, needed
from pilotbase.catalog.rules.synthetic import SYNTHETIC
from pilotbase.kernel.canonical import digest

Spec = Literal["1.6", "1.7"]
SPECS: tuple[Spec, ...] = ("1.6", "1.7")
Kind = Literal["model", "agent", "dataset", "tool", "knowledge", "compute", "software"]
TYPES: Mapping[str, str] = {
    "model": "machine-learning-model",
    "agent": "application",
    "tool": "application",
    "dataset": "data",
    "knowledge": "data",
    "compute": "platform",
    "software": "library",
}
"""The CycloneDX type of a component by the catalog's kind."""
PREFIX = "pilotbase:"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/#pilotbase")


@dataclass(frozen=True)
class Material:
    """A component.

    Attributes:
        digest: ``sha256:<hex>`` of its content, or empty.
        licence: an SPDX expression or words; empty where nothing is said.
        supplier: who provides it. card: a model's card, ready made. properties: anything else.
    """

    id: str
    kind: str
    title: str = ""
    version: str = ""
    digest: str = ""
    licence: str = ""
    supplier: str = ""
    text: str = ""
    card: Mapping[str, Any] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True)
class Service:
    """An endpoint outside that the subject calls: not a part that one holds."""

    name: str
    url: str
    supplier: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        return f"service/{self.name}"


@dataclass(frozen=True)
class Bill:
    """What a bill of materials is about and what it lists.

    Attributes:
        at: RFC 3339; when what it says was found. maker: version of the software that writes it.
        parts: data sets and other assets. packages: all that the subject imports; ``roots`` names
            those that it imports itself.
    """

    subject: Material
    at: str
    maker: str
    parts: Sequence[Material] = ()
    services: Sequence[Service] = ()
    packages: Sequence[Package] = ()
    roots: Sequence[str] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)


def cyclonedx(bill: Bill, spec: Spec) -> dict[str, Any]:
    """The document, valid by the official JSON schema of that version.

    The serial number is drawn from the content (UUID, version 5): the same bill has the same one.
    """
    parts = _once(bill.parts)
    said: dict[str, Any] = {
        "metadata": {
            "timestamp": bill.at,
            "tools": {"components": [_tool(bill.maker)]},
            "component": _component(bill.subject),
            **_properties(bill.properties),
        },
        "components": [
            *(_component(part) for part in parts),
            *(_library(package) for package in bill.packages),
        ],
        **({"services": [_service(one) for one in bill.services]} if bill.services else {}),
        "dependencies": list(_dependencies(bill, parts)),
    }
    serial = uuid.uuid5(_NAMESPACE, digest({"spec": spec, **said}))
    head = {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec,
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
    }
    return {**head, **said}


def _once(parts: Sequence[Material]) -> list[Material]:
    """Each part once: a reference names one component."""
    return list({part.ref: part for part in parts}.values())


def _tool(version: str) -> dict[str, Any]:
    return {"type": "application", "name": "pilotbase", "version": version}


def _component(said: Material) -> dict[str, Any]:
    # Only a model may have a card, so whatever was tried and has one is given as a model.
    kind = TYPES["model"] if said.card else TYPES.get(said.kind, "library")
    data = {"type": "dataset", "name": said.title or said.id, **_contents(said.properties)}
    return {
        "type": kind,
        "bom-ref": said.ref,
        "name": said.id,
        **({"version": said.version} if said.version else {}),
        **(
            {"description": " – ".join(filter(None, (said.title, said.text)))} if said.title else {}
        ),
        **({"supplier": {"name": said.supplier}} if said.supplier else {}),
        **_hashes(said.digest.removeprefix("sha256:")),
        **_licences(said.licence),
        **({"modelCard": dict(said.card)} if said.card else {}),
        **({"data": [data]} if said.kind == "dataset" else {}),
        **_properties(said.properties),
    }


def _contents(properties: Mapping[str, Any]) -> dict[str, Any]:
    found = _properties({k: v for k, v in properties.items() if k.startswith((SYNTHETIC, "rows"))})
    return {"contents": found} if found else {}


def _library(package: Package) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        **_hashes(package.hash),
        **_licences(package.licence),
        **_properties({"hash-of": HASH_OF} if package.hash else {"hash": "not known"}),
    }


HASH_OF = "sha256 of the sorted lines path,hash of the files that the wheel brought"


def _hashes(hexadecimal: str) -> dict[str, Any]:
    return {"hashes": [{"alg": "SHA-256", "content": hexadecimal}]} if hexadecimal else {}


def _licences(said: str) -> dict[str, Any]:
    if not said:
        return {}
    if is_expression(said):
        return {"licenses": [{"expression": said}]}
    return {"licenses": [{"license": {"name": said}}]}


def _properties(said: Mapping[str, Any]) -> dict[str, Any]:
    made = [{"name": PREFIX + name, "value": shown(value)} for name, value in sorted(said.items())]
    return {"properties": made} if made else {}


def shown(value: Any) -> str:
    """A value as the text that CycloneDX wants: truth values in small letters, None empty."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _service(said: Service) -> dict[str, Any]:
    return {
        "bom-ref": said.ref,
        "name": said.name,
        **({"provider": {"name": said.supplier}} if said.supplier else {}),
        "endpoints": [said.url],
        "x-trust-boundary": True,
        **_properties(said.properties),
    }


def _dependencies(bill: Bill, parts: Sequence[Material]) -> Iterator[dict[str, Any]]:
    own = [*(part.ref for part in parts), *(one.ref for one in bill.services)]
    roots = needed(bill.roots, bill.packages)
    yield {"ref": bill.subject.ref, "dependsOn": sorted({*own, *roots})}
    for package in bill.packages:
        known = needed(package.needs, bill.packages)
        yield {"ref": package.purl, **({"dependsOn": known} if known else {})}
