"""Small things of the kernel: text, time, plug-ins."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from pilotbase.kernel import plugins
from pilotbase.kernel.errors import PluginError
from pilotbase.kernel.text import Text, language_of
from pilotbase.kernel.time import check_term, end_of_term, fixed_clock, parse, stamp


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


@pytest.mark.parametrize(
    ("start", "term", "end"),
    [
        ("2026-11-21T08:00:00Z", "P2M", "2027-01-22T00:00:00.000Z"),
        ("2026-12-31T23:59:59Z", "P2M", "2027-03-01T00:00:00.000Z"),  # no 31 February
        ("2027-12-31T00:00:00Z", "P2M", "2028-03-01T00:00:00.000Z"),  # a leap year
        ("2028-02-29T12:00:00Z", "P1Y", "2029-03-01T00:00:00.000Z"),
        ("2026-11-21T08:00:00Z", "P15D", "2026-12-07T00:00:00.000Z"),
        ("2026-11-21T08:00:00Z", "P1W", "2026-11-29T00:00:00.000Z"),
        ("2026-11-21T08:00:00+08:00", "PT4H", "2026-11-21T04:00:00.000Z"),
        ("2026-11-21T08:00:00Z", "P1DT1H", "2026-11-22T09:00:00.000Z"),
    ],
)
def test_a_term_ends_as_the_regulation_counts(start: str, term: str, end: str) -> None:
    assert stamp(end_of_term(parse(start), term)) == end


@pytest.mark.parametrize("term", ["", "P", "PT", "2M", "P-1D", "P1.5D", "P2M ", "P1S", "PT5M"])
def test_what_is_no_term(term: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        check_term(term)


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
