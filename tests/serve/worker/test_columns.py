"""Columns of a case: what is missing, unknown or of another kind than was tried is named."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.serve.rules.unfit import Unfit
from pilotbase.serve.worker.answering import fields_of
from pilotbase.serve.worker.columns import TOLD_MAX, Columns
from pilotbase.trial.candidates.answer import all_faulty

TABLE = pd.DataFrame(
    {
        "age": [30.0, 41.0, 7.5],
        "income": [1.0, math.nan, 2.0],
        "married": [0.0, 1.0, 1.0],
        "area=north": [1.0, 0.0, 0.0],
        "area=south": [0.0, 1.0, 0.0],
    }
)
COLUMNS = Columns(TABLE)
WHOLE: dict[str, Any] = {"age": 41, "income": 2.5, "married": True, "area": "south"}


def test_columns_are_as_the_tried_data_had_them() -> None:
    assert COLUMNS.names == ("age", "income", "married", "area")
    assert COLUMNS.datatypes == {"age": "FP64", "income": "FP64", "married": "FP64",
                                 "area": "BYTES"}  # fmt: skip
    assert COLUMNS.optional == ("income",)
    assert COLUMNS.row(WHOLE) == [41.0, 2.5, 1.0, 0.0, 1.0]
    row = COLUMNS.row({**WHOLE, "income": None})
    assert math.isnan(row[1]) and row[2:] == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "changed, en, zh",
    [
        ({"age": None}, "missing: age", "缺少列: age"),
        ({"age": True}, "age holds true, which is no number", "age 的值 true 不是数值"),
        ({"age": "41"}, 'age holds "41", which is no number', 'age 的值 "41" 不是数值'),
        ({"age": 10**400}, "which is no number", "不是数值"),
        ({"age": math.inf}, "age holds Infinity", "age 的值 Infinity"),
        ({"age": [1]}, "age holds [1]", "age 的值 [1]"),
        ({"area": "west"}, "tried were 'north', 'south'", "试验过的取值有 'north', 'south'"),
        ({"area": 1}, "area holds 1", "area 的值为 1"),
        ({"nix": 1}, "no such column: nix", "没有这样的列: nix"),
        ({"age": None, "married": 2, "area": "x"}, "missing: age; area holds", "缺少列: age; area"),
    ],
)
def test_what_does_not_fit_is_named_in_both_languages(
    changed: dict[str, Any], en: str, zh: str
) -> None:
    with pytest.raises(Unfit) as caught:
        COLUMNS.row({**WHOLE, **changed}, 3)
    assert caught.value.en.startswith("case 3: ") and caught.value.zh.startswith("第 3 个案例: ")
    assert en in caught.value.en and zh in caught.value.zh


def test_a_case_of_nothing_is_none_and_messages_are_bounded() -> None:
    empty = Columns(pd.DataFrame({"a": [math.nan, 1.0]}))
    with pytest.raises(Unfit, match="missing: a"):
        empty.row({})
    wide = Columns(pd.DataFrame({f"c{n}": [1.5] for n in range(300)}))
    with pytest.raises(Unfit, match=f"and {300 - TOLD_MAX} more") as caught:
        wide.row({})
    assert f"等 {300} 列" in caught.value.zh and len(caught.value.en) < 200


ANY = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5)


@given(st.dictionaries(st.sampled_from([*WHOLE, "nix"]), ANY))
def test_a_row_has_no_gap_but_where_one_was_tried(changed: dict[str, Any]) -> None:
    try:
        row = COLUMNS.row({**WHOLE, **changed})
    except Unfit as error:
        assert error.en and error.zh
        return
    gaps = [name for name, one in zip(COLUMNS.features, row, strict=True) if math.isnan(one)]
    assert set(gaps) <= {"income"} and len(row) == 5


def test_a_number_of_an_answer_that_is_not_finite_is_the_answers() -> None:
    with pytest.raises(Unfit) as caught:
        fields_of(all_faulty(1, (), "value is not a finite number"), None)  # type: ignore[arg-type]
    assert caught.value.en == "case 1: the candidate's answer: value is not a finite number"
    assert caught.value.zh == "第 1 个案例: 候选方案的应答: value 不是有限的数值"
