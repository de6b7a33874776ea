"""``pilotbase.descriptions``: what scikit-learn and statsmodels say about their own data sets."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.resources import files

import pandas as pd
import statsmodels.datasets

from pilotbase.catalog.datasets import (
    Loaded,
    co2,
    diabetes,
    digits,
    fertility,
    modechoice,
    randhie,
)
from pilotbase.catalog.rules.passages import passages
from pilotbase.kernel.text import Text

# Our own summaries, in both languages, of data sets that the packages describe in English only.
_SUMMARISED = (co2, diabetes, digits, fertility, modechoice, randhie)
_SECTIONS = (
    ("Description", "DESCRLONG"),
    ("Notes", "NOTE"),
    ("Source", "SOURCE"),
    ("Copyright", "COPYRIGHT"),
)


def load() -> Loaded:
    """A row a passage: ``passage`` (its id, as ``sklearn-iris-2``), ``text``, ``source``, ``title``
    (its document's, which ``text`` starts with).

    Nothing of theirs is kept in this package: the texts are read from the installed ones, so ids
    and texts are those of the installed versions.
    """
    rows = [
        {"passage": f"{name}-{number}", "text": text, "source": source, "title": title}
        for name, source, title, texts in (*_sklearn(), *_statsmodels(), *_ours())
        for number, text in enumerate(texts, 1)
    ]
    return Loaded(
        frame=pd.DataFrame(rows, columns=["passage", "text", "source", "title"]),
        about=Text(
            "The descriptions of the data sets that come with scikit-learn and statsmodels, cut "
            "into passages, and our own bilingual summaries of six of them.",
            "scikit-learn 与 statsmodels 所附数据集的说明文档, 切分为段落; "
            "另有我们为其中六个数据集编写的双语简介。",
        ),
        source="scikit-learn, sklearn.datasets.descr; statsmodels, statsmodels.datasets",
        licence=Text(
            "BSD-3-Clause (both packages); the summaries are part of this package",
            "BSD-3-Clause(两个软件包); 简介属于本软件包",
        ),
    )


_Document = tuple[str, str, str, list[str]]


def _sklearn() -> Iterator[_Document]:
    found = [path for path in files("sklearn.datasets.descr").iterdir() if ".rst" in path.name]
    for path in sorted(found, key=lambda path: path.name):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        # The heading is the line above the first ruled line.
        ruled = next(i for i, line in enumerate(lines) if line and set(line) <= {"-", "="})
        title, body = lines[ruled - 1].strip(), "\n".join(lines[ruled + 1 :])
        name = path.name.removesuffix(".rst").replace("_", "-")
        source = f"sklearn.datasets.descr/{path.name}"
        yield f"sklearn-{name}", source, title, passages(title, body)


def _statsmodels() -> Iterator[_Document]:
    for module in sorted(pkgutil.iter_modules(statsmodels.datasets.__path__), key=lambda m: m.name):
        if not module.ispkg or module.name == "tests":
            continue
        said = importlib.import_module(f"statsmodels.datasets.{module.name}.data")
        title = " ".join(str(said.TITLE).split())
        texts: list[str] = []
        for heading, word in _SECTIONS:
            text = str(getattr(said, word, "")).strip("\n")
            if any(letter.isalpha() for letter in text):
                texts += passages(f"{title}. {heading}", text)
        source = f"statsmodels.datasets.{module.name}.data"
        yield f"statsmodels-{module.name.replace('_', '-')}", source, title, texts


def _ours() -> Iterator[_Document]:
    for module in _SUMMARISED:
        about, name = module.load().about, module.__name__
        title = name.rsplit(".", 1)[-1]
        yield f"pilotbase-{title}", name, title, [f"{about.en}\n{about.zh}"]
