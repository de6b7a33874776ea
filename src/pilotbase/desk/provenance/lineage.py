"""The lineage of a run, an asset or a filing, read from the record's entries.

Entries are enough: what was erased from the vault since leaves no hole in the lineage. Persons of
the catalog are there by pseudonym alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pilotbase.catalog.parties.registry import name_of, registry
from pilotbase.catalog.provenance.drawing import page
from pilotbase.catalog.provenance.prov import Lineage
from pilotbase.catalog.reading import assets_of
from pilotbase.catalog.rules.synthetic import is_synthetic
from pilotbase.desk.journey import Journey
from pilotbase.desk.provenance.found import Wanted, contents_of, judged, plan_of, wanted
from pilotbase.desk.rules import reached
from pilotbase.kernel.actor import ROLES
from pilotbase.kernel.event import Entry
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import LANGUAGES, Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.register.filings import filings

Said = Mapping[str, Any]
MADE_BY = ("data.synthesised/1", "label.finished/1")
"""Events about data that were made of other data."""


def lineage_of(context: Context, record: Record, word: str) -> Lineage:
    """What the record says of where ``word`` comes from and what came of it.

    Raises:
        InputError: no filing, asset or run is called so.
    """
    named = wanted(record, word)
    made = _Gathered(context, record)
    if named.asset:
        made.asset(named.asset)
    for run in named.runs:
        made.run(run)
    for id_ in _filings_of(record, named):
        made.filing(id_)
    return made.finished()


def write_lineage(lineage: Lineage, word: str, folder: Path) -> list[Path]:
    """PROV-JSON and the drawing in both languages, as files of that name."""
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in word)
    title = Text(f"Lineage of {word}", f"{word} 的来源")
    document = json.dumps(lineage.as_json(), ensure_ascii=False, indent=1)
    texts = {f"{name}.prov.json": document}
    for language in LANGUAGES:
        texts[f"{name}.{language}.html"] = page(lineage, title, language)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            write_whole(folder / file, text.encode())
    return [folder / file for file in texts]


def _filings_of(record: Record, named: Wanted) -> list[str]:
    if named.filing:
        return [named.filing]
    return [
        id_
        for id_, said in filings(record).items()
        if said["asset"]["id"] == named.asset or said["run"] in named.runs
    ]


class _Gathered:
    """A lineage on its way."""

    def __init__(self, context: Context, record: Record) -> None:
        self.context, self.record = context, record
        self.lineage = Lineage()
        self.assets = assets_of(record)
        self.parties = registry(record).state
        self.made = {e.body["digest"]: e for kind in MADE_BY for e in record.entries(kind=kind)}

    def finished(self) -> Lineage:
        """With the delegations between those who are named."""
        here = {name.removeprefix("pb:party/") for name in self.lineage.nodes}
        for said in self.parties["delegations"].values():
            if said["taker"] in here and said["ended"] is None:
                giver, taker = self.party(said["giver"]), self.party(said["taker"])
                self.lineage.relate(
                    "actedOnBehalfOf", taker, giver, pb_delegation=said["delegation"]
                )
        return self.lineage

    # Data and other assets

    def content(self, digest: str, label: Text | None = None, **said: Any) -> str:
        """Something with that content: the same thing, whatever it is called."""
        cards = (a["card"] for a in self.assets.values())
        card: Said = next((c for c in cards if digest in contents_of(c)), {})
        title = Text(**card["title"]) if card else label or Text("content", "内容")
        mark = {"synthetic": True} if card and is_synthetic(card) else {}
        short = digest.removeprefix("sha256:")[:16]
        new = f"pb:content/{short}" not in self.lineage.nodes
        name = self.lineage.add(
            "entity", f"content/{short}", title, digest[:19], digest=digest, **mark, **said
        )
        if new and digest in self.made:
            self._made(name, self.made[digest])
        return name

    def _made(self, name: str, entry: Entry) -> None:
        """Data that were made of other data: synthesised or labelled."""
        body, at = entry.body, entry.envelope["at"]
        synthesis = entry.kind == "data.synthesised/1"
        label = Text("synthesis", "合成") if synthesis else Text("labelling", "标注")
        facts = ("method", "seed", "rows") if synthesis else ("alpha", "raters", "rows")
        activity = self._activity(
            f"{'synthesis' if synthesis else 'labelling'}/{entry.index}", label, entry,
            end=at, **{fact: _shown(body[fact]) for fact in facts},
        )  # fmt: skip
        source = self.content(body["source"]["digest"], Text("source", "来源"))
        self.lineage.relate("used", activity, source)
        self.lineage.relate("wasGeneratedBy", name, activity, prov_time=at)
        self.lineage.relate("wasDerivedFrom", name, source)
        for rater in () if synthesis else body["named"]:
            agent = self.lineage.add(
                "agent", f"rater/{rater}", Text(f"rater {rater}", f"标注人 {rater}"), kind="Person"
            )
            self.lineage.relate("wasAssociatedWith", activity, agent, prov_role="rater")

    def asset(self, id_: str) -> str:
        """An asset with all its versions; the name of the newest."""
        name = ""
        for entry in self.record.entries(about=f"asset:{id_}", kind="catalog.asset_added/1"):
            name = self._version(entry, name)
        card: Said = self.assets[id_]["card"]
        for part in card.get("parts", ()):
            if part.get("kind", "asset") == "asset" and part["name"] in self.assets:
                self.lineage.relate("wasDerivedFrom", name, self.asset(part["name"]))
        return name

    def _version(self, entry: Entry, earlier: str) -> str:
        body = entry.body
        card = body["card"]
        title = Text(*(f"{card['title'][lang]} ({body['number']})" for lang in LANGUAGES))
        mark = {"synthetic": True} if is_synthetic(card) else {}
        name = self.lineage.add(
            "entity", f"asset/{body['asset']}/{body['number']}", title, body["asset"],
            version=body["version"], entry=entry.index, licence=card.get("licence"), **mark,
        )  # fmt: skip
        for digest in contents_of(card):
            self.lineage.relate("specializationOf", name, self.content(digest))
        if earlier:
            self.lineage.relate("wasDerivedFrom", name, earlier, prov_type="prov:Revision")
        if card.get("provider") in self.parties["parties"]:
            self.lineage.relate("wasAttributedTo", name, self.party(card["provider"]))
        return name

    # Who

    def party(self, id_: str) -> str:
        """A party of the catalog, and the person who answers for it."""
        said = self.parties["parties"][id_]
        kind = {"person": "Person", "body": "Organization", "agent": "SoftwareAgent"}[said["what"]]
        # A person's name stays in the vault: a lineage is handed on.
        name = None if kind == "Person" else name_of(self.record, said)
        agent = self.lineage.add(
            "agent", f"party/{id_}", Text(**name) if name else Text(id_, id_), id_ if name else "",
            kind=kind,
        )  # fmt: skip
        if said["principal"]:
            self.lineage.relate("actedOnBehalfOf", agent, self.party(said["principal"]))
        return agent

    def _owner(self, body: Said) -> str:
        """The scenario's owner, and the person named in it who answers for it."""
        owner, person = body["owner"], body["principal"]
        names = [
            self.lineage.add("agent", f"owner/{said}", Text(said, said), kind=kind)
            for said, kind in ((owner, "Organization"), (person, "Person"))
        ]
        if owner != person:
            self.lineage.relate("actedOnBehalfOf", *names)
        return names[0]

    def _activity(self, id_: str, label: Text, entry: Entry, /, **said: Any) -> str:
        """What was done with an entry, by whoever recorded it in that role."""
        name = self.lineage.add("activity", id_, label, said.get("end", "")[:16], **said)
        by = entry.envelope["by"]
        who = self.lineage.add(
            "agent",
            f"operator/{by['name']}/{by['role']}",
            ROLES[by["role"]],
            by["name"],
            kind="Person",
            single_operator=by.get("single_operator"),
        )
        self.lineage.relate("wasAssociatedWith", name, who, prov_role=by["role"])
        return name

    # A run, and what was filed on it

    def run(self, run: str) -> None:
        """Submission, plan, trial, verdict and written proof of a judged run."""
        journey = Journey(self.record, self.context, f"pilot:{run}")
        submitted, planned = journey.entry("submitted"), journey.entry("planned")
        said, owner = submitted.body, self._owner(submitted.body)
        scenario = self._entity(
            f"scenario/{run}", SCENARIO, submitted, said["digest"], said["scenario"]
        )
        self.lineage.relate("wasAttributedTo", scenario, owner)
        data = self.content(planned.body["data"], Text("data of the trial", "试验数据"))
        planning = self._step(journey, run, "planned", PLANNING)
        plan = self._entity(f"plan/{run}", PLAN, planned, planned.body["plan"])
        self._made_of(plan, planning, scenario, data)
        trial = self._step(journey, run, "evaluated", TRIAL, since="running")
        for used in (plan, data, *self._candidates(journey)):
            self.lineage.relate("used", trial, used)
        judging = self._step(journey, run, "judged", JUDGING)
        evaluated, entry = journey.entry("evaluated"), journey.entry("judged")
        verdict = self._entity(
            f"verdict/{run}", VERDICT, entry, entry.body["verdict"], **_words(entry)
        )
        for id_, digest in evaluated.body["evidence"].items():
            label = Text(f"evidence on {id_}", f"{id_} 的证据")
            evidence = self._entity(f"evidence/{run}/{id_}", label, evaluated, digest)
            self.lineage.relate("wasGeneratedBy", evidence, trial)
            self.lineage.relate("used", judging, evidence)
            self.lineage.relate("wasDerivedFrom", verdict, evidence)
        self.lineage.relate("used", judging, plan)
        self.lineage.relate("wasGeneratedBy", verdict, judging)
        if reached(journey.state, "evidenced"):
            signing = self._step(journey, run, "evidenced", SIGNING)
            proof = self._entity(f"proof/{run}", PROOF, journey.entry("evidenced"), "")
            self._made_of(proof, signing, verdict)

    def _entity(
        self, id_: str, label: Text, entry: Entry, digest: str, note: str = "", **said: Any
    ) -> str:
        return self.lineage.add(
            "entity", id_, label, note or digest[:19], digest=digest, entry=entry.index, **said
        )

    def _made_of(self, made: str, activity: str, *sources: str) -> None:
        self.lineage.relate("wasGeneratedBy", made, activity)
        for source in sources:
            self.lineage.relate("used", activity, source)
            self.lineage.relate("wasDerivedFrom", made, source)

    def _step(self, journey: Journey, run: str, state: str, label: Text, since: str = "") -> str:
        entry = journey.entry(state)
        start = journey.entry(since).envelope["at"] if since else None
        return self._activity(
            f"{state}/{run}", label, entry, start=start, end=entry.envelope["at"], entry=entry.index
        )

    def _candidates(self, journey: Journey) -> list[str]:
        """The candidates by what the plan froze of them; none where the plan was erased."""
        plan = plan_of(self.record, journey.entry("planned"))
        synthetic = plan["data"].get("synthetic")
        if synthetic:
            label = Text("data of the trial", "试验数据")
            self.content(plan["data"]["digest"], label, synthetic=True)
        return [
            self.content(c["digest"], Text(f"candidate {c['id']}", f"候选方案 {c['id']}"))
            for c in plan["candidates"]
        ]

    def filing(self, id_: str) -> None:
        """A filing: what it rests on, who answers for it, who accepted it."""
        said = filings(self.record)[id_]
        entry = next(self.record.entries(about=f"filing:{id_}", kind="register.filed/1"))
        if f"pb:verdict/{said['run']}" not in self.lineage.nodes and said["run"] in judged(
            self.record
        ):
            self.run(said["run"])
        filing = self._entity(f"filing/{id_}", FILING, entry, "", id_, expires=said["expires"])
        activity = self._activity(f"filed/{id_}", FILE, entry, end=entry.envelope["at"])
        self._made_of(filing, activity, f"pb:proof/{said['run']}", self.asset(said["asset"]["id"]))
        self.lineage.relate("wasAttributedTo", filing, self.party(said["principal"]))
        accepted = self.party(said["accepted_by"])
        self.lineage.relate(
            "wasAssociatedWith", activity, accepted, prov_role="accepts for the owner"
        )


def _words(entry: Entry) -> dict[str, str]:
    return {f"verdict_{id_}": word for id_, word in entry.body["verdicts"].items()}


def _shown(value: Any) -> Any:
    return f"{value:g}" if isinstance(value, float) else value


SCENARIO = Text("scenario", "场景")
PLAN, PLANNING = Text("plan", "试验计划"), Text("planning", "制定计划")
TRIAL, JUDGING = Text("trial", "试验"), Text("judging", "评审")
VERDICT, SIGNING = Text("verdict", "结论"), Text("signing", "签证")
PROOF = Text("written proof", "书面证明")
FILING, FILE = Text("filing", "备案"), Text("filing it", "办理备案")
