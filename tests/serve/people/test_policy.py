"""Hand-off settings, lots and shares."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.errors import SheetError
from pilotbase.serve.people.handoff import _read_policy
from pilotbase.serve.people.policy import policy_of, seconds_of
from pilotbase.serve.rules.audit_draw import commitment, draw, is_audited
from pilotbase.serve.rules.share import Share

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    "handoff",
    [
        {"befor": {}},
        {"before": {"audit": 2}},
        {"before": {"always": "yes"}},
        {"before": {"confidence": {"path": "a", "below": 1}}},
        {"after": {"confidence": {"path": "a"}}},
        {"before": {"tiers": ["minmal"]}},
        {"after": "always"},
        {"wait": "30M"},
        {"wait": "PT9999H"},
        {"late": "approve"},
        {"people": "li"},
        {"webhook": {"url": "http://169.254.169.254/", "secret": "env:X"}},
        {"webhook": {"url": "http://localhost/", "secret": "env:X"}},
        {"webhook": {"url": "https://example.org/"}},
    ],
)
def test_settings_that_are_wrong_are_named(handoff: dict[str, Any]) -> None:
    with pytest.raises(SheetError) as told:
        policy_of(handoff)
    for fault in told.value.faults:
        assert fault.path.startswith("handoff → ")
        assert HAN.search(fault.message.zh) and "设置有误" not in fault.message.zh


def test_all_that_is_wrong_is_told_at_once() -> None:
    occasion = {"tiers": ["hihg", "high", "low"], "audit": 2, "always": 1, "allways": True}
    with pytest.raises(SheetError) as told:
        policy_of({"before": occasion, "late": "never", "after": {"flags": "x"}})
    paths = sorted(fault.path.partition(" → ")[2] for fault in told.value.faults)
    assert paths == [
        "after → flags", "before → allways", "before → always", "before → audit",
        "before → tiers", "before → tiers", "late",
    ]  # fmt: skip
    assert "'hihg'" in told.value.render("en") and "没有等级 'low'" in told.value.render("zh")


def test_an_older_arrangement_with_a_fault_asks_for_a_person_each_time() -> None:
    policy = _read_policy({"after": {"tiers": ["hihg"]}, "people": ["li"], "late": "unreviewed"})
    assert (policy.before.always, policy.people, policy.late) == (True, ("li",), "refuse")


def test_times() -> None:
    assert [seconds_of(text) for text in ("PT30M", "PT1H5S", "PT90S")] == [1800.0, 3605.0, 90.0]


@given(st.binary(min_size=32, max_size=32), st.text(max_size=20))
def test_lots_lie_within_and_are_their_own(seed: bytes, usage: str) -> None:
    lot = draw(seed, "f-1", "after", usage)
    assert 0.0 <= lot < 1.0
    assert is_audited(seed, 1.0, "f-1", "after", usage)
    assert not is_audited(seed, 0.0, "f-1", "after", usage)
    assert lot == draw(seed, "f-1", "after", usage) != draw(seed, "f-1", "before", usage)


def test_about_the_share_that_was_asked_for_is_drawn() -> None:
    """Of 20,000 lots at 0.05: 1,000, give or take six standard deviations of 31."""
    drawn = sum(is_audited(bytes(32), 0.05, "f-1", "after", f"gw-{n}") for n in range(20_000))
    assert abs(drawn - 1_000) < 6 * 31


def test_a_commitment_tells_months_and_seeds_apart() -> None:
    one = commitment(bytes(32), "2026-11")
    assert one != commitment(bytes(32), "2026-12") != commitment(b"\x01" * 32, "2026-12")


@given(st.integers(0, 500), st.integers(1, 500))
def test_intervals_hold_the_share(count: int, more: int) -> None:
    share = Share(count, count + more)
    assert share.interval is not None and share.estimate is not None
    low, high = share.interval
    assert 0.0 <= low <= share.estimate <= high <= 1.0


def test_no_calls_have_no_share() -> None:
    assert Share(0, 0).as_dict() == {"count": 0, "of": 0, "estimate": None, "interval": None}
