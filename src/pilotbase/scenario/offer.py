"""Who offers to meet a need and how it is reached: the candidates and judges of a scenario file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from pilotbase.scenario.section import (
    COLUMNS_MAX,
    CRITERIA_MAX,
    ENTRIES_MAX,
    Baseline,
    Bilingual,
    Column,
    Name,
    Prose,
    Scalar,
    Section,
    Slug,
)


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


class Key(Section):
    """Where a secret lies; never the secret itself. Exactly one."""

    env: Name | None = Field(None, description="The environment variable that holds it.")
    file: Name | None = Field(None, description="The file that holds it, on one line.")


class Price(Section):
    """What a provider asks for a million tokens."""

    input: Name = Field(description='A million tokens read, e.g. "2.00 CNY".')
    output: Name = Field(description="A million tokens written.")


class Endpoint(Section):
    """What all network endpoints have in common."""

    url: Name = Field(description="The address; https, or http on this machine.")
    key: Key | None = Field(None, description="Where the API key lies.")
    concurrency: int = Field(8, ge=1, le=256, description="Requests under way at once, at most.")
    retries: int = Field(
        2, ge=0, le=10, description="How often a request that did no harm is sent again."
    )
    private: bool = Field(False, description="Allow an address inside a private network.")
    ours: bool = Field(
        False, description="The base runs it: when it is down, that is the base's outage."
    )


class Chat(Endpoint):
    """An OpenAI-compatible chat endpoint; ``url`` ends before ``/chat/completions``."""

    model: Name = Field(description="The model's name; an answer by another one is refused.")
    system: Prose | None = Field(None, description="What it is told before each case.")
    prompt: Prose = Field(
        "{question}", description="What is sent: {question}, {documents} and {columns by name}."
    )
    stream: bool = Field(False, description="Ask for the answer as a stream.")
    as_json: bool = Field(False, description="Ask for, and read, a JSON object as the answer.")
    temperature: float | None = Field(0.0, ge=0, le=2, description="None: not sent.")
    max_tokens: int = Field(1024, ge=1, le=1_000_000, description="Longest answer, in tokens.")
    price: Price | None = Field(None, description="What it costs, by tokens.")


class Infer(Endpoint):
    """An Open Inference Protocol (v2) endpoint; ``url`` ends before ``/v2``."""

    model: Name = Field(description="The model's name.")
    version: Name | None = Field(None, description="The model's version.")
    encoding: Literal["json", "binary"] = Field("json", description="How tensors travel.")
    input: Name = Field("input", description="Name of the input tensor: (1, columns) floats.")
    datatype: Literal["FP32", "FP64"] = Field("FP64", description="Type of the input tensor.")
    label: Name | None = Field(None, description="Output tensor with the class or call.")
    probability: Name | None = Field(None, description="Output tensor, one number a class.")
    score: Name | None = Field(None, description="Output tensor with the positive's score.")
    value: Name | None = Field(None, description="Output tensor with the number.")


class Mcp(Section):
    """A tool of an MCP server: by address, or by a program that speaks on its standard streams."""

    url: Name | None = Field(None, description="Address of a streamable HTTP server.")
    command: Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
        None, description="The server's program, word by word; needs --trust."
    )
    tool: Name = Field(description="The tool that answers.")
    argument: Name = Field("question", description="The tool's argument that takes the question.")
    key: Key | None = Field(None, description="Where the bearer token lies.")
    concurrency: int = Field(4, ge=1, le=64, description="Calls under way at once, at most.")
    private: bool = Field(False, description="Allow an address inside a private network.")
    ours: bool = Field(
        False, description="The base runs it: when it is down, that is the base's outage."
    )


class Judge(Section):
    """Who marks answers by a rubric; exactly one of chat, plugin."""

    title: Bilingual | None = Field(None, description="What reports call it.")
    chat: Chat | None = Field(None, description="A model behind a chat endpoint.")
    plugin: Name | None = Field(None, description="An installed judge plug-in.")
    stand_in: bool = Field(False, description="True for a scripted judge; every output says so.")


class Sandbox(Section):
    """Limits of a program that nobody has to trust; it has no network and sees its own files only.

    They hold for one run of the program, whose whole group of processes counts together.
    """

    memory_mb: int = Field(512, ge=16, le=1_048_576, description="Most memory, in MiB.")
    cpu_seconds: int = Field(60, ge=1, le=86_400, description="Most processor time.")
    processes: int = Field(16, ge=1, le=1024, description="Most processes at once.")
    disk_mb: int = Field(64, ge=0, le=1_048_576, description="Most it may write, in MiB.")
    files: tuple[Name, ...] = Field(
        (),
        max_length=ENTRIES_MAX,
        description="Files and folders beside the scenario file that it needs; it gets a copy. "
        "What the command or the callable names is copied anyway.",
    )


class Candidate(Section):
    """An offer to meet the need; exactly one of estimator, plugin, callable, command, chat, infer,
    mcp, results."""

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
    callable: Name | None = Field(None, description="module:function; needs --trust or a sandbox.")
    command: Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
        None,
        description="A program that speaks JSON lines, word by word; needs --trust or a sandbox.",
    )
    sandbox: Sandbox | None = Field(
        None, description="Run the plug-in, callable or command without trust, under limits."
    )
    chat: Chat | None = Field(None, description="A chat endpoint, OpenAI-compatible.")
    infer: Infer | None = Field(None, description="An Open Inference Protocol endpoint.")
    mcp: Mcp | None = Field(None, description="A tool of an MCP server.")
    results: Column | None = Field(
        None, description="Column with scores that another tool reports; a lower grade of trust."
    )
    acts_for: Name | None = Field(
        None, description="act: the named person or body that the agent acts for."
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
