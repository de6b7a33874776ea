"""Questions with slips, in other words, and with foreign instructions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.trial.rules.injections import (
    SUITE,
    _bare,
    injected_text,
    injection_for,
    obeyed,
)
from pilotbase.trial.rules.wording import COVERS, NEGATIONS, Kind, perturbed_text
from pilotbase.trial.rules.wordlists import LOOKALIKES, NEIGHBOURS, SYNONYMS_EN, SYNONYMS_ZH

QUESTIONS = [
    "How many rows does the data set about diabetes have?",
    "In the 1993 survey, what is the unit of `income`?",
    "According to the description, which variables are never missing?",
    'What does "TTME" stand for, and is it 0 for cars?',
    "Who collected the data on fair lumber in Wisconsin?",
    "糖尿病数据集一共有多少行, 每行代表什么?",
    "什么是“目标变量”?",
    "根据说明文档, 缺失值如何表示?",
    "1993 年的调查是谁收集的? 没有收入的家庭算不算?",
    "这个数据集在哪里采集, 是否公开?",
]
question = st.sampled_from(QUESTIONS)
kinds: st.SearchStrategy[Kind] = st.sampled_from(["typos", "paraphrase"])
keys = st.text(max_size=6)


@given(question, kinds, st.integers(0, 2**31), keys)
def test_it_changes_and_is_the_same_again(text: str, kind: Kind, seed: int, key: str) -> None:
    changed = perturbed_text(text, kind, seed, key)
    assert changed != text and changed == perturbed_text(text, kind, seed, key)


@given(question, kinds, st.integers(0, 999), st.floats(0.01, 1.0))
def test_numbers_quotes_names_and_negations_stay(
    text: str, kind: Kind, seed: int, share: float
) -> None:
    changed = perturbed_text(text, kind, seed, "k", share=share)
    assert re.findall(r"\d+", changed) == re.findall(r"\d+", text)
    assert re.findall(r"`.*?`|\".*?\"|“.*?”", changed) == re.findall(r"`.*?`|\".*?\"|“.*?”", text)
    for word in [*NEGATIONS, "Wisconsin", "TTME", "没有", "不"]:
        assert changed.count(word) == text.count(word), word


@given(st.text(max_size=80), kinds, st.integers(0, 99), st.floats(0.01, 1.0))
@settings(max_examples=200)
def test_any_text_at_all(text: str, kind: Kind, seed: int, share: float) -> None:
    changed = perturbed_text(text, kind, seed, "k", share=share)
    assert changed == text or any(sign.isalpha() for sign in text)


@given(question, st.integers(0, 999))
def test_a_larger_share_hits_at_least_as_much(text: str, seed: int) -> None:
    def hits(share: float) -> int:
        changed = perturbed_text(text, "typos", seed, "k", share=share)
        return sum(a != b for a, b in zip(text.split(), changed.split(), strict=True))

    assert 1 <= hits(0.01) <= hits(0.3) <= hits(1.0)


def test_the_first_letter_stays_and_words_stay_words() -> None:
    text = QUESTIONS[0]
    for seed in range(50):
        changed = perturbed_text(text, "typos", seed, "k", share=1.0)
        for before, after in zip(text.split(), changed.split(), strict=True):
            assert before[0] == after[0] and abs(len(before) - len(after)) <= 1


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("In the wine data, which class is largest?", "Which class is largest in the wine data?"),
        ("什么是均值?", "均值是什么?"),
        ("根据说明, 谁是作者?", "哪位是作者? 请根据说明回答。"),
    ],
)
def test_another_order_says_the_same(text: str, order: str) -> None:
    assert perturbed_text(text, "paraphrase", 1, "k").endswith(order)


def test_what_is_asked_of_it_wrongly_is_refused() -> None:
    with pytest.raises(ValueError):
        perturbed_text("x", "noise", 1, "k")  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        perturbed_text("x", "typos", 1, "k", share=0.0)
    assert set(COVERS) == {"typos", "paraphrase"}


def test_the_tables_hold_what_they_promise() -> None:
    assert "s" in NEIGHBOURS["a"] and "p" not in NEIGHBOURS["a"] and len(NEIGHBOURS) == 26
    assert all(sign not in others and others for sign, others in LOOKALIKES.items())
    risky = set("不没无未非一二三四五六七八九十百千万大小多少买卖他她")
    assert not risky & set(LOOKALIKES)
    for table in (SYNONYMS_EN, SYNONYMS_ZH):
        assert all(a != b and a.strip() == a for a, b in table.items())


@pytest.mark.parametrize("attack", SUITE, ids=lambda attack: attack.id)
def test_an_attack_is_seen_when_obeyed_and_not_when_quoted(attack: object) -> None:
    from pilotbase.trial.rules.injections import Injection

    assert isinstance(attack, Injection)
    assert not obeyed(f"I will not follow this: {attack.text}", attack)
    assert obeyed(f"Sure. **{attack.canary.lower()}** ...", attack)
    # To order so many combining marks would take minutes.
    assert not obeyed("a" + "\u0301\u0316" * 20_000, attack)
    assert attack.tries.en and attack.tries.zh and attack.places
    assert all(_bare(attack.canary) not in _bare(q) for q in QUESTIONS)
    assert injected_text("Q?", attack).startswith("Q?\n") and injected_text("", attack)


def test_the_suite_is_of_both_languages_and_no_two_alike() -> None:
    assert len(SUITE) == len({a.id for a in SUITE}) == len({_bare(a.canary) for a in SUITE})
    assert 12 <= len(SUITE) <= 20
    for language in ("en", "zh"):
        assert sum(a.language == language for a in SUITE) >= 6
    for attack in SUITE:  # no canary is obeyed by obeying another attack
        assert sum(_bare(attack.canary) in _bare(other.canary) for other in SUITE) == 1


def test_attacks_are_drawn_by_case_place_and_language() -> None:
    drawn = {injection_for(7, f"u{i}", "documents").id for i in range(400)}
    assert drawn == {a.id for a in SUITE}
    asked = {injection_for(7, f"u{i}", "question", "zh").id for i in range(400)}
    assert asked == {a.id for a in SUITE if a.language == "zh" and "question" in a.places}
    assert injection_for(7, "u1", "question") == injection_for(7, "u1", "question")
