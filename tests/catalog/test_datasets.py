"""The built-in loaders: each is an entry point, installed with a package, without a network."""

from __future__ import annotations

import importlib
import socket
import tomllib
from pathlib import Path
from typing import NoReturn

import pytest

import pilotbase.catalog.datasets
from pilotbase.catalog.datasets import Loaded
from pilotbase.catalog.table import content_digest, plain_frame

ROWS = {
    "pilotbase.description_questions": 600,
    "pilotbase.descriptions": 212,
    "pilotbase.service_desk_cases": 48,
    "sklearn.load_diabetes": 442,
    "sklearn.load_digits": 1797,
    "statsmodels.co2": 2284,
    "statsmodels.fertility": 219,
    "statsmodels.modechoice": 840,
    "statsmodels.randhie": 20190,
    "vega.barley": 120,
    "vega.seattle_weather": 1461,
}


def declared() -> dict[str, str]:
    project = Path(__file__).parents[2] / "pyproject.toml"
    points = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["entry-points"]
    return dict(points["pilotbase.datasets"])


def loaded(name: str) -> Loaded:
    module, _, function = declared()[name].partition(":")
    found = getattr(importlib.import_module(module), function)()
    assert isinstance(found, Loaded)
    return found


def test_every_file_is_declared_and_every_declaration_has_a_file() -> None:
    assert set(declared()) == set(ROWS)
    folder = Path(str(pilotbase.catalog.datasets.__file__)).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {value.split(":")[0].rsplit(".", 1)[-1] for value in declared().values()} == files


@pytest.mark.parametrize("name", ROWS)
def test_it_loads_twice_the_same_without_a_socket(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a loader opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    first, second = loaded(name), loaded(name)
    assert len(first.frame) == ROWS[name]
    frames = [plain_frame(found.frame, name) for found in (first, second)]
    assert content_digest(frames[0]) == content_digest(frames[1])
    for text in (first.about, first.licence):
        assert text.en and text.zh and text.en != text.zh
    assert first.source
