"""Lists as bases publish them: every format gives the same rows, every fault its place."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from pilotbase.kernel.errors import DataError, InputError, SheetError
from pilotbase.match.lists import Need, Product
from pilotbase.match.read import read_needs, read_products
from pilotbase.match.rows import ROWS_MAX

HEAD = "id,title,title_zh,text,item,residency,certification,load"
ROW = "n1,Meters,表计,Read meters,A2.2,CN; CN-BJ,ISO 27001,50"


def faults(read: object, file: Path) -> list[tuple[str, int, int]]:
    with pytest.raises(SheetError) as caught:
        read(file)  # type: ignore[operator]
    rendered = [caught.value.render(language) for language in ("en", "zh")]  # type: ignore[arg-type]
    assert all(str(file) in text for text in rendered) and rendered[0] != rendered[1]
    return [(one.code, one.line, one.column) for one in caught.value.faults]


def csv(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    file = folder / "list.csv"
    file.write_bytes("\n".join(lines).encode(encoding) + b"\n")
    return file


def workbook(folder: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    file = folder / "list.xlsx"
    file.write_bytes(held.getvalue())
    return file


def test_csv_workbook_and_yaml_give_the_same_need(tmp_path: Path) -> None:
    yaml = tmp_path / "list.yaml"
    yaml.write_text(
        "needs:\n  - id: n1\n    title: {en: Meters, zh: 表计}\n    text: Read meters\n"
        "    item: A2.2\n    residency: [CN, CN-BJ]\n    certification: [ISO 27001]\n"
        "    load: 50\n",
        encoding="utf-8",
    )
    cells = [HEAD.split(","), [*ROW.split(",")[:-1], 50]]
    (one,) = read_needs(csv(tmp_path, HEAD, ROW)).rows
    assert isinstance(one, Need) and one.title.zh == "表计" and one.text.zh == "Read meters"
    assert one.residency == ("CN", "CN-BJ") and one.certification == ("iso 27001",)
    assert one.load == 50 and one.scenario == "n1"
    assert read_needs(yaml).rows == read_needs(workbook(tmp_path, cells)).rows == (one,)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_heads_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    file = csv(
        tmp_path,
        "编号,供给方,供给方类型,名称,说明,适用事项,数据所在地,备案,可承接数",
        "产品一,示例公司（虚构）,企业,抄表,读取水表,A2.2；A2.3,CN,已备案,3",
        encoding=encoding,
    )
    (one,) = read_products(file).rows
    assert isinstance(one, Product) and one.id == "产品一" and one.items == ("A2.2", "A2.3")
    assert one.filing == "filed" and one.capacity == 3 and one.title.en == "抄表"


def test_all_faults_come_at_once_with_row_and_column(tmp_path: Path) -> None:
    file = csv(
        tmp_path,
        "id,titel,title,item,filing,load",
        "n1,,Meters,A9.9,perhaps,-1",
        "n1,,Meters,A2.2,,1.5",
        ",,Meters,A2.2,,",
        "n4,,,A2.2,,",
        "n5,,Meters,A2.2,",
    )
    assert faults(read_needs, file) == [
        ("sheet.unknown_column", 1, 2),
        ("sheet.cell", 2, 4),
        ("sheet.cell", 2, 5),
        ("sheet.cell", 2, 6),
        ("sheet.id_twice", 3, 0),
        ("sheet.cell", 3, 6),
        ("sheet.empty", 4, 0),
        ("sheet.no_text", 5, 0),
        ("sheet.ragged", 6, 0),
    ]


def test_a_cell_over_several_lines_does_not_move_the_rows_below(tmp_path: Path) -> None:
    file = csv(tmp_path, "id,title,text", 'n1,Meters,"two', 'lines"', "n2,Meters,", "n2,Meters,")
    assert faults(read_needs, file) == [("sheet.id_twice", 5, 0)]


def test_mixed_encodings_name_the_lines(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    rows = ["id,title", "n1,读取水表", "n2,次日暴雨", "n3,果园霜冻"]
    kinds = ["utf-8", "gb18030", "utf-8", "gb18030"]
    file.write_bytes(b"\n".join(r.encode(k) for r, k in zip(rows, kinds, strict=True)))
    assert faults(read_needs, file) == [("sheet.encoding", 3, 0)]
    file.write_bytes("id,title\nn1,表".encode("utf-16"))
    assert faults(read_needs, file) == [("sheet.encoding", 1, 0)]
    file.write_bytes(b"id,title\nn1,\xff\xff\xff\n")
    assert faults(read_needs, file) == [("sheet.encoding", 2, 0)]


def test_a_million_rows_are_refused_where_the_limit_is(tmp_path: Path) -> None:
    file = csv(tmp_path, "id,title", *(f"n{i},m" for i in range(1_000_000)))
    last = ROWS_MAX + 2
    assert faults(read_needs, file) == [("sheet.too_many_rows", last, 0)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("needs: &a [*a]\n", "scenario.alias"),
        ("needs: {}\n", "sheet.unreadable"),
        ("products: []\n", "sheet.unreadable"),
        ("needs:\n  - [1]\n", "sheet.unreadable"),
        ("needs: [\n", "sheet.unreadable"),
        ("needs:\n  - !!python/object:os.system {id: a, title: b}\n", "scenario.tag"),
        ("needs: []\n", "sheet.no_rows"),
        ("needs:\n  - {id: a, title: b}\n  - {title: c}\n", "sheet.empty"),
    ],
)
def test_hostile_and_empty_yaml(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(text, encoding="utf-8")
    assert code in [found for found, _, _ in faults(read_needs, file)]


def test_hidden_characters_long_cells_and_hostile_ids(tmp_path: Path) -> None:
    file = csv(tmp_path, "id,title", "n\u202e1,Meters", "n2,a\x1b[2J", "n3," + "x" * 4_001, "a b,M")
    assert [line for _, line, _ in faults(read_needs, file)] == [2, 3, 4, 5]


def test_a_workbook_with_a_formula_or_of_zeros_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_needs(workbook(tmp_path, [["id", "title"], ["n1", "=1+1"]]))
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(DataError):
        read_needs(broken)


def test_a_workbook_names_row_and_column(tmp_path: Path) -> None:
    rows = [["id", "title", "item"], ["n1", "Meters", "A2.2"], [], ["n2", "Meters", "A9"]]
    assert faults(read_needs, workbook(tmp_path, rows)) == [("sheet.cell", 4, 3)]


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(SheetError) as caught:
        read_products(csv(tmp_path, "title", "Meters"))
    assert [one.code for one in caught.value.faults] == ["sheet.missing_column"] * 2


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError) as caught:
            read_needs(path)
        assert caught.value.code == "match.file"
