"""The need: where its data are, and which columns may play which part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.draft import Draft, Known
from pilotbase.scenario.finding import Finding, Path, listed, nearest, shown
from pilotbase.scenario.schema import SOURCES

FILES = ("csv", "xlsx", "parquet", "results")
_OUTSIDE = re.compile(r"^([A-Za-z]:|[/\\~]|[A-Za-z][A-Za-z0-9+.-]*://)|(^|[/\\])\.\.([/\\]|$)")
QUESTION = Text("the question", "问题列")
CAUSE = Text("a scenario file is data", "场景文件只是数据")


def one_source(draft: Draft, known: Known) -> Iterator[Finding]:
    """Exactly one of dataset, csv, xlsx, parquet, sql, sealed, results."""
    expected = Text(f"exactly one of {listed(SOURCES)}", f"{listed(SOURCES)} 中恰好一个")
    for path, data in draft.located:
        given = [name for name in SOURCES if getattr(data, name) is not None]
        about = tuple((*path, name) for name in SOURCES)
        if not given:
            said = Text("no source of data is named", "没有指明数据来源")
            yield Finding(path, "scenario.no_source", said, expected, at_key=True, about=about)
        elif len(given) > 1:
            names = listed(given)
            said = Text(f"several sources of data: {names}", f"数据来源多于一个: {names}")
            place = (*path, given[1])
            yield Finding(place, "scenario.several_sources", said, expected, at_key=True)


def source_fits(draft: Draft, known: Known) -> Iterator[Finding]:
    """encoding goes with csv, sheet with xlsx."""
    for path, data in draft.located:
        for word, source in (("encoding", "csv"), ("sheet", "xlsx")):
            if word in data.model_fields_set and getattr(data, source) is None:
                said = Text(
                    f"`{word}` has no effect without `{source}`",
                    f"没有 `{source}` 时 `{word}` 不起作用",
                )
                yield Finding(
                    (*path, word),
                    "scenario.no_effect",
                    said,
                    Text(f"`{word}` only beside `{source}`", f"`{word}` 只与 `{source}` 同用"),
                    at_key=True,
                    about=((*path, source),),
                )


def dataset_known(draft: Draft, known: Known) -> Iterator[Finding]:
    """The loader is installed."""
    for path, data in draft.located:
        if data.dataset is not None and data.dataset not in known.datasets:
            yield unknown_name(
                (*path, "dataset"),
                "dataset",
                Text("dataset", "数据集"),
                data.dataset,
                known.datasets,
            )


def files_inside(draft: Draft, known: Known) -> Iterator[Finding]:
    """Without trust, files lie in the scenario's folder: the file may come from anyone."""
    if known.trust:
        return
    for path, data in draft.located:
        for word in FILES:
            file = getattr(data, word)
            if file is not None and _OUTSIDE.search(file):
                yield Finding(
                    (*path, word),
                    "scenario.path_outside",
                    Text(
                        f"{shown(file)} lies outside the scenario's folder",
                        f"{shown(file)} 在场景文件所在目录之外",
                    ),
                    Text(
                        f"a path inside the folder of the scenario file, or --trust: {CAUSE.en}",
                        f"场景文件目录内的相对路径, 或加 --trust: {CAUSE.zh}",
                    ),
                )


def sealed_is_the_test(draft: Draft, known: Known) -> Iterator[Finding]:
    """What is sealed are the questions and their answers: documents are read by candidates."""
    for path, data in draft.located:
        if data.sealed is not None and path != ("data",):
            said = Text("only test cases are sealed", "只有测试案例可以封存")
            other = Text("another source of data", "其他数据来源")
            yield Finding((*path, "sealed"), "scenario.sealed", said, other, at_key=True)


def target_apart(draft: Draft, known: Known) -> Iterator[Finding]:
    """The target is neither barred nor the unit."""
    if draft.target is None:
        return
    parts = (
        ("barred", draft.barred, Text("a barred column", "禁用列")),
        ("unit", () if draft.unit is None else (draft.unit,), Text("the unit", "单元列")),
        ("question", () if draft.question is None else (draft.question,), QUESTION),
    )
    for word, columns, part in parts:
        if draft.target in columns:
            place: Path = (word, columns.index(draft.target)) if word == "barred" else (word,)
            said = Text(
                f"the target “{shown(draft.target)}” is also {part.en}",
                f"目标列 “{shown(draft.target)}” 同时又是{part.zh}",
            )
            other = Text("a column other than the target", "目标列以外的列")
            yield Finding(place, "scenario.target_used", said, other, about=(("target",),))


def features_apart(draft: Draft, known: Known) -> Iterator[Finding]:
    """A feature is not the answer, not barred, and not what rows are told apart by."""
    split = draft.split
    parts: tuple[tuple[str, tuple[str | None, ...], Text], ...] = (
        ("target", (draft.target,), Text("the target", "目标列")),
        ("barred", draft.barred, Text("barred", "禁用列")),
        ("unit", (draft.unit,), Text("the unit", "单元列")),
        ("label", (draft.label,), Text("the case's label", "案例名称列")),
        ("question", (draft.question,), QUESTION),
        ("scope", (draft.scope,), Text("the scope", "范围列")),
        ("sources", (draft.sources,), Text("the sources", "来源列")),
        ("split", (split.column, split.block) if split else (), Text("the time", "时间列")),
    )
    for index, column in enumerate(draft.features or ()):
        for word, columns, part in parts:
            if column in columns:
                yield Finding(
                    ("features", index),
                    f"scenario.{word}_feature",
                    Text(
                        f"“{shown(column)}” is {part.en} and cannot be a feature too",
                        f"“{shown(column)}” 是{part.zh}, 不能同时作为特征",
                    ),
                    Text("a column with no other part", "没有其他用途的列"),
                    about=((word,),),
                )


def columns_once(draft: Draft, known: Known) -> Iterator[Finding]:
    """No column twice in a list."""
    yield from repeated(("features",), draft.features or ())
    yield from repeated(("barred",), draft.barred)


def positive_named(draft: Draft, known: Known) -> Iterator[Finding]:
    """Detection says which value of the target counts; the other tasks have no such value."""
    if draft.task == "detection" and draft.positive is None:
        yield Finding(
            (),
            "scenario.no_positive",
            Text("detection needs `positive`", "检测任务需要 `positive`"),
            Text(
                "positive: the value of the target that is to be detected",
                "positive: 目标列中要检出的取值",
            ),
            at_key=True,
            about=(("positive",), ("task",)),
        )
    if draft.task not in (None, "detection") and "positive" in draft.given:
        yield Finding(
            ("positive",),
            "scenario.no_effect",
            Text(f"`positive` has no effect in {draft.task}", "`positive` 只用于检测任务"),
            Text("`positive` only with `task: detection`", "只与 `task: detection` 同用"),
            at_key=True,
        )


def repeated(path: Path, names: Sequence[str]) -> Iterator[Finding]:
    """Findings on names that occur again in a list."""
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Finding(
                (*path, index),
                "scenario.repeated",
                Text(f"“{shown(name)}” is listed twice", f"“{shown(name)}” 重复列出"),
                Text("each name once", "每个名称只列一次"),
            )


def unknown_name(path: Path, code: str, kind: Text, name: str, names: Sequence[str]) -> Finding:
    """A name that nothing installed bears; the nearest is named, or all where none is near."""
    meant = nearest(name, names)
    some = listed(names) or "–"
    return Finding(
        path,
        f"scenario.unknown_{code}",
        Text(f"no {kind.en} is called “{shown(name)}”", f"没有名为 “{shown(name)}” 的{kind.zh}"),
        None if meant else Text(f"one of {some}", f"{some} 之一"),
        meant,
    )


RULES = (
    one_source,
    source_fits,
    dataset_known,
    files_inside,
    sealed_is_the_test,
    target_apart,
    features_apart,
    columns_once,
    positive_named,
)
