"""The split: it fits the task, it has the columns it needs, and no word of it is without effect."""

from __future__ import annotations

from collections.abc import Iterator

from pilotbase.kernel.text import Text
from pilotbase.scenario.draft import Draft, Known
from pilotbase.scenario.finding import Finding, Path, listed
from pilotbase.scenario.schema import LANGUAGE_TASKS

IN_TIME = ("time", "rolling")
LEARNING = Text("a split by random, unit, time or rolling", "按 random、unit、time 或 rolling 划分")
# Word → the splits in which it has an effect.
EFFECT = {
    "folds": ("random", "unit", "time"),
    "stratify": ("random", "unit"),
    "column": ("random", "unit", "time", "rolling"),
    "block": ("time",),
    "origins": ("rolling",),
    "horizon": ("rolling",),
    "season": ("random", "unit", "time", "rolling"),
    "holdout": ("random", "unit", "time", "rolling"),
}


def split_fits_task(draft: Draft, known: Known) -> Iterator[Finding]:
    """A forecast is scored in time; rolling origins are for forecasts."""
    if draft.split is None or draft.task is None:
        return
    by, about = draft.split.by, (("task",),)
    if draft.task in LANGUAGE_TASKS and by != "frozen":
        said = Text(
            f"in {draft.task} candidates come as they are and learn from no case",
            f"{draft.task} 任务的候选方案是现成的, 不从案例中学习",
        )
        expected = Text("frozen", "frozen")
        yield Finding(
            ("split", "by"), "scenario.split_unfit", said, expected, "frozen", about=about
        )
    if draft.task == "forecast" and by not in IN_TIME:
        said = Text(f"a forecast cannot be split by {by}", f"预测任务不能按 {by} 划分")
        yield Finding(
            ("split", "by"),
            "scenario.split_unfit",
            said,
            Text("time or rolling", "time 或 rolling"),
            about=about,
        )
    elif draft.task != "forecast" and by == "rolling":
        said = Text(
            f"rolling origins are for forecasts, not for {draft.task}",
            f"滚动起点只用于预测任务, 不用于 {draft.task}",
        )
        yield Finding(
            ("split", "by"),
            "scenario.split_unfit",
            said,
            Text("random, unit or time", "random、unit 或 time"),
            about=about,
        )


def split_has_columns(draft: Draft, known: Known) -> Iterator[Finding]:
    """Time has a column of time or of blocks, unit has the unit's column."""
    if draft.split is None:
        return
    by = draft.split.by
    if by in IN_TIME and draft.split.column is None and draft.split.block is None:
        yield Finding(
            ("split",),
            "scenario.split_no_column",
            Text(f"a split by {by} needs `column`", f"按 {by} 划分需要 `column`"),
            Text("column: the column of time", "column: 时间列"),
            at_key=True,
            about=(("split", "column"), ("split", "block"), ("split", "by")),
        )
    if by == "unit" and draft.unit is None:
        yield Finding(
            ("split", "by"),
            "scenario.split_no_unit",
            Text("a split by unit needs `unit`", "按单元划分需要 `unit`"),
            Text(
                "`unit: COLUMN` at the top of the file, or `by: random`",
                "在文件顶层写 `unit: 列名`, 或改用 `by: random`",
            ),
            about=(("unit",),),
        )


def split_words_have_effect(draft: Draft, known: Known) -> Iterator[Finding]:
    """A word that would be ignored is a misunderstanding; it is told before anything runs."""
    if draft.split is None:
        return
    for word in sorted(draft.split.model_fields_set & set(EFFECT)):
        splits = EFFECT[word]
        if draft.split.by not in splits:
            yield Finding(
                ("split", word),
                "scenario.no_effect",
                Text(
                    f"`{word}` has no effect in a split by {draft.split.by}",
                    f"按 {draft.split.by} 划分时 `{word}` 不起作用",
                ),
                Text(
                    f"`{word}` only with by: {listed(splits)}",
                    f"`{word}` 只与 by: {listed(splits)} 同用",
                ),
                at_key=True,
                about=(("split", "by"),),
            )


def nobody_learns(draft: Draft, known: Known) -> Iterator[Finding]:
    """Frozen: an estimator is nothing before it is fitted, nor is a baseline."""
    if draft.split is None or draft.split.by != "frozen":
        return
    for number, offer in draft.candidates:
        if offer.estimator is not None:
            said = Text(
                "an estimator has to learn, and by: frozen leaves it nothing to learn from",
                "估计器需要学习, 而 by: frozen 不留任何学习数据",
            )
            yield _nothing_to_learn(("candidates", number, "estimator"), said, LEARNING)
        if offer.cutoff is not None and offer.cutoff.called_share is not None:
            said = Text(
                "a share that is called is learnt, and by: frozen leaves nothing to learn from",
                "按比例判出的阈值需要学习, 而 by: frozen 不留任何学习数据",
            )
            expected = Text("score: a cut-off that is known", "score: 已知的阈值")
            path = ("candidates", number, "cutoff", "called_share")
            yield _nothing_to_learn(path, said, expected)
    for number, criterion in draft.criteria:
        if criterion.against is not None:
            said = Text(
                "by: frozen leaves a baseline nothing to learn from", "by: frozen 时基线无从学习"
            )
            yield _nothing_to_learn(("acceptance", number, "against"), said, LEARNING)


def _nothing_to_learn(path: Path, said: Text, expected: Text) -> Finding:
    code, about = "scenario.nothing_to_learn", (("split", "by"),)
    return Finding(path, code, said, expected, at_key=True, about=about)


def stratified_by_class(draft: Draft, known: Known) -> Iterator[Finding]:
    """Shares of classes exist only where the target is a class."""
    if draft.split and draft.split.stratify and draft.task in ("regression", "forecast"):
        yield Finding(
            ("split", "stratify"),
            "scenario.stratify_unfit",
            Text(f"{draft.task} has no classes to stratify by", f"{draft.task} 没有可分层的类别"),
            Text(
                "classification or detection, or no `stratify`", "分类或检测任务, 或去掉 `stratify`"
            ),
            about=(("task",),),
        )


def future_is_untouched(draft: Draft, known: Known) -> Iterator[Finding]:
    """Future cases: a candidate that is fitted here is read on units it was never fitted on."""
    if draft.estimand != "future cases" or draft.split is None or draft.split.holdout > 0:
        return
    if draft.split.by == "frozen":
        return  # nobody is fitted here: every case is one that no candidate has seen
    fitted = [number for number, offer in draft.candidates if offer.estimator is not None]
    if fitted:
        yield Finding(
            ("split", "holdout"),
            "scenario.no_holdout",
            Text(
                "a verdict on future cases needs units that no candidate was fitted on",
                "对未来案例下结论, 需要任何候选方案都未用于拟合的单元",
            ),
            Text("holdout above 0, e.g. 0.3", "holdout 大于 0, 如 0.3"),
            at_key=True,
            about=(("split", "holdout"), ("estimand",)),
        )


def holdout_is_independent(draft: Draft, known: Known) -> Iterator[Finding]:
    """Rows in time lean on each other: a share drawn from among them is not untouched."""
    split = draft.split
    if split is not None and split.holdout > 0 and split.by in IN_TIME:
        yield Finding(
            ("split", "holdout"),
            "scenario.holdout_in_time",
            Text(
                f"no hold-out can be drawn from a split by {split.by}",
                f"按 {split.by} 划分时不能抽取留出集",
            ),
            Text("0, or a split by random or unit", "0, 或按 random、unit 划分"),
            about=(("split", "by"),),
        )


RULES = (
    split_fits_task,
    split_has_columns,
    split_words_have_effect,
    nobody_learns,
    stratified_by_class,
    future_is_untouched,
    holdout_is_independent,
)
