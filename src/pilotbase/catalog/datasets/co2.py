"""``statsmodels.co2``: weekly carbon dioxide at Mauna Loa, 1958 to 2001."""

from __future__ import annotations

from statsmodels.datasets import co2

from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.text import Text


def load() -> Loaded:
    """2,284 rows, one a week (Saturdays): ``date`` and ``co2`` in ppm by volume, 59 missing."""
    frame = co2.load_pandas().data
    return Loaded(
        frame=frame.rename_axis("date").reset_index(),
        about=Text(
            "Weekly means of atmospheric carbon dioxide at Mauna Loa Observatory, Hawaii, "
            "March 1958 to December 2001, in parts per million by volume.",
            "夏威夷莫纳罗亚观测站大气二氧化碳周平均浓度, 1958 年 3 月至 2001 年 12 月, 单位 ppm"
            "(体积分数)。",
        ),
        source="statsmodels, statsmodels.datasets.co2; C. D. Keeling and T. P. Whorf (2004), "
        "Carbon Dioxide Information Analysis Center, Oak Ridge National Laboratory",
        licence=Text("public domain, as statsmodels states", "公有领域(据 statsmodels 说明)"),
    )
