"""``statsmodels.modechoice``: how 210 people travelled between Australian cities in 1987."""

from __future__ import annotations

from statsmodels.datasets import modechoice

from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.text import Text


def load() -> Loaded:
    """840 rows, four a person: individual, mode (1 air, 2 train, 3 bus, 4 car), choice (0 or 1),
    ttme, invc, invt, gc, hinc, psize."""
    return Loaded(
        frame=modechoice.load_pandas().data,
        about=Text(
            "210 non-business trips between Sydney, Canberra and Melbourne in 1987, each with four "
            "modes to choose from; rarely chosen modes were sampled more often.",
            "1987 年悉尼、堪培拉与墨尔本之间的 210 次非公务出行, 每次有四种方式可选; "
            "较少被选的方式被过度抽样。",
        ),
        source="statsmodels, statsmodels.datasets.modechoice; W. H. Greene and D. Hensher (1997), "
        "in LIMDEP version 7.0 user's manual",
        licence=Text("public domain, as statsmodels states", "公有领域(据 statsmodels 说明)"),
    )
