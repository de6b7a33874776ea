"""A plan is bound to the program that it tries: another file is another plan."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from pilotbase.scenario.offer import Candidate
from pilotbase.trial.candidates.code import code_of


def candidate(**fields: Any) -> Candidate:
    return Candidate.model_validate({"id": "a", **fields})


def test_files_that_a_command_names_are_hashed(tmp_path: Path):
    (tmp_path / "cand.py").write_text("print(1)")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.bin").write_bytes(b"1")
    offer = candidate(command=["python3", "cand.py", "--fast"], sandbox={"files": ["weights"]})
    found = code_of(offer, tmp_path)
    assert list(found) == ["cand.py", "weights/w.bin"]
    for changed in ("cand.py", "weights/w.bin"):
        (tmp_path / changed).write_text("another")
        again = code_of(offer, tmp_path)
        assert again[changed] != found[changed]
        found = again


def test_a_callable_is_its_module_or_package(tmp_path: Path):
    (tmp_path / "mine.py").write_text("x = 1")
    assert list(code_of(candidate(callable="mine:make"), tmp_path)) == ["mine.py"]
    package = tmp_path / "theirs" / "inner"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    assert list(code_of(candidate(callable="theirs.inner:make"), tmp_path)) == [
        "theirs/inner/__init__.py"
    ]


def test_a_plugin_is_its_package_and_version(tmp_path: Path):
    found = code_of(candidate(plugin="document_lookup"), tmp_path)
    assert found == {"package": f"pilotbase {version('pilotbase')}"}
    assert code_of(candidate(estimator="sklearn.svm.SVC"), tmp_path) == {}


@pytest.mark.parametrize(
    "word", ["../outside", "/etc/passwd", ".", "x" * 5000, "a\x00b", "no-file"]
)
def test_words_that_are_no_file_of_the_folder_are_passed_over(tmp_path: Path, word: str):
    (tmp_path.parent / "outside").write_text("secret")
    command = [part for part in ("true", word) if len(part) <= 200]
    assert code_of(candidate(command=command), tmp_path) == {}


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret").write_text("s")
    (tmp_path / "folder" / "cand.py").symlink_to(tmp_path / "secret")
    assert code_of(candidate(command=["python3", "cand.py"]), tmp_path / "folder") == {}
