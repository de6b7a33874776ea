"""``statsmodels.fertility``: the World Bank's total fertility rates, 1960 to 2011."""

from __future__ import annotations

from statsmodels.datasets import fertility

from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.text import Text


def load() -> Loaded:
    """219 rows, one a country or aggregate: four names and codes, then ``1960`` … ``2013``."""
    return Loaded(
        frame=fertility.load_pandas().data,
        about=Text(
            "Total fertility rate (children per woman) of 214 countries and territories and five "
            "aggregates, 1960 to 2013; the columns of 2012 and 2013 are empty.",
            "214 个国家和地区及 5 个汇总区域的总和生育率(每名妇女生育子女数), 1960 至 2013 年; "
            "其中 2012 和 2013 两列为空。",
        ),
        source="statsmodels, statsmodels.datasets.fertility; The World Bank, World Development "
        "Indicators, SP.DYN.TFRT.IN",
        licence=Text(
            "World Bank terms of use, as statsmodels states",
            "世界银行使用条款(据 statsmodels 说明)",
        ),
    )
