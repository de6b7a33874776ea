"""Answers in pieces: nothing passes because it was split, and nothing gets lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.serve.call import Refused
from tests.serve.guards.making import after, answer, chunk, content, stream, streamed, watch

TEXT = "Write to a.b@example.org, card 4111 1111 1111 1111, or call 13800138000."
MASKED = "Write to [email removed], card [card removed], or call [mobile removed]."


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    return [text[a:b] for a, b in zip(places, places[1:], strict=False)]  # noqa: RUF007


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(TEXT)), max_size=10))
def test_masked_alike_at_every_split(cuts: list[int]) -> None:
    made = watch({"personal_data": {}})
    events = [chunk(piece) for piece in pieces_of(TEXT, cuts)]
    out = stream(made.pieces(), [*events, chunk(finish="stop")])
    assert streamed(out) == MASKED == content(after(made, answer(TEXT)))
    assert out[-1]["choices"][0]["finish_reason"] == "stop"


def test_what_is_held_comes_before_the_end_is_said() -> None:
    out = stream(
        watch({"personal_data": {}}).pieces(), [chunk("call 1380013"), chunk(finish="stop")]
    )
    assert streamed(out) == "call 1380013"
    assert [one["choices"][0]["finish_reason"] for one in out][-1] == "stop"


def test_the_last_piece_may_bring_text_and_the_end_at_once() -> None:
    out = stream(
        watch({"personal_data": {}}).pieces(), [chunk("call 138001"), chunk("38000", finish="stop")]
    )
    assert streamed(out) == "call [mobile removed]"


def test_a_stream_that_ends_without_saying_so_loses_nothing() -> None:
    out = stream(watch({"personal_data": {}}).pieces(), [chunk("call 1380013")])
    assert streamed(out) == "call 1380013"


def test_choices_do_not_mix() -> None:
    events = [chunk("call 138001"), chunk("38000", index=1), chunk("38000 x"), chunk(" y", index=1)]
    out = stream(watch({"personal_data": {}}).pieces(), events)
    assert streamed(out, 0) == "call [mobile removed] x"
    assert streamed(out, 1) == "38000 y"


@pytest.mark.parametrize("cut", range(1, 35))
def test_a_secret_over_two_pieces_stops_the_stream(cut: int) -> None:
    key = "sk-" + "a1B2" * 8
    made = watch({"secrets": {}})
    pieces = made.pieces()
    assert pieces is not None
    out = list[bytes]()
    with pytest.raises(Refused) as told:
        for event in (chunk("so " + key[:cut]), chunk(key[cut:] + " it is"), chunk(finish="stop")):
            out += pieces.feed(event)
    assert told.value.code == "serve.guard.secrets"
    assert streamed([json.loads(one) for one in out]) == "so "


def test_arguments_of_tools_are_read_too() -> None:
    def call(text: str) -> bytes:
        tool = {"index": 2, "function": {"arguments": text}}
        return json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [tool]}}]}).encode()

    out = stream(
        watch({"personal_data": {}}).pieces(), [call('{"to":"a.b@exa'), call('mple.org"}')]
    )
    tools = [one["choices"][0]["delta"]["tool_calls"][0] for one in out]
    assert "".join(tool["function"]["arguments"] for tool in tools) == '{"to":"[email removed]"}'
    assert {tool["index"] for tool in tools} == {2}


def test_responses_in_pieces_and_their_whole_at_the_end() -> None:
    def event(kind: str, **more: Any) -> bytes:
        return json.dumps({"type": kind, "item_id": "i", "output_index": 0, **more}).encode()

    out = stream(
        watch({"personal_data": {}}).pieces(),
        [
            event("response.output_text.delta", delta="call 138001"),
            event("response.output_text.delta", delta="38000"),
            event("response.output_text.done", text="call 13800138000"),
        ],
    )
    deltas = "".join(one["delta"] for one in out if one["type"].endswith("delta"))
    assert deltas == out[-1]["text"] == "call [mobile removed]"


def test_a_guard_of_whole_answers_holds_the_stream_to_its_end() -> None:
    no = "The documents do not say."
    guards = {"grounded": {"refusals": [no], "passages": {"a": "It has 12 rows."}}}
    pieces = watch(guards).pieces()
    assert pieces is not None and pieces.feed(chunk("It has 12")) == []
    out = stream(pieces, [chunk(" rows. [a]"), chunk(finish="stop")])
    assert streamed(out) == "It has 12 rows. [a]"
    out = stream(
        watch(guards).pieces(), [chunk("It has 13"), chunk(" rows. [a]"), chunk(finish="stop")]
    )
    assert streamed(out) == no


def test_a_stream_that_is_no_json_does_not_pass() -> None:
    pieces = watch({"secrets": {}}).pieces()
    assert pieces is not None
    for data in (b"hello", b"[]", b"\xff"):
        with pytest.raises(Refused) as told:
            pieces.feed(data)
        assert told.value.code == "serve.unscannable"
    assert pieces.feed(b"[DONE]") == [b"[DONE]"]


def test_words_and_forms_are_found_over_pieces() -> None:
    guards = {"lists": {"words": ["Falcon", "绝密"], "forms": [r"x-\d{3}"], "action": "mask"}}
    texts = ["see fal", "con and 绝", "密 and x-1", "23."]
    out = stream(watch(guards).pieces(), [chunk(text) for text in texts])
    assert streamed(out) == "see [denied removed] and [denied removed] and [denied removed]."


def test_the_receipt_says_how_much_was_held() -> None:
    made = watch({"personal_data": {"kinds": ["mobile"], "on": ["answer"]}})
    stream(made.pieces(), [chunk("fine"), chunk(finish="stop")])
    assert made.scanned == ("personal_data: answer (held 17 chars)",)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "delta", "index", "content", "text", "type", "tool_calls"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_event_is_either_refused_or_let_through(event: Any) -> None:
    pieces = watch({"personal_data": {}, "grounded": {"refusals": ["no"]}}).pieces()
    assert pieces is not None
    try:
        pieces.feed(json.dumps(event).encode())
        pieces.finish(lambda rest: None)
    except Refused as refused:
        assert refused.code == "serve.unscannable"
