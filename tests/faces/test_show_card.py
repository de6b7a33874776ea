"""``catalog show`` as a person reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pilotbase.faces.cli.call import invoke
from pilotbase.main import commands

LIST = """\
catalog: 1
parties:
  - {id: person-7, kind: person, name: {en: Li Wen, zh: 李文}, contact: li@example.org}
  - {id: library, kind: body, name: City Library, principal: person-7}
  - {id: bot, kind: agent, name: Booking agent}
assets:
  - id: booker
    kind: model
    title: {en: Room booker, zh: 订座模型}
    text: {en: "Books [red] rooms.", zh: 预订房间。}
    provider: library
    licence: Apache-2.0
    properties: {rooms: 12}
    parts:
      - {name: scikit-learn, kind: software, supplier: INRIA, substitutes: [statsmodels]}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cards")
    (folder / "list.yaml").write_text(LIST, "utf-8")
    said(folder / "home", "catalog", "add", str(folder / "list.yaml"))
    said(folder / "home", "catalog", "delegate", "library", "bot", "serve.*", "--until", "P9D")
    return folder / "home"


def said(home: Path, *words: str, code: int = 0) -> str:
    found = CliRunner().invoke(commands(invoke), ["--home", str(home), *words])
    assert found.exit_code == code, found.output
    return found.output


def test_an_asset_says_what_it_is_whose_it_is_and_what_it_needs(home: Path) -> None:
    shown = said(home, "catalog", "show", "booker")
    assert shown.startswith("booker · model · version 1\nRoom booker\nBooks [red] rooms.\n")
    for line in ("provider: library", "licence: Apache-2.0", "  rooms: 12"):
        assert f"\n{line}\n" in shown
    assert "  scikit-learn (software); from INRIA; or in its place statsmodels\n" in shown
    shown = said(home, "--lang", "zh", "catalog", "show", "booker")
    assert "booker · 模型 · 第 1 版\n订座模型\n" in shown and "供给方: library" in shown
    assert "{" not in shown


def test_a_party_says_who_answers_and_who_may_act_for_it(home: Path) -> None:
    shown = said(home, "catalog", "show", "library")
    assert shown.startswith("library · body · version 1\nCity Library\nanswers for it: person-7\n")
    assert "may act for it" in shown and "serve.*" in shown and "bot" in shown
    assert "它" not in shown and "其可代" in said(home, "--lang", "zh", "catalog", "show", "bot")
    assert "li@example.org" in said(home, "catalog", "show", "person-7")
    words = ("--subject", "party:person-7", "--reason", "asked", "--ground", "withdrawn")
    said(home, "vault", "erase", *words)
    assert "(erased)" in said(home, "catalog", "show", "person-7")


def test_a_title_in_one_language_is_told_which_two_are_wanted(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(LIST.replace("{en: Room booker, zh: 订座模型}", "Room booker"), "utf-8")
    shown = said(home, "catalog", "add", str(file), code=2)
    assert "title: Room booker" in shown and "{en: …, zh: …}" in shown
    shown = said(home, "--lang", "zh", "catalog", "add", str(file), code=2)
    assert "中英文两种文本: {en: 英文, zh: 中文}" in shown
