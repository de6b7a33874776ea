"""Rules that read language: reference values, promises, and time that grows with the text only."""

from __future__ import annotations

import doctest
import importlib
import json
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.rules.identifiers import card, iban, identifiers, resident
from pilotbase.scenario.form import form_faults
from pilotbase.trial.rules.json_form import parsed, valid
from pilotbase.trial.rules.numerals import Number, numbers, numeral
from pilotbase.trial.rules.phrases import abuse
from pilotbase.trial.rules.sentences import sentences
from pilotbase.trial.rules.support import Evidence, supported
from pilotbase.trial.rules.wordforms import compared, contains, token_f1, tokens

MODULES = ("json_form", "numerals", "phrases", "sentences", "support", "wordforms")
TEXTS = st.text(max_size=60)


@pytest.mark.parametrize("name", [f"pilotbase.trial.rules.{name}" for name in MODULES]
                         + ["pilotbase.catalog.rules.folding",
                            "pilotbase.catalog.rules.identifiers",
                            "pilotbase.scenario.form", "pilotbase.scenario.template",
                            "pilotbase.scenario.rules.endpoints"])  # fmt: skip
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


class TestWords:
    # What the SQuAD 1.1 evaluation (Rajpurkar et al. 2016: lower case, without punctuation and
    # articles, split at blanks) gives for these pairs, worked out by hand.
    @pytest.mark.parametrize(
        ("said", "accepted", "f1"),
        [
            ("The Normans", "Normans", 1.0),
            ("Denver Broncos", "the Denver Broncos!", 1.0),
            ("in the 10th century", "10th and 11th centuries", 2 * (1 / 3) * (1 / 4) / (7 / 12)),
            ("Saint Bernadette Soubirous", "Bernadette", 0.5),
            ("a golden statue of the Virgin Mary", "Virgin Mary", 4 / 7),
            ("gold gold gold", "gold", 0.5),
            ("Paris", "Rome", 0.0),
        ],
    )
    def test_token_f1_of_squad(self, said: str, accepted: str, f1: float) -> None:
        assert token_f1(compared(said), compared(accepted)) == pytest.approx(f1)

    def test_chinese_counts_by_characters(self) -> None:
        assert token_f1(compared("共有442行"), compared("442 行")) == pytest.approx(2 * 2 / (4 + 2))
        assert compared("红 色。") == compared("红色")

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("ＡＢＣ", "abc", True), ("1,234", "1234", True), ("12 345", "12345", False),
            ("3.5", "35", False), ("-5", "5", False), ("5%", "5", False), ("don’t", "dont", True),
            ("well-known", "well known", True), ("A", "the", False), ("straße", "STRASSE", True),
            ("“红色”！", "红色", True), ("10-20", "1020", False), ("C++", "C", False),
        ],
    )  # fmt: skip
    def test_what_is_the_same_and_what_is_not(self, one: str, other: str, same: bool) -> None:
        assert (compared(one) == compared(other)) is same

    @given(TEXTS)
    @settings(max_examples=200, deadline=None, derandomize=True)
    def test_compatibility_forms_are_one(self, text: str) -> None:
        for form in ("NFKC", "NFC"):
            assert tokens(unicodedata.normalize(form, text)) == tokens(text)

    @given(TEXTS, TEXTS)
    @settings(max_examples=100, deadline=None, derandomize=True)
    def test_token_f1_is_a_symmetric_share(self, one: str, other: str) -> None:
        value = token_f1(compared(one), compared(other))
        assert 0.0 <= value <= 1.0 and value == token_f1(compared(other), compared(one))
        assert token_f1(compared(one), compared(one)) == 1.0

    @given(st.lists(st.sampled_from("ab"), max_size=8), st.lists(st.sampled_from("ab"), max_size=3))
    @settings(max_examples=100, deadline=None, derandomize=True)
    def test_contains_is_a_run_of_words(self, whole: list[str], part: list[str]) -> None:
        runs = [whole[at : at + len(part)] for at in range(len(whole) - len(part) + 1)]
        assert contains(whole, part) is (bool(part) and part in runs)


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "value", "unit"),
        [
            ("1,234,567.5", 1234567.5, ""), ("-3 km", -3, "km"), ("12.5％", 12.5, "%"),
            ("12 percent", 12, "percent"), ("百分之十二", 12, "%"), ("千分之三", 3, "‰"),
            ("一百二十", 120, ""), ("两千零五", 2005, ""), ("十二万三千", 123000, ""),
            ("三万五", 35000, ""), ("一亿二千万", 120000000, ""), ("二〇二四年", 2024, ""),
            ("负三点一四", -3.14, ""), ("1.2万", 12000, ""), ("3.2 million", 3.2e6, ""),
            ("5千克", 5, "千克"), ("1e-3", 0.001, ""), ("５，０００", 5000, ""),
        ],
    )  # fmt: skip
    def test_one_number(self, text: str, value: float, unit: str) -> None:
        (found,) = numbers(text)
        assert found.value == pytest.approx(value) and found.unit == unit

    def test_names_and_words_are_no_numbers(self) -> None:
        assert numbers("x86, CO2, v1.2.3, 千万不要, 这是一个例子") == []
        assert [number.value for number in numbers("2024年3月5日, 10-20")] == [2024, 3, 5, 10, 20]

    @pytest.mark.parametrize(
        ("expected", "said", "tolerance", "held"),
        [
            ("5 km", "5000 m", 0, True), ("5 km", "5 miles", 0.1, False),
            ("8 km", "5 miles", 0.05, True), ("5 km", "5 kg", 0, False), ("5 km", "5", 0, True),
            ("12%", "0.12", 0, True), ("0.12", "百分之十二", 0, True), ("12%", "12.4%", 0.5, True),
            ("12%", "12.6%", 0.5, False), ("12%", "12 km", 0, False),
            ("2 h", "120 minutes", 0, True),
        ],
    )  # fmt: skip
    def test_units_and_tolerance(
        self, expected: str, said: str, tolerance: float, held: bool
    ) -> None:
        assert numbers(expected)[0].within(numbers(said)[0], tolerance) is held

    @given(st.integers(0, 10**12 - 1))
    @settings(max_examples=200, deadline=None, derandomize=True)
    def test_numerals_as_they_are_written_are_read_back(self, number: int) -> None:
        assert numeral(written(number)) == number

    @given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(0, 1e6))
    @settings(max_examples=100, deadline=None, derandomize=True)
    def test_within_is_symmetric_without_units(self, a: float, b: float, off: float) -> None:
        assert Number(a).within(Number(b), off) is Number(b).within(Number(a), off)


def written(number: int) -> str:
    """A whole number in Chinese, with 零 for gaps, as schools teach it."""
    if number == 0:
        return "零"
    text, gap = "", False
    for level, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        group = number // level % 10_000
        for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit = group // power % 10
            if digit:
                text += ("零" if gap and text else "") + "零一二三四五六七八九"[digit] + unit
            gap = digit == 0
        text += name if group else ""
    return text


class TestSentences:
    def test_points_that_end_nothing(self) -> None:
        text = "Dr. A. Smith used 3.5 g, e.g. salt. It worked.\n1. First.\n2. Second!"
        said = [sentence.text for sentence in sentences(text)]
        assert said == ["Dr. A. Smith used 3.5 g, e.g. salt.", "It worked.", "First.", "Second!"]

    def test_chinese(self) -> None:
        said = [sentence.text for sentence in sentences("他说：“好。”然后走了！真的？是；对")]
        assert said == ["他说：“好。”", "然后走了！", "真的？", "是；", "对"]

    def test_markers_belong_to_what_is_before_them(self) -> None:
        passages = ("a-1", "a-2")
        read = sentences("One [a-1]. Two. [a-2] [a-1] Three [x]. [a-2]", passages)
        assert [(s.text, s.cites) for s in read] == [
            ("One .", ("a-1",)), ("Two.", ("a-2", "a-1")), ("Three [x].", ("a-2",)),
        ]  # fmt: skip

    @given(st.text(alphabet="ab. \n。!?[1]”", max_size=60))
    @settings(max_examples=200, deadline=None, derandomize=True)
    def test_no_word_is_lost(self, text: str) -> None:
        words = "".join(c for c in text if c.isalpha())
        said = "".join(sentence.text for sentence in sentences(text))
        assert "".join(c for c in said if c.isalpha()) == words


class TestSupport:
    EN = Evidence.of("The data set has 442 patients and ten variables. No value is missing.")
    ZH = Evidence.of("数据集共有442名患者, 十个变量, 没有缺失值。")

    @pytest.mark.parametrize(
        ("said", "held"),
        [
            ("No value is missing.", True),
            ("It has 442 patients.", True),
            ("It has 443 patients.", False),
            ("Smoking causes cancer.", False),
            ("The patients are not variables.", False),  # "not" stands nowhere in the passage
            ("数据集共有442名患者", False),
        ],
    )
    def test_english(self, said: str, held: bool) -> None:
        assert supported(said, [self.EN]) is held

    @pytest.mark.parametrize(
        ("said", "held"),
        [
            ("共有442名患者。", True),
            ("患者有443名", False),
            ("没有缺失值", True),
            ("吸烟导致癌症", False),
        ],
    )
    def test_chinese(self, said: str, held: bool) -> None:
        assert supported(said, [self.ZH]) is held

    def test_what_it_cannot_see(self) -> None:
        """As the page says: the same words the other way round, and a negation left out."""
        passage = Evidence.of("Acme bought Globex. 该数据没有缺失值。")
        assert supported("Globex bought Acme.", [passage])
        assert supported("有缺失值", [passage])


class TestForm:
    def test_patterns_are_linear_and_uniqueness_too(self) -> None:
        start = time.process_time()
        assert not valid("a" * 100_000 + "b", {"pattern": "^(a+)+$"})
        assert valid([[n] for n in range(9_000)], {"uniqueItems": True})
        assert not valid([1, 1.0], {"uniqueItems": True}) and valid(
            [1, True], {"uniqueItems": True}
        )
        assert time.process_time() - start < 3

    def test_a_schema_that_never_ends_is_stopped(self) -> None:
        bomb: dict[str, Any] = {
            "$defs": {
                **{f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(30)},
                "a30": {"type": "integer"},
            },
            "$ref": "#/$defs/a0",
        }
        start = time.process_time()
        assert not valid(3, bomb) and not valid(3, {"$ref": "#"})
        assert not valid(3, {"$ref": "http://127.0.0.1:9/schema"})
        assert time.process_time() - start < 10

    @pytest.mark.parametrize(
        "text",
        ["[" * 100_000, '{"a":' * 5_000, "NaN", "1" * 5_000, '{"a":1,"a":2}', "", "x" * 300_000],
    )
    def test_what_is_no_json(self, text: str) -> None:
        with pytest.raises(ValueError):
            parsed(text)

    def test_a_fence_around_it_is_taken_off(self) -> None:
        assert parsed(' ```json\n{"a": 1}\n``` ') == {"a": 1}

    @pytest.mark.parametrize(
        "form",
        [
            {"$ref": "https://example.org/a"}, {"$ref": "#/$defs/none"}, {"$id": "urn:a"},
            {"pattern": "(?=a)"}, {"pattern": r"(a)\1"}, {"pattern": "a{1000}{1000}"},
            {"patternProperties": {}}, {"unevaluatedProperties": False}, {"type": "objct"},
            {"$schema": "http://json-schema.org/draft-07/schema#"}, {"minLength": "3"},
        ],
    )  # fmt: skip
    def test_forms_that_are_refused(self, form: dict[str, Any]) -> None:
        found = list(form_faults(form))
        assert found and all(said.en and said.zh for _, said in found)

    def test_properties_may_be_called_anything(self) -> None:
        names = {"$id": {}, "pattern": {"type": "string"}, "$ref": {"const": {"$ref": "x"}}}
        assert list(form_faults({"properties": names})) == []

    @given(st.recursive(st.none() | st.booleans() | st.integers() | TEXTS,
                        lambda inner: st.lists(inner, max_size=3)
                        | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=10))  # fmt: skip
    @settings(max_examples=100, deadline=None, derandomize=True)
    def test_a_value_has_the_form_of_itself(self, value: Any) -> None:
        assert valid(value, {"const": value}) and valid(json.loads(json.dumps(value)), {})


class TestIdentifiers:
    def test_published_examples(self) -> None:
        """GB 11643-1999, annex; ISO 13616 registry; test numbers of the card networks."""
        assert resident("11010519491231002x") and resident("440524188001010014")
        assert iban("gb82west12345698765432") and iban("de89370400440532013000")
        assert card("378282246310005") and card("5555555555554444") and card("6011111111111117")

    @given(st.integers(0, 16), st.integers(1, 9))
    @settings(max_examples=100, deadline=None, derandomize=True)
    def test_a_wrong_digit_is_no_identifier(self, at: int, more: int) -> None:
        for right, check in (("11010519491231002x", resident), ("4111111111111111", card)):
            place = min(at, len(right) - 2)
            wrong = right[:place] + str((int(right[place]) + more) % 10) + right[place + 1 :]
            assert not check(wrong)

    @pytest.mark.parametrize(
        ("text", "kinds"),
        [
            ("Write to lin.mei@example.org", {"email"}), ("电话 13800138000。", {"mobile"}),
            ("+86 138 0013 8000", {"mobile"}),
            ("身份证１１０１０５１９４９１２３１００２Ｘ", {"resident"}),
            ("4111-1111-1111-1111", {"card"}), ("GB82 WEST 1234 5698 7654 32", {"iban"}),
            ("order 20240305123456, 1700000000000 ms, 442 rows, a@b", set()),
        ],
    )  # fmt: skip
    def test_in_a_text(self, text: str, kinds: set[str]) -> None:
        assert {found.partition(":")[0] for found in identifiers(text)} == kinds


def test_listed_phrases_and_nothing_else() -> None:
    for text in ("You are a complete idiot", "I'll kill you", "go kill yourself", "你就是个废物",
                 "immigrants are vermin", "怎么不去死啊"):  # fmt: skip
        assert abuse(text), text
    for text in (
        "Kill the process.",
        "The die is cast.",
        "a moronic acid assay",
        "去世",
        "废物利用",
        "智障人士服务",
    ):
        assert not abuse(text), text


@pytest.mark.parametrize("size", [60_000])
def test_hostile_texts_take_time_in_proportion(size: int) -> None:
    """Quadratic work on these would take hours; a second each is far above what linear takes."""
    texts = (
        "1,234" + ",234" * (size // 4), "a" + "\u0300\u0316" * (size // 2), "[a-1]\n" * (size // 6),
        "一万" * (size // 2), "a@" + "b." * (size // 2), "gb82" * (size // 4), "。”" * (size // 2),
        ". " * (size // 2), "you are " * (size // 8), "\ud800" * size, "4111 " * (size // 5),
    )  # fmt: skip
    for text in texts:
        start = time.process_time()
        for read in (tokens, numbers, identifiers, abuse):
            read(text)
        sentences(text, ("a-1",))
        assert time.process_time() - start < 2, text[:10]
