"""All faults of a scenario file at once, each with its place, in both languages."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.draft import Known, draft_of
from pilotbase.scenario.finding import Finding, Path, Place, path_text
from pilotbase.scenario.grammar import grammar_findings
from pilotbase.scenario.rules import broken_rules
from pilotbase.scenario.schema import Scenario
from pilotbase.scenario.tree import Tree

FAULTS_MAX = 200


def faults_of(tree: Tree, known: Known) -> tuple[Scenario | None, list[Fault]]:
    """The scenario where there is no fault, else None and the faults in the order of the file.

    At most `FAULTS_MAX` faults are told; a last one says that there are more.
    """
    spoilt = {finding.path for finding, _ in tree.findings}
    scenario, found = grammar_findings(tree.data)
    found = [finding for finding in found if not _within(finding.path, spoilt)]
    spoilt |= {path for finding in found for path in _spoils(finding)}
    if isinstance(tree.data, dict):
        broken = broken_rules(draft_of(tree.data, spoilt), known)
        found += [f for f in broken if not _within(f.path, spoilt) and not _rests(f, spoilt)]
    told = [fault_at(finding, place) for finding, place in tree.findings]
    told += [fault_at(f, tree.place(f.path, at_key=f.at_key)) for f in found]
    told.sort(key=lambda fault: (fault.line, fault.column))
    return (None if told else scenario), _first(told)


def fault_at(finding: Finding, place: Place) -> Fault:
    """The finding as a fault with its line and column."""
    return Fault(
        finding.code,
        finding.message,
        path_text(finding.path),
        place[0],
        place[1],
        finding.expected,
        finding.nearest,
    )


def _spoils(finding: Finding) -> Iterable[Path]:
    """What a conclusion may no longer be drawn from: also the word that was probably meant."""
    if finding.about:
        return finding.about
    if finding.code == "scenario.unknown_key" and finding.nearest:
        return finding.path, (*finding.path[:-1], finding.nearest)
    return (finding.path,)


def _within(path: Path, spoilt: Collection[Path]) -> bool:
    return any(path[:depth] in spoilt for depth in range(len(path) + 1))


def _rests(finding: Finding, spoilt: Collection[Path]) -> bool:
    """Whether the finding is a conclusion from something that is faulty or has a fault in it."""
    return any(
        _within(path, spoilt) or any(faulty[: len(path)] == path for faulty in spoilt)
        for path in finding.about
    )


def _first(faults: list[Fault]) -> list[Fault]:
    if len(faults) <= FAULTS_MAX:
        return faults
    last = faults[FAULTS_MAX]
    rest = Fault(
        "scenario.more_faults",
        Text("and more faults from here on", "由此往后还有更多错误"),
        line=last.line,
        column=last.column,
    )
    return [*faults[:FAULTS_MAX], rest]
