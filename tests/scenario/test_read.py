"""Reading: places, digest, files that are missing, foreign or hostile."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pilotbase.kernel.canonical import digest
from pilotbase.kernel.errors import Fault, ScenarioError
from pilotbase.kernel.text import Text
from pilotbase.scenario.decode import BYTES_MAX, LINE_CHARACTERS_MAX
from pilotbase.scenario.draft import Known
from pilotbase.scenario.read import read_scenario, scenario_of


def only_fault(raw: bytes, tmp_path: Path, known: Known) -> Fault:
    """The single fault of a file with these bytes."""
    file = tmp_path / "scenario.yaml"
    file.write_bytes(raw)
    with pytest.raises(ScenarioError) as caught:
        read_scenario(file, known=known)
    (fault,) = caught.value.faults
    assert caught.value.exit_code == 2
    assert caught.value.where == str(file)
    return fault


def test_a_good_file_has_all_its_words(good: str, known: Known, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(good, encoding="utf-8")
    file = read_scenario(path, known=known)
    assert file.path == path.absolute() and file.folder == tmp_path.absolute()
    scenario = file.scenario
    assert scenario.id == "follow-up-triage"
    assert scenario.need.zh == "优先联系一年内病情可能进展的患者。"
    assert scenario.acceptance[5].as_ == "difference"
    assert scenario.acceptance[6].between == (0.7, 1.0)
    assert scenario.groups["sex"].labels["1"].en == "women"
    assert scenario.candidates[1].parameters["estimator"]["parameters"] == {"max_depth": 3}
    assert scenario.candidates[2].uses_barred == ("note",)
    assert list(scenario.answers) == ["leak:bmi"]


@pytest.mark.parametrize(
    ("path", "line_text", "word"),
    [
        (("item",), "item: A4.3", "A4.3"),  # a value has its own place
        (("data",), "data:", "data"),  # a section that of its word
        (("acceptance", 1, "at_least"), "    at_least: 0.8", "0.8"),
        (("acceptance", 1), "  - metric: recall", "metric"),
        (("candidates", 0, "steps", 0, "parameters", "strategy"), None, "median"),
        (("groups", "sex", "labels", "1", "zh"), None, "女"),
        (("features",), "features: [age, sex, bmi, pressure]", "features"),
        (("features", 3), "features: [age, sex, bmi, pressure]", "pressure"),
    ],
)
def test_every_value_knows_its_place(
    path: tuple[str | int, ...], line_text: str | None, word: str, good: str, known: Known
) -> None:
    file = scenario_of(good, Path("scenario.yaml"), known=known)
    line, column = file.place(path)
    found = good.split("\n")[line - 1]
    assert line_text is None or found == line_text
    assert found[column - 1 :].startswith(word)


def test_a_place_that_is_left_out_is_that_of_its_section(good: str, known: Known) -> None:
    file = scenario_of(good, Path("scenario.yaml"), known=known)
    assert file.place(("data", "sql")) == file.place(("data",))
    assert file.place(("split", "column", "deeper")) == file.place(("split",))
    assert file.place(("nowhere",)) == file.place(()) == (2, 1)


def test_a_fault_found_elsewhere_gets_its_place(good: str, known: Known) -> None:
    file = scenario_of(good, Path("scenario.yaml"), known=known)
    said = Text("no such column", "没有该列")
    fault = file.fault(("groups", "sex", "column"), "data.missing_column", said, nearest="gender")
    assert fault.path == "groups.sex.column"
    assert fault.render("en", "f.yaml") == (
        'f.yaml:33:13: groups.sex.column: no such column Did you mean "gender"?'
    )


def test_the_digest_is_that_of_the_text_on_any_system(
    good: str, known: Known, tmp_path: Path
) -> None:
    path = tmp_path / "scenario.yaml"
    forms = [good.encode(), good.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + good.encode()]
    digests = set()
    for form in forms:
        path.write_bytes(form)
        digests.add(read_scenario(path, known=known).digest)
    path.write_text(good.replace("seed: 7", "seed: 8"), encoding="utf-8")
    assert len(digests) == 1
    assert read_scenario(path, known=known).digest not in digests


def test_places_are_right_behind_a_byte_order_mark_and_dos_line_ends(
    good: str, known: Known, tmp_path: Path
) -> None:
    bad = good.replace("item: A4.3", "item: A9.9").replace("\n", "\r\n")
    fault = only_fault(b"\xef\xbb\xbf" + bad.encode(), tmp_path, known)
    assert (fault.code, fault.line, fault.column) == ("scenario.choice", 13, 7)


def test_a_missing_file_a_folder_and_a_pipe(known: Known, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, code in (
        ("missing.yaml", "scenario.no_file"),
        (".", "scenario.no_regular_file"),
        ("pipe", "scenario.no_regular_file"),
        ("a\0b", "scenario.cannot_read"),
        ("a" * 5000, "scenario.cannot_read"),
    ):
        with pytest.raises(ScenarioError) as caught:
            read_scenario(tmp_path / name, known=known)
        (fault,) = caught.value.faults
        assert fault.code == code
        assert fault.line == 0 and "文件" in fault.message.zh


@pytest.mark.parametrize(
    ("encoding", "named"), [("gb18030", "GB18030"), ("utf-16", "UTF-16"), ("gbk", "GB18030")]
)
def test_another_encoding_is_named(
    encoding: str, named: str, good: str, known: Known, tmp_path: Path
) -> None:
    fault = only_fault(good.encode(encoding), tmp_path, known)
    assert fault.code == "scenario.encoding"
    assert named in fault.message.en and named in fault.message.zh
    assert fault.expected is not None and "UTF-8" in fault.expected.zh


def test_a_wrong_encoding_has_the_place_of_its_first_byte(
    good: str, known: Known, tmp_path: Path
) -> None:
    fault = only_fault(good.encode("gb18030"), tmp_path, known)
    assert (fault.line, fault.column) == (6, 7)  # the first Chinese character: "  zh: 随访分诊"


def test_bytes_that_are_no_text(known: Known, tmp_path: Path) -> None:
    assert only_fault(bytes(range(256)), tmp_path, known).code == "scenario.encoding"
    fault = only_fault(b"id: a\ntask: \x00\n", tmp_path, known)
    assert (fault.code, fault.line, fault.column) == ("scenario.hidden_character", 2, 7)


@pytest.mark.parametrize("raw", [b"", b"\n# only a comment\n", b"- a\n- b\n", b"just text", b"~"])
def test_a_file_without_words_and_values(raw: bytes, known: Known, tmp_path: Path) -> None:
    assert only_fault(raw, tmp_path, known).code == "scenario.not_a_section"


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


def test_aliases_are_refused_so_that_nothing_multiplies(known: Known) -> None:
    started = time.process_time()
    with pytest.raises(ScenarioError) as caught:
        scenario_of(BOMB, Path("bomb.yaml"), known=known)
    first = next(f for f in caught.value.faults if f.code == "scenario.alias")
    assert (first.line, first.column) == (2, 8)
    assert time.process_time() - started < 5


HOSTILE = [
    ("[" * 100_000, "scenario.long_line"),
    ("[\n" * 100_000, "scenario.too_deep"),
    ("{a: \n" * 50_000, "scenario.too_deep"),
    ("- " * 15_000, "scenario.too_deep"),
    ("? " * 15_000, "scenario.key_not_text"),
    ("".join(f"k{n}: 1\n" for n in range(30_000)), "scenario.too_many_entries"),
    ("a: 1\n" * 30_000, "scenario.too_many_entries"),
    ("a: " + "x" * (LINE_CHARACTERS_MAX + 1), "scenario.long_line"),
    ("--- a\n" * 1_000, "scenario.several_documents"),
    ("%A b\n" * 100, "scenario.syntax"),
    ("!" + "a" * 30_000 + "\n", "scenario.tag"),
    ("&" + "a" * 30_000 + " x\n", "scenario.not_a_section"),
    ("<<: {id: a}\n", "scenario.unknown_key"),
    ("id: !!python/object/apply:os.system [ls]\n", "scenario.tag"),
    ("id: !!str a\n", "scenario.tag"),
    ("id: !mine a\n", "scenario.tag"),
    ("[a, b]: c\n", "scenario.key_not_text"),
    ('id: "\\x1b[2J"\n', "scenario.hidden_character"),
    ('"\\x07": 1\n', "scenario.hidden_character"),
    ("id: \u202egnp\n", "scenario.hidden_character"),
    ('id: "\\ud800"\n', "scenario.hidden_character"),
    ('id: "\\UFFFFFFFF"\n', "scenario.syntax"),
    ("positive: .nan\n", "scenario.number"),
    ("positive: 1e999\n", "scenario.number"),
    ("positive: " + "9" * 5_000 + "\n", "scenario.number"),
]


@pytest.mark.parametrize(("text", "code"), HOSTILE, ids=[code for _, code in HOSTILE])
def test_hostile_texts_end_soon_in_a_fault(text: str, code: str, known: Known) -> None:
    started = time.process_time()
    with pytest.raises(ScenarioError) as caught:
        scenario_of(text, Path("hostile.yaml"), known=known)
    assert code in {fault.code for fault in caught.value.faults}
    assert len(caught.value.faults) <= 201
    # A bound against blow-up, far above what any of these takes.
    assert time.process_time() - started < 10


def test_a_huge_file_is_not_read_to_its_end(known: Known, tmp_path: Path) -> None:
    fault = only_fault(b"#" * (BYTES_MAX + 1), tmp_path, known)
    assert fault.code == "scenario.too_large"


def test_endless_devices_are_not_opened(known: Known) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_scenario("/dev/zero", known=known)
    assert caught.value.faults[0].code == "scenario.no_regular_file"


def test_infinite_parameters_are_not_lost_when_a_plan_is_hashed(good: str, known: Known) -> None:
    digests = set()
    for value in (".inf", "-.inf", "null", "0.5"):
        text = good.replace("{C: 0.5, max_iter: 500}", f"{{C: {value}, max_iter: 500}}")
        scenario = scenario_of(text, Path("scenario.yaml"), known=known).scenario
        digests.add(digest(scenario.model_dump(mode="json", by_alias=True)))
    assert len(digests) == 4
