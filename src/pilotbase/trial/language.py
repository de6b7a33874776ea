"""From prepared tables to cases in words: questions, their scope and sources, the documents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pilotbase.catalog.table import Table
from pilotbase.kernel.canonical import digest
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.cases import Floats, Labels, Language
from pilotbase.trial.rules.encoding import number_column, text_column

PASSAGE_CHARACTERS_MAX = 100_000


def language_of(scenario: Scenario, frame: pd.DataFrame, documents: Table | None) -> Language:
    """The cases of a scenario in words.

    Raises:
        DataError: an empty question, a scope that is neither 0 nor 1, a passage without a text or
            with an id that another one has, a source that is no passage.
    """
    question = _column(frame, scenario.question)
    if (question == "").any():
        row = int(np.argmax(question == ""))
        raise _error(
            "empty_question",
            f"row {row + 1} asks nothing",
            f"第 {row + 1} 行没有问题",
            str(scenario.question),
        )
    passages = _passages(scenario, documents) if documents is not None else {}
    sources = _column(frame, scenario.sources)
    if documents is not None:
        _check_sources(sources, passages, str(scenario.sources))
    refusal = scenario.refusal
    return Language(
        question=question,
        scope=_scope(frame, scenario.scope),
        sources=sources,
        code=_column(frame, scenario.language),
        passages=passages,
        refusals=(refusal.en, refusal.zh) if refusal is not None else (),
        reported={
            c.results: _scores(frame, c.results)
            for c in scenario.candidates
            if c.results is not None
        },
    )


def language_words(language: Language) -> dict[str, Any]:
    """What of the language belongs into the digest of the cases."""
    return {
        "question": language.question.tolist(),
        "scope": language.scope.tolist(),
        "sources": language.sources.tolist(),
        "language": language.code.tolist(),
        "documents": digest(dict(language.passages)),
        "refusals": list(language.refusals),
        "reported": {
            name: [None if np.isnan(score) else float(score) for score in scores]
            for name, scores in language.reported.items()
        },
    }


def _column(frame: pd.DataFrame, name: str | None) -> Labels:
    if name is None:
        return np.full(len(frame), "", dtype=object)
    return text_column(frame[name]).astype(object)


def _scores(frame: pd.DataFrame, name: str) -> Floats:
    if name not in frame.columns:
        raise _error(
            "missing_column",
            f"the prepared table has no column {name!r}",
            f"准备后的数据表中没有列 {name!r}",
            "candidates.results",
        )
    numbers = number_column(frame[name])
    return np.full(len(frame), np.nan) if numbers is None else numbers.astype(np.float64)


def _scope(frame: pd.DataFrame, name: str | None) -> Any:
    words = _column(frame, name)
    known = {"": -1, "0": 0, "1": 1, "false": 0, "true": 1}
    for row, word in enumerate(words):
        if word not in known:
            raise _error(
                "scope",
                f"row {row + 1}: the scope is 1 or 0, not {str(word)[:40]!r}",
                f"第 {row + 1} 行: 范围应为 1 或 0, 现为 {str(word)[:40]!r}",
                str(name),
            )
    return np.array([known[word] for word in words], np.int8)


def _passages(scenario: Scenario, documents: Table) -> dict[str, str]:
    said = scenario.documents
    assert said is not None
    for column in (said.passage, said.text):
        if column not in documents.frame.columns:
            raise _error(
                "missing_column",
                f"the documents have no column {column!r}",
                f"文档中没有列 {column!r}",
                "documents",
            )
    found: dict[str, str] = {}
    ids, texts = (_column(documents.frame, column) for column in (said.passage, said.text))
    for row, (name, text) in enumerate(zip(ids, texts, strict=True)):
        if not name or any(c.isspace() or c in "[]" for c in name) or name in found:
            raise _error(
                "passage_id",
                f"row {row + 1}: {str(name)[:40]!r} is no id of its own without blanks or brackets",
                f"第 {row + 1} 行: {str(name)[:40]!r} 重复, 为空, 或含空格或方括号",
                "documents.passage",
            )
        if not text or len(text) > PASSAGE_CHARACTERS_MAX:
            raise _error(
                "passage_text",
                f"passage {name} has {len(text)} characters; 1 to {PASSAGE_CHARACTERS_MAX} are",
                f"文档段落 {name} 有 {len(text)} 个字符; 允许 1 至 {PASSAGE_CHARACTERS_MAX} 个",
                "documents.text",
            )
        found[name] = text
    return found


def _check_sources(sources: Labels, passages: dict[str, str], column: str) -> None:
    for row, named in enumerate(sources):
        for name in named.split():
            if name not in passages:
                raise _error(
                    "unknown_source",
                    f"row {row + 1}: no passage is called {name[:60]!r}",
                    f"第 {row + 1} 行: 没有名为 {name[:60]!r} 的文档段落",
                    column,
                )


def _error(code: str, en: str, zh: str, where: str) -> DataError:
    return DataError(f"data.{code}", Text(en, zh), where=where)
