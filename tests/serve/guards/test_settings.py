"""What is wrong with a guard's settings is said in both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest

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
