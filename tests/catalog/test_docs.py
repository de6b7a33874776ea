"""The pages on data: their examples run, and their tables are the code's own numbers."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pilotbase.catalog import paths, query, table, workbook
from pilotbase.catalog.load import load_table
from pilotbase.catalog.rules import groups, target
from pilotbase.scenario.schema import ROWS_MAX, Data

ROOT = Path(__file__).parents[2]
PAGES = {language: ROOT / "docs" / language / "data.md" for language in ("en", "zh")}


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.fixture(params=["en", "zh"])
def page(request: pytest.FixtureRequest) -> str:
    return PAGES[request.param].read_text(encoding="utf-8")


def test_the_loader_and_the_prepare_step_run(page: str) -> None:
    (code,) = blocks(page, "python")
    names: dict[str, object] = {}
    exec(compile(code, "data.md", "exec"), names)  # the page's own example
    prepare, _ = blocks(page, "sql")
    loaders = {"mine.two_rows": names["load"]}
    data = Data(dataset="mine.two_rows", prepare=prepare)
    frame = load_table(data, Path(), loaders=loaders).frame  # type: ignore[arg-type]
    assert frame["many"].tolist() == [False, True]


def test_the_query_over_files_runs(page: str, tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("name,n\nb,2\na,1\n", encoding="utf-8")
    (tmp_path / "wards.csv").write_text("name,place\na,east\nb,west\n", encoding="utf-8")
    _, sql = blocks(page, "sql")
    assert load_table(Data(sql=sql), tmp_path).frame["place"].tolist() == ["east", "west"]


def test_every_installed_loader_is_listed(page: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = re.findall(
        r"^\| `((?:pilotbase|sklearn|statsmodels|vega)\.\w+)` \|", page, re.MULTILINE
    )
    assert set(listed) == set(project["entry-points"]["pilotbase.datasets"])


def test_limits_are_the_code_s(page: str) -> None:
    for limit in (
        ROWS_MAX,
        table.COLUMNS_MAX,
        table.CELLS_MAX,
        table.CELL_CHARACTERS_MAX,
        workbook.UNPACKED_BYTES_MAX // 2**20,
        int(query.SECONDS_MAX),
        groups.GROUP_VALUES_MAX,
        target.CLASSES_MAX,
    ):
        assert f"{limit:,}" in page
    assert query.MEMORY_LIMIT.replace("GB", " GB") in page
    assert paths.FILE_BYTES_MAX == 2**30 and "1 GiB" in page


def test_both_pages_have_the_same_parts() -> None:
    english, chinese = (PAGES[language].read_text(encoding="utf-8") for language in ("en", "zh"))
    for kind in ("sql", "toml"):
        assert blocks(english, kind) == blocks(chinese, kind)
    assert len(re.findall("^## ", english, re.M)) == len(re.findall("^## ", chinese, re.M))
