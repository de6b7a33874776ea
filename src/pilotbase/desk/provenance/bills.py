"""The bill of materials of an asset or a filing, from catalog, register and record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pilotbase.catalog.parties.registry import name_of, registry
from pilotbase.catalog.provenance.bom import Bill, Material, Service, Spec, cyclonedx
from pilotbase.catalog.provenance.model_card import model_card
from pilotbase.catalog.provenance.packages import Package, package_named, packages_of
from pilotbase.catalog.reading import assets_of
from pilotbase.catalog.rules.synthetic import SYNTHETIC
from pilotbase.desk.provenance.found import Trial, Wanted, contents_of, trial_of, wanted
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.register.filings import filings
from pilotbase.register.rules.parts import PACKAGES
from pilotbase.trial.candidates.adapter import GROUP

Said = Mapping[str, Any]


def bill_of_materials(
    context: Context, record: Record, word: str, *, spec: Spec, card: bool
) -> dict[str, Any]:
    """The CycloneDX document of what ``word`` names.

    Args:
        card: the model and its card alone, without packages.

    Raises:
        InputError: nothing is called so. RunError: what the candidate needs is not installed here.
    """
    named = wanted(record, word)
    if not named.asset:
        raise _no_asset(word)
    cards = {id_: said["card"] for id_, said in assets_of(record).items()}
    known = assets_of(record)[named.asset]
    trial = _trial(record, context, named, known["card"])
    bill = _Bill(context, record, cards, trial).of(named, known)
    return cyclonedx(bill if not card else _card_alone(bill), spec)


def write_bill(file: Path, document: Said) -> None:
    """Keep the document as JSON, readable."""
    with storage_errors(file):
        write_whole(file, json.dumps(document, ensure_ascii=False, indent=1).encode())


def _card_alone(bill: Bill) -> Bill:
    data = [part for part in bill.parts if part.kind == "dataset"]
    return replace(bill, parts=data, services=(), packages=(), roots=())


def _trial(record: Record, context: Context, named: Wanted, card: Said) -> Trial | None:
    """The newest trial of the asset, or that of the filing."""
    for run in reversed(named.runs):
        for content in contents_of(card):
            found = trial_of(record, context, run, content)
            if found is not None:
                return found
    return None


class _Bill:
    """One bill on its way: what the catalog says, beside what the trial found."""

    def __init__(
        self, context: Context, record: Record, cards: Mapping[str, Said], trial: Trial | None
    ) -> None:
        self.context, self.record = context, record
        self.cards, self.trial = cards, trial
        self.language = context.language

    def of(self, named: Wanted, known: Said) -> Bill:
        filing = filings(self.record).get(named.filing)
        subject = self._material(known["card"], known["number"])
        at = self._entry_time(known)
        if self.trial is None:
            return Bill(subject, at, version("pilotbase"), tuple(self._parts(named.asset)))
        data = self._data(self.trial)
        whole = self.trial.scenario
        card = model_card(whole, self.trial.plan, self.trial.candidate, data.ref, self.language)
        modules = tuple(sorted(_modules(self.trial.offer)))
        roots = {PACKAGES.get(top, top) for top in (module.split(".")[0] for module in modules)}
        packages = _packages(modules, roots, self.trial.software)
        return Bill(
            replace(subject, card=card),
            filing["since"] if filing else self.trial.at,
            version("pilotbase"),
            (data, *self._parts(named.asset), *self._code(self.trial)),
            tuple(_services(self.trial.offer)),
            packages,
            sorted(roots),
            {
                "run": self.trial.run,
                "plan": self.trial.verdict["plan"]["hash"],
                "verdict": self.trial.candidate["verdict"],
                **({"filing": named.filing} if filing else {}),
            },
        )

    def _entry_time(self, known: Said) -> str:
        entry = self.record.entry(known["versions"][-1]["entry"])
        return str(entry.envelope["at"])

    def _material(self, card: Said, number: int | None = None) -> Material:
        return Material(
            id=card["id"],
            kind=card["kind"],
            title=card["title"][self.language],
            text=(card.get("text") or {}).get(self.language, ""),
            version=card.get("label") or (str(number) if number else ""),
            digest=card.get("digest", ""),
            licence=card.get("licence", ""),
            supplier=self._name(card.get("provider", "")),
            properties=card.get("properties", {}),
        )

    def _name(self, party: str) -> str:
        """A body's name; a person stays a pseudonym, because a bill is handed on."""
        said = registry(self.record).state["parties"].get(party)
        if said is None or said["what"] == "person":
            return party
        name = name_of(self.record, said)
        return name[self.language] if name else party

    def _parts(self, asset: str) -> Iterator[Material]:
        """What the catalog's cards declare, part by part, down to the last."""
        waiting, seen = [asset], {asset}
        while waiting:
            for part in self.cards.get(waiting.pop(0), {}).get("parts", ()):
                name = part["name"]
                inner = self.cards.get(name) if part.get("kind", "asset") == "asset" else None
                if name in seen:
                    continue
                seen.add(name)
                if inner is not None:
                    waiting.append(name)
                    yield self._material(inner)
                elif part.get("kind") != "endpoint":
                    supplier = part.get("supplier", "")
                    yield Material(name, part.get("kind", "software"), supplier=supplier)

    def _data(self, trial: Trial) -> Material:
        """The data of the trial: as the catalog has them, or else as the plan does."""
        data = trial.plan["data"]
        card = next((c for c in self.cards.values() if c.get("digest") == data["digest"]), None)
        said = {
            "rows": data["rows"],
            "units": data["units"],
            **({SYNTHETIC: True, "synthetic_rows": data["synthetic"]["rows"]}
               if data.get("synthetic") else {}),
        }  # fmt: skip
        if card is None:
            source = data["source"][self.language]
            return Material("data", "dataset", source, digest=data["digest"], properties=said)
        material = self._material(card)
        return replace(material, properties={**said, **material.properties})

    def _code(self, trial: Trial) -> Iterator[Material]:
        """The files that the plan is bound to: what the candidate's program consists of."""
        for name, hash_ in trial.plan.get("code", {}).get(trial.offer["id"], {}).items():
            if hash_.startswith("sha256:"):
                yield Material(name, "software", digest=hash_)


def _modules(offer: Said) -> Iterator[str]:
    """What is imported to run a candidate in this base's own process."""
    for named in (offer.get("estimator"), *(s["estimator"] for s in offer.get("steps") or ())):
        if named:
            yield named.rpartition(".")[0]
    for point in entry_points(group=GROUP, name=offer.get("plugin") or ""):
        yield point.module


def _packages(
    modules: tuple[str, ...], roots: set[str], software: Mapping[str, str]
) -> list[Package]:
    """What the modules bring in; what is installed from a folder under work is added by name."""
    found = {package.name: package for package in packages_of(modules)}
    for name in roots - set(found):
        package = package_named(name)
        found |= {name: package} if package is not None else {}
    return [_as_tried(found[name], software) for name in sorted(found)]


def _as_tried(package: Package, software: Mapping[str, str]) -> Package:
    """The package in the version in which it was tried; of another one its hash is not known."""
    tried = software.get(package.name, package.version)
    same = tried == package.version
    return package if same else replace(package, version=tried, hash="")


def _services(offer: Said) -> Iterator[Service]:
    for word in ("chat", "infer", "mcp"):
        said = offer.get(word) or {}
        if said.get("url"):
            name = said.get("model") or urlsplit(said["url"]).hostname or said["url"]
            model = {"model": said["model"]} if said.get("model") else {}
            yield Service(name, said["url"], offer.get("provider") or "", model)


def _no_asset(word: str) -> InputError:
    return InputError(
        "provenance.no_asset",
        Text("a run has no bill of materials", "试验本身没有物料清单"),
        where=word,
        next_step=Text(
            "Name a candidate of the run as the catalog has it: `pilotbase catalog list`.",
            "请指明目录中该试验的候选方案: `pilotbase catalog list`。",
        ),
    )
