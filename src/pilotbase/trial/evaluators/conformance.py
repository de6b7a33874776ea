"""Whether an evaluator keeps its promises, tried on awkward answers; for authors of plug-ins."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import LANGUAGE_TASKS, Criterion, Task
from pilotbase.trial.cases import OK, Cases, Floats, Ints, Labels, Language, Predictions
from pilotbase.trial.evaluators import awkward
from pilotbase.trial.evaluators.metric import NUMBERS, Metric, marked
from pilotbase.trial.reply import Question, Reply

ROWS = 8
CRITERION = Criterion(
    metric="any",
    at_least=0.5,
    cap=2.0,
    limit=10.0,
    k=3,
    tolerance=0.5,
    form={"type": "object", "required": ["a"]},
    rubric="Right and short.",
)
ODD = np.array([0.0, 1.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 0.5])


def broken_promises(metric: Metric) -> tuple[Text, ...]:
    """What is wrong with the metric, in both languages; empty if nothing was found.

    Declarations are compared with each other, and `Metric.value` is run on answers that are
    missing, infinite or absurd: values have to be floats in [0, 1] or NaN, the same twice, and
    each row's own (rows in another order give the same values in that order). `Metric.mark` is run
    on the replies of `awkward`: empty, huge, broken and malicious ones.
    """
    found = list(_declared(metric))
    if not found and metric.mark is not None:
        found += list(_marks(metric))
    elif not found:
        for task in metric.tasks:
            found += list(_values(metric, task))
        found += list(_pairs(metric))
    return tuple(found)


def _declared(metric: Metric) -> Iterator[Text]:
    for name, text in (("title", metric.title), ("definition", metric.definition)):
        if not text.en or not text.zh:
            yield Text(f"{name} needs both languages", f"{name} 须有中英文")
    if not metric.tasks:
        yield Text("tasks names no task", "tasks 未列出任何任务")
    if (metric.compare is not None) != (metric.counted == "pairs"):
        yield Text("compare goes with counted='pairs'", "compare 须与 counted='pairs' 一起使用")
    if metric.capped != (metric.needs == "cap"):
        yield Text("capped goes with needs='cap'", "capped 须与 needs='cap' 一起使用")
    yield from _declared_in_words(metric)
    detects = metric.counted in ("positives", "called", "pairs") or metric.over_prevalence
    if detects and tuple(metric.tasks) != ("detection",):
        yield Text(
            f"counted={metric.counted!r} needs positives: tasks has to be ('detection',)",
            f"counted={metric.counted!r} 需要阳性: tasks 须为 ('detection',)",
        )


def _declared_in_words(metric: Metric) -> Iterator[Text]:
    """What goes with `mark`, and only with it."""
    by_judge = metric.needs == "rubric"  # its marks are given elsewhere
    if not by_judge and (metric.value is marked) != (metric.mark is not None):
        yield Text("a metric gives either value or mark", "value 与 mark 须恰好给出一个")
    if metric.joint and metric.mark is None:
        yield Text("joint goes with mark", "joint 须与 mark 一起使用")
    in_words = metric.mark is not None or metric.counted in ("on_scope", "off_scope")
    if in_words and not set(metric.tasks) <= set(LANGUAGE_TASKS):
        yield Text(
            f"questions in words: tasks has to be among {LANGUAGE_TASKS}",
            f"以语言提问: tasks 须在 {LANGUAGE_TASKS} 之中",
        )


def _marks(metric: Metric) -> Iterator[Text]:
    for question in awkward.questions():
        for number, reply in enumerate(awkward.replies()):
            asked = (reply, awkward.replies()[number - 1]) if metric.joint else (reply,)
            asks, says = repr(question.text[:20]), f"{reply.text[:20]!r} ({number})"
            wrong = _wrong_mark(metric, question, asked)
            if wrong is not None:
                yield Text(
                    f"question {asks}, reply {says}: {wrong.en}",
                    f"问题 {asks}, 回复 {says}: {wrong.zh}",
                )


def _wrong_mark(metric: Metric, question: Question, asked: tuple[Reply, ...]) -> Text | None:
    assert metric.mark is not None
    given = {"passages": dict(question.passages), "columns": repr(question.columns)}
    try:
        first, second = (metric.mark(question, asked, CRITERION) for _ in range(2))
    except Exception as error:  # an author is told whatever it is
        name = type(error).__name__
        return Text(f"mark raises {name}", f"mark 抛出 {name}")
    if not isinstance(first, float):
        kind = type(first).__name__
        return Text(f"mark gives {kind}, not float", f"mark 返回 {kind}, 应为 float")
    if not (math.isnan(first) or 0.0 <= first <= 1.0):
        return Text(f"{first} lies outside 0 to 1", f"{first} 超出 0 至 1")
    if metric.pass_fail and first not in (0.0, 1.0) and not math.isnan(first):
        return Text(f"pass_fail, but {first} is neither 0 nor 1", f"{first} 既非 0 也非 1")
    if first != second and not (math.isnan(first) and math.isnan(second)):
        return Text("asked twice, mark differs", "两次调用结果不同")
    if given != {"passages": dict(question.passages), "columns": repr(question.columns)}:
        return Text("mark changes the question", "mark 改动了问题")
    return None


def _values(metric: Metric, task: Task) -> Iterator[Text]:
    rows = np.arange(ROWS)
    value = _computed(metric, task, rows)
    if value.shape != (ROWS,) or value.dtype != np.float64:
        yield Text(
            f"{task}: value gives {value.dtype}{value.shape}, not float64({ROWS},)",
            f"{task}: value 返回 {value.dtype}{value.shape}, 应为 float64({ROWS},)",
        )
        return
    known = value[~np.isnan(value)]
    if metric.compare is None and np.any((known < 0.0) | (known > 1.0)):
        yield Text(f"{task}: a value lies outside 0 to 1", f"{task}: 有值超出 0 至 1")
    if metric.pass_fail and not set(known.tolist()) <= {0.0, 1.0}:
        yield Text(
            f"{task}: pass_fail, but a value is neither 0 nor 1", f"{task}: 有值既非 0 也非 1"
        )
    if not np.array_equal(value, _computed(metric, task, rows), equal_nan=True):
        yield Text(f"{task}: asked twice, value differs", f"{task}: 两次调用结果不同")
    turned = _computed(metric, task, rows[::-1])
    if not np.array_equal(value, turned[::-1], equal_nan=True):
        yield Text(f"{task}: a row's value depends on other rows", f"{task}: 一行的值受其他行影响")


def _pairs(metric: Metric) -> Iterator[Text]:
    if metric.compare is None:
        return
    numbers = np.array([-1e9, 0.0, 0.5, 1.0, 1e9])
    positive, negative = np.repeat(numbers, 5), np.tile(numbers, 5)
    worth = metric.compare(positive, negative)
    if np.any((worth < 0.0) | (worth > 1.0)):
        yield Text("compare: a value lies outside 0 to 1", "compare: 有值超出 0 至 1")
    missing_positive = np.all(metric.compare(np.full(25, -np.inf), negative) <= worth)
    missing_negative = np.all(metric.compare(positive, np.full(25, np.inf)) <= worth)
    if not (missing_positive and missing_negative):
        yield Text(
            "compare: a missing answer has to be the worst (-inf positive, inf negative)",
            "compare: 缺失的回答须为最差 (阳性 -inf, 阴性 inf)",
        )


def _computed(metric: Metric, task: Task, rows: Ints) -> Floats:
    cases = _question(task, rows)
    said = Predictions.empty(cases)
    said.status[:] = OK
    said.label[:] = np.array(["a", "b"] * 4, dtype=object)[rows] if cases.classes else rows % 2
    said.score[:] = said.value[:] = said.lower[:] = said.cost[:] = said.latency_ms[:] = ODD[rows]
    said.upper[:] = ODD[::-1][rows]
    if said.probability is not None:
        rest = 1.0 - np.where(np.isfinite(ODD), ODD, 0.0)
        said.probability[:] = np.stack([ODD, rest], axis=1)[rows]
    return metric.value(cases, said, CRITERION)


def _question(task: Task, rows: Ints) -> Cases:
    targets: dict[Task, Labels] = {
        "classification": np.array(["a", "a", "b", "b"] * 2, dtype=object),
        "detection": np.array([0, 1, 1, 0] * 2),
        **dict.fromkeys(LANGUAGE_TASKS, np.array(["", "442", "a | b", "\ud800"] * 2, dtype=object)),
        **dict.fromkeys(NUMBERS, np.array([0.0, np.nan, -1e308, 1e308, 2.0, 3.0, 4.0, 5.0])),
    }
    return Cases(
        task=task,
        features=pd.DataFrame(index=rows),
        barred=pd.DataFrame(index=rows),
        target=targets[task][rows],
        classes=("a", "b") if task == "classification" else (),
        unit=np.arange(ROWS),
        unit_ids=[str(row) for row in rows],
        names=[str(row) for row in rows],
        groups={},
        scored=np.ones(ROWS, dtype=np.bool_),
        fold=np.zeros(ROWS, dtype=np.int64),
        split="random",
        language=_language(rows) if task in LANGUAGE_TASKS else None,
    )


def _language(rows: Ints) -> Language:
    blank: Labels = np.full(ROWS, "", dtype=object)
    scope = np.array([0, 1, -1, 1] * 2, dtype=np.int8)[rows]
    return Language(question=blank, scope=scope, sources=blank, code=blank, passages={})
