"""What is wrong with a guard's settings is said in both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from pilotbase.kernel import plugins
from pilotbase.kernel.errors import SheetError
from pilotbase.serve.guards.arranged import arranged

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    "guards",
    [
        {"lists": {}},
        {"lists": {"words": "x"}},
        {"lists": {"forms": ["(a+)+"]}},
        {"lists": {"forms": ["("]}},
        {"lists": {"words": ["x"], "action": "shout"}},
        {"size": {"texts_max": "many"}},
        {"size": {"on": "both"}},
        {"size": {"nix": 1}},
        {"schema": {"form": 1}},
        {"grounded": {}},
        {"grounded": {"refusals": ["no"], "share_min": 2}},
        {"personal_data": {"kinds": ["shoe size"]}},
        {"size": {"timeout_s": 0}},
        {"size": 3},
    ],
)
def test_in_chinese_too(guards: dict[str, Any]) -> None:
    with pytest.raises(SheetError) as told:
        arranged(guards)
    (fault,) = told.value.faults
    assert HAN.search(fault.message.zh) and "设置有误" not in fault.message.zh
    assert not HAN.search(fault.message.en)


class Installed:
    """A guard of somebody else's."""

    reads, name = "pictures", "theirs"

    def __init__(self, settings: Mapping[str, Any]) -> None:
        if "level" in settings:
            raise ValueError("level is too high")
        if "key" in settings:
            raise KeyError("key")


def test_what_anothers_guard_says_is_marked_as_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = EntryPoint("theirs", f"{__name__}:Installed", "pilotbase.guards")
    monkeypatch.setattr(plugins, "_installed", lambda group: {"theirs": theirs})
    for settings, en, zh in (
        ({"level": 9}, "the guard says: level is", "设置有误, 插件原话: level is too high"),
        ({"key": 1}, "it says: KeyError", "防护 'theirs' 无法创建: 插件原话: KeyError: 'key'"),
        ({}, "does not say its name and what it reads", "未说明其名称, 以及读取的是文本还是整条"),
    ):
        with pytest.raises(SheetError) as told:
            arranged({"theirs": settings})
        (fault,) = told.value.faults
        assert en in fault.message.en and zh in fault.message.zh
