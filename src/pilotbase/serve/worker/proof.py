"""What is served is what was tried: the trial's question and candidate made again and compared.

Nothing is kept between two starts but the record and the data: a model is fitted anew each time,
so no file of unknown origin is ever loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pilotbase.catalog.load import load_table
from pilotbase.kernel.canonical import decode, digest
from pilotbase.kernel.errors import InputError, PilotbaseError, RunError
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.register.filings import filing_named
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Scenario
from pilotbase.serve.routes.views import TRIED
from pilotbase.trial.candidates.code import code_of
from pilotbase.trial.cases import Cases
from pilotbase.trial.plan import written
from pilotbase.trial.question import cases_of, holdout_of
from pilotbase.trial.rules.order import drawn_seed
from pilotbase.trial.versions import Versions, shown_to, versions_of

PACKAGES = ("numpy", "scipy", "scikit-learn", "statsmodels")
"""What numbers hang on: another version of one of these is another candidate."""
PARTS = {
    "scenario": "场景",
    "candidate": "候选方案",
    "code": "代码",
    "data": "数据",
    "documents": "文档",
    "cases": "案例",
}
"""In Chinese, what was tried; packages have one name."""
Said = Mapping[str, Any]


@dataclass(frozen=True)
class Proven:
    """A candidate as it was tried, with the question that it was judged on.

    Attributes:
        scenario: with the seed that was drawn. cases: all cases. deciding: those that decided.
        versions: what the candidate is shown of all cases.
        folder: where the scenario's files lie.
    """

    name: str
    scenario: Scenario
    candidate: Candidate
    cases: Cases
    deciding: Cases
    versions: Versions
    folder: Path
    tried: str
    data: str


def proven(record: Record, name: str, folder: Path, *, filed: bool = True) -> Proven:
    """The candidate of a filing; in development of ``scenario-candidate``, filed or not.

    Args:
        folder: where the files that the scenario names lie.

    Raises:
        RunError: it is not what was tried, says in what. DataError, RecordError: as they say.
    """
    tried = catch_up(record, [TRIED])[TRIED.name]
    pilot, candidate, digest_ = _named(record, tried, name, filed)
    steps = tried["steps"][pilot]
    document: Said = decode(record.body(record.entry(tried["submitted"][pilot]), "scenario"))
    plan: Said = decode(record.body(record.entry(steps["planned"]), "plan"))
    scenario = Scenario.model_validate(document)
    offer = next(one for one in scenario.candidates if one.id == candidate)
    frozen = next(one["digest"] for one in plan["candidates"] if one["id"] == candidate)
    _same(name, "scenario", digest(document), plan["scenario"])
    _same(name, "candidate", digest(written(offer)), frozen)
    _same(name, "candidate", frozen, digest_ or frozen)
    code = plan.get("code", {}).get(candidate, {})
    _same(name, "code", dict(code_of(offer, folder)), dict(code))
    _check_software(name, record.entry(steps["evaluated"]).body["software"])
    started = record.entry(steps["started"])
    return _question(record, name, scenario, offer, plan, started, folder, frozen)


def _named(record: Record, tried: Said, name: str, filed: bool) -> tuple[str, str, str]:
    """Pilot, candidate, and the digest under which it is filed."""
    if filed:
        said = filing_named(record, name)
        return f"pilot:{said['run']}", said["candidate"], said["tried"]
    if name not in tried["candidates"]:
        raise InputError(
            "serve.unknown_candidate",
            Text(f"no tried candidate is called {name!r}", f"没有名为 {name!r} 的已试验候选方案"),
            where=name,
        )
    found = tried["candidates"][name]
    return found["pilot"], found["candidate"], ""


def _question(
    record: Record, name: str, scenario: Scenario, offer: Candidate, plan: Said, started: Any,
    folder: Path, frozen: str,
) -> Proven:  # fmt: skip
    """Data, folds and hold-out as they were drawn, compared with what the record has of them."""
    seed = bytes.fromhex(started.body["order"])
    drawn = scenario.plan.model_copy(update={"seed": drawn_seed(seed)})
    scenario = scenario.model_copy(update={"plan": drawn})
    table = load_table(scenario.data, folder)
    said = scenario.documents
    documents = load_table(said.data, folder) if said else None
    _same(name, "data", table.digest, plan["data"]["digest"])
    _same(name, "documents", documents.digest if documents else None,
          plan["data"].get("documents"))  # fmt: skip
    cases = cases_of(scenario, table, documents)
    held = holdout_of(cases, scenario) if scenario.estimand == "future cases" else None
    deciding = held or cases
    order: Said = decode(record.body(started, "order"))
    _same(name, "cases", deciding.digest, order["cases"])
    versions = shown_to(offer, versions_of(cases, (), scenario.plan.seed))
    return Proven(
        name, scenario, offer, cases, deciding, versions, folder, frozen, plan["data"]["digest"]
    )


def _check_software(name: str, recorded: Said) -> None:
    for package in PACKAGES:
        try:
            here = version(package)
        except PackageNotFoundError:
            here = ""
        if recorded.get(package):
            _same(name, package, here, recorded[package])


def _same(name: str, what: str, here: Any, then: Any) -> None:
    if here == then:
        return
    zh = PARTS.get(what, f"{what} ")
    raise RunError(
        "serve.not_as_tried",
        Text(
            f"{what} is not what was tried: {_short(then)} then, {_short(here)} now",
            f"{zh}与试验时不一致: 当时为 {_short(then)}, 现为 {_short(here)}",
        ),
        where=name,
        next_step=Text(
            "Put back what was tried, or try and file it anew.",
            "请恢复当时的内容, 或重新试验并备案。",
        ),
    )


def _short(value: Any) -> str:
    return str(value)[:80] or "-"


def refusal(error: Exception) -> PilotbaseError:
    """Whatever stops a candidate from being served, as one error."""
    if isinstance(error, PilotbaseError):
        return error
    reason = f"{type(error).__name__}: {error}"[:200]
    return RunError(
        "serve.worker_failed",
        Text(f"the worker cannot serve: {reason}", f"工作进程无法提供服务, 程序原话: {reason}"),
    )
