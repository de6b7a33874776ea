"""The scenario file: a need, its data, what would be good enough, and who offers to meet it.

The classes below are the whole grammar; ``pilotbase scenario schema`` publishes it as JSON Schema.
Each field's description is what a user reads. A scenario file is data: it names installed loaders,
estimators and plug-ins, and runs no code of its own unless the user says ``--trust``.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FORMAT = 1
SCHEMA_ID = "urn:pilotbase:scenario:1"
ROWS_MAX = 2_000_000
CRITERIA_MAX = 50
CANDIDATES_MAX = 50
COLUMNS_MAX = 2_000
ENTRIES_MAX = 200

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Column = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Sql = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Scalar = bool | int | float | str | None
Item = Literal[
    "A1.1", "A1.2", "A1.3", "A2.1", "A2.2", "A2.3", "A2.4", "A3.1", "A3.2",
    "A4.1", "A4.2", "A4.3", "A5.1", "A5.2", "A5.3", "A6.1", "A6.2",
]  # fmt: skip
Task = Literal["classification", "detection", "regression", "forecast"]
Estimand = Literal["these cases", "future cases"]
Baseline = Literal["majority", "mean", "persistence", "seasonal_naive"]


class Section(BaseModel):
    """A section of the file: unknown words are refused, values are not changed once read."""

    # Infinite parameters (C: .inf) stay what they are when a plan is hashed.
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )


class Bilingual(Section):
    """A text in English and in Chinese."""

    en: Prose = Field(description="The text in English.")
    zh: Prose = Field(description="The text in Chinese.")


class Owner(Section):
    """Who asks, and the person who answers for it."""

    name: Name = Field(description="The organisation or body that has the need.")
    principal: Name = Field(description="The named person who answers for it; never an agent.")


class Data(Section):
    """Where the data are: exactly one of dataset, csv, xlsx, parquet, sql."""

    dataset: Name | None = Field(None, description="An installed loader, e.g. sklearn.load_digits.")
    csv: Name | None = Field(
        None, description="A CSV file in the scenario file's folder or below it."
    )
    encoding: Literal["utf-8", "gb18030"] = Field("utf-8", description="Encoding of the CSV file.")
    xlsx: Name | None = Field(None, description="An Excel workbook, in the same place.")
    sheet: Name | None = Field(
        None, description="The sheet of the workbook; the first if left out."
    )
    parquet: Name | None = Field(None, description="A Parquet file, in the same place.")
    sql: Sql | None = Field(
        None, description="A DuckDB query that reads files beside the scenario."
    )
    prepare: Sql | None = Field(
        None,
        description="One SELECT (DuckDB) over the table `data`, whose first column `_row` numbers "
        "the rows as loaded; end it with ORDER BY, so that everyone gets the same rows.",
    )


class Group(Section):
    """A grouping of the units, for the differences that matter."""

    column: Column = Field(description="The column whose values are the groups.")
    title: Bilingual | None = Field(None, description="What the grouping is called in reports.")
    labels: dict[str, Bilingual] = Field(
        default_factory=dict,
        max_length=ENTRIES_MAX,
        description="A readable name for each value of the column.",
    )


class Split(Section):
    """How units are held apart from what a candidate learns from."""

    by: Literal["random", "unit", "time", "rolling"] = Field(
        description="random: shuffled folds; unit: folds that keep a unit whole; time: each later "
        "block is scored by a fit on earlier blocks; rolling: one origin after the other."
    )
    folds: int = Field(
        5,
        ge=2,
        le=50,
        description="Folds of the cross-fit; by time without `block`, blocks to score.",
    )
    stratify: bool = Field(False, description="Keep the classes' shares equal in each fold.")
    column: Column | None = Field(None, description="The column of time (time, rolling).")
    block: Column | None = Field(None, description="time: the column of blocks, e.g. the year.")
    origins: int = Field(
        120, ge=1, le=10_000, description="rolling: how many last points to score."
    )
    horizon: int = Field(1, ge=1, le=1000, description="rolling: steps ahead.")
    season: int = Field(1, ge=1, le=1000, description="Steps in a season, for the seasonal naive.")
    holdout: float = Field(
        0.0,
        ge=0.0,
        le=0.5,
        description="Share of the units kept untouched for a reading on future "
        "cases beside the one on these cases; 0 for none.",
    )


class Under(Section):
    """A declared perturbation of the features; exactly one."""

    noise: float | None = Field(
        None, gt=0, description="Gaussian noise of this standard deviation."
    )
    missing: float | None = Field(None, gt=0, lt=1, description="This share of values left empty.")
    shift: float | None = Field(None, description="This much added to every numeric feature.")
    columns: tuple[Column, ...] = Field(
        (), max_length=COLUMNS_MAX, description="Which features; all numeric if left out."
    )


class Criterion(Section):
    """One acceptance criterion: a metric, how it is compared, and its bound."""

    metric: Name = Field(description="An installed metric, e.g. accuracy, recall, mae, auc, brier.")
    at_least: float | None = Field(None, description="The metric has to reach this.")
    at_most: float | None = Field(None, description="The metric may not pass this.")
    between: tuple[float, float] | None = Field(
        None, description="A band [low, high]; both sides are tested."
    )
    blocking: bool = Field(True, description="False: an open criterion may become a condition.")
    cap: float | None = Field(
        None,
        gt=0,
        description="The most that one unit counts: its error (mae, rmse), or "
        "its cost in minor units of money (cost).",
    )
    limit: float | None = Field(None, gt=0, description="Limit of a latency in milliseconds.")
    gap_by: Name | None = Field(None, description="Largest difference between this group's values.")
    ratio_by: Name | None = Field(None, description="Smallest ratio between this group's values.")
    worst_of: Name | None = Field(None, description="The bound holds for the worst of this group.")
    relative: bool = Field(
        False, description="worst_of: the bound is a multiple of the overall mean."
    )
    against: Baseline | None = Field(None, description="Compared with the base's own baseline.")
    as_: Literal["ratio", "difference"] = Field(
        "ratio", alias="as", description="against: the metric over the baseline's, or minus it."
    )
    under: Under | None = Field(None, description="Scored under this perturbation.")
    title: Bilingual | None = Field(None, description="What reports call the criterion.")


class Claim(Section):
    """What a provider says its candidate reaches; shown beside what was measured."""

    metric: Name = Field(description="An installed metric.")
    value: float = Field(description="What the provider says it reaches.")
    gap_by: Name | None = Field(None, description="The claim is on the gap between these groups.")
    worst_of: Name | None = Field(None, description="The claim is on the worst of these groups.")
    against: Baseline | None = Field(None, description="The claim is against this baseline.")


class Step(Section):
    """One step of a scikit-learn pipeline before the estimator."""

    estimator: Name = Field(description="A transformer of scikit-learn, by its full name.")
    parameters: dict[str, Scalar | list[Scalar]] = Field(
        default_factory=dict, description="Its parameters by name."
    )


class Cutoff(Section):
    """From score to call, chosen inside the training folds only; exactly one."""

    called_share: float | None = Field(None, gt=0, lt=1, description="Call this share of cases.")
    score: float | None = Field(None, description="Call a case whose score is at least this.")


class Candidate(Section):
    """An offer to meet the need: exactly one of estimator, plugin, callable, command."""

    id: Slug = Field(description="Short name, unique in the file.")
    title: Bilingual | None = Field(None, description="What reports call it.")
    provider: Name | None = Field(None, description="Who offers it.")
    estimator: Name | None = Field(
        None, description="A class of scikit-learn or statsmodels, by its full name."
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="Parameters of the estimator, plug-in or callable."
    )
    steps: tuple[Step, ...] = Field(
        (), max_length=20, description="What is done to the features before the estimator."
    )
    plugin: Name | None = Field(None, description="An installed candidate plug-in.")
    callable: Name | None = Field(None, description="module:function; needs --trust.")
    command: Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
        None, description="A program that speaks JSON lines, word by word; needs --trust."
    )
    columns: Annotated[tuple[Column, ...], Field(max_length=COLUMNS_MAX)] | None = Field(
        None, description="Features it uses; all if left out."
    )
    drop: tuple[Column, ...] = Field(
        (), max_length=COLUMNS_MAX, description="Features it does without."
    )
    uses_barred: tuple[Column, ...] = Field(
        (),
        max_length=COLUMNS_MAX,
        description="Barred columns the provider insists on; the leak check answers.",
    )
    cutoff: Cutoff | None = Field(None, description="How a score becomes a call.")
    refit_every: int = Field(1, ge=1, le=10_000, description="rolling: origins between two fits.")
    stand_in: bool = Field(False, description="True for a scripted model; every output says so.")
    cost_per_unit: str | None = Field(None, description='Price of one answer, e.g. "0.02 CNY".')
    claims: tuple[Claim, ...] = Field(
        (), max_length=CRITERIA_MAX, description="What the provider says it reaches."
    )


class Budget(Section):
    """Where the base stops, whatever is undecided."""

    units: int | None = Field(None, ge=1, le=10_000_000, description="Most units in all.")
    minutes: float | None = Field(None, gt=0, le=100_000, description="Most minutes in all.")
    money: str | None = Field(None, description='Most money in all, e.g. "200.00 CNY".')
    unit_seconds: float = Field(60.0, gt=0, le=3600, description="Time-out of one answer or fit.")


class Plan(Section):
    """How the decision is made; frozen and signed before anything runs."""

    alpha: float = Field(0.05, gt=0, lt=0.5, description="Error probability of a wrong verdict.")
    evidence: Literal["sequential", "fixed"] = Field(
        "sequential", description="sequential stops as soon as it is decided; fixed looks once."
    )
    cap: int | None = Field(None, ge=1, le=10_000_000, description="Most units; all if left out.")
    seed: int = Field(
        1,
        ge=0,
        le=2**31 - 1,
        description="One ingredient of the plan's hash. "
        "Folds, hold-out and fits are drawn from the hash and the receipt, so that nobody picks "
        "them.",
    )
    several: Literal["e-holm", "e-bh"] = Field(
        "e-holm", description="Rule over several candidates."
    )
    choose: Name | None = Field(None, description="Metric by which the best go is chosen.")
    witness: str | None = Field(
        None,
        max_length=500,
        description="Verifier key of the outside witness who signs the plan "
        "before the start; without one the verdict says self-attested.",
    )
    budget: Budget = Field(default_factory=Budget, description="Where the base stops.")


class Scenario(Section):
    """A scenario file."""

    pilotbase: Literal[1] = Field(1, description="Format version of this file.")
    id: Slug = Field(description="Short name of the scenario.")
    title: Bilingual = Field(description="What the scenario is called.")
    need: Bilingual = Field(description="What is needed and why, in plain words.")
    notes: tuple[Bilingual, ...] = Field(
        (), max_length=ENTRIES_MAX, description="What a reader has to know about the data."
    )
    item: Item = Field(description="One of the 17 items of the AI+ Opinions, e.g. A4.3.")
    tier: Literal["minimal", "limited", "high"] = Field("minimal", description="Risk tier.")
    owner: Owner = Field(description="Who asks.")
    affects_people: bool = Field(description="Whether people are affected by the answers.")
    task: Task = Field(
        description="classification: one of several labels; detection: yes or no; regression: a "
        "number; forecast: a number of the future."
    )
    estimand: Estimand = Field(
        "these cases",
        description="What a verdict speaks about: just these cases, or future ones like them.",
    )
    data: Data = Field(description="Where the data are.")
    target: Column = Field(description="The column that is to be answered.")
    positive: Scalar = Field(None, description="detection: the value that counts as positive.")
    unit: Column | None = Field(
        None, description="Column of the unit (person, item); a row if none."
    )
    label: Column | None = Field(None, description="Column that names a case for a reader.")
    features: Annotated[tuple[Column, ...], Field(max_length=COLUMNS_MAX)] | None = Field(
        None, description="Columns a candidate may see; all others if left out."
    )
    barred: tuple[Column, ...] = Field(
        (), max_length=COLUMNS_MAX, description="Columns no candidate may use."
    )
    groups: dict[Name, Group] = Field(
        default_factory=dict,
        max_length=ENTRIES_MAX,
        description="Groupings by a name that criteria refer to.",
    )
    split: Split = Field(description="How units are held apart from what a candidate learns from.")
    acceptance: tuple[Criterion, ...] = Field(
        min_length=1, max_length=CRITERIA_MAX, description="What would be good enough."
    )
    plan: Plan = Field(default_factory=Plan, description="How the decision is made.")
    candidates: tuple[Candidate, ...] = Field(
        min_length=1, max_length=CANDIDATES_MAX, description="Who offers to meet the need."
    )
    answers: dict[str, Bilingual] = Field(
        default_factory=dict,
        max_length=ENTRIES_MAX,
        description="The owner's answer to each finding of the leak check, by the finding's name.",
    )


@cache
def json_schema() -> dict[str, Any]:
    """The grammar as JSON Schema (2020-12). What hangs on several words at once, such as "exactly
    one source of data", is beyond it and is checked by `pilotbase.scenario.rules`.
    """
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID}
    return {**head, **Scenario.model_json_schema(by_alias=True)}
