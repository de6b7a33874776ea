"""What the rules know of the built-in metrics is what the metrics themselves say."""

from __future__ import annotations

import math

import pytest

from pilotbase.kernel import plugins
from pilotbase.scenario.rules.metrics import NEEDS, SHARES, TASKS, value_range
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import EVERY_TASK, Metric

GROUP = "pilotbase.evaluators"
BUILT_IN = sorted({*SHARES, *NEEDS, *TASKS})


@pytest.fixture(scope="module", params=BUILT_IN)
def metric(request: pytest.FixtureRequest) -> Metric:
    found = plugins.load(GROUP, request.param)
    assert isinstance(found, Metric)
    return found


def test_tasks_and_needed_words_agree(metric: Metric) -> None:
    assert set(TASKS.get(metric.name, EVERY_TASK)) == set(metric.tasks)
    assert NEEDS.get(metric.name) == metric.needs


def test_ranges_agree(metric: Metric) -> None:
    criterion = Criterion(metric=metric.name, cap=8.0, limit=200.0)
    assert (value_range(criterion) or (0.0, math.inf)) == metric.shown_range(criterion)


def test_no_built_in_metric_is_unknown_to_the_rules() -> None:
    """A plug-in from elsewhere may be: it then speaks for itself when the plan is made."""
    ours = [
        name
        for name in plugins.names(GROUP)
        if plugins.load(GROUP, name).value.__module__.startswith("pilotbase.")
    ]
    assert set(ours) == set(BUILT_IN)
