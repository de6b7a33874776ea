"""Chat completions: what is sent, and how answers are read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.errors import CandidateError
from pilotbase.scenario.template import template_names
from pilotbase.trial.endpoints.completion import same_model
from pilotbase.trial.endpoints.port import Case, Misspoken, Request, Response
from pilotbase.trial.endpoints.prompt import Prompt
from pilotbase.trial.endpoints.spoken import cited, says_refusal, table_fields
from tests.trial.endpoints.conftest import asked, case_of, chat_at
from tests.trial.endpoints.servers import MODEL, completion, http, says, serving

URL = "https://models.example.org/v1"


def read(answer: dict[str, Any], *, case: Case | None = None, **section: Any) -> Any:
    """An answer, read without a server."""
    response = Response(json.dumps(answer).encode(), "application/json", 1.0)
    return chat_at(URL, **section).read(case or case_of(), response)


# What is sent


def test_a_request_says_what_the_scenario_says():
    endpoint = chat_at(
        URL, system="Be brief.", prompt="{documents}\n\nQ: {question} {{}}", as_json=True
    )
    sent = json.loads(endpoint.request(case_of("Où?")).body)
    assert sent["model"] == MODEL and sent["temperature"] == 0.0 and sent["max_tokens"] == 1024
    assert sent["response_format"] == {"type": "json_object"} and "stream" not in sent
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert sent["messages"][1]["content"] == (
        "[p1] Paris is the capital.\n\n[p2] Rome is old.\n\nQ: Où? {}"
    )


def test_requests_are_the_same_exactly_when_nothing_differs():
    endpoint = chat_at(URL)
    same = {endpoint.request(case_of()).digest, chat_at(URL).request(case_of()).digest}
    others = {
        endpoint.request(case_of("Why?")).digest,
        endpoint.request(Case({}, case_of().question, repeat=1)).digest,
        chat_at(URL + "/other").request(case_of()).digest,
        chat_at(URL, temperature=None).request(case_of()).digest,
        chat_at(URL, stream=True).request(case_of()).digest,
    }
    assert len(same) == 1 and len(others | same) == 6


def test_a_key_is_no_part_of_a_request():
    request = chat_at(URL, key={"env": "PILOTBASE_KEY_TEST"}).request(case_of())
    assert "authorization" not in {name.lower() for name in request.headers}
    assert request.digest == chat_at(URL).request(case_of()).digest


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("{question}", ("question",)),
        ("{a b} {question} {a b}", ("a b", "question")),
        ("{{question}} {{{question}}}", ("question",)),
        ("nothing", ()),
    ],
)
def test_template_names(prompt: str, names: tuple[str, ...]):
    assert template_names(prompt) == names


@pytest.mark.parametrize("prompt", ["{", "a } b", "{question", "{}", "{a{b}}"])
def test_a_lone_brace_is_a_fault(prompt: str):
    with pytest.raises(ValueError):
        template_names(prompt)


@given(st.text())
def test_braces_come_back_by_doubling(text: str):
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert template_names(doubled) == ()
    assert Prompt(doubled).filled(case_of()) == text


def test_columns_of_a_table():
    case = Case({"age": 41.0, "bmi": np.float64(23.5), "sex": float("nan"), "word": "x"})
    assert Prompt("{age}|{bmi}|{sex}|{word}").filled(case) == "41|23.5||x"
    assert Prompt("{question}").filled(case) == "age: 41\nbmi: 23.5\nsex: \nword: x"
    with pytest.raises(Misspoken, match="no column"):
        Prompt("{height}").filled(case)


def test_templates_do_not_reach_into_objects():
    case = case_of(columns={"topic": "x"})
    with pytest.raises(Misspoken):
        Prompt("{question.__class__}").filled(case)
    assert Prompt("{topic}").filled(case) == "x"
    assert Prompt("{question}").filled(case_of("{documents}")) == "{documents}"


def test_documents_are_never_cut_in_silence():
    case = case_of(passages={"p": "x" * 2_000_001})
    with pytest.raises(Misspoken, match="characters"):
        Prompt("{documents}").filled(case)


def test_text_that_json_cannot_carry():
    with pytest.raises(Misspoken, match="cannot carry"):
        chat_at(URL).request(case_of("half \ud83d a letter"))


# Who answered


@pytest.mark.parametrize(
    "suffix", ["", "-0613", "-2026-08-01", "-20260801", "@001", "-v2", ":v1.2", "-08-06"]
)
def test_a_version_of_the_model_is_the_model(suffix: str):
    assert same_model("m-4", "m-4" + suffix)


@pytest.mark.parametrize(
    "name", ["m-40", "m-4-mini", "m-4-32k", "m-4o", "M-4", "x/m-4", "m", "m-4-", "m-4-7"]
)
def test_another_name_is_another_model(name: str):
    assert not same_model("m-4", name)


# How it is read


def test_a_whole_answer():
    found = read(completion("In Paris [p1], see [p1, p2]."))
    assert found["text"].startswith("In Paris") and found["refused"] is False
    assert [cite["passage"] for cite in found["cites"]] == ["p1", "p2"]
    assert found["tokens"] == {"in": 12, "out": 3}


@pytest.mark.parametrize(
    "answer",
    [
        completion("I cannot say."),
        completion("  i CANNOT  say. [p1]"),
        completion("“I cannot say.”"),
        completion("I cannot say. Nothing is written about it."),
        completion(None, refusal="I will not help with that."),
        completion("", finish_reason="content_filter"),
    ],
)
def test_refusals(answer: dict[str, Any]):
    assert read(answer)["refused"] is True


def test_a_filter_that_turns_the_request_down_is_a_refusal():
    with serving(says(http({"error": {"code": "content_filter"}}, status=400))) as server:
        assert asked(chat_at(server.url))["refused"] is True


def test_no_refusal():
    assert read(completion("It is not so that I cannot say."))["refused"] is False
    assert not says_refusal("anything", ["", "  "])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[p1][p2]", ["p1", "p2"]),
        ("[p9]", ["p9"]),
        ("[see the note] [p1](http://x)", []),
        ("[p1；p2、p1]", ["p1", "p2"]),
        ("[]", []),
        ("[[p1]]", ["p1"]),
        ("[" * 1000, []),
    ],
)
def test_citations(text: str, found: list[str]):
    assert cited(text, {"p1": "", "p2": ""}) == found


def test_brackets_are_just_brackets_where_there_are_no_documents():
    assert cited("a[0]", {}) == []


def test_json_answers():
    data = {
        "text": "Paris",
        "cites": [{"passage": "p1", "quote": "the capital"}, "p2"],
        "retrieved": ["p2"],
    }
    found = read(completion(json.dumps(data)), as_json=True)
    assert found["text"] == "Paris" and found["data"] == data and found["retrieved"] == ["p2"]
    assert found["cites"] == [
        {"passage": "p1", "quote": "the capital"},
        {"passage": "p2", "quote": ""},
    ]
    assert read(completion('```json\n{"refused": true}\n```'), as_json=True)["refused"] is True
    assert read(completion('{"answer": "x [p1]"}'), as_json=True)["cites"][0]["passage"] == "p1"


@pytest.mark.parametrize(
    "text", ["Paris", "[1]", '{"a": NaN}', '{"a": "\\ud83d"}', '{"cites": [{}]}']
)
def test_what_is_no_json_object(text: str):
    with pytest.raises(Misspoken):
        read(completion(text), as_json=True)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("7", {"label": 7, "value": 7.0, "score": 7.0}),
        (" 0.25 ", {"value": 0.25, "score": 0.25}),
        ("-3.5e2.", {"value": -350.0, "score": -350.0}),
        ('"large".', {"label": "large"}),
        ("**yes**", {"label": "yes"}),
        (
            '{"label": "a", "probability": {"a": 0.7}, "why": "x"}',
            {"label": "a", "probability": {"a": 0.7}},
        ),
        ('{"refused": true}', {"refuse": "it will not answer"}),
    ],
)
def test_answers_for_tables(text: str, fields: dict[str, Any]):
    assert table_fields(text) == fields
    found = read(completion(text), case=Case({"x": 1.0}))
    assert {name: found[name] for name in fields} == fields


def test_an_infinite_number_is_none():
    with pytest.raises(Misspoken):
        table_fields("1e999")


# Prices


def test_prices_are_in_minor_units():
    endpoint = chat_at(URL, price={"input": "2.00 CNY", "output": "8.00 CNY"})
    assert endpoint.price_of(1_000_000, 500_000) == 600.0
    assert endpoint.price_of(3, 1) == pytest.approx(0.0014)
    assert endpoint.price_of(None, 1) is None and chat_at(URL).price_of(1, 1) is None
    assert endpoint.price({}) is None


def test_who_gives_no_usage_is_taken_at_the_most_it_may_charge():
    offer = {"price": {"input": "2.00 CNY", "output": "8.00 CNY"}, "max_tokens": 100}
    request = Request("sha256:0", b"x" * 1_000)
    for kept_back in ({}, {"tokens": {"in": None, "out": 3}}):
        cost = chat_at(URL, **offer).price(kept_back, request)
        assert cost == pytest.approx((200 * 1_000 + 800 * 100) / 1e6)
    told = {"tokens": {"in": 3, "out": 1}}
    assert chat_at(URL, **offer).price(told, request) == pytest.approx(0.0014)
    assert chat_at(URL).price({}, request) is None


@pytest.mark.parametrize("price", [("2.00 CNY", "1.00 EUR"), ("free", "1.00 CNY")])
def test_a_price_that_is_none(price: tuple[str, str]):
    with pytest.raises(CandidateError):
        chat_at(URL, price={"input": price[0], "output": price[1]})
