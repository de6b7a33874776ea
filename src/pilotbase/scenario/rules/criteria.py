"""Acceptance criteria: a metric that is known and fits the task, one bound, one comparison."""

from __future__ import annotations

from collections.abc import Iterator

from pilotbase.kernel.text import Text
from pilotbase.scenario.draft import Draft, Known
from pilotbase.scenario.finding import Finding, Path, listed, nearest, shown
from pilotbase.scenario.rules.metrics import NEEDS, TASKS, bounds, value_range
from pilotbase.scenario.rules.need import unknown_name
from pilotbase.scenario.schema import Criterion
from pilotbase.scenario.section import CRITERIA_MAX

BOUNDS = ("at_least", "at_most", "between")
GROUPED = ("gap_by", "ratio_by", "worst_of")
COMPARED = (*GROUPED, "against")
# A gap is good when it is small, a ratio when it is near one.
DIRECTION = {"gap_by": "at_most", "ratio_by": "at_least"}
IN_ORDER = ("persistence", "seasonal_naive")
METRIC = Text("metric", "指标")
JUDGE = Text("judge", "评判者")
CALLS = Text("limit: how many tool calls", "limit: 工具调用次数")
MEANING = {
    "limit": Text("limit: milliseconds", "limit: 毫秒数"),
    "cap": Text("cap: the most that one unit counts", "cap: 单个单元的计值上限"),
    "k": Text("k: how many passages count", "k: 计入前几段"),
    "tolerance": Text("tolerance: how far a number may be off", "tolerance: 数值允许的偏差"),
    "form": Text("form: the JSON Schema of an answer", "form: 回答的 JSON Schema"),
    "judge": Text("judge: one of the file's `judges`", "judge: 文件中 `judges` 之一"),
    "rubric": Text("rubric: what a good answer is", "rubric: 好回答的标准"),
    "audit": Text(
        "audit: one unit in how many goes to a person, e.g. 4",
        "audit: 每多少个单元抽一个交人工, 如 4",
    ),
    "under": Text(
        "under: {injection: question or documents}", "under: {injection: question 或 documents}"
    ),
}


def every(word: str) -> tuple[Path, ...]:
    """The word in every criterion: what a conclusion over all of them rests on."""
    return tuple(("acceptance", number, word) for number in range(CRITERIA_MAX))


def _each(draft: Draft) -> Iterator[tuple[Path, Criterion]]:
    for number, criterion in draft.criteria:
        yield ("acceptance", number), criterion


def metric_known(draft: Draft, known: Known) -> Iterator[Finding]:
    """The metric is installed."""
    for path, criterion in _each(draft):
        if criterion.metric not in known.metrics:
            yield unknown_name((*path, "metric"), "metric", METRIC, criterion.metric, known.metrics)


def metric_fits_task(draft: Draft, known: Known) -> Iterator[Finding]:
    """Classes are not scored by distance, nor numbers by right and wrong."""
    for path, criterion in _each(draft):
        tasks = TASKS.get(criterion.metric)
        if tasks and draft.task is not None and draft.task not in tasks:
            yield Finding(
                (*path, "metric"),
                "scenario.metric_unfit",
                Text(
                    f"{criterion.metric} does not score a {draft.task}",
                    f"{criterion.metric} 不适用于 {draft.task} 任务",
                ),
                Text(
                    f"{criterion.metric} with {listed(tasks)}",
                    f"{criterion.metric} 用于 {listed(tasks)}",
                ),
                about=(("task",),),
            )


def one_bound(draft: Draft, known: Known) -> Iterator[Finding]:
    """Exactly one of at_least, at_most, between; a band from low to high."""
    expected = Text(f"exactly one of {listed(BOUNDS)}", f"{listed(BOUNDS)} 中恰好一个")
    for path, criterion in _each(draft):
        given = [word for word in BOUNDS if getattr(criterion, word) is not None]
        if not given:
            said = Text(f"{criterion.metric} has no bound", f"{criterion.metric} 没有门限")
            about = tuple((*path, word) for word in BOUNDS)
            yield Finding(path, "scenario.no_bound", said, expected, about=about)
        elif len(given) > 1:
            said = Text(f"several bounds: {listed(given)}", f"门限多于一个: {listed(given)}")
            yield Finding((*path, given[1]), "scenario.several_bounds", said, expected, at_key=True)
        if criterion.between and criterion.between[0] >= criterion.between[1]:
            low, high = criterion.between
            said = Text(f"[{low:g}, {high:g}] is no band", f"[{low:g}, {high:g}] 不是区间")
            yield Finding(
                (*path, "between"),
                "scenario.band_order",
                said,
                Text("[low, high] with low below high", "[下限, 上限], 且下限小于上限"),
                f"[{high:g}, {low:g}]" if low > high else None,
            )


def bound_in_range(draft: Draft, known: Known) -> Iterator[Finding]:
    """A bound that no value can reach, or none can miss, is a slip (95 for 95 %)."""
    for path, criterion in _each(draft):
        span = value_range(criterion)
        for inner, value in bounds(criterion) if span else ():
            low, high = span or (0.0, 0.0)
            if not low <= value <= high:
                yield Finding(
                    (*path, *inner),
                    "scenario.bound_range",
                    Text(f"{value:g} is out of range here", f"{value:g} 超出取值范围"),
                    _range(low, high),
                    f"{value / 100:g}" if high == 1 and 1 < value <= 100 else None,
                    about=((*path, "cap"), (*path, "metric")),
                )


def _range(low: float, high: float) -> Text:
    if high == float("inf"):
        return Text(f"a number of at least {low:g}", f"不小于 {low:g} 的数")
    return Text(f"a number from {low:g} to {high:g}", f"{low:g} 到 {high:g} 的数")


def needed_word(draft: Draft, known: Known) -> Iterator[Finding]:
    """mae, rmse and cost have a cap, latency has a limit, recall_at_k a k …"""
    for path, criterion in _each(draft):
        word = NEEDS.get(criterion.metric)
        if word and getattr(criterion, word) is None:
            said = Text(f"{criterion.metric} needs `{word}`", f"{criterion.metric} 需要 `{word}`")
            expected = CALLS if criterion.metric == "within_steps" else MEANING[word]
            yield Finding(
                path,
                f"scenario.no_{word}",
                said,
                expected,
                about=((*path, word), (*path, "metric")),
            )


def one_comparison(draft: Draft, known: Known) -> Iterator[Finding]:
    """At most one of gap_by, ratio_by, worst_of, against; its side words only beside it."""
    for path, criterion in _each(draft):
        given = [word for word in COMPARED if getattr(criterion, word) is not None]
        if len(given) > 1:
            said = Text(
                f"several comparisons: {listed(given)}", f"比较方式多于一个: {listed(given)}"
            )
            expected = Text(f"at most one of {listed(COMPARED)}", f"{listed(COMPARED)} 中至多一个")
            yield Finding(
                (*path, given[1]), "scenario.several_comparisons", said, expected, at_key=True
            )
        for field, word, beside in (("relative", "relative", "worst_of"), ("as_", "as", "against")):
            if field in criterion.model_fields_set and getattr(criterion, beside) is None:
                yield Finding(
                    (*path, word),
                    "scenario.no_effect",
                    Text(
                        f"`{word}` has no effect without `{beside}`",
                        f"没有 `{beside}` 时 `{word}` 不起作用",
                    ),
                    Text(f"`{word}` only beside `{beside}`", f"`{word}` 只与 `{beside}` 同用"),
                    at_key=True,
                    about=((*path, beside),),
                )


def direction(draft: Draft, known: Known) -> Iterator[Finding]:
    """A gap is bounded from above, a ratio from below."""
    for path, criterion in _each(draft):
        for word, bound in DIRECTION.items():
            given = next((b for b in BOUNDS if getattr(criterion, b) is not None), bound)
            if getattr(criterion, word) is not None and given != bound:
                yield Finding(
                    (*path, given),
                    "scenario.direction",
                    Text(f"`{word}` goes with `{bound}`", f"`{word}` 应与 `{bound}` 同用"),
                    Text(
                        "at_most for a gap, at_least for a ratio", "差距用 at_most, 比值用 at_least"
                    ),
                    bound,
                    at_key=True,
                    about=((*path, word),),
                )


def group_declared(draft: Draft, known: Known) -> Iterator[Finding]:
    """Groups that criteria and claims name stand under `groups`."""
    if draft.groups is None:
        return
    named = [(path, c) for path, c in _each(draft)] + [
        (("candidates", number, "claims", index), claim)
        for number, offer in draft.candidates
        for index, claim in enumerate(offer.claims)
    ]
    for path, section in named:
        for word in GROUPED:
            name = getattr(section, word, None)
            if name is not None and name not in draft.groups:
                some = listed(draft.groups)
                yield Finding(
                    (*path, word),
                    "scenario.unknown_group",
                    Text(f"no group is called “{shown(name)}”", f"没有名为 “{shown(name)}” 的分组"),
                    Text(
                        f"a name under `groups:` ({some or 'none there yet'})",
                        f"`groups:` 下的名称 ({some or '尚无'})",
                    ),
                    nearest(name, draft.groups),
                )


def baseline_fits(draft: Draft, known: Known) -> Iterator[Finding]:
    """Baselines that look back need an order in time; majority needs classes."""
    if draft.split is not None and draft.split.by == "frozen":
        return  # that nothing can be learnt is told by the rules of the split
    for path, criterion in _each(draft):
        base = criterion.against
        if base in IN_ORDER and draft.split and not (draft.split.column or draft.split.block):
            said = Text(f"{base} needs rows in time", f"{base} 需要按时间排列的数据")
            about: tuple[Path, ...] = (("split", "column"), ("split", "block"))
            expected = Text("split: with `column`, the time", "split: 写明时间列 `column`")
            yield Finding((*path, "against"), "scenario.no_time", said, expected, about=about)
        elif base == "seasonal_naive" and draft.split and draft.split.season == 1:
            said = Text("seasonal_naive needs a season", "seasonal_naive 需要季节长度")
            about = (("split", "season"),)
            expected = Text(
                "split: with `season` above 1, or against: persistence",
                "split: 写明大于 1 的 `season`, 或改用 against: persistence",
            )
            yield Finding((*path, "against"), "scenario.no_season", said, expected, about=about)
        if base == "majority" and draft.task in ("regression", "forecast"):
            said = Text(f"a {draft.task} has no majority", f"{draft.task} 任务没有多数类")
            expected = Text(
                "mean, persistence or seasonal_naive", "mean、persistence 或 seasonal_naive"
            )
            yield Finding(
                (*path, "against"), "scenario.baseline_unfit", said, expected, about=(("task",),)
            )


def something_blocks(draft: Draft, known: Known) -> Iterator[Finding]:
    """Without a blocking criterion every candidate would go."""
    if draft.criteria and not any(criterion.blocking for _, criterion in draft.criteria):
        yield Finding(
            ("acceptance",),
            "scenario.nothing_blocks",
            Text("no criterion is blocking: anything would go", "没有否决性指标: 任何方案都会通过"),
            Text(
                "at least one criterion without `blocking: false`",
                "至少一项指标不写 `blocking: false`",
            ),
            at_key=True,
            about=every("blocking") + every("metric"),
        )


RULES = (
    metric_known,
    metric_fits_task,
    one_bound,
    bound_in_range,
    needed_word,
    one_comparison,
    direction,
    group_declared,
    baseline_fits,
    something_blocks,
)
