"""CycloneDX 1.6 and 1.7 into cards: the subject with its parts, and the models and data it lists.

A bill is somebody's word: what it says is written on the cards, and none of it is trusted beyond
that. All faults are told at once, each by its path; nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotbase.catalog.listing import AssetCard, Part
from pilotbase.catalog.provenance.bom import PREFIX, SPECS
from pilotbase.kernel.canonical import digest
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Path, path_text, shown
from pilotbase.scenario.section import Bilingual

FORMAT = "CycloneDX"
COMPONENTS_MAX, PARTS_MAX, PROPERTIES_MAX, TEXT_MAX = 2_000, 500, 200, 200
ASSETS: Mapping[str, str] = {
    "machine-learning-model": "model", "data": "dataset", "application": "tool",
    "platform": "compute",
}  # fmt: skip
"""The catalog's kind by a component's type. An agent is told by its reference, ``agent/…``."""
PARTS: Mapping[str, str] = {
    "machine-learning-model": "model", "data": "dataset", "platform": "compute",
}  # fmt: skip
_SHA256 = re.compile(r"[0-9a-f]{64}")
Said = Mapping[str, Any]


def is_bill(document: Any) -> bool:
    """Whether a JSON document says that it is a bill of materials in CycloneDX."""
    return isinstance(document, Mapping) and document.get("bomFormat") == FORMAT


@dataclass
class _Reading:
    faults: list[Fault] = field(default_factory=list)

    def fault(self, code: str, path: Path, en: str, zh: str) -> None:
        self.faults.append(Fault(f"cyclonedx.{code}", Text(en, zh), path_text(path)))

    def listed(self, said: Said, word: str, path: Path) -> Iterator[tuple[Path, Said]]:
        found = said.get(word, [])
        if not isinstance(found, list):
            self.fault("value", (*path, word), "this is no list", "这不是列表")
            return
        for number, item in enumerate(found):
            if isinstance(item, Mapping):
                yield (*path, word, number), item
            else:
                at: Path = (*path, word, number)
                self.fault("value", at, f"{shown(item)} is no object", f"{shown(item)} 不是对象")

    def text(self, said: Said, word: str, path: Path) -> str:
        value = said.get(word, "")
        if not isinstance(value, str):
            self.fault("value", (*path, word), f"{shown(value)} is no text",
                       f"{shown(value)} 不是文本")  # fmt: skip
            return ""
        return " ".join(value.split())


def bill_cards(document: Said) -> tuple[list[AssetCard], list[Fault]]:
    """The cards that a bill makes, the subject first; and all that is wrong with it.

    The subject's parts are the components and services listed beside it. A component becomes an
    asset of its own where it is a model or a data set.
    """
    reading = _Reading()
    version = document.get("specVersion")
    if version not in SPECS:
        known = " / ".join(SPECS)
        reading.fault("version", ("specVersion",), f"{shown(version)} is not read; {known} are",
                      f"不支持 {shown(version)}; 支持 {known}")  # fmt: skip
    head = document.get("metadata")
    subject = head.get("component") if isinstance(head, Mapping) else None
    listed = list(_nested(reading, document, ()))
    services = list(reading.listed(document, "services", ()))
    if len(listed) > COMPONENTS_MAX:
        reading.fault("too_many", ("components",), f"more than {COMPONENTS_MAX:,}",
                      f"超过 {COMPONENTS_MAX:,} 项")  # fmt: skip
        return [], reading.faults
    cards = []
    if isinstance(subject, Mapping):
        parts = _parts(reading, listed, services)
        cards.append(_card(reading, ("metadata", "component"), subject, parts))
    own = ("machine-learning-model", "data")
    cards += [_card(reading, path, one, ()) for path, one in listed if one.get("type") in own]
    if not cards and not reading.faults:
        reading.fault("no_asset", (), "it names no model, data set, agent, tool or compute",
                      "其中没有模型、数据集、智能体、工具或算力")  # fmt: skip
    return [card for card in cards if card is not None], reading.faults


def _nested(reading: _Reading, said: Said, path: Path) -> Iterator[tuple[Path, Said]]:
    """All components, also those inside others."""
    for at, one in reading.listed(said, "components", path):
        yield at, one
        yield from _nested(reading, one, at)


def _card(reading: _Reading, path: Path, said: Said, parts: tuple[Part, ...]) -> AssetCard | None:
    name = reading.text(said, "name", path)
    kind = ASSETS.get(str(said.get("type")))
    if kind == "tool" and str(said.get("bom-ref", "")).startswith("agent/"):
        kind = "agent"
    if not name:
        reading.fault("missing", (*path, "name"), "it has no name", "缺少名称")
    if kind is None:
        reading.fault("type", (*path, "type"), f"{shown(said.get('type'))} is no kind of asset",
                      f"{shown(said.get('type'))} 不是资产类别")  # fmt: skip
    text = reading.text(said, "description", path)
    hash_, licence = _hash(reading, said, path), _licence(reading, said, path)
    properties = _properties(reading, said, path)
    if not name or kind is None:
        return None
    title, about = text[:TEXT_MAX] or name[:TEXT_MAX], text[:4000]
    return AssetCard.model_validate({
        "id": _id(name),
        "kind": kind,
        "title": Bilingual(en=title, zh=title),
        "text": Bilingual(en=about, zh=about) if about else None,
        "label": reading.text(said, "version", path)[:TEXT_MAX] or None,
        "digest": hash_,
        "licence": licence[:TEXT_MAX] or None,
        "parts": parts,
        "properties": properties,
    })  # fmt: skip


def _id(name: str) -> str:
    """A short name for the catalog; of a name without Latin letters a part of its hash.

    >>> _id("Room Booker 2"), _id("follow-up-triage-logit")
    ('room-booker-2', 'follow-up-triage-logit')
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:64].rstrip("-")
    return slug or "asset-" + digest(name)[7:15]


def _parts(
    reading: _Reading, listed: list[tuple[Path, Said]], services: list[tuple[Path, Said]]
) -> tuple[Part, ...]:
    found: dict[str, Part] = {}
    kinds = [(path, one, PARTS.get(str(one.get("type")), "software")) for path, one in listed]
    for path, one, kind in [*kinds, *((path, one, "endpoint") for path, one in services)]:
        name = reading.text(one, "name", path)[:TEXT_MAX]
        if not name:
            if kind not in ("model", "dataset"):  # told where its own card is made
                reading.fault("missing", (*path, "name"), "it has no name", "缺少名称")
            continue
        own = _id(name) if kind in ("model", "dataset") else name
        supplier = one.get("provider" if kind == "endpoint" else "supplier")
        by = reading.text(supplier, "name", path)[:TEXT_MAX] if isinstance(supplier, dict) else ""
        found.setdefault(own, Part.model_validate(
            {"name": own, "kind": kind, "supplier": by or None}))  # fmt: skip
    if len(found) > PARTS_MAX:
        reading.fault("too_many", ("components",), f"more than {PARTS_MAX:,} parts",
                      f"组成部分超过 {PARTS_MAX:,} 项")  # fmt: skip
        return ()
    return tuple(found.values())


def _hash(reading: _Reading, said: Said, path: Path) -> str | None:
    for at, one in reading.listed(said, "hashes", path):
        if one.get("alg") == "SHA-256":
            value = str(one.get("content", "")).lower()
            if _SHA256.fullmatch(value):
                return f"sha256:{value}"
            reading.fault("sha256", (*at, "content"), "this is no SHA-256", "这不是 SHA-256")
    return None


def _licence(reading: _Reading, said: Said, path: Path) -> str:
    words = []
    for at, one in reading.listed(said, "licenses", path):
        inner = one.get("license")
        inner = inner if isinstance(inner, Mapping) else {}
        words.append(reading.text(one, "expression", at) or reading.text(inner, "id", at)
                     or reading.text(inner, "name", at))  # fmt: skip
    return " AND ".join(word for word in words if word)


def _properties(reading: _Reading, said: Said, path: Path) -> dict[str, Any]:
    """Its own properties, ours by our names, so that a mark such as synthetic is not lost."""
    found: dict[str, Any] = {}
    supplier = said.get("supplier")
    if isinstance(supplier, Mapping):
        found["supplier"] = reading.text(supplier, "name", path)[:TEXT_MAX]
    for at, one in reading.listed(said, "properties", path):
        name = reading.text(one, "name", at).removeprefix(PREFIX)[:TEXT_MAX]
        value = reading.text(one, "value", at)[:TEXT_MAX]
        if name:
            found[name] = {"true": True, "false": False}.get(value, value)
    if isinstance(said.get("modelCard"), Mapping):
        found["model_card"] = FORMAT
    return {k: v for k, v in list(found.items())[:PROPERTIES_MAX] if v != ""}
