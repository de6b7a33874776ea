"""From a scenario file to a plan that is ready to be frozen: read, load, check, look for leaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.assess.rules import levels
from pilotbase.catalog.check import data_faults
from pilotbase.catalog.load import Table, load_table
from pilotbase.catalog.sealed.sets import Opener
from pilotbase.desk.arms import arms_in
from pilotbase.desk.sealed import masked, unquoted, unquoted_faults, unquoted_finding
from pilotbase.kernel.canonical import digest
from pilotbase.kernel.errors import DataError, Fault, RecordError, ScenarioError
from pilotbase.kernel.plugins import load
from pilotbase.kernel.text import Text
from pilotbase.record.rules.note import VerifierKey
from pilotbase.scenario.read import ScenarioFile, read_scenario
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.candidates.code import code_of
from pilotbase.trial.candidates.named import misnamed
from pilotbase.trial.cases import Cases
from pilotbase.trial.leaks import Finding, find_leaks
from pilotbase.trial.odds import planned_odds
from pilotbase.trial.plan import plan_document
from pilotbase.trial.question import cases_of, holdout_of
from pilotbase.trial.rules.claims import refusals


@dataclass(frozen=True)
class Checked:
    """A scenario file without faults, and what it names."""

    file: ScenarioFile
    table: Table
    documents: Table | None = None
    decisions: str = ""
    """Digest of the table of decisions, where there is one."""


@dataclass(frozen=True)
class Prepared:
    """A scenario with its data, ready to be planned."""

    file: ScenarioFile
    table: Table
    documents: Table | None
    findings: Sequence[Finding]
    plan: dict[str, Any]

    @property
    def scenario(self) -> Scenario:
        return self.file.scenario

    @property
    def plan_hash(self) -> str:
        return digest(self.plan)

    @property
    def run(self) -> str:
        """The run's id: the plan's hash, shortened; one plan has one run."""
        return self.plan_hash.removeprefix("sha256:")[:12]

    @property
    def about(self) -> str:
        return f"pilot:{self.run}"


def check(path: Path, *, trust: bool, sealed: Opener | None = None) -> Checked:
    """The file and its data. Raises ScenarioError with all faults of both at once.

    Args:
        sealed: opens sealed test sets; without it they stay closed.
    """
    file = read_scenario(path, trust=trust)
    said, data = file.scenario.documents, file.scenario.data
    try:
        with unquoted(data.sealed is not None):
            table = load_table(data, file.folder, trust=trust, sealed=sealed)
        documents = load_table(said.data, file.folder, trust=trust) if said else None
    except DataError as error:
        if error.where:
            error.where = f"{path}: {error.where}"
        raise
    found = data_faults(file, table, documents)
    faults = [*plan_faults(file), *(unquoted_faults(found) if table.sealed else found)]
    if faults:
        raise ScenarioError(str(path), faults)
    decisions = arms_in(file, seed=b"", trust=trust)[1] if file.scenario.decisions else ""
    return Checked(file, table, documents, decisions)


def plan_faults(file: ScenarioFile) -> Iterator[Fault]:
    """What only the rooms of trial and record can say against a file."""
    scenario = file.scenario
    for index, criterion in enumerate(scenario.acceptance):
        metric = load("pilotbase.evaluators", criterion.metric)
        for text in refusals(metric, criterion, scenario.task, scenario.estimand):
            yield file.fault(("acceptance", index), "criterion.unfit", text)
    for at, candidate in enumerate(scenario.candidates):
        for place, wrong in misnamed(candidate):
            yield file.fault(
                ("candidates", at, *place),
                wrong.code,
                Text(f"{wrong.where}: {wrong.message.en}", f"{wrong.where}: {wrong.message.zh}"),
                expected=wrong.next_step,
            )
    if scenario.plan.witness is not None:
        try:
            VerifierKey.parse(scenario.plan.witness)
        except RecordError as error:
            yield file.fault(
                ("plan", "witness"),
                "plan.witness_key",
                error.message,
                expected=Text("a verifier key: name+hash+key", "验证密钥: 名称+哈希+公钥"),
            )


def prepare(path: Path, *, trust: bool, sealed: Opener | None = None) -> Prepared:
    """Everything that has to stand before a plan can be frozen.

    Raises:
        ScenarioError: faults of the file or the data, or leak findings that nobody has answered.
    """
    return ready(check(path, trust=trust, sealed=sealed))


def ready(checked: Checked) -> Prepared:
    """A checked file with its data, as a plan that can be frozen.

    Folds and hold-out are drawn here only to count units, look for leaks and compute odds; those
    of the trial hang on plan and receipt and are drawn after both (`trying.draw`).
    """
    file, table, documents = checked.file, checked.table, checked.documents
    scenario = file.scenario
    with unquoted(table.sealed is not None):
        cases = masked(cases_of(scenario, table, documents), table.sealed)
        holdout = holdout_of(cases, scenario)
        findings = find_leaks(cases, scenario)
    if table.sealed is not None:
        findings = tuple(unquoted_finding(finding) for finding in findings)
    plan = plan_document(
        scenario,
        source=table.source.as_dict(),
        data_digest=table.digest,
        documents=documents.digest if documents else None,
        decisions=checked.decisions,
        cases=cases,
        holdout=holdout,
        sealed=_sealed(table),
        reported_by=table.reported_by.as_dict() if table.reported_by else None,
        synthetic=_synthetic(table),
        code={c.id: code for c in scenario.candidates if (code := code_of(c, file.folder))},
        findings=[_answered(finding, scenario) for finding in findings],
        odds=planned_odds(_deciding(cases, holdout, scenario), scenario, *_levels(scenario)),
    )
    return Prepared(file, table, documents, findings, plan)


def _sealed(table: Table) -> dict[str, Any] | None:
    kept = table.sealed
    return {"set": kept.name, "exposures": kept.exposures} if kept is not None else None


def _synthetic(table: Table) -> dict[str, int] | None:
    return {"rows": table.synthetic, "of": table.loaded_rows} if table.synthetic else None


def _deciding(cases: Cases, holdout: Cases | None, scenario: Scenario) -> Cases:
    return holdout if scenario.estimand == "future cases" and holdout is not None else cases


def _levels(scenario: Scenario) -> tuple[float, float]:
    blocking = sum(c.blocking for c in scenario.acceptance) + bool(scenario.barred)
    return levels(scenario.plan.alpha, len(scenario.candidates), blocking)


def unanswered(prepared: Prepared) -> ScenarioError | None:
    """The leak findings that still want the owner's answer, as faults of the file."""
    answers = prepared.scenario.answers
    open_ = [f for f in prepared.findings if f.blocks and f.id not in answers]
    if not open_:
        return None
    faults = [_unanswered(prepared.file, finding) for finding in open_]
    return ScenarioError(str(prepared.file.path), faults)


def _unanswered(file: ScenarioFile, finding: Finding) -> Fault:
    return file.fault(
        ("answers",),
        "plan.leak_unanswered",
        finding.text,
        expected=Text(
            f'an answer under answers: "{finding.id}": {{en: ..., zh: ...}}, or the column barred',
            f'在 answers 下写明答复: "{finding.id}": {{en: ..., zh: ...}}, 或禁用该列',
        ),
    )


def _answered(finding: Finding, scenario: Scenario) -> dict[str, Any]:
    answer = scenario.answers.get(finding.id)
    return {**finding.as_dict(), "answer": answer.model_dump() if answer else None}
