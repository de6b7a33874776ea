"""The scenario file: a need, its data, what would be good enough, and who offers to meet it.

The classes below are the whole grammar; ``pilotbase scenario schema`` publishes it as JSON Schema.
Each field's description is what a user reads. A scenario file is data: it names installed loaders,
estimators and plug-ins, and runs no code of its own unless the user says ``--trust``.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field

from pilotbase.scenario.offer import Candidate, Judge
from pilotbase.scenario.section import (
    COLUMNS_MAX,
    CRITERIA_MAX,
    ENTRIES_MAX,
    Baseline,
    Bilingual,
    Column,
    Hash,
    Name,
    Prose,
    Scalar,
    Section,
    Slug,
    Sql,
)

FORMAT = 1
SCHEMA_ID = "urn:pilotbase:scenario:1"
ROWS_MAX = 2_000_000
CANDIDATES_MAX = 50

Item = Literal[
    "A1.1", "A1.2", "A1.3", "A2.1", "A2.2", "A2.3", "A2.4", "A3.1", "A3.2",
    "A4.1", "A4.2", "A4.3", "A5.1", "A5.2", "A5.3", "A6.1", "A6.2",
]  # fmt: skip
Task = Literal["classification", "detection", "regression", "forecast", "answer", "act"]
Estimand = Literal["these cases", "future cases"]
SOURCES = ("dataset", "csv", "xlsx", "parquet", "sql", "sealed", "results")
"""The words of `Data` of which exactly one is given."""
LANGUAGE_TASKS: tuple[Task, ...] = ("answer", "act")
"""Tasks whose cases are put in words; the others are tables of numbers and classes."""


class Owner(Section):
    """Who asks, and the person who answers for it."""

    name: Name = Field(description="The organisation or body that has the need.")
    principal: Name = Field(description="The named person who answers for it; never an agent.")


class Data(Section):
    """Where the data are: exactly one of dataset, csv, xlsx, parquet, sql, sealed, results."""

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
    sealed: Name | None = Field(None, description="A test set that the base keeps sealed.")
    results: Name | None = Field(
        None, description="Another tool's log: Inspect .eval, lm-eval, garak or promptfoo."
    )
    digest: Hash | None = Field(
        None, description="Hash of the data: others are refused, also where they stay elsewhere."
    )
    prepare: Sql | None = Field(
        None,
        description="One SELECT (DuckDB) over the table `data`, whose first column `_row` numbers "
        "the rows as loaded; end it with ORDER BY, so that everyone gets the same rows.",
    )


class Documents(Section):
    """What answers may be taken from: one passage a row."""

    data: Data = Field(description="Where the passages are.")
    passage: Column = Field("passage", description="The column of the passages' ids.")
    text: Column = Field("text", description="The column of their text.")


class Decisions(Section):
    """Who decided what, having seen what: the arms person, AI, and person with AI."""

    data: Data = Field(description="Where the decisions are, one a row.")
    case: Column = Field("case", description="Column of the case that was decided.")
    who: Column = Field("who", description="Column of the decider; a pseudonym, never shown.")
    saw: Column = Field("saw", description="What the decider had seen: nothing or ai.")
    decision: Column = Field("decision", description="Column of what the decider decided.")
    ai: Column = Field("ai", description="Column of what the AI said.")
    truth: Column = Field("truth", description="Column of what was right.")


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

    by: Literal["random", "unit", "time", "rolling", "frozen"] = Field(
        description="random: shuffled folds; unit: folds that keep a unit whole; time: each later "
        "block is scored by a fit on earlier blocks; rolling: one origin after the other; frozen: "
        "candidates come as they are and nobody learns from these cases."
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
    """A declared perturbation of what is asked; exactly one."""

    noise: float | None = Field(
        None, gt=0, description="Gaussian noise of this standard deviation."
    )
    missing: float | None = Field(None, gt=0, lt=1, description="This share of values left empty.")
    shift: float | None = Field(None, description="This much added to every numeric feature.")
    typos: float | None = Field(
        None, gt=0, le=0.5, description="answer: slips of the keyboard in this share of the words."
    )
    paraphrase: Literal[True] | None = Field(
        None, description="answer: the question in other words, by the declared table."
    )
    injection: Literal["question", "documents"] | None = Field(
        None, description="answer: a foreign instruction in the question or in a passage."
    )
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
    repeats: int = Field(
        1, ge=1, le=20, description="answer, act: how often each case is asked; averaged."
    )
    k: int | None = Field(None, ge=1, le=100, description="recall_at_k: how many passages count.")
    tolerance: float | None = Field(
        None, ge=0, description="numeric_match: how far a number may be off."
    )
    form: dict[str, Any] | None = Field(
        None, max_length=ENTRIES_MAX, description="json_valid: the JSON Schema of an answer."
    )
    rubric: Prose | None = Field(
        None, description="judged, rated: what a good answer is, in words for the judge."
    )
    judge: Slug | None = Field(None, description="judged: one of the file's `judges`.")
    audit: int | None = Field(
        None, ge=1, le=1000, description="judged: one unit in this many goes to a person."
    )
    title: Bilingual | None = Field(None, description="What reports call the criterion.")


class Budget(Section):
    """Where the base stops, whatever is undecided."""

    units: int | None = Field(None, ge=1, le=10_000_000, description="Most units in all.")
    minutes: float | None = Field(None, gt=0, le=100_000, description="Most minutes in all.")
    money: str | None = Field(None, description='Most money in all, e.g. "200.00 CNY".')
    unit_seconds: float = Field(60.0, gt=0, le=3600, description="Time-out of one answer or fit.")
    steps: int = Field(20, ge=1, le=1000, description="act: most tool calls in one case.")


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
        "number; forecast: a number of the future; answer: a question in words; act: a goal to be "
        "reached with tools."
    )
    estimand: Estimand = Field(
        "these cases",
        description="What a verdict speaks about: just these cases, or future ones like them.",
    )
    data: Data = Field(description="Where the data are.")
    target: Column = Field(description="The column that is to be answered.")
    positive: Scalar = Field(None, description="detection: the value that counts as positive.")
    question: Column | None = Field(None, description="answer, act: the column of what is asked.")
    scope: Column | None = Field(
        None, description="answer: 1 where the documents hold the answer, 0 where not."
    )
    sources: Column | None = Field(
        None, description="answer: ids of the passages that hold it, with blanks between."
    )
    language: Column | None = Field(None, description="answer, act: en or zh, by case.")
    documents: Documents | None = Field(None, description="answer: what may be cited.")
    refusal: Bilingual | None = Field(
        None, description="answer: the sentence by which a candidate says that it cannot answer."
    )
    environment: Name | None = Field(
        None, description="act: the installed environment in which tools are called."
    )
    judges: dict[Slug, Judge] = Field(
        default_factory=dict, max_length=20, description="Who marks answers, by name."
    )
    decisions: Decisions | None = Field(
        None, description="Decisions of persons with and without the AI, for the arms."
    )
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
