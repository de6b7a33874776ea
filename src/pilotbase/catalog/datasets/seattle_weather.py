"""``vega.seattle_weather``: daily weather in Seattle, 2012 to 2015."""

from __future__ import annotations

from vega_datasets import local_data

from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.text import Text


def load() -> Loaded:
    """1,461 rows, one a day: date, precipitation (mm), temp_max and temp_min (°C), wind (m/s) and
    weather (a word)."""
    return Loaded(
        frame=local_data.seattle_weather(),
        about=Text(
            "Daily precipitation, highest and lowest temperature, wind and kind of weather in "
            "Seattle, 2012 to 2015.",
            "西雅图 2012 至 2015 年的逐日降水、最高与最低气温、风速和天气类型。",
        ),
        source="vega_datasets, seattle-weather; drawn from records of the United States' National "
        "Oceanic and Atmospheric Administration",
        licence=Text(
            "public domain (NOAA); distributed with vega_datasets (MIT)",
            "公有领域(NOAA); 随 vega_datasets(MIT)分发",
        ),
    )
