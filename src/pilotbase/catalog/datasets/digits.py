"""``sklearn.load_digits``: handwritten digits as 8 by 8 grey levels."""

from __future__ import annotations

from sklearn.datasets import load_digits

from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.text import Text


def load() -> Loaded:
    """1,797 rows: ``pixel_0_0`` … ``pixel_7_7`` (grey level 0-16) and ``target`` (0-9)."""
    return Loaded(
        frame=load_digits(as_frame=True).frame,
        about=Text(
            "Handwritten digits collected at Boğaziçi University, reduced to 8 by 8 pixels of "
            "grey levels 0 to 16; the part that was the test set of the original.",
            "海峡大学(土耳其)收集的手写数字, 缩减为 8×8 像素, 灰度 0 至 16; 为原数据集的测试部分。",
        ),
        source="scikit-learn, sklearn.datasets.load_digits; E. Alpaydin and C. Kaynak (1998), "
        "Optical Recognition of Handwritten Digits, UCI Machine Learning Repository",
        licence=Text(
            "CC BY 4.0 (UCI repository); distributed with scikit-learn (BSD-3-Clause)",
            "CC BY 4.0(UCI 数据库); 随 scikit-learn(BSD-3-Clause)分发",
        ),
    )
