"""CSV: what is read, and what is refused with a place and a next step."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.csv_file import read_csv
from pilotbase.catalog.table import content_digest
from pilotbase.kernel.errors import DataError

CHINESE = "城市,人口\n北京,2189\n上海,2487\n"


def refused(raw: bytes, encoding: str = "utf-8") -> DataError:
    with pytest.raises(DataError) as caught:
        read_csv(raw, encoding, "data.csv: x.csv")
    assert caught.value.where == "data.csv: x.csv"
    assert caught.value.message.zh != caught.value.message.en
    return caught.value


def test_types_are_read_from_all_cells() -> None:
    raw = b"n,x,code,truth,word,gap\n1,1.5,007,true,a,\n-2,,008,FALSE,NA,NA\n3,1e-3,009,True,,2\n"
    frame = read_csv(raw, "utf-8", "test")
    assert frame["n"].tolist() == [1, -2, 3] and frame["n"].dtype == np.int64
    assert frame["x"].tolist()[::2] == [1.5, 0.001] and np.isnan(frame["x"].iloc[1])
    assert frame["code"].tolist() == ["007", "008", "009"], "a leading zero is a code"
    assert frame["truth"].tolist() == [True, False, True]
    assert frame["word"].tolist() == ["a", "NA", None], "NA is a word among words"
    assert frame["gap"].isna().tolist() == [True, True, False]


def test_quotes_line_ends_and_blank_lines_at_the_end() -> None:
    raw = b'a,b\r\n"x, ""y""","1\n2"\r\n\r\n\r\n'
    assert read_csv(raw, "utf-8", "test").iloc[0].tolist() == ['x, "y"', "1\n2"]


def test_all_three_encodings_give_the_same_content() -> None:
    frames = [
        read_csv(CHINESE.encode(), "utf-8", "test"),
        read_csv(CHINESE.encode("utf-8-sig"), "utf-8", "test"),
        read_csv(CHINESE.encode("gb18030"), "gb18030", "test"),
    ]
    assert len({content_digest(frame) for frame in frames}) == 1
    assert frames[0]["城市"].tolist() == ["北京", "上海"]


def test_a_wrong_encoding_names_byte_line_and_the_one_that_fits() -> None:
    error = refused(b"a,b\nplain,1\n" + "北京".encode("gb18030") + b",2\n")
    assert "byte 12 (line 3)" in error.message.en and "第 12 字节(第 3 行)" in error.message.zh
    assert "gb18030" in error.next_step.en
    # UTF-8 bytes nearly always decode as GB18030, to nonsense: it is told all the same.
    assert "encoding: utf-8" in refused(CHINESE.encode(), "gb18030").next_step.en
    assert "UTF-16" in refused(CHINESE.encode("utf-16")).next_step.en
    assert "neither" in refused(b"a\n\xff\xff\n").next_step.en


@pytest.mark.parametrize(
    ("raw", "code", "said"),
    [
        (b"", "data.empty", "empty"),
        (b"\n\n", "data.empty", "empty"),
        (b"a,b\n", "data.no_rows", "no row"),
        (b"a,b\n1,2,3\n", "data.ragged", "line 2 has 3 cells, the header has 2"),
        (b"a,b\n1,2\n1\n", "data.ragged", "line 3 has 1 cells"),
        (b"a,b\n1,2\n\n3,4\n", "data.ragged", "line 3 has 0 cells"),
        (b"a,a\n1,2\n", "data.duplicate_column", "both called 'a'"),
        (b"a, a\n1,2\n", "data.duplicate_column", "both called 'a'"),
        (b"a,\n1,2\n", "data.unnamed_column", "column 2 has no name"),
        (b"a,b\n1,\x00\n", "data.character", "line 2 holds a NUL byte"),
        (b'a,b\n1,"2\n', "data.csv", "breaks the rules of CSV"),
        (b'a,b\n1,"2"3\n', "data.csv", "breaks the rules of CSV"),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", "data.csv", "breaks the rules of CSV"),
        (b"a;b\n1;2\n", "data.delimiter", "no comma"),
        (b"a\tb\n1\t2\n", "data.delimiter", "no comma"),
        (b",".join(b"c%d" % i for i in range(5001)) + b"\n" + b"," * 5000, "data.too_large", "5,0"),
    ],
)
def test_hostile_files_are_refused_in_words(raw: bytes, code: str, said: str) -> None:
    error = refused(raw)
    assert error.code == code
    assert said in error.message.en


def test_a_formula_in_a_csv_file_is_text() -> None:
    frame = read_csv(b"a\n=1+1\n@x\n", "utf-8", "test")
    assert frame["a"].tolist() == ["=1+1", "@x"]


def test_numbers_beyond_64_bits_are_floats() -> None:
    frame = read_csv(b"a,b\n9223372036854775808,123456789012345678\n", "utf-8", "test")
    assert frame.dtypes.astype(str).tolist() == ["float64", "int64"]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["utf-8", "gb18030"]))
def test_any_bytes_become_a_table_or_a_data_error(raw: bytes, encoding: str) -> None:
    try:
        frame = read_csv(raw, encoding, "test")
    except DataError:
        return
    assert len(frame) >= 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_floats_survive_the_file(values: list[float]) -> None:
    raw = "x\n" + "".join(f"{value!r}\n" for value in values)
    read = read_csv(raw.encode(), "utf-8", "test")["x"]
    assert read.tolist() == values


def test_mutations_of_a_good_file_never_raise_anything_else() -> None:
    chance = random.Random(7)
    good = bytearray((CHINESE * 3).encode())
    for _ in range(200):
        bad = bytearray(good)
        for _ in range(3):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        try:
            read_csv(bytes(bad), "utf-8", "test")
        except DataError as error:
            assert error.render("zh")
