"""Conformance checks for plug-ins: call them in your own tests.

::

    from pilotbase.testing import check_candidate
    from my_package import Tram

    def test_my_candidate_conforms():
        check_candidate(Tram, task="classification")

Each check raises `PluginError` that names everything that is wrong, or returns nothing.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd

from pilotbase.catalog.datasets import Loaded
from pilotbase.catalog.load import load_table
from pilotbase.catalog.table import content_digest, plain_frame
from pilotbase.kernel.errors import PilotbaseError, PluginError
from pilotbase.kernel.plugins import load
from pilotbase.kernel.text import Text
from pilotbase.scenario.library import pack_of
from pilotbase.scenario.read import read_scenario
from pilotbase.scenario.schema import Criterion, Task
from pilotbase.trial.agents.conformance import broken_environment
from pilotbase.trial.agents.environment import Opening
from pilotbase.trial.candidates.adapter import answer_of, plain_number
from pilotbase.trial.candidates.answer import blank, reason_of
from pilotbase.trial.candidates.messages import (
    BadReply,
    decoded,
    encoded,
    read_answer,
    read_reply,
)
from pilotbase.trial.cases import FAULT, OK, Cases, Predictions
from pilotbase.trial.evaluators.conformance import broken_promises
from pilotbase.trial.evaluators.metric import Metric, marked

ROWS = 24
CLASSES = ("blue", "red")
PASSAGES = {"a-1": "The table has 442 rows.", "a-2": "表中共有 442 行, 没有缺失值。"}
QUESTIONS = ("How many rows are there?", "有没有缺失值?", "What will the weather be?", "?")


def check_plugin(group: str, name: str, **options: Any) -> None:
    """Load an installed plug-in of ``pilotbase.evaluators``, … and check it.

    Args:
        options: handed to the check, e.g. ``task="regression"`` for a candidate.

    Raises:
        PluginError: it does not load, or does not conform.
    """
    plugin = load(group, name)
    if group == "pilotbase.candidates":
        check_candidate(plugin, **options)
    elif group == "pilotbase.environments":
        check_environment(plugin, **options)
    elif group == "pilotbase.datasets":
        check_dataset(plugin)
    elif group == "pilotbase.packs":
        check_pack(plugin, name)
    else:
        check_evaluator(plugin)


def check_evaluator(metric: Any) -> None:
    """A metric: its words, and its values on small questions of every task that it names."""
    if not isinstance(metric, Metric):
        _raise(
            "evaluator", [Text(f"is a {type(metric).__name__}, not a Metric", "不是 Metric 对象")]
        )
    problems = [*_unsaid("title", metric.title), *_unsaid("definition", metric.definition)]
    unknown = [task for task in metric.tasks if task not in get_args(Task)]
    if unknown or not metric.tasks:
        problems.append(Text(f"tasks {metric.tasks} are not tasks", f"任务 {metric.tasks} 无效"))
    for task in metric.tasks:
        if task not in unknown and metric.value is not marked:
            problems += _metric_problems(metric, task)
    # Its declarations and awkward answers are tried only once the plain ones are right.
    _raise(f"evaluator {metric.name}", problems or broken_promises(metric))


def _metric_problems(metric: Metric, task: Task) -> Iterator[Text]:
    cases = example_cases(task)
    criterion = Criterion(metric=metric.name, at_least=0.5, cap=1.0, limit=100.0)
    for kind, predictions in (
        ("right", example_predictions(cases)),
        ("empty", Predictions.empty(cases)),
    ):
        before = copy.deepcopy(predictions)
        try:
            values = metric.value(cases, predictions, criterion)
            again = metric.value(cases, predictions, criterion)
        except Exception as error:
            why = reason_of(error)
            yield Text(f"{task}: {kind} answers raise {why}", f"{task}: {kind} 回答引发 {why}")
            continue
        yield from _value_problems(metric, task, cases, values, kind)
        if not np.array_equal(values, again, equal_nan=True):
            yield Text(f"{task}: two calls give two results", f"{task}: 两次调用结果不同")
        if not _same(before, predictions):
            yield Text(f"{task}: it changes the predictions", f"{task}: 修改了传入的预测")


def _value_problems(
    metric: Metric, task: Task, cases: Cases, values: Any, kind: str
) -> Iterator[Text]:
    if not isinstance(values, np.ndarray) or values.shape != (cases.rows,):
        yield Text(
            f"{task}: the result is not (rows,) floats", f"{task}: 结果不是 (rows,) 浮点数组"
        )
        return
    if metric.counted == "pairs":
        if metric.compare is None:
            yield Text("it counts pairs and has no compare", "以案例对计数却没有 compare")
            return
        values = metric.compare(values[cases.target == 1][:3], values[cases.target == 0][:3])
    known = values[~np.isnan(values)]
    if known.size and not ((known >= 0) & (known <= 1)).all():
        yield Text(f"{task}: values outside [0, 1]", f"{task}: 取值超出 [0, 1]")
    if metric.pass_fail and not np.isin(known, (0, 1)).all():
        yield Text(f"{task}: pass_fail, yet values between", f"{task}: 声明 pass_fail 却有中间值")
    if kind == "right" and metric.needs is None and metric.counted == "all" and not known.size:
        yield Text(f"{task}: full answers give no value", f"{task}: 完整回答却没有取值")


def check_environment(environment: Any, openings: Sequence[Opening] = ()) -> None:
    """An environment for agents: its tools, and a few cases of yours begun and looked at twice."""
    _raise("environment", list(broken_environment(environment, openings)))


def check_candidate(
    factory: Callable[..., Any],
    *,
    task: Task,
    parameters: Mapping[str, Any] | None = None,
    cases: Cases | None = None,
) -> None:
    """A candidate: built, taught and asked as a trial would, on a small question.

    Args:
        factory: what the entry point names; called with the parameters.
        cases: another question than the small one; for tables only.
    """
    try:
        if task == "answer":
            problems = list(_answer_problems(factory, dict(parameters or {})))
        else:
            given = cases or example_cases(task)
            problems = list(_candidate_problems(factory, dict(parameters or {}), given))
    except Exception as error:
        problems = [Text(f"it raises {reason_of(error)}", f"引发 {reason_of(error)}")]
    _raise("candidate", problems)


def _candidate_problems(
    factory: Callable[..., Any], parameters: dict[str, Any], cases: Cases
) -> Iterator[Text]:
    model = factory(**parameters)
    lessons = cases.features.to_dict("records")
    if hasattr(model, "fit") and cases.split != "rolling":
        fitted = model.fit(copy.deepcopy(lessons), cases.target.tolist())
        model = model if fitted is None else fitted
    block = blank(cases.rows, cases.classes)
    for row, features in enumerate(lessons):
        more: dict[str, Any] = {}
        if cases.split == "rolling":
            more = {"history": cases.target[: row + 1].tolist(), "horizon": cases.horizon}
        reply = answer_of(model.predict(dict(features), **more), cases.task)
        try:
            read = decoded(encoded(_sendable(reply)))
        except (BadReply, ValueError, TypeError) as error:
            yield Text(f"case {row}: {reason_of(error)}", f"案例 {row}: {reason_of(error)}")
            return
        read_answer(block, row, read, task=cases.task, classes=cases.classes, cut=0.5)
        if block.status[row] == FAULT:
            why = block.problems[-1][1]
            yield Text(f"case {row}: {why}", f"案例 {row}: {why}")
            return


def _answer_problems(factory: Callable[..., Any], parameters: dict[str, Any]) -> Iterator[Text]:
    model = factory(**parameters)
    if hasattr(model, "read"):
        model.read([{"passage": name, "text": text} for name, text in PASSAGES.items()])
    for question in QUESTIONS:
        reply = answer_of(model.answer(question, {"year": 1905}), "answer")
        try:
            said = read_reply(decoded(encoded(_sendable(reply))))
        except (BadReply, ValueError, TypeError) as error:
            why = reason_of(error)
            yield Text(f"asked {question!r}: {why}", f"提问 {question!r}: {why}")
            continue
        named = {*said.retrieved, *(citation.passage for citation in said.citations)}
        for passage in sorted(named - set(PASSAGES)):
            yield Text(
                f"asked {question!r}: it names {passage!r}, which is no passage",
                f"提问 {question!r}: 所提 {passage!r} 不是文档段落",
            )


def _sendable(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    """As the adapter would send it: NaN is no JSON, and not quietly null."""
    json.dumps(reply, allow_nan=False, default=plain_number)
    return reply


def check_dataset(loader: Callable[[], Any]) -> None:
    """A loader: what it hands over, in plain types, the same when called twice."""
    problems: list[Text] = []
    try:
        loaded, again = loader(), loader()
    except Exception as error:
        _raise("dataset", [Text(f"it raises {reason_of(error)}", f"引发 {reason_of(error)}")])
    if not isinstance(loaded, Loaded):
        _raise("dataset", [Text("it does not return Loaded", "返回的不是 Loaded")])
    problems += [*_unsaid("about", loaded.about), *_unsaid("licence", loaded.licence)]
    if not loaded.source.strip():
        problems.append(Text("source is empty", "source 为空"))
    try:
        frames = [plain_frame(one.frame, "frame") for one in (loaded, again)]
    except PilotbaseError as error:
        problems.append(error.message)
    else:
        if not len(frames[0]):
            problems.append(Text("it has no rows", "没有任何行"))
        if content_digest(frames[0]) != content_digest(frames[1]):
            problems.append(Text("two calls give two tables", "两次调用的数据不同"))
    _raise("dataset", problems)


def check_pack(module: Any, name: str = "pack") -> None:
    """A pack: a package with scenario files, each without faults, whose data load."""
    pack = pack_of(name, module)
    problems = []
    if not pack.files:
        problems.append(Text("it has no scenario files", "没有场景文件"))
    for path in (*pack.files, *pack.exercises):
        try:
            file = read_scenario(path)
            load_table(file.scenario.data, file.folder)
        except PilotbaseError as error:
            en, zh = error.render("en"), error.render("zh")
            problems.append(Text(f"{path.name}: {en}", f"{path.name}: {zh}"))
    _raise(f"pack {name}", problems)


def example_cases(task: Task) -> Cases:
    """A small question of a task: 24 units, two columns, three folds; for forecasts a series."""
    place = np.arange(ROWS)
    features = pd.DataFrame({"size": place % 7 + 0.5, "age": (place * 5) % 11 + 0.0})
    high = (features["size"] + features["age"] / 4 > 5).to_numpy()
    numeric = (features["size"] * 2 + features["age"]).to_numpy(np.float64)
    target: Any = {
        "classification": np.where(high, CLASSES[1], CLASSES[0]).astype(object),
        "detection": high.astype(np.int64),
    }.get(task, numeric)
    rolling = task == "forecast"
    fold = np.where(place >= ROWS - 6, place - (ROWS - 6), -1) if rolling else place % 3
    return Cases(
        task=task,
        features=features,
        barred=pd.DataFrame(index=features.index),
        target=target,
        classes=CLASSES if task == "classification" else (),
        unit=place.astype(np.int64),
        unit_ids=tuple(str(n) for n in place),
        names=tuple(f"case {n}" for n in place),
        groups={"half": np.where(place < ROWS / 2, "first", "second").astype(object)},
        scored=fold >= 0,
        fold=fold.astype(np.int64),
        split="rolling" if rolling else "random",
        time=place.astype(np.int64) if rolling else None,
        digest=f"example:{task}",
    )


def example_predictions(cases: Cases) -> Predictions:
    """Right answers to all scored rows, with every field filled that the task has."""
    answers = Predictions.empty(cases)
    answers.status[cases.scored] = OK
    answers.latency_ms[:] = 1.0
    if cases.task == "classification":
        answers.label[:] = cases.target
        answers.probability = (cases.target[:, None] == np.array(cases.classes)).astype(np.float64)
    elif cases.task == "detection":
        answers.label[:] = cases.target
        answers.score[:] = cases.target
    else:
        answers.value[:] = cases.target
        answers.lower[:], answers.upper[:] = cases.target - 1.0, cases.target + 1.0
    return answers


def _same(first: Predictions, second: Predictions) -> bool:
    names = ("status", "label", "score", "value", "lower", "upper", "latency_ms", "cost")
    pairs = [(getattr(first, name), getattr(second, name)) for name in names]
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def _unsaid(name: str, text: Any) -> Iterator[Text]:
    if not isinstance(text, Text) or not text.en.strip() or not text.zh.strip():
        yield Text(f"{name} is not said in both languages", f"{name} 未用两种语言写明")


def _raise(what: str, problems: Sequence[Text]) -> None:
    if problems:
        raise PluginError(
            "plugin.not_conformant",
            Text("; ".join(p.en for p in problems), "; ".join(p.zh for p in problems)),
            where=what,
            next_step=Text(
                "See the page on extending Pilotbase for what it has to do.",
                "应满足的要求见扩展说明页。",
            ),
        )
