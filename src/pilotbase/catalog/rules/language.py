"""Cases in words: every row asks something, what is expected of it can be looked up, and so on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from pilotbase.catalog.rules.columns import feature_columns
from pilotbase.catalog.rules.values import Path, plain_text
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import nearest, shown
from pilotbase.scenario.read import ScenarioFile
from pilotbase.scenario.schema import LANGUAGE_TASKS, Documents
from pilotbase.scenario.template import template_names

PASSAGE_CHARACTERS_MAX = 100_000
LANGUAGES = ("en", "zh")
EXPECTING = ("exact_match", "fuzzy_match", "numeric_match")


def language_faults(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    """What is wrong in the columns of a task in words, the first row of each kind named."""
    scenario = file.scenario
    if scenario.task not in LANGUAGE_TASKS:
        return
    asked = _words(frame, scenario.question)
    scope = _words(frame, scenario.scope)
    if asked is not None:
        yield from _first(
            file,
            ("question",),
            "data.empty_question",
            asked.str.strip() == "",
            Text("asks nothing", "没有问题"),
            Text("a question in every row", "每行都有问题"),
        )
    if scope is not None:
        yield from _first(
            file,
            ("scope",),
            "data.scope",
            ~scope.isin(("0", "1", "false", "true")),
            Text("has a scope that is neither 0 nor 1", "的范围既非 0 也非 1"),
            Text("1 where the documents hold the answer, else 0", "文档中有答案为 1, 否则为 0"),
        )
    code = _words(frame, scenario.language)
    if code is not None:
        yield from _first(
            file,
            ("language",),
            "data.language",
            ~code.isin(LANGUAGES),
            Text("has another language than en or zh", "的语言既非 en 也非 zh"),
            Text("en or zh", "en 或 zh"),
        )
    yield from _expected(file, frame, scope)


def _expected(
    file: ScenarioFile, frame: pd.DataFrame, scope: pd.Series[Any] | None
) -> Iterator[Fault]:
    """Questions in scope have an answer and sources, where a criterion looks at them."""
    scenario = file.scenario
    metrics = {criterion.metric for criterion in scenario.acceptance}
    target, sources = _words(frame, scenario.target), _words(frame, scenario.sources)
    on_scope = scope.isin(("1", "true")) if scope is not None else None
    if target is not None and on_scope is not None and metrics & set(EXPECTING):
        yield from _first(
            file,
            ("target",),
            "data.no_answer",
            on_scope & (target.str.strip() == ""),
            Text("is in scope and has no accepted answer", "在范围内却没有可接受的答案"),
            Text("an answer, or scope 0", "给出答案, 或范围为 0"),
        )
    if target is not None and "numeric_match" in metrics:
        known = target.str.strip() != ""
        yield from _first(
            file,
            ("target",),
            "data.no_number",
            known
            & ~target.str.contains("[0-9０-９〇零一二两三四五六七八九十百千万亿]", regex=True),
            Text("has an accepted answer without a number", "的可接受答案中没有数值"),
            Text("a number in every accepted answer", "可接受答案中含有数值"),
        )
    if sources is not None and on_scope is not None and "recall_at_k" in metrics:
        yield from _first(
            file,
            ("sources",),
            "data.no_sources",
            on_scope & (sources.str.strip() == ""),
            Text("is in scope and names no passage", "在范围内却没有指明段落"),
            Text("the passages that hold the answer", "答案所在的段落"),
        )


def prompt_faults(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    """A prompt asks for columns that are there and that candidates may see."""
    scenario = file.scenario
    seen = (*feature_columns(scenario, frame.columns.tolist()), "question", "documents")
    for at, candidate in enumerate(scenario.candidates):
        for name in template_names(candidate.chat.prompt) if candidate.chat else ():
            if name not in seen:
                said = shown(name)
                yield file.fault(
                    ("candidates", at, "chat", "prompt"),
                    "data.prompt_name",
                    Text(
                        f"the prompt asks for {said!r}, which is no feature",
                        f"提示词用到 {said!r}, 而它不是特征列",
                    ),
                    expected=Text(
                        "{question}, {documents} or a feature", "{question}、{documents} 或特征列"
                    ),
                    nearest=nearest(name, seen),
                )


def document_faults(
    file: ScenarioFile, frame: pd.DataFrame, documents: pd.DataFrame
) -> Iterator[Fault]:
    """Passages have a text and an id of their own, and the sources of questions are among them."""
    said = file.scenario.documents
    if said is None:
        return
    missing = list(_missing(file, said, documents))
    yield from missing
    if missing:
        return
    ids, text = _words(documents, said.passage), _words(documents, said.text)
    assert ids is not None and text is not None
    yield from _passages(file, ids, text)
    yield from _unknown_sources(file, _words(frame, file.scenario.sources), frozenset(ids))


def _missing(file: ScenarioFile, said: Documents, documents: pd.DataFrame) -> Iterator[Fault]:
    columns = [str(name) for name in documents.columns]
    listed = ", ".join(columns[:12])
    for word in ("passage", "text"):
        column = getattr(said, word)
        if column not in columns:
            yield file.fault(
                ("documents", word),
                "data.missing_column",
                Text(f"the documents have no column {column!r}", f"文档中没有列 {column!r}"),
                expected=Text("one of " + listed, "以下之一: " + listed),
                nearest=nearest(column, columns),
            )


def _passages(file: ScenarioFile, ids: pd.Series[Any], text: pd.Series[Any]) -> Iterator[Fault]:
    yield from _first(
        file,
        ("documents", "passage"),
        "data.passage_id",
        (ids == "") | ids.str.contains(r"[\s\[\]]", regex=True) | ids.duplicated(),
        Text(
            "of the documents has no id of its own", "(文档) 的段落编号为空、重复或含空格、方括号"
        ),
        Text("ids without blanks or brackets, each once", "不含空格与方括号、互不重复的编号"),
    )
    yield from _first(
        file,
        ("documents", "text"),
        "data.passage_text",
        (text == "") | (text.str.len() > PASSAGE_CHARACTERS_MAX),
        Text("of the documents has no text or too long a one", "(文档) 的正文为空或过长"),
        Text(f"1 to {PASSAGE_CHARACTERS_MAX} characters", f"1 到 {PASSAGE_CHARACTERS_MAX} 个字符"),
    )


def _unknown_sources(
    file: ScenarioFile, sources: pd.Series[Any] | None, known: frozenset[str]
) -> Iterator[Fault]:
    if sources is not None:
        yield from _first(
            file,
            ("sources",),
            "data.unknown_source",
            sources.map(lambda named: not known.issuperset(named.split())),
            Text("names a passage that is not in the documents", "指明的段落不在文档中"),
            Text("ids of passages, with blanks between", "段落编号, 以空格分隔"),
        )


def _words(frame: pd.DataFrame, column: str | None) -> pd.Series[Any] | None:
    """The column as texts, "" where a cell is empty; None where there is no such column."""
    if column is None or column not in frame:
        return None
    return frame[column].map(_word).astype(object)


def _word(cell: Any) -> str:
    return "" if pd.isna(cell) else plain_text(cell)


def _first(
    file: ScenarioFile, path: Path, code: str, bad: Any, said: Text, expected: Text
) -> Iterator[Fault]:
    """One fault for all bad rows, with their number and the first of them."""
    count = int(bad.sum())
    if count:
        row = int(bad.to_numpy().argmax()) + 1
        more = (
            Text("", "")
            if count == 1
            else Text(f", and {count - 1} more", f", 另有 {count - 1} 行")
        )
        yield file.fault(
            path,
            code,
            Text(f"row {row} {said.en}{more.en}", f"第 {row} 行{said.zh}{more.zh}"),
            expected=expected,
        )
