"""Small things of the kernel: text, time, plug-ins."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from pilotbase.kernel import plugins
from pilotbase.kernel.errors import PluginError
from pilotbase.kernel.text import Text, language_of
from pilotbase.kernel.time import fixed_clock, parse, stamp


def test_the_language_is_the_users() -> None:
    assert language_of({"PILOTBASE_LANG": "zh", "LANG": "en_US.UTF-8"}) == "zh"
    assert language_of({"LANG": "zh_CN.UTF-8"}) == "zh"
    assert language_of({"LANG": "C"}) == "en"
    assert language_of({}) == "en"


def test_a_text_fills_its_fields_in_each_language() -> None:
    said = Text("{who} waits", "{who}在等待").format(who=Text("the owner", "需求方"))
    assert said == Text("the owner waits", "需求方在等待")


def test_time_is_utc_and_sorts_as_text() -> None:
    east = datetime(2026, 11, 21, 8, 0, 0, 5000, tzinfo=timezone(timedelta(hours=8)))
    assert stamp(east) == "2026-11-21T00:00:00.005Z"
    assert parse(stamp(east)) == east
    assert stamp(fixed_clock("2026-11-21T08:00:00+08:00")()) == "2026-11-21T00:00:00.000Z"
    with pytest.raises(ValueError, match="time zone"):
        parse("2026-11-21T08:00:00")


def test_an_unknown_plugin_names_the_known_ones() -> None:
    with pytest.raises(PluginError) as caught:
        plugins.load("pilotbase.packs", "nowhere")
    assert caught.value.code == "plugin.unknown"
    assert "builtin" in caught.value.render("en") and "builtin" in caught.value.render("zh")


def test_a_plugin_that_does_not_load_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    broken = EntryPoint("broken", "pilotbase.no_such_module:thing", "pilotbase.packs")
    monkeypatch.setattr(plugins, "_installed", lambda group: {"broken": broken})
    with pytest.raises(PluginError) as caught:
        plugins.load("pilotbase.packs", "broken")
    assert caught.value.code == "plugin.broken"
    assert "no_such_module" in caught.value.render("en")
