"""From an evidenced verdict and a filing sheet to a filing in the register."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pilotbase.catalog.adding import asset_draft
from pilotbase.catalog.parties.registry import registry
from pilotbase.catalog.reading import assets_of
from pilotbase.catalog.rules.delegation import Chain, chain_of
from pilotbase.catalog.sheet import Sheet, read_sheet
from pilotbase.desk import events
from pilotbase.desk.filing.enrol import candidate_card
from pilotbase.desk.journey import Journey
from pilotbase.desk.recorded import judged_pilot
from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import RunError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.kernel.verb import Context
from pilotbase.register.checks import Proven, expiry, findings
from pilotbase.register.events import Filed
from pilotbase.register.filings import filings, standing_of
from pilotbase.register.rules.parts import (
    gathered,
    parts_of_asset,
    parts_of_offer,
    single_points,
)
from pilotbase.register.rules.tiers import matching, tier_of
from pilotbase.register.sheet import WHOLE, FilingSheet
from pilotbase.register.views import FILING
from pilotbase.trial.plan import offers_of, scenario_of

Said = Mapping[str, Any]
SOURCES = ("dataset", "csv", "xlsx", "parquet", "sealed", "results", "sql")
"""The words by which a scenario names its data; one of them is there."""


def file_service(context: Context, run: str, file: Path) -> Entry:
    """File the service of a candidate; the filing's entry.

    Raises:
        InputError: no such run. SheetError: with all that stands against it. RunError: the pilot
            has no written proof, has exited, or the candidate is filed already.
    """
    sheet = read_sheet(file, FilingSheet, WHOLE)
    with judged_pilot(context, run) as journey:
        if journey.state not in ("evidenced", "filed"):
            raise _not_evidenced(journey)
        return _Filing(journey, context, sheet).record()


class _Filing:
    """One filing on its way: what the record says, beside what the sheet says."""

    def __init__(self, journey: Journey, context: Context, sheet: Sheet[FilingSheet]) -> None:
        self.journey, self.context = journey, context
        self.sheet, self.said, self.now = sheet, sheet.said, context.clock()
        self.log = journey.record
        self.plan: Said = decode(journey.body("planned", "plan"))
        self.written: Said = decode(journey.body("submitted", "scenario"))
        self.verdict: Said = decode(journey.body("judged", "verdict"))
        self.book, self.assets = registry(self.log).book, assets_of(self.log)

    def record(self) -> Entry:
        """Check everything, then append asset (where it is new), filing and the pilot's step."""
        candidates = self._proven()
        chosen = self.verdict["chosen"]
        # Of which candidate a faulty word speaks, nobody knows.
        tried = {} if ("candidate",) in self.sheet.mended else candidates
        found = findings(self.said, tried, chosen, self.book, self.assets, self.now)
        self.sheet.refuse(found)
        candidate = self.said.candidate or chosen
        earlier = self._earlier(candidate)
        id_ = f"{self.plan['scenario_id'][:28]}-{candidate[:28]}-{len(earlier) + 1}"
        asset, drafts = self._asset(candidate)
        happened = self._filed(id_, earlier, candidates[candidate], asset)
        by = self.context.actor("case officer")
        filed = Draft(happened, by, FILING + id_, key=FILING + id_)
        entry = self.log.append_many([*drafts, filed])[-1]
        if entry.body != filed.body():
            raise _filed_already(id_)
        self.journey.step("filed", events.Filed(id_))
        return entry

    def _proven(self) -> dict[str, Proven]:
        tried = {offer["id"]: offer["digest"] for offer in self.plan["candidates"]}
        return {
            c["id"]: Proven(c["id"], c["verdict"], c["stand_in"], tried[c["id"]], c["condition"])
            for c in self.verdict["candidates"]
        }

    def _earlier(self, candidate: str) -> list[str]:
        """The filings of this candidate before, none of which may be in force."""
        found = [
            (id_, said)
            for id_, said in filings(self.log).items()
            if (said["scenario"], said["candidate"]) == (self.plan["scenario_id"], candidate)
        ]
        for id_, said in found:
            if standing_of(said, self.context) in ("live", "suspended"):
                raise _filed_already(id_)
        return [id_ for id_, _ in found]

    def _asset(self, candidate: str) -> tuple[Said, list[Draft]]:
        """The asset that is served; the candidate as it was tried where the sheet names none."""
        if self.said.asset is not None:
            known = self.assets[self.said.asset]
            return {"id": self.said.asset, **_version(known["version"], known["number"])}, []
        card = candidate_card(self.plan, self._offer(candidate), self.said.principal)
        id_ = card["id"]
        added, draft = asset_draft(self.context, card, self.assets.get(id_))
        drafts = [draft] if draft is not None else []
        return {"id": id_, **_version(added.version, added.number)}, drafts

    def _offer(self, candidate: str) -> Said:
        return next(o for o in offers_of(self.written) if o["id"] == candidate)

    def _filed(self, id_: str, earlier: list[str], proven: Proven, asset: Said) -> Filed:
        said, chain = self.said, chain_of(self.book, self.said.principal, "")
        assert isinstance(chain, Chain)  # or the sheet would have been refused
        parts = self._parts(proven.candidate, asset["id"])
        offers = {offer["id"]: offer for offer in self.plan["candidates"]}
        return Filed(
            filing=id_,
            earlier=earlier[-1] if earlier else "",
            run=self.journey.about.removeprefix("pilot:"),
            scenario=self.plan["scenario_id"],
            candidate=proven.candidate,
            asset=asset,
            tried=proven.tried,
            trust=offers[proven.candidate].get("trust", "tried"),
            plan=self.journey.entry("planned").body["plan"],
            verdict=self.journey.entry("judged").body["verdict"],
            said=proven.said,
            conditions=tuple(met.model_dump(mode="json") for met in said.conditions),
            tier=self._tier(),
            since=stamp(self.now),
            expires=stamp(expiry(said.expires, self.now)),
            price={"amount": said.price, "per": said.per},
            principal=said.principal,
            person=chain.person,
            accepted_by=said.accepted_by,
            ip=said.ip.model_dump(mode="json"),
            parts=tuple(parts),
            single_points=single_points(parts),
        )

    def _parts(self, candidate: str, asset: str) -> list[dict[str, Any]]:
        software = self.journey.entry("evaluated").body["software"]
        cards = {id_: known["card"] for id_, known in self.assets.items()}
        own = [
            {"supplier": "", "version": "", **part.model_dump(mode="json", exclude_none=True)}
            for part in self.said.parts
        ]
        data = scenario_of(self.written)["data"]
        name = next(str(data[word]) for word in SOURCES if data.get(word))
        named = name, self.plan["data"]["digest"]
        offered = parts_of_offer(self._offer(candidate), named, software)
        return gathered([*offered, *parts_of_asset(asset, cards), *own])

    def _tier(self) -> dict[str, Any]:
        whole = scenario_of(self.written)
        facts = {
            "owner_tier": whole["tier"],
            **{name: whole[name] for name in ("item", "task", "affects_people")},
            **self.said.facts.model_dump(),
        }
        by_rule, other = tier_of(facts), self.said.tier
        reasons = [
            {"rule": rule.id, "tier": rule.tier, "reason": rule.reason.as_dict()}
            for rule in matching(facts)
        ]
        return {
            "tier": other.tier if other else by_rule,
            "by_rule": by_rule,
            "facts": facts,
            "reasons": reasons,
            "override": other.model_dump(mode="json") if other else None,
        }


def _version(version: str, number: int) -> dict[str, Any]:
    return {"version": version, "number": number}


def _not_evidenced(journey: Journey) -> RunError:
    return RunError(
        "register.not_evidenced",
        Text(
            f"the pilot is {journey.state}: only an evidenced one can be filed",
            f"该试点处于 {journey.state}: 只有已签证的试点才能备案",
        ),
        where=journey.about.removeprefix("pilot:"),
        next_step=Text(
            "`pilotbase run FILE` takes it to its written proof; one that has exited needs a new "
            "run.",
            "`pilotbase run 文件` 可推进至签证; 已退出的试点须重新试验。",
        ),
    )


def _filed_already(id_: str) -> RunError:
    return RunError(
        "register.filed_already",
        Text(f"the candidate is filed already as {id_}", f"该候选方案已备案: {id_}"),
        where=id_,
        next_step=Text(
            f"`pilotbase register show {id_}` shows it; stop or withdraw it before it is filed "
            "anew.",
            f"`pilotbase register show {id_}` 可查看; 重新备案前须先终止或撤回。",
        ),
    )
