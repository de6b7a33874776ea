"""Filters, ranks, lottery, receipts and the open-needs list, on lists made by hand."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from pilotbase.kernel.text import Text
from pilotbase.match.lists import Need, Product
from pilotbase.match.rules.filters import bounds_of, said, within
from pilotbase.match.rules.lottery import ticket
from pilotbase.match.rules.open_needs import open_needs
from pilotbase.match.rules.pairing import Pairing, pair
from pilotbase.match.rules.ranking import Tried
from pilotbase.match.rules.receipt import receipt

METERS = Text("Read water meters from camera images", "从摄像头图像读取水表")
NEED = Need("n", METERS, METERS)
PRODUCT = Product("p", "Example (invented)", METERS, METERS)


def needs(*ids: str) -> list[Need]:
    return [replace(NEED, id=id_) for id_ in ids]


def products(*ids: str) -> list[Product]:
    return [replace(PRODUCT, id=id_) for id_ in ids]


def made(wanting: list[Need], offering: list[Product], seed: str = "s", **more: object) -> Pairing:
    return pair(wanting, offering, **{"evidence": {}, "seed": seed, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "has", "missing"),
    [
        ({"residency": ("CN",)}, {"residency": ("CN-BJ",)}, ()),
        ({"residency": ("CN-BJ",)}, {"residency": ("CN",)}, ("CN-BJ",)),
        ({"residency": ("CN", "SG")}, {"residency": ("SG",)}, ()),
        ({"licence": ("mit", "apache-2.0")}, {"licence": ("apache-2.0",)}, ()),
        ({"licence": ("mit",)}, {}, ("mit",)),
        ({"certification": ("a", "b")}, {"certification": ("b",)}, ("a",)),
        ({"filing": "registered"}, {"filing": "filed"}, ()),
        ({"filing": "filed"}, {"filing": "registered"}, ("filed",)),
        ({"load": 10}, {"load": 10}, ()),
        ({"load": 10}, {"load": 9}, ("10",)),
        ({"load": 10}, {}, ("10",)),
        ({"item": "A2.2"}, {}, ()),
        ({"item": "A2.2"}, {"items": ("A2.3",)}, ("A2.2",)),
        ({}, {"residency": ("EU",), "items": ("A1.1",)}, ()),
    ],
)
def test_filters(
    asked: dict[str, object], has: dict[str, object], missing: tuple[str, ...]
) -> None:
    bounds = bounds_of(replace(NEED, **asked), replace(PRODUCT, **has))  # type: ignore[arg-type]
    assert [bound.missing for bound in bounds] == ([missing] if missing else [])
    for bound in bounds:
        for text in (said(bound), said(bound, relax=True)):
            assert text.en and text.zh and "{" not in text.en + text.zh


def test_a_region_is_no_mere_beginning() -> None:
    assert not within("CN-BJX", "CN-BJ") and not within("CNX", "CN")


def test_the_lottery_is_sha256_of_seed_and_id() -> None:
    assert ticket("s", "某") == hashlib.sha256("s某".encode()).hexdigest()
    first = min(("p1", "p2", "p3"), key=lambda one: ticket("s", one))
    assert made(needs("n"), products("p1", "p2", "p3")).partner == {"n": first}
    drawn = {made(needs("n"), products("p1", "p2", "p3"), str(s)).partner["n"] for s in range(20)}
    assert drawn == {"p1", "p2", "p3"}


def test_go_before_conditional_before_untried_and_no_go_never() -> None:
    tried = {
        ("n", "p1"): Tried("no-go", "r1"),
        ("n", "p2"): Tried("conditional", "r2", "accuracy", 0.99),
        ("n", "p3"): Tried("go", "r3", "accuracy", 0.90),
        ("n", "p4"): Tried("go", "r4", "accuracy", 0.95),
        ("n", "p5"): Tried("insufficient", "r5", "accuracy", 0.99),
    }
    wanting = [replace(NEED, id="n", scenario="n")]
    offering = [replace(one, candidate=one.id) for one in products("p5", "p4", "p3", "p2", "p1")]
    found = made(wanting, offering, evidence=tried)
    assert list(found.choices["n"]) == ["p4", "p3", "p2", "p5"]
    assert receipt(found, "n", "p1").outcome == "no-go"
    assert "r1" in receipt(found, "n", "p1").why.en
    assert "of a better class" in receipt(found, "n", "p3").why.en or (
        "lower bound" in receipt(found, "n", "p3").why.en
    )


def test_people_are_refused_and_not_named() -> None:
    wanting = [*needs("n"), replace(NEED, id="m", owner="Li Hua", owner_kind="person")]
    offering = [replace(PRODUCT, id="q", provider="Li Hua", provider_kind="person")]
    found = made(wanting, offering)
    assert not found.partner
    for id_ in ("n", "m"):
        one = receipt(found, id_, "q")
        assert one.outcome == "person" and "Li Hua" not in str(one.as_dict())
    listed = open_needs(found)
    assert {one.need: one.kind for one in listed} == {"m": "person", "n": "unmatched"}
    assert "Li Hua" not in str([one.as_dict() for one in listed])


def test_the_cheapest_relaxation_is_places_where_places_lack() -> None:
    found = made(needs("n1", "n2", "n3"), products("p"))
    waiting = [one.need for one in open_needs(found)]
    costs = sorted((one.cost, one.product) for one in open_needs(found))
    assert len(waiting) == 2 and costs == [(1, "p"), (2, "p")]
    for one in open_needs(found):
        more = made(needs("n1", "n2", "n3"), products("p"), capacity=1 + (one.cost or 0))
        assert one.need in more.partner
        less = made(needs("n1", "n2", "n3"), products("p"), capacity=(one.cost or 0))
        assert one.need not in less.partner


def test_the_cheapest_relaxation_is_the_product_that_misses_least() -> None:
    need = replace(NEED, certification=("a", "b"), residency=("CN",))
    far = replace(PRODUCT, id="far")
    near = replace(PRODUCT, id="near", residency=("CN",), certification=("a",))
    (listed,) = open_needs(made([need], [far, near]))
    assert (listed.product, listed.cost) == ("near", 1)
    assert listed.change is not None and "obtains b" in listed.change.en
    assert listed.outcomes == {"filtered": 2}


def test_a_need_whose_trials_all_failed_stays_on_the_list() -> None:
    tried = {("n", "p1"): Tried("no-go", "r1")}
    wanting = [replace(NEED, id="n", scenario="n")]
    offering = [replace(one, candidate=one.id) for one in products("p1", "p2")]
    found = made(wanting, offering, evidence=tried)
    assert found.partner == {"n": "p2"}
    (listed,) = open_needs(found)
    assert listed.kind == "no-go" and listed.no_go == ({"product": "p1", "run": "r1"},)


def test_texts_about_something_else_are_no_choice_even_if_nothing_else_is_left() -> None:
    poems = Text("Write poems of autumn", "写秋天的诗")
    found = made(needs("n"), [replace(PRODUCT, title=poems, text=poems)])
    assert not found.partner and receipt(found, "n", "p").outcome == "apart"


def test_a_chinese_need_finds_a_product_written_in_chinese_among_english_ones() -> None:
    zh, en = Text("水表读数", "水表读数"), Text("Read gas pipes", "Read gas pipes")
    wanting = [replace(NEED, title=zh, text=zh)]
    offering = [
        replace(PRODUCT, id="en", title=en, text=en),
        replace(PRODUCT, id="zh", title=zh, text=Text("自动", "自动")),
    ]
    assert made(wanting, offering).partner == {"n": "zh"}


def test_every_pair_of_two_lists_has_its_receipt() -> None:
    wanting, offering = needs("n1", "n2", "n3", "n4"), products("p1", "p2")
    found = made(wanting, [*offering, replace(PRODUCT, id="far", items=("A1.1",))], capacity=1)
    for need in found.needs:
        for product in found.products:
            one = receipt(found, need, product)
            assert one.why.en and one.why.zh and one.change.en and one.change.zh
            assert (one.outcome == "matched") == (found.partner.get(need) == product)
