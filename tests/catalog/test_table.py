"""Plain types, and a digest that names content and nothing else."""

from __future__ import annotations

import datetime
import hashlib
import struct
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.table import (
    COLUMNS_MAX,
    check_names,
    check_size,
    column_of,
    content_digest,
    plain_frame,
)
from pilotbase.kernel.errors import DataError
from pilotbase.scenario.schema import ROWS_MAX


def plain(**columns: Any) -> pd.DataFrame:
    return plain_frame(pd.DataFrame(columns), "test")


def test_each_source_type_has_one_plain_type() -> None:
    frame = plain(
        small=np.array([1, 2], np.int8),
        half=np.array([1.5, np.nan], np.float32),
        gaps=pd.array([1, None], dtype="Int64"),
        truth=[True, False],
        maybe=pd.array([True, None], dtype="boolean"),
        word=pd.array(["a", None], dtype="string"),
        kind=pd.Categorical(["x", "y"]),
        money=[Decimal("1.25"), None],
        empty=[None, None],
    )
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "small": "int64", "half": "float64", "gaps": "float64", "truth": "bool",
        "maybe": "object", "word": "object", "kind": "object", "money": "float64",
        "empty": "float64",
    }  # fmt: skip
    assert frame["maybe"].tolist() == [True, None]
    assert frame["word"].tolist() == ["a", None]
    assert frame["money"].iloc[0] == 1.25


def test_dates_become_iso_text() -> None:
    days = pd.to_datetime(["2020-02-29", None])
    moments = pd.to_datetime(["2020-02-29 12:00", "2020-03-01 00:00"])
    frame = plain(day=days, moment=moments, zoned=moments.tz_localize("Asia/Shanghai"))
    assert frame["day"].tolist() == ["2020-02-29", None]
    assert frame["moment"].tolist() == ["2020-02-29T12:00:00", "2020-03-01T00:00:00"]
    assert frame["zoned"].tolist() == ["2020-02-29T04:00:00", "2020-02-29T16:00:00"]
    assert column_of([datetime.date(2020, 1, 2)], "d", "test").tolist() == ["2020-01-02"]
    assert column_of([datetime.time(9, 30)], "t", "test").tolist() == ["09:30:00"]


def test_a_missing_word_among_numbers_is_missing() -> None:
    assert column_of([1, "N/A", 3], "x", "test").tolist()[::2] == [1.0, 3.0]
    assert np.isnan(column_of([1, " na ", 3], "x", "test").iloc[1])


@pytest.mark.parametrize("cells", [[1, 2, "three"], [True, 1, 2], ["a", b"bytes"], ["a", ["b"]]])
def test_a_mixed_column_names_the_odd_cell(cells: list[Any]) -> None:
    with pytest.raises(DataError) as caught:
        column_of(cells, "x", "test")
    assert caught.value.code == "data.mixed_column"
    odd = cells.index("three") if "three" in cells else (0 if cells[0] is True else 1)
    assert f"row {odd + 1} is" in caught.value.message.en
    assert f"第 {odd + 1} 行" in caught.value.message.zh


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["a", "b", "a"], "data.duplicate_column"),
        (["a", " "], "data.unnamed_column"),
        (["a" * 201], "data.long_name"),
    ],
)
def test_names_are_there_short_and_different(names: list[str], code: str) -> None:
    with pytest.raises(DataError) as caught:
        check_names(names, "test")
    assert caught.value.code == code


def test_size_has_limits() -> None:
    check_size(ROWS_MAX, 1, "test")
    for rows, columns in ((ROWS_MAX + 1, 1), (1, COLUMNS_MAX + 1), (1_000_000, 51)):
        with pytest.raises(DataError, match="at most"):
            check_size(rows, columns, "test")


def test_the_digest_is_the_same_on_every_platform() -> None:
    frame = plain(n=[1, -2], x=[0.1, np.nan], t=["字", None], b=[True, False], m=[None, True])
    header = (
        b'{"columns":[{"name":"n","type":"int"},{"name":"x","type":"float"},'
        b'{"name":"t","type":"text"},{"name":"b","type":"bool"},{"name":"m","type":"bool?"}],'
        b'"format":"pilotbase/table/1","rows":2}'
    )
    content = struct.pack("<Q", len(header)) + header
    content += struct.pack("<qq", 1, -2)
    content += struct.pack("<d", 0.1) + bytes.fromhex("000000000000f87f")
    content += struct.pack("<qq", 3, -1) + "字".encode()
    content += bytes([1, 0]) + bytes([2, 1])
    assert content_digest(frame) == "sha256:" + hashlib.sha256(content).hexdigest()


def test_what_changes_the_digest_and_what_does_not() -> None:
    base = plain(a=[1, 2], b=["x", "y"])
    same = plain_frame(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=[7, 3]), "test")
    assert content_digest(base) == content_digest(same)
    others = [
        plain(a=[2, 1], b=["x", "y"]),
        plain(a=[1.0, 2.0], b=["x", "y"]),
        plain(b=["x", "y"], a=[1, 2]),
        plain(a=[1, 2], c=["x", "y"]),
        plain(a=[1, 2], b=["xy", ""]),
        plain(a=[1, 2], b=["x", None]),
    ]
    digests = {content_digest(frame) for frame in others}
    assert len(digests) == len(others) and content_digest(base) not in digests


def test_one_nan_and_one_zero() -> None:
    negative = -np.float64(np.nan)
    assert content_digest(plain(x=[np.nan, 0.0])) == content_digest(plain(x=[negative, -0.0]))


cells = st.lists(st.none() | st.text(max_size=5), min_size=1, max_size=6)


@settings(max_examples=50, deadline=None)
@given(cells, cells)
def test_two_text_columns_have_one_digest_only_if_equal(
    left: list[str | None], right: list[str | None]
) -> None:
    def digest(values: list[str | None]) -> str:
        return content_digest(pd.DataFrame({"t": pd.Series(values, dtype=object)}))

    assert (digest(left) == digest(right)) == (left == right)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.integers(-(2**70), 2**70) | st.text(max_size=3), max_size=5))
def test_any_cells_become_a_column_or_a_data_error(values: list[Any]) -> None:
    try:
        column = column_of(values, "x", "test")
    except DataError as error:
        assert error.code == "data.mixed_column"
    else:
        assert len(column) == len(values)
        assert column.dtype.kind in "ifbO"
