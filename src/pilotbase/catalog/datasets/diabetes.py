"""``sklearn.load_diabetes``: diabetes patients, measurements and progression after one year."""

from __future__ import annotations

from sklearn.datasets import load_diabetes

from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.text import Text


def load() -> Loaded:
    """442 rows in original units: age, sex (1 or 2), bmi, bp, s1 … s6 and ``target``."""
    return Loaded(
        frame=load_diabetes(as_frame=True, scaled=False).frame,
        about=Text(
            "442 persons with diabetes: age, sex, body mass index, blood pressure, six blood serum "
            "measurements, and a measure of the disease's progression one year later.",
            "442 名糖尿病患者: 年龄、性别、体重指数、血压、六项血清指标, "
            "以及一年后的病情进展指标。",
        ),
        source="scikit-learn, sklearn.datasets.load_diabetes(scaled=False); B. Efron, T. Hastie, "
        "I. Johnstone and R. Tibshirani (2004), Least Angle Regression, Annals of Statistics",
        licence=Text(
            "published with the article; distributed with scikit-learn (BSD-3-Clause), which "
            "names no separate terms",
            "随论文公开; 随 scikit-learn(BSD-3-Clause)分发, 未注明其他条款",
        ),
    )
