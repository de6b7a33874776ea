"""Candidates: what each runs, whether that needs trust, which columns it uses, what it claims."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.scenario.draft import Draft, Known
from pilotbase.scenario.finding import Finding, Path, listed, nearest, shown
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.rules.criteria import METRIC
from pilotbase.scenario.rules.metrics import CLASS_TASKS, NUMBER_TASKS, REPORTED, SHARES
from pilotbase.scenario.rules.need import repeated, unknown_name
from pilotbase.scenario.schema import LANGUAGE_TASKS

TABLE_TASKS = (*CLASS_TASKS, *NUMBER_TASKS)

KINDS = ("estimator", "plugin", "callable", "command", "chat", "infer", "mcp", "results")
# Kind → the tasks that it can be tried in, where not in all.
KIND_TASKS = {
    "estimator": TABLE_TASKS,
    "infer": TABLE_TASKS,
    "mcp": (*TABLE_TASKS, "answer"),
    "results": LANGUAGE_TASKS,
}
LIBRARIES = ("sklearn", "statsmodels")
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+")
TRUSTED = Text(
    "an installed plug-in, `sandbox` beside a callable or a command, or --trust where you know who "
    "wrote the file: a scenario file is data and runs no code of its own",
    "已安装的插件; 函数或程序可写明 `sandbox` 隔离运行; 若信任文件作者, 可加 --trust: "
    "场景文件只是数据, 本身不得运行代码",
)
FULL_NAME = Text(
    "a full name such as sklearn.linear_model.LogisticRegression",
    "完整类名, 如 sklearn.linear_model.LogisticRegression",
)


def _each(draft: Draft) -> Iterator[tuple[Path, Candidate]]:
    for number, offer in draft.candidates:
        yield ("candidates", number), offer


def one_kind(draft: Draft, known: Known) -> Iterator[Finding]:
    """Exactly one of estimator, plugin, callable, command, chat, infer, mcp, results."""
    expected = Text(f"exactly one of {listed(KINDS)}", f"{listed(KINDS)} 中恰好一个")
    for path, offer in _each(draft):
        given = [word for word in KINDS if getattr(offer, word) is not None]
        if not given:
            said = Text(
                f"candidate {offer.id} does not say what it runs",
                f"候选方案 {offer.id} 没有指明运行什么",
            )
            about = tuple((*path, word) for word in KINDS)
            yield Finding(path, "scenario.no_kind", said, expected, about=about)
        elif len(given) > 1:
            said = Text(
                f"candidate {offer.id} runs several things: {listed(given)}",
                f"候选方案 {offer.id} 指明了多种: {listed(given)}",
            )
            yield Finding((*path, given[1]), "scenario.several_kinds", said, expected, at_key=True)
        if offer.steps and offer.estimator is None and given:
            yield Finding(
                (*path, "steps"),
                "scenario.no_effect",
                Text(
                    "`steps` has no effect without `estimator`",
                    "没有 `estimator` 时 `steps` 不起作用",
                ),
                Text("`steps` only beside `estimator`", "`steps` 只与 `estimator` 同用"),
                at_key=True,
                about=((*path, "estimator"),),
            )


def kind_fits_task(draft: Draft, known: Known) -> Iterator[Finding]:
    """An estimator speaks no language, and a single tool is no agent."""
    for path, offer in _each(draft):
        for word, tasks in KIND_TASKS.items():
            if getattr(offer, word) is None or draft.task is None or draft.task in tasks:
                continue
            yield Finding(
                (*path, word),
                "scenario.kind_unfit",
                Text(
                    f"`{word}` cannot be tried in {draft.task}",
                    f"`{word}` 不能用于 {draft.task} 任务",
                ),
                Text(f"`{word}` with {listed(tasks)}", f"`{word}` 用于 {listed(tasks)} 任务"),
                at_key=True,
                about=(("task",),),
            )


def results_are_reported(draft: Draft, known: Known) -> Iterator[Finding]:
    """What another tool measured is taken over as it is, and never mixed with what we measure."""
    reported = [number for number, c in draft.criteria if c.metric == REPORTED]
    measured = [number for number, c in draft.criteria if c.metric != REPORTED]
    for path, offer in _each(draft):
        taken_over = offer.results is not None
        for number in measured if taken_over else reported:
            yield Finding(
                ("acceptance", number, "metric"),
                "scenario.reported",
                Text(
                    f"{offer.id} is {'only reported' if taken_over else 'tried by the base'}: "
                    f"{draft.metric_of(number)} cannot score it",
                    f"{offer.id} {'只有外部报告' if taken_over else '由基地测试'}, "
                    f"不能用 {draft.metric_of(number)} 评分",
                ),
                Text(
                    f"`{REPORTED}` for all criteria where candidates are `results`, else none",
                    f"候选方案均为 `results` 时各指标都用 `{REPORTED}`, 否则都不用",
                ),
                about=((*path, "results"), ("task",)),
            )


def sandbox_fits(draft: Draft, known: Known) -> Iterator[Finding]:
    """A sandbox holds what the base starts as a program of its own, and nothing else."""
    kinds = ("plugin", "callable", "command")
    for path, offer in _each(draft):
        if offer.sandbox is not None and all(getattr(offer, word) is None for word in kinds):
            yield Finding(
                (*path, "sandbox"),
                "scenario.no_effect",
                Text(
                    f"`sandbox` has no effect without one of {listed(kinds)}",
                    f"没有 {listed(kinds)} 之一时 `sandbox` 不起作用",
                ),
                Text(
                    f"`sandbox` only beside {listed(kinds)}", f"`sandbox` 只与 {listed(kinds)} 同用"
                ),
                at_key=True,
                about=tuple((*path, word) for word in kinds),
            )


def ids_differ(draft: Draft, known: Known) -> Iterator[Finding]:
    """Results are filed by the candidate's id."""
    taken: set[str] = set()
    for path, offer in _each(draft):
        if offer.id in taken:
            yield Finding(
                (*path, "id"),
                "scenario.duplicate_id",
                Text(
                    f"a candidate before is already called {offer.id}",
                    f"前面已有名为 {offer.id} 的候选方案",
                ),
                Text("an id of its own", "不重复的 id"),
            )
        taken.add(offer.id)


def trusted(draft: Draft, known: Known) -> Iterator[Finding]:
    """Code that no installed package declares is run only for a file one trusts, or in a sandbox
    that holds without trust."""
    if known.trust:
        return
    for path, offer in _each(draft):
        boxed = offer.sandbox is not None
        if offer.callable is not None and not boxed:
            said = Text(
                f"`callable` would run {shown(offer.callable)}",
                f"`callable` 会运行 {shown(offer.callable)}",
            )
            yield _needs_trust((*path, "callable"), said)
        if offer.command is not None and not boxed:
            program = shown(offer.command[0])
            said = Text(f"`command` would start {program}", f"`command` 会启动 {program}")
            yield _needs_trust((*path, "command"), said)
        if offer.mcp is not None and offer.mcp.command is not None:
            program = shown(offer.mcp.command[0])
            said = Text(f"`command` would start {program}", f"`command` 会启动 {program}")
            yield _needs_trust((*path, "mcp", "command"), said)
        for place, name in _estimators(path, offer):
            if _DOTTED.fullmatch(name) and name.split(".")[0] not in LIBRARIES:
                said = Text(
                    f"{shown(name)} is not from scikit-learn or statsmodels",
                    f"{shown(name)} 不属于 scikit-learn 或 statsmodels",
                )
                meant = nearest(name.split(".")[0], LIBRARIES)
                full = ".".join([meant, *name.split(".")[1:]]) if meant else None
                yield _needs_trust(place, said, full)


def _needs_trust(path: Path, said: Text, meant: str | None = None) -> Finding:
    return Finding(path, "scenario.needs_trust", said, TRUSTED, meant)


def estimator_named(draft: Draft, known: Known) -> Iterator[Finding]:
    """Estimators are named in full, module and class."""
    for path, offer in _each(draft):
        for place, name in _estimators(path, offer):
            if not _DOTTED.fullmatch(name):
                said = Text(f"{shown(name)} is no full name", f"{shown(name)} 不是完整类名")
                yield Finding(place, "scenario.estimator_name", said, FULL_NAME)


def _estimators(path: Path, offer: Candidate) -> Iterator[tuple[Path, str]]:
    """Every estimator that the candidate names: itself, its steps, and those inside parameters."""
    if offer.estimator is not None:
        yield (*path, "estimator"), offer.estimator
    for index, step in enumerate(offer.steps):
        yield (*path, "steps", index, "estimator"), step.estimator
    yield from _nested((*path, "parameters"), offer.parameters)


def _nested(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        if len(path) > 3 and isinstance(value.get("estimator"), str):
            yield (*path, "estimator"), value["estimator"]
        for word, inner in value.items():
            yield from _nested((*path, word), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nested((*path, index), inner)


def plugin_known(draft: Draft, known: Known) -> Iterator[Finding]:
    """The plug-in is installed."""
    for path, offer in _each(draft):
        if offer.plugin is not None and offer.plugin not in known.plugins:
            kind = Text("candidate plug-in", "候选方案插件")
            yield unknown_name((*path, "plugin"), "plugin", kind, offer.plugin, known.plugins)


def columns_allowed(draft: Draft, known: Known) -> Iterator[Finding]:
    """A candidate uses features; a barred column only under `uses_barred`, the target never."""
    for path, offer in _each(draft):
        for word in ("columns", "drop", "uses_barred"):
            yield from repeated((*path, word), getattr(offer, word) or ())
        for index, column in enumerate(offer.columns or ()):
            said, expected, about = _column_fault(draft, offer, column)
            if said is not None:
                place = (*path, "columns", index)
                yield Finding(place, "scenario.column", said, expected, about=about)
        for index, column in enumerate(offer.uses_barred):
            if column not in draft.barred:
                yield Finding(
                    (*path, "uses_barred", index),
                    "scenario.not_barred",
                    Text(f"“{shown(column)}” is not barred", f"“{shown(column)}” 不是禁用列"),
                    Text("a column under `barred`", "`barred` 中的列"),
                    nearest(column, draft.barred),
                    about=(("barred",),),
                )


def _column_fault(
    draft: Draft, offer: Candidate, column: str
) -> tuple[Text | None, Text | None, tuple[Path, ...]]:
    name = f"“{shown(column)}”"
    if column == draft.target:
        said = Text(f"{name} is the target", f"{name} 是目标列")
        return said, Text("a feature", "特征列"), (("target",),)
    if column in draft.barred:
        said = Text(f"{name} is barred", f"{name} 是禁用列")
        expected = Text(
            "a feature, or the column under `uses_barred`", "特征列, 或写入 `uses_barred`"
        )
        return said, expected, (("barred",),)
    if draft.features is not None and column not in draft.features:
        said = Text(f"{name} is not under `features`", f"{name} 不在 `features` 中")
        return said, Text("a feature", "特征列"), (("features",),)
    if column in offer.drop:
        said = Text(f"{name} is used and dropped at once", f"{name} 既使用又舍弃")
        return said, Text("one of the two", "两者取一"), ()
    return None, None, ()


def cutoff_fits(draft: Draft, known: Known) -> Iterator[Finding]:
    """A cut-off turns a score into a call, by exactly one rule."""
    words = ("called_share", "score")
    for path, offer in _each(draft):
        if offer.cutoff is None:
            continue
        place = (*path, "cutoff")
        given = [word for word in words if getattr(offer.cutoff, word) is not None]
        if len(given) != 1:
            yield Finding(
                place,
                "scenario.one_cutoff",
                Text(f"{len(given)} rules for the cut-off", f"声明了 {len(given)} 种阈值规则"),
                Text(f"exactly one of {listed(words)}", f"{listed(words)} 中恰好一个"),
                at_key=True,
                about=tuple((*place, word) for word in words),
            )
        if draft.task not in (None, "detection"):
            yield Finding(
                place,
                "scenario.no_effect",
                Text(f"`cutoff` has no effect in {draft.task}", "`cutoff` 只用于检测任务"),
                Text("`cutoff` only with `task: detection`", "只与 `task: detection` 同用"),
                at_key=True,
                about=(("task",),),
            )


def claims_known(draft: Draft, known: Known) -> Iterator[Finding]:
    """A claim names an installed metric and a value that the metric can have."""
    for path, offer in _each(draft):
        for index, claim in enumerate(offer.claims):
            place = (*path, "claims", index)
            if claim.metric not in known.metrics:
                yield unknown_name(
                    (*place, "metric"), "metric", METRIC, claim.metric, known.metrics
                )
            share = claim.metric in SHARES and claim.against is None
            if share and not 0 <= claim.value <= 1:
                yield Finding(
                    (*place, "value"),
                    "scenario.bound_range",
                    Text(f"{claim.value:g} is out of range here", f"{claim.value:g} 超出取值范围"),
                    Text("a number from 0 to 1", "0 到 1 的数"),
                    f"{claim.value / 100:g}" if 1 < claim.value <= 100 else None,
                )


RULES = (
    one_kind,
    kind_fits_task,
    results_are_reported,
    sandbox_fits,
    ids_differ,
    trusted,
    estimator_named,
    plugin_known,
    columns_allowed,
    cutoff_fits,
    claims_known,
)
