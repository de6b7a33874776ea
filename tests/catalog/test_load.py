"""The data section: one source, inside the folder, with digests of what was read."""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest

from pilotbase.catalog.datasets import Loaded
from pilotbase.catalog.load import load_table
from pilotbase.kernel.errors import DataError, PluginError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Data

CSV = "name,n\n甲,1\n乙,2\n"


def small() -> Loaded:
    return Loaded(
        pd.DataFrame({"n": [1, 2]}, index=[5, 6]), Text("a", "甲"), "made up", Text("free", "自由")
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "scenario"
    home.mkdir()
    (home / "t.csv").write_text(CSV, encoding="utf-8")
    (home / "gb.csv").write_bytes(CSV.encode("gb18030"))
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in (("name", "n"), ("甲", 1), ("乙", 2)):
        page.append(row)
    out = io.BytesIO()
    book.save(out)
    (home / "t.xlsx").write_bytes(out.getvalue())
    with duckdb.connect() as connection:
        path = str(home / "t.parquet")
        connection.execute(
            f"COPY (SELECT * FROM (VALUES ('甲', 1), ('乙', 2)) AS t(name, n)) TO '{path}'"
        )
    return home


@pytest.mark.parametrize(
    "data",
    [
        Data(csv="t.csv"),
        Data(csv="gb.csv", encoding="gb18030"),
        Data(xlsx="t.xlsx"),
        Data(parquet="t.parquet"),
        Data(sql="SELECT * FROM 't.csv' ORDER BY n"),
        Data(csv="t.csv", prepare="SELECT name, n FROM data ORDER BY _row"),
    ],
)
def test_the_same_content_has_the_same_digest_from_every_source(folder: Path, data: Data) -> None:
    table = load_table(data, folder)
    assert table.frame["name"].tolist() == ["甲", "乙"] and table.rows == 2
    assert table.digest == load_table(Data(csv="t.csv"), folder).digest
    assert table.source.en != "" and table.source.zh != ""


def test_digests_of_file_loaded_and_prepared(folder: Path) -> None:
    table = load_table(Data(csv="t.csv", prepare="SELECT n FROM data ORDER BY n"), folder)
    assert table.raw_digest == "sha256:" + hashlib.sha256(CSV.encode()).hexdigest()
    assert table.loaded_digest == load_table(Data(csv="t.csv"), folder).digest
    assert table.digest != table.loaded_digest
    first = load_table(Data(sql="SELECT n FROM 't.csv' ORDER BY n"), folder)
    (folder / "t.csv").write_text(CSV.replace("甲", "丙"), encoding="utf-8")
    second = load_table(Data(sql="SELECT n FROM 't.csv' ORDER BY n"), folder)
    assert first.digest == second.digest, "the column that is read did not change"
    assert first.raw_digest != second.raw_digest, "the file did"


@pytest.mark.parametrize("name", ["../outside.csv", "link.csv"])
def test_a_file_outside_the_folder_needs_trust(folder: Path, name: str) -> None:
    outside = folder.parent / "outside.csv"
    outside.write_text(CSV, encoding="utf-8")
    (folder / "link.csv").symlink_to(outside)
    with pytest.raises(DataError) as caught:
        load_table(Data(csv=name), folder)
    assert caught.value.code == "data.outside" and "--trust" in caught.value.next_step.zh
    assert load_table(Data(csv=name), folder, trust=True).rows == 2


def test_a_missing_file_names_the_nearest(folder: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_table(Data(csv="tt.csv"), folder)
    assert caught.value.code == "data.no_file" and "'t.csv'" in caught.value.next_step.en
    with pytest.raises(DataError, match="no file"):
        load_table(Data(csv="t.csv"), folder / "nowhere")


@pytest.mark.parametrize("data", [Data(), Data(csv="t.csv", xlsx="t.xlsx")])
def test_exactly_one_source(folder: Path, data: Data) -> None:
    with pytest.raises(DataError) as caught:
        load_table(data, folder)
    assert caught.value.code == "data.source"


def test_a_broken_parquet_file(folder: Path) -> None:
    (folder / "bad.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(DataError) as caught:
        load_table(Data(parquet="bad.parquet"), folder)
    assert caught.value.where == "data.parquet: bad.parquet"


def test_a_loader_says_what_it_hands_over(folder: Path) -> None:
    table = load_table(Data(dataset="mine"), folder, loaders={"mine": small})
    assert table.frame.index.tolist() == [0, 1]
    assert table.about == Text("a", "甲") and table.licence == Text("free", "自由")
    assert table.source.en == "mine: made up" and table.raw_digest is None


def test_a_loader_that_fails_or_is_unknown(folder: Path) -> None:
    def broken() -> Loaded:
        raise RuntimeError("no such shelf")

    def wrong() -> Any:
        return pd.DataFrame()

    with pytest.raises(PluginError, match="RuntimeError: no such shelf"):
        load_table(Data(dataset="mine"), folder, loaders={"mine": broken})
    with pytest.raises(PluginError, match="returns DataFrame"):
        load_table(Data(dataset="mine"), folder, loaders={"mine": wrong})
    with pytest.raises(PluginError, match="no plug-in is called"):
        load_table(Data(dataset="nobody.has.this"), folder)


def test_code_that_is_no_plug_in_needs_trust(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = folder / "shelf_of_mine.py"
    module.write_text(
        "import pandas\nfrom pilotbase.catalog.datasets import Loaded\n"
        "from pilotbase.kernel.text import Text\n"
        "def load():\n"
        "    t = Text('a', 'b')\n"
        "    return Loaded(pandas.DataFrame({'n': [1]}), t, 'mine', t)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(DataError) as caught:
        load_table(Data(dataset="shelf_of_mine:load"), folder)
    assert caught.value.code == "data.untrusted"
    assert "shelf_of_mine" not in sys.modules, "untrusted code was not even imported"
    assert load_table(Data(dataset="shelf_of_mine:load"), folder, trust=True).rows == 1
    with pytest.raises(PluginError, match="AttributeError"):
        load_table(Data(dataset="shelf_of_mine:other"), folder, trust=True)
