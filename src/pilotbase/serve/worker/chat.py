"""The chat completion's shape as a worker speaks it: a question in, an answer with citations out.

A service that takes columns and not words is asked by a JSON object of columns as the user's
message, or a list of them; its answer's text is JSON too. No language model takes part, so a usage
of zero tokens is the truth. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pilotbase.serve.rules import cases
from pilotbase.serve.rules.unfit import Unfit
from pilotbase.serve.worker.answering import Answering, Fields
from pilotbase.serve.worker.oip import CASES_MAX

PIECE = 64
"""Characters a chunk of a streamed answer."""
USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def asked(body: bytes, model: Answering) -> tuple[list[Fields], dict[str, Any]]:
    """The cases of a request, and the request. Raises Unfit."""
    try:
        said = json.loads(body)
        text = cases.words_of(said["messages"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, Unfit):
            raise
        raise Unfit("no chat request with a user's message", "不是含用户消息的对话请求") from error
    if model.columns == ("question",):
        return [{"question": text}], said
    if not 0 < cases.in_text(text) <= CASES_MAX:  # its error says what a text has to be
        raise Unfit(f"at most {CASES_MAX} cases are answered at once",
                    f"每次至多应答 {CASES_MAX} 个案例")  # fmt: skip
    return cases.read(text), said


def text_of(answers: Sequence[Fields], model: Answering) -> str:
    """The message's text; of a question in words, with the passages that it cites."""
    if model.columns != ("question",):
        said = answers[0] if len(answers) == 1 else list(answers)
        return json.dumps(said, ensure_ascii=False, allow_nan=False)
    answer = answers[0]
    cites = [one if isinstance(one, str) else one["passage"] for one in answer.get("cites", ())]
    marks = "".join(f" [{name}]" for name in dict.fromkeys(cites))
    return str(answer.get("text", "")) + marks


def completion(
    answers: Sequence[Fields],
    model: Answering,
    name: str,
    said: Mapping[str, Any],
    at: int,
    id_: str,
) -> dict[str, Any]:
    """The response; ``pilotbase`` in it holds the answer's fields and what the fit is.

    Args:
        at: seconds since 1970. id_: what no other response is called.
    """
    message: dict[str, Any] = {"role": "assistant", "content": text_of(answers, model)}
    if answers[0].get("refused"):
        message["refusal"] = message["content"] or "not in the documents"
    return {
        "id": f"chatcmpl-{id_}",
        "object": "chat.completion",
        "created": at,
        "model": str(said.get("model", name)),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
        "pilotbase": {"answers": list(answers), "fit": model.fit},
    }


def pieces(done: Mapping[str, Any], said: Mapping[str, Any]) -> list[bytes]:
    """The same response as server-sent events."""
    text = done["choices"][0]["message"]["content"] or ""
    head = {name: done[name] for name in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk"
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text[at : at + PIECE]} for at in range(0, len(text), PIECE)]
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": one, "finish_reason": None}]} for one in deltas
    ]
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks.append({**head, "choices": [end], "pilotbase": done["pilotbase"]})
    if (said.get("stream_options") or {}).get("include_usage"):
        chunks.append({**head, "choices": [], "usage": done["usage"]})
    made = [b"data: " + json.dumps(one, ensure_ascii=False).encode() + b"\n\n" for one in chunks]
    return [*made, b"data: [DONE]\n\n"]
