"""Labelling: several people, blind, each with a key; the result is a version with its agreement."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pilotbase.catalog.reading import assets_of, history_of
from pilotbase.desk.data import verbs
from pilotbase.desk.data.label_rules import Given, agreement, settled
from pilotbase.desk.data.labelling import LabelDesk, queue_file
from pilotbase.desk.views import ALL
from pilotbase.kernel.errors import InputError, PilotbaseError, RunError, SheetError
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record
from pilotbase.record.views import rebuild
from pilotbase.trial.rules.agreement import krippendorff_alpha
from tests.desk.data.making import base_with, comments, sheet


def label(context, rater: str, said: dict[str, str]) -> int:
    """One person's labels, by what stands in the row; how many were new."""
    desk = LabelDesk.of(context, "tone", rater)
    own = [(id_, text.removeprefix("text: ")) for id_, text in desk.items.items()]
    return desk.give([Given(rater, id_, said[text]) for id_, text in own if text in said])


FIRST = {"thank you, that helped": "kind", "this is useless": "rude", "it is ok": "plain",
         "never again": "rude", "很好, 谢谢": "kind"}  # fmt: skip
SECOND = {**FIRST, "it is ok": "kind"}


def test_from_rows_to_a_version_with_labels(tmp_path: Path) -> None:
    context = comments(tmp_path)
    opened = verbs.label_start(context, verbs.LabelStartRequest(sheet(tmp_path)))
    assert (opened.items, opened.raters, opened.wanted, opened.state) == (5, 2, 10, "open")
    assert queue_file(context.home, "tone").stat().st_mode & 0o077 == 0
    assert label(context, "reader-1", FIRST) == 5 and label(context, "reader-1", SECOND) == 0
    with pytest.raises(RunError) as caught:
        finish(context, tmp_path)
    assert caught.value.code == "label.unfinished" and "5" in caught.value.message.en
    assert label(context, "reader-2", SECOND) == 5
    shown = verbs.label_show(context, verbs.LabelShowRequest("tone"))
    marks = [[0, 2, 1, 2, 0], [0, 2, 0, 2, 0]]
    assert shown.agreement["alpha"] == krippendorff_alpha(marks, "nominal").alpha
    found = finish(context, tmp_path)
    assert (found.number, found.raters, found.rows, found.left) == (2, 2, 6, 1)
    assert found.alpha == shown.agreement["alpha"]
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as opened_file:
        rows = list(csv.DictReader(opened_file))
    assert [row["tone"] for row in rows] == ["kind", "rude", "", "kind", "rude", "kind"]
    assert {row["tone_raters"] for row in rows} == {"2"} and rows[2]["tone_agreed"] == "1"
    with open_record(context) as record:
        card = assets_of(record)["comments"]["card"]
        assert card["properties"]["labels_tone_alpha"] == found.alpha
        assert [h["number"] for h in history_of(record, "comments")] == [1, 2]
        assert verify(record).ok
        rebuild(record, ALL)
        assert all(made.identical for made in rebuild(record, ALL))
    assert not queue_file(context.home, "tone").exists()
    with pytest.raises(RunError) as caught:
        label(context, "reader-3", FIRST)
    assert caught.value.code == "label.over"


def finish(context, folder: Path, **changes) -> verbs.LabelFinishResponse:
    asked = {"task": "tone", "file": folder / "comments.csv", "out": folder / "out.csv", **changes}
    return verbs.label_finish(context, verbs.LabelFinishRequest(**asked))


def test_raters_see_rows_and_instructions_and_nothing_else(tmp_path: Path) -> None:
    context = comments(tmp_path)
    verbs.label_start(context, verbs.LabelStartRequest(sheet(tmp_path)))
    label(context, "reader-1", FIRST)
    desks = [LabelDesk.of(context, "tone", name) for name in ("reader-2", "reader-3")]
    first, second = ([id_ for id_, _ in desk.left()] for desk in desks)
    assert sorted(first) == sorted(second) and first != second
    for _, waiting in desks[0].left():
        said = waiting.item
        assert said.question.startswith("text: ") and "id" not in said.question.split(":")[0]
        assert (said.answer, said.expected, said.passages) == ("", (), ())
    label(context, "reader-2", FIRST)
    assert desks[1].left() == []  # two labels a row are enough


def test_labels_come_from_files_too(tmp_path: Path) -> None:
    context = comments(tmp_path)
    verbs.label_start(context, verbs.LabelStartRequest(sheet(tmp_path, raters=1)))
    waiting = verbs.label_give(context, verbs.LabelGiveRequest("tone", "reader-1"))
    assert (waiting.left, waiting.labels) == (5, ("kind", "plain", "rude"))
    (tmp_path / "l.csv").write_text(f"item,label,why\n{waiting.items[0]['item']},rude,so\n")
    said = verbs.LabelGiveRequest("tone", "reader-1", tmp_path / "l.csv")
    assert (verbs.label_give(context, said).given, verbs.label_give(context, said).given) == (1, 0)
    for text, code in (
        (f"item,label\n{waiting.items[1]['item']},loud\n", "label.no_such"),
        ("item,label\nnothing,rude\n", "label.no_such"),
        ("item\n1\n", "label.row"),
        ("[1]", "label.row"),
    ):
        (tmp_path / "l.csv").write_text(text)
        with pytest.raises(PilotbaseError) as caught:
            verbs.label_give(context, said)
        faults = caught.value.faults if isinstance(caught.value, SheetError) else [caught.value]
        assert {fault.code for fault in faults} == {code}
    assert finish(context, tmp_path, partly=True).left >= 4


def test_faults_of_a_sheet_come_at_once(tmp_path: Path) -> None:
    context = comments(tmp_path)
    twice = [{"id": "a", "title": {"en": "a", "zh": "甲"}}] * 2
    with pytest.raises(SheetError) as caught:
        file = sheet(tmp_path, show=["txt"], column="text", labels=twice)
        verbs.label_start(context, verbs.LabelStartRequest(file))
    assert {fault.code for fault in caught.value.faults} == {
        "sheet.unknown", "sheet.column", "sheet.duplicate_id",
    }  # fmt: skip
    (tmp_path / "comments.csv").write_text("id,text\n1,other\n")
    with pytest.raises(InputError) as other:
        verbs.label_start(context, verbs.LabelStartRequest(sheet(tmp_path)))
    assert other.value.code == "data.other_content"


def test_a_task_is_not_replaced(tmp_path: Path) -> None:
    context = comments(tmp_path)
    verbs.label_start(context, verbs.LabelStartRequest(sheet(tmp_path)))
    verbs.label_start(context, verbs.LabelStartRequest(sheet(tmp_path)))
    with pytest.raises(InputError) as caught:
        verbs.label_start(context, verbs.LabelStartRequest(sheet(tmp_path, raters=3)))
    assert caught.value.code == "label.taken"
    with pytest.raises(InputError) as unheard:
        verbs.label_show(context, verbs.LabelShowRequest("tune"))
    assert "tone" in unheard.value.next_step.en


def test_a_tie_stays_open() -> None:
    assert settled(["a", "b", "a"]).label == "a"
    assert settled(["a", "b"]).label == "" and settled([]).raters == 0
    assert agreement([], ["a", "b"]).alpha is None


def test_labelled_synthetic_rows_stay_synthetic(tmp_path: Path) -> None:
    text = "id,text,pilotbase_synthetic\n1,well,true\n2,bad,false\n"
    context = base_with(tmp_path, "comments", text, properties={"synthetic": True})
    verbs.label_start(context, verbs.LabelStartRequest(sheet(tmp_path, raters=1)))
    finish(context, tmp_path, partly=True)
    assert (tmp_path / "out.csv").read_text().splitlines()[1].split(",")[2] == "true"
    with open_record(context) as record:
        assert assets_of(record)["comments"]["card"]["properties"]["synthetic"] is True


def test_the_page_labels_too(tmp_path: Path) -> None:
    from starlette.testclient import TestClient

    from pilotbase.faces.web.rating import page

    context = comments(tmp_path)
    verbs.label_start(context, verbs.LabelStartRequest(sheet(tmp_path)))
    desk = LabelDesk.of(context, "tone", "reader-1")
    client = TestClient(page(desk, "zh", token="t", host="testserver"))
    shown = client.get("/t/").text
    assert "标注数据" in shown and "友善" in shown and "评分标准" not in shown
    secret = shown.partition('name="secret" value="')[2].partition('"')[0]
    item = shown.partition('name="item" value="')[2].partition('"')[0]
    form = {"secret": secret, "item": item, "mark": "kind", "why": ""}
    assert client.post("/t/", data=form, follow_redirects=False).status_code == 303
    with open_record(context) as record:
        (entry,) = record.entries(kind="label.given/1")
        signed = record.body(entry, "label").decode()
    assert signed.splitlines()[:4] == ["pilotbase/label/1", "tone", item, "kind"]
    assert json.loads(signed.splitlines()[4]) == ""


def test_the_terminal_labels_too(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from pilotbase.faces.cli.rate import rate_here

    context = comments(tmp_path)
    verbs.label_start(context, verbs.LabelStartRequest(sheet(tmp_path)))
    desk = LabelDesk.of(context, "tone", "reader-1")
    with CliRunner().isolation("2\n\ns\n7\nq\n") as streams:
        given = rate_here(desk, "zh")
        said = streams[0].getvalue().decode()
    assert given == 1 and "2: 粗鲁" in said and "语气如何?" in said and "评分标准" not in said
    with open_record(context) as record:
        assert [one.label for one in desk.task.given(record)] == ["rude"]
