"""The verbs: the schema, a new file, the packs; and packs from any installed package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from pilotbase.kernel import plugins
from pilotbase.kernel.errors import InputError, PluginError, ScenarioError
from pilotbase.kernel.verb import Context, as_data, verbs_of
from pilotbase.scenario import verbs
from pilotbase.scenario.draft import Known
from pilotbase.scenario.library import head_of, pack_of
from pilotbase.scenario.schema import json_schema

CONTEXT = Context(Path("unused"))


@pytest.fixture
def request_(tmp_path: Path) -> verbs.NewRequest:
    """All answers that are needed, for a table beside the file."""
    (tmp_path / "visits.csv").write_text("age,ill\n" + "30,0\n40,1\n50,0\n" * 9)
    return verbs.NewRequest(
        file=tmp_path / "Follow up.yaml",
        csv=tmp_path / "visits.csv",
        target="ill",
        task="detection",
        item="A4.3",
        owner="Clinics",
        principal="Lin Mei",
        affects_people="yes",
        title="Follow-up",
        need_zh="需求",
    )


Install = Callable[[dict[str, dict[str, str]]], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package of entry points (group → name → object) for the time of a test."""
    site = tmp_path / "site"

    def write(points: dict[str, dict[str, str]]) -> Path:
        lines = [
            line
            for group, names in points.items()
            for line in [f"[{group}]", *(f"{name} = {to}" for name, to in names.items())]
        ]
        package = site / "trial_package-1.dist-info"
        package.mkdir(parents=True)
        (package / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: trial-package\nVersion: 1\n"
        )
        (package / "entry_points.txt").write_text("\n".join(lines))
        monkeypatch.syspath_prepend(site)
        plugins._installed.cache_clear()
        return site

    yield write
    plugins._installed.cache_clear()


@pytest.fixture
def installed(install: Install, known: Known) -> None:
    """The metrics of a full installation, whatever this environment has."""
    install({"pilotbase.evaluators": dict.fromkeys(known.metrics, "nowhere:METRIC")})


def test_the_room_declares_its_verbs_and_stays_quick() -> None:
    assert [verb.name for verb in verbs_of(verbs)] == ["scenario.schema", "scenario.new", "packs"]
    heavy = "{'pydantic', 'ruamel', 'numpy', 'pandas'} & {m.split('.')[0] for m in sys.modules}"
    code = f"import sys; import pilotbase.scenario.verbs; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_schema_is_printed_as_it_is() -> None:
    assert as_data(verbs.schema(CONTEXT, verbs.SchemaRequest())) == json_schema()


def test_a_new_file_is_written_and_reads(
    request_: verbs.NewRequest, installed: None, known: Known
) -> None:
    from pilotbase.scenario.read import read_scenario

    answer = verbs.new(CONTEXT, request_)
    assert answer.id == "follow-up" and str(request_.file) in answer.next.zh
    scenario = read_scenario(request_.file, known=known).scenario
    assert scenario.data.csv == "visits.csv" and scenario.positive == 1
    assert scenario.need.en == scenario.need.zh == "需求"
    with pytest.raises(InputError) as caught:
        verbs.new(CONTEXT, request_)
    assert caught.value.code == "scenario.exists"


def test_all_missing_answers_are_listed_at_once() -> None:
    empty = verbs.NewRequest(file=Path("x.yaml"), task="forecast", title_zh="标题")
    assert verbs.still_needed(empty) == (
        "csv", "target", "item", "owner", "principal", "affects_people", "need", "time",
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        verbs.new(CONTEXT, empty)
    assert caught.value.code == "scenario.answers_missing"
    for option in ("--csv", "--affects-people", "--time"):
        assert option in caught.value.where and option in caught.value.next_step.zh
    assert "--title" not in caught.value.where


def test_faulty_answers_write_nothing(request_: verbs.NewRequest, installed: None) -> None:
    elsewhere = request_.file.parent / "below" / "x.yaml"
    for change, code in (
        ({"item": "A4.33"}, "scenario.choice"),
        ({"target": "il"}, "data.missing_column"),
        ({"file": elsewhere}, "scenario.path_outside"),
        ({"csv": Path("nowhere.csv"), "file": Path("x.yaml")}, "data.no_file"),
    ):
        with pytest.raises(InputError) as caught:
            verbs.new(CONTEXT, replace(request_, **change))
        assert caught.value.code == code
    with pytest.raises(ScenarioError) as faulty:
        verbs.new(CONTEXT, replace(request_, unit="ill"))
    assert [fault.code for fault in faulty.value.faults] == ["scenario.target_used"]
    assert not request_.file.exists()


def test_a_pack_is_a_folder_with_its_exercises_apart(tmp_path: Path, good: str) -> None:
    (tmp_path / "exercises").mkdir()
    for name in ("b.yaml", "a.yml", "notes.txt", "exercises/try.yaml"):
        (tmp_path / name).write_text(good, encoding="utf-8")
    module = ModuleType("a_pack")
    module.__path__ = [str(tmp_path)]
    pack = pack_of("mine", module)
    assert [path.name for path in pack.files] == ["a.yml", "b.yaml"]
    assert [path.name for path in pack.exercises] == ["try.yaml"]
    module = ModuleType("a_module")
    module.__file__ = str(tmp_path / "pack.py")
    assert pack_of("mine", module).folder == tmp_path


@pytest.mark.parametrize("point", [ModuleType("no_file"), object(), None])
def test_a_pack_without_a_folder_says_so(point: object) -> None:
    with pytest.raises(PluginError) as caught:
        pack_of("odd", point)
    assert caught.value.code == "plugin.no_folder" and "odd" in caught.value.message.zh


def test_a_list_names_faulty_files_too(tmp_path: Path, good: str) -> None:
    (tmp_path / "good.yaml").write_text(good, encoding="utf-8")
    (tmp_path / "broken.yaml").write_bytes(b'title: "\xff')
    (tmp_path / "odd.yaml").write_text("id: odd\ntitle: just text\n")
    head = head_of(tmp_path / "good.yaml")
    assert (head.id, head.item, head.title.zh) == ("follow-up-triage", "A4.3", "随访分诊")
    assert head_of(tmp_path / "broken.yaml").id == "broken"
    assert head_of(tmp_path / "odd.yaml").title.en == ""


def test_packs_are_listed_with_their_files(install: Install, good: str) -> None:
    site = install({"pilotbase.packs": {"trial": "trial_pack"}})
    (site / "trial_pack" / "exercises").mkdir(parents=True)
    (site / "trial_pack" / "__init__.py").touch()
    for name in ("a.yaml", "exercises/b.yaml"):
        (site / "trial_pack" / name).write_text(good, encoding="utf-8")
    packs = verbs.packs(CONTEXT, verbs.PacksRequest()).packs
    (listing,) = [pack for pack in packs if pack.name == "trial"]
    assert listing.folder == site / "trial_pack"
    assert [(file.file.name, file.exercise) for file in listing.files] == [
        ("a.yaml", False),
        ("b.yaml", True),
    ]
    assert as_data(listing)["files"][0]["title"] == {"en": "Follow-up triage", "zh": "随访分诊"}


def test_a_pack_that_does_not_load_says_why(install: Install) -> None:
    install({"pilotbase.packs": {"gone": "no_such_module"}})
    with pytest.raises(PluginError) as caught:
        verbs.packs(CONTEXT, verbs.PacksRequest())
    assert caught.value.code == "plugin.broken" and "no_such_module" in caught.value.message.en
