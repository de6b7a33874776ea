"""``statsmodels.randhie``: visits to the doctor in the RAND Health Insurance Experiment."""

from __future__ import annotations

from statsmodels.datasets import randhie

from pilotbase.catalog.datasets import Loaded
from pilotbase.kernel.text import Text


def load() -> Loaded:
    """20,190 rows, one a person and year: ``mdvis`` (visits) and nine covariates; no person id."""
    return Loaded(
        frame=randhie.load_pandas().data,
        about=Text(
            "Outpatient visits in a year, insurance plan and self-rated health in the RAND Health "
            "Insurance Experiment (United States, 1974 to 1982); a subset without person numbers.",
            "兰德健康保险实验(美国, 1974 至 1982 年)的年门诊次数、保险方案与自评健康; "
            "为不含个人编号的子集。",
        ),
        source="statsmodels, statsmodels.datasets.randhie; A. C. Cameron and P. K. Trivedi (2005), "
        "Microeconometrics: Methods and Applications",
        licence=Text("public domain, as statsmodels states", "公有领域(据 statsmodels 说明)"),
    )
