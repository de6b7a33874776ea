"""The mark of synthetic rows cannot be lost: not by a version, not by a data set made of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pilotbase.catalog.rules.synthetic import all_inherited, inherited, is_synthetic, marked_rows


def card(id_: str, *parts: str, kind: str = "dataset", **properties: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"id": id_, "kind": kind}
    if parts:
        said["parts"] = [{"name": part} for part in parts]
    return {**said, "properties": properties} if properties else said


def test_a_version_inherits_whatever_its_card_says() -> None:
    before = card("a", synthetic=True, synthetic_method="rows")
    for now in (card("a"), card("a", synthetic=False), card("a", other=1)):
        properties = inherited(now, before, {})["properties"]
        assert properties["synthetic"] is True and properties["synthetic_method"] == "rows"
    assert inherited(card("a"), card("a"), {}) == card("a")


@given(st.permutations(["a", "b", "c", "d"]))
def test_it_goes_down_a_chain_in_any_order(order: list[str]) -> None:
    chain = [card("b", "a"), card("c", "b"), card("d", "c"), card("a", synthetic=True)]
    cards = {one["id"]: one for one in chain}
    made = {one["id"]: one for one in all_inherited([cards[id_] for id_ in order], {})}
    assert all(is_synthetic(one) for one in made.values())
    assert made["d"]["properties"]["synthetic_source"] == "c"


def test_a_model_is_no_data_set_and_a_circle_ends() -> None:
    known = {"a": card("a", synthetic=True)}
    assert not is_synthetic(all_inherited([card("m", "a", kind="model")], known)[0])
    circle = [card("x", "y"), card("y", "x"), card("z", "z", "a")]
    made = {one["id"]: is_synthetic(one) for one in all_inherited(circle, known)}
    assert made == {"x": False, "y": False, "z": True}


def test_what_is_not_plainly_false_is_marked() -> None:
    assert marked_rows(["true", "TRUE", "1", "maybe", 1.0]) == 5
    assert marked_rows(["false", "0", "", None, float("nan"), 0]) == 0
