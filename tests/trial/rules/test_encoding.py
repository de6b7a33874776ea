"""Numbers and texts from columns in plain types."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pilotbase.kernel.errors import DataError
from pilotbase.trial.rules.encoding import as_text, is_indicator, numeric_form, source_of


def test_texts_become_indicators_with_stable_names():
    frame = pd.DataFrame(
        {"sex": ["m", "f", None], "age": [1.5, np.nan, 3.0], "b": [True, False, True]}
    )
    shown = numeric_form(frame)
    assert list(shown.columns) == ["sex=f", "sex=m", "age", "b"]
    assert shown["sex=m"].tolist()[:2] == [1.0, 0.0]
    assert np.isnan(shown.loc[2, ["sex=f", "sex=m"]]).all()
    assert shown["b"].tolist() == [1.0, 0.0, 1.0]
    assert np.isnan(shown["age"][1]) and shown.dtypes.eq(np.float64).all()
    assert [source_of(n) for n in shown] == ["sex", "sex", "age", "b"]
    assert [is_indicator(n) for n in shown] == [True, True, False, False]


def test_truth_with_gaps_is_a_number():
    frame = pd.DataFrame({"t": pd.Series([True, None, False], dtype=object)})
    assert numeric_form(frame)["t"].fillna(-1).tolist() == [1.0, -1.0, 0.0]


def test_the_same_names_whatever_the_order_of_rows():
    frame = pd.DataFrame({"c": ["z", "a", "m"]})
    assert list(numeric_form(frame)) == list(numeric_form(frame[::-1])) == ["c=a", "c=m", "c=z"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (pd.DataFrame({"id": [f"person {i}" for i in range(201)]}), "data.too_many_values"),
        (pd.DataFrame({"a=b": [1.0]}), "data.feature_name"),
    ],
)
def test_what_cannot_be_a_feature_is_refused(frame: pd.DataFrame, code: str):
    with pytest.raises(DataError) as caught:
        numeric_form(frame)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (0.1, "0.1"), (np.int64(4), "4"), (np.nan, ""), (None, ""), (False, "false")],
)
def test_values_as_text(value: object, text: str):
    assert as_text(value) == text
