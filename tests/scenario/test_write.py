"""New files: valid by construction, whatever is answered, and never over another file."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.check import data_faults
from pilotbase.catalog.load import load_table
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Language, Text
from pilotbase.scenario.decode import HIDDEN
from pilotbase.scenario.draft import Known
from pilotbase.scenario.peek import Peek, peek
from pilotbase.scenario.read import scenario_of
from pilotbase.scenario.starter import Answers
from pilotbase.scenario.write import new_scenario, save

FILE = Path("new.yaml")
TABLE = Peek(
    "utf-8",
    ("day", "age", "sex", "dose", "ill"),
    tuple(
        (f"2024-01-{day:02}", str(20 + day), "f" if day % 2 else "m", f"{day * 1.7:.2f}",
         "yes" if day % 4 == 0 else "no")
        for day in range(1, 29)
    ),
)  # fmt: skip
ANSWERS = Answers(
    id="new",
    csv="data/table.csv",
    target="ill",
    task="detection",
    item="A4.3",
    owner="Clinics",
    principal="Lin Mei",
    affects_people=True,
    title=Text("Title", "标题"),
    need=Text("Need", "需求"),
)
TASKS = {
    "detection": replace(ANSWERS, group="sex"),
    "classification": replace(ANSWERS, task="classification", target="sex", group="ill"),
    "regression": replace(ANSWERS, task="regression", target="dose", group="sex", unit="age"),
    "forecast": replace(ANSWERS, task="forecast", target="dose", time="day"),
    "seasonal": replace(ANSWERS, task="forecast", target="dose", time="day", season=7),
    "in time": replace(ANSWERS, task="classification", target="sex", time="day"),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("task", TASKS)
def test_each_task_gets_a_file_without_faults(task: str, language: Language, known: Known) -> None:
    text = new_scenario(TASKS[task], TABLE, language)
    scenario = scenario_of(text, FILE, known=known).scenario
    assert scenario.task == TASKS[task].task
    assert len(scenario.candidates) == 2 and len(scenario.acceptance) >= 2
    assert scenario.data.csv == "data/table.csv"
    assert scenario.plan.choose == scenario.acceptance[0].metric
    comments = [line for line in text.split("\n") if line.lstrip().startswith("#")]
    assert comments
    chinese = [bool(re.search("[\u4e00-\u9fff]", line)) for line in comments]
    assert all(chinese) if language == "zh" else not any(chinese)


@pytest.mark.parametrize("rows", [12, 28])
@pytest.mark.parametrize("task", TASKS)
def test_the_table_holds_what_its_file_asks(
    task: str, rows: int, known: Known, tmp_path: Path
) -> None:
    table = replace(TABLE, rows=TABLE.rows[:rows])
    answers = replace(TASKS[task], csv="table.csv", season=3 if task == "seasonal" else 1)
    lines = [",".join(row) for row in (table.columns, *table.rows)]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    file = scenario_of(new_scenario(answers, table, "en"), tmp_path / "new.yaml", known=known)
    loaded = load_table(file.scenario.data, file.folder)
    assert [fault.render("en") for fault in data_faults(file, loaded)] == []


def test_proposals_come_from_the_table(known: Known) -> None:
    detection = scenario_of(new_scenario(TASKS["detection"], TABLE, "en"), FILE, known=known)
    assert detection.scenario.positive == "yes"  # the rarer of two
    assert detection.scenario.split.stratify
    assert detection.scenario.tier == "limited"  # people are affected
    regression = scenario_of(new_scenario(TASKS["regression"], TABLE, "en"), FILE, known=known)
    assert regression.scenario.acceptance[0].cap == 46  # 1.70 … 47.60, up to two digits
    assert regression.scenario.split.by == "unit"
    seasonal = scenario_of(new_scenario(TASKS["seasonal"], TABLE, "en"), FILE, known=known)
    assert seasonal.scenario.acceptance[0].against == "seasonal_naive"
    assert seasonal.scenario.split.origins == 9  # a third of the rows seen


PROSE = st.text(min_size=1, max_size=60).filter(lambda text: not HIDDEN.search(text))


@given(PROSE, PROSE, PROSE, PROSE, PROSE)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_any_answer_comes_back_as_it_was_given(
    en: str, zh: str, owner: str, column: str, positive: str
) -> None:
    table = Peek("gb18030", ("a", column), (("1", positive), ("2", "other")))
    answers = replace(
        ANSWERS,
        target=column,
        positive=positive,
        owner=owner,
        principal=zh,
        title=Text(en, zh),
        need=Text(zh, en),
    )
    known = Known(("recall", "false_alarm_ratio"), (), ())
    scenario = scenario_of(new_scenario(answers, table, "zh"), FILE, known=known).scenario
    assert (scenario.title.en, scenario.title.zh) == (en, zh)
    assert (scenario.owner.name, scenario.owner.principal) == (owner, zh)
    assert scenario.target == column and scenario.data.encoding == "gb18030"
    assert str(scenario.positive).lower() == positive.lower()


def test_texts_in_one_language_ask_for_a_translation() -> None:
    once = new_scenario(replace(ANSWERS, title=Text("Same", "Same")), TABLE, "en")
    assert once.count("translate") == 1
    assert "translate" not in new_scenario(ANSWERS, TABLE, "en")


@pytest.mark.parametrize(
    ("change", "where", "word"),
    [
        ({"target": "il"}, "--target", "ill"),
        ({"group": "gender"}, "--group", "day, age"),
        ({"unit": "ag"}, "--unit", "age"),
        ({"task": "forecast", "target": "dose"}, "--time", "--time"),
        ({"target": "age"}, "--positive", "--positive"),
    ],
)
def test_what_the_table_does_not_have_is_said(
    change: dict[str, str], where: str, word: str
) -> None:
    with pytest.raises(InputError) as caught:
        new_scenario(replace(ANSWERS, **change), TABLE, "en")  # type: ignore[arg-type]
    assert caught.value.where == where
    assert word in caught.value.next_step.en and word in caught.value.next_step.zh


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "kept.yaml"
    path.write_text("mine")
    with pytest.raises(InputError) as caught:
        save("other", path)
    assert caught.value.code == "scenario.exists" and path.read_text() == "mine"
    with pytest.raises(InputError) as caught:
        save("text", tmp_path / "no" / "folder.yaml")
    assert caught.value.code == "scenario.cannot_write"
    save("a\nb\n", tmp_path / "new.yaml")
    assert (tmp_path / "new.yaml").read_bytes() == b"a\nb\n"


def test_a_table_is_looked_at_in_either_encoding(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes("编号, 结果\n1,好\n2,\n3,坏\n4,坏\n".encode(encoding))
        table = peek(path)
        assert table.encoding == ("gb18030" if encoding == "gb18030" else "utf-8")
        assert table.columns == ("编号", "结果")
        assert table.classes("结果") == [("好", 1), ("坏", 2)]
        assert table.span("编号") == 3 and table.span("结果") is None


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b"a,b\n\xff\xff\xff\n", "encoding"),
        (None, "no_file"),
        (b"a\n" + b"x" * 200_000, "csv"),
    ],
)
def test_a_table_that_cannot_be_looked_at(raw: bytes | None, code: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(InputError) as caught:
        peek(path)
    assert caught.value.code == f"data.{code}" and caught.value.where == str(path)
