"""AUC by ranks equals AUC by pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.trial.rules.scores import auc, primary_score


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[bool, int]]):
    positive = np.array([row[0] for row in rows])
    scores = np.array([row[1] for row in rows], np.float64)
    above = [(a > b) + 0.5 * (a == b) for a in scores[positive] for b in scores[~positive]]
    found = auc(positive, scores)
    if not above:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(np.mean(above))


def test_primary_scores():
    assert primary_score("classification", np.array(["a", "b"]), np.array(["a", "a"])) == 0.5
    assert primary_score("regression", np.array([1.0, 3.0]), np.array([2.0, 3.0])) == -0.5
