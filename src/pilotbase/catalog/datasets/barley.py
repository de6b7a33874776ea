"""``vega.barley``: barley yields of ten varieties at six sites, 1931 and 1932."""

from __future__ import annotations

from vega_datasets import local_data

from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.text import Text


def load() -> Loaded:
    """120 rows, one a variety, site and year: ``yield`` (bushels an acre), variety, year, site."""
    return Loaded(
        frame=local_data.barley(),
        about=Text(
            "Yields of ten barley varieties at six agricultural stations in Minnesota in 1931 and "
            "1932, in bushels an acre.",
            "明尼苏达州六个农业试验站十个大麦品种 1931 与 1932 年的产量, 单位为蒲式耳/英亩。",
        ),
        source="vega_datasets, barley; F. R. Immer, H. K. Hayes and L. Powers (1934), Journal of "
        "the American Society of Agronomy 26",
        licence=Text(
            "published with the article; distributed with vega_datasets, which names no separate "
            "terms",
            "随论文公开; 随 vega_datasets 分发, 未注明其他条款",
        ),
    )
