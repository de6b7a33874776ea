"""Does the table hold what the scenario asks of it? All faults at once, and remarks beside them.

A *fault* makes a trial impossible or meaningless and blocks it. A *remark* is for the reader: the
trial goes on, and what is said here is said in the report.
"""

from __future__ import annotations

from pilotbase.catalog.rules.columns import feature_columns, missing_columns
from pilotbase.catalog.rules.features import candidate_faults, feature_faults, feature_remark
from pilotbase.catalog.rules.groups import group_faults, unit_faults
from pilotbase.catalog.rules.language import document_faults, language_faults, prompt_faults
from pilotbase.catalog.rules.split import split_faults, strata_faults
from pilotbase.catalog.rules.target import class_faults, target_faults
from pilotbase.catalog.table import Table
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.read import ScenarioFile

RULES = (
    target_faults,
    class_faults,
    group_faults,
    unit_faults,
    split_faults,
    strata_faults,
    feature_faults,
    candidate_faults,
    language_faults,
    prompt_faults,
)


def data_faults(file: ScenarioFile, table: Table, documents: Table | None = None) -> list[Fault]:
    """Everything in the table that keeps the scenario from being tried, with its place in the file.

    Missing columns; a target that is empty, of one class, of the wrong type or infinite; a positive
    value that never occurs; an empty group; too few rows, units or blocks; no feature. For tasks in
    words: empty questions, a scope that is neither 0 nor 1, answers or sources that a criterion
    needs; and in the documents: passages without a text or an id of their own.
    """
    faults = list(missing_columns(file, table.frame))
    missing = tuple(fault.path for fault in faults)
    for rule in RULES:
        faults += [
            fault
            for fault in rule(file, table.frame)
            if not any(path.startswith(fault.path) for path in missing)  # it only follows from it
        ]
    if documents is not None:
        faults += document_faults(file, table.frame, documents.frame)
    return faults


def data_remarks(file: ScenarioFile, table: Table) -> list[Fault]:
    """What a reader has to know and nobody has to correct: features that are constant, empty, have
    gaps or look mistyped, and groups with a single value."""
    scenario, frame = file.scenario, table.frame
    found = [
        feature_remark(file, frame, column)
        for column in feature_columns(scenario, frame.columns.tolist())
    ]
    found += [
        file.fault(
            ("groups", name, "column"),
            "data.one_group",
            Text(
                f"all cases have the same value of {group.column!r}: no difference can be shown",
                f"所有案例的 {group.column!r} 取值相同, 无法比较差异",
            ),
        )
        for name, group in scenario.groups.items()
        if group.column in frame and frame[group.column].nunique() == 1
    ]
    return [remark for remark in found if remark is not None]
