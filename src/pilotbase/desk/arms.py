"""The arms of a scenario: person, AI, and the two together, from its decisions file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pilotbase.catalog.load import load_table
from pilotbase.desk.answers import ArmsResponse
from pilotbase.kernel.errors import DataError, InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.scenario.read import ScenarioFile, read_scenario
from pilotbase.trial.rules.arms import ArmsReport, arms_of
from pilotbase.trial.rules.decisions import COLUMNS


def arms(context: Context, path: Path, *, trust: bool) -> ArmsResponse:
    """What a scenario's decisions say, without a trial.

    Raises:
        InputError: a faulty file, or one without decisions.
    """
    file = read_scenario(path, trust=trust)
    if file.scenario.decisions is None:
        raise InputError(
            "arms.no_decisions",
            Text("the scenario has no decisions", "该场景没有决策数据"),
            where=str(path),
            next_step=Text(
                "Name the decisions file under `decisions:`; the page rules/arms shows how.",
                "请在 `decisions:` 下写明决策文件; 写法见 rules/arms 页。",
            ),
        )
    found, _ = arms_in(file, seed=b"", trust=trust)
    return ArmsResponse(file.scenario.id, found.as_dict())


def arms_in(file: ScenarioFile, *, seed: bytes, trust: bool) -> tuple[ArmsReport, str]:
    """The arms of a file that has decisions, and the digest of their table.

    Args:
        seed: of the committed order, in which deciders count.

    Raises:
        DataError: the table cannot be read, or does not hold together.
    """
    said = file.scenario.decisions
    assert said is not None
    try:
        table = load_table(said.data, file.folder, trust=trust)
        names = {name: getattr(said, name) for name in COLUMNS}
        missing = [column for column in names.values() if column not in table.frame.columns]
        if missing:
            raise _missing(missing)
        columns = {name: table.frame[column].tolist() for name, column in names.items()}
        return arms_of(columns, seed=seed, alpha=file.scenario.plan.alpha), table.digest
    except DataError as error:
        error.where = f"{file.path}: decisions" + (f": {error.where}" if error.where else "")
        raise


def arms_body(file: ScenarioFile, *, seed: bytes, trust: bool) -> dict[str, Any] | None:
    """The arms as they are recorded: figures over deciders and the digest of the table, never a
    decider's own values. None for a scenario without decisions."""
    if file.scenario.decisions is None:
        return None
    found, digest = arms_in(file, seed=seed, trust=trust)
    return {**found.as_dict(), "data": digest}


def _missing(columns: list[str]) -> DataError:
    names = ", ".join(map(repr, columns))
    return DataError(
        "data.missing_column",
        Text(f"the decisions have no column {names}", f"决策数据中没有列 {names}"),
        next_step=Text(
            "Name the columns under `decisions:`.", "请在 `decisions:` 下写明各列名称。"
        ),
    )
