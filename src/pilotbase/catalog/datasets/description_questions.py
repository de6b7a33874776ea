"""``pilotbase.description_questions``: 600 questions on, and off, the data sets' descriptions."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.text import Text

_FILE = "questions/descriptions.csv"


def load() -> Loaded:
    """600 rows: ``question``, ``language`` (en or zh), ``topic`` (two questions each), ``scope``
    (1 or 0), ``answer`` (accepted ones with " | " between), ``sources`` (passages of
    ``pilotbase.descriptions`` that hold it) and ``kind`` (fact, far, near or request).
    """
    path = files("pilotbase.scenario.packs").joinpath(_FILE)
    with path.open(encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype={"scope": "int64"}, keep_default_na=False)
    for column in ("answer", "sources"):
        frame[column] = frame[column].astype(object).where(frame[column] != "", None)
    return Loaded(
        frame=frame,
        about=Text(
            "300 questions that the descriptions of data sets in scikit-learn and statsmodels "
            "answer, and 300 that they do not (150 far off, 75 near misses, 75 other requests), in "
            "300 topics of two; half in English, half in Chinese, written by hand for this base.",
            "300 个可由 scikit-learn 与 statsmodels 数据集说明回答的问题, 以及 300 个不能回答的问题"
            "(150 个相距甚远, 75 个貌似相关, 75 个为其他请求), 共 300 个主题, 每个主题两问; "
            "中英文各半, 由本基地手工编写。",
        ),
        source="written for Pilotbase",
        licence=Text("Apache-2.0, part of this package", "Apache-2.0, 属于本软件包"),
    )
