"""Entries of the record on a terminal: a table, or one whole; what they hold steers nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pilotbase.faces.cli.show import show
from pilotbase.kernel.text import LANGUAGES, Language
from pilotbase.record.verbs.reading import ShowResponse

HASH = "sha256:" + "5a" * 32
STEERING = "\x1b]0;owned\x07\x1b[2J\u202e[red]x[/red]\nentry 7 · pilot.judged/1\r\x85by: the panel"


def entry(index: int = 3, **said: Any) -> dict[str, Any]:
    one = {
        "index": index, "v": 1, "kind": "pilot.judged/1", "count": 2, "key": "k-1",
        "at": "2026-11-22T13:52:36.519Z", "about": "pilot:29c0", "vault": {}, "body": {},
        "by": {"name": "Li Hua", "role": "verdict panel", "single_operator": False},
    }  # fmt: skip
    return {**one, **said}


def shown(
    capsys: pytest.CaptureFixture[str], language: Language, *entries: dict[str, Any]
) -> list[str]:
    show("record.show", ShowResponse(9, entries), language)
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", ["60", "140"])
def test_several_are_a_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, language: Language,
    width: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", width)
    lines = shown(capsys, language, entry(3), entry(4, about="", by={}))
    said = "\n".join(lines)
    role = {"en": "Li Hua (verdict panel)", "zh": "Li Hua (评审组)"}[language]
    for word in ("2026-11-22T13:52:36.519Z", "pilot.judged/1", "pilot:29c0", role):
        assert word in said
    assert {"en": "2 of 9 entries.", "zh": "显示 2 条, 记录共 9 条。"}[language] in lines[-1]
    assert ("─" in said) is (width == "140") and "{" not in said


def test_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "en") == ["No entry matches; the record has 9."]
    assert shown(capsys, "zh") == ["没有符合条件的条目; 记录共 9 条。"]


def test_one_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    body = {"outcome": "go", "shares": [0.5, None], "why": ["a", {"b": True}], "note": "x\ny",
            "none": {}}  # fmt: skip
    vault = {"verdict": {"commitment": HASH, "size": 33629}}
    by = {"name": "Li Hua", "role": "verdict panel", "single_operator": True}
    lines = shown(capsys, "en", entry(body=body, vault=vault, by=by))
    assert lines[:7] == [
        "entry 3 · pilot.judged/1", "time: 2026-11-22T13:52:36.519Z",
        "by: Li Hua (verdict panel) · one person holds every role", "about: pilot:29c0",
        "number of its kind, from 0: 2", "idempotency key: k-1", "form: 1",
    ]  # fmt: skip
    assert lines[7:19] == [
        "body", "outcome: go", "shares: [0.5, null]", "why:", "- a", "-", "b: true",
        "note:", "| x", "| y", "none: {}", "bodies in the vault, by their commitments",
    ]  # fmt: skip
    assert {HASH, "33629", "verdict"} <= set(" ".join(lines[19:]).split())
    lines = shown(capsys, "zh", entry())
    assert "经手: Li Hua (评审组)" in lines and "条目内容" in lines and lines[-1] == "无"


def test_what_entries_hold_steers_no_terminal_and_feigns_no_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    by = {"name": STEERING, "role": STEERING}
    bad = entry(
        kind=STEERING, about=STEERING, key=STEERING, at=STEERING, by=by, v=STEERING,
        body={STEERING: STEERING, "list": [STEERING, [STEERING]]},
        vault={STEERING: {"commitment": STEERING, "size": STEERING}},
    )  # fmt: skip
    for entries in ((bad,), (bad, entry(4, about="[bold"))):
        lines = shown(capsys, "en", *entries)
        said = "\n".join(lines)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said)
        assert "[red]x[/red]" in said and "\N{REPLACEMENT CHARACTER}" in said
        assert not [one for one in lines if one.startswith(("entry 7", "by: the"))]


def test_a_body_that_is_nested_deep_ends(capsys: pytest.CaptureFixture[str]) -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    lines = shown(capsys, "en", entry(body={"deep": deep}))
    (last,) = [line for line in lines if '"x"' in line]
    assert json.loads(last.removeprefix("- "))
