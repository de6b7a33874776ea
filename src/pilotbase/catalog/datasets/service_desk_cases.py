"""``pilotbase.service_desk_cases``: 48 requests to the simulated service desk, for agents."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.text import Text

_FILE = "questions/service_desk.csv"


def load() -> Loaded:
    """48 rows: ``case``, ``language`` (en or zh), ``person`` (who asks), ``goal`` (what is asked)
    and ``matter``, which the environment ``service_desk`` reads and an agent does not see.
    """
    path = files("pilotbase.scenario.packs").joinpath(_FILE)
    with path.open(encoding="utf-8") as file:
        frame = pd.read_csv(file, keep_default_na=False)
    return Loaded(
        frame=frame,
        about=Text(
            "48 requests to an invented municipal service desk, of twelve kinds, half in English "
            "and half in Chinese; 20 of them have to be declined or passed on.",
            "向虚构的市政服务台提出的 48 项申请, 共十二类, 中英文各半; "
            "其中 20 项须不予办理或转办。",
        ),
        source="written for Pilotbase",
        licence=Text("Apache-2.0, part of this package", "Apache-2.0, 属于本软件包"),
    )
