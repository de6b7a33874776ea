"""A Python object as a program that speaks the protocol of `messages`. Runs in a child process.

The object is what a factory returns when it is called with the candidate's parameters:

- ``fit(features, target)`` (optional) learns from a list of dicts, column to number (NaN where
  missing), and a list of targets; what it returns is asked, or the object itself if that is None;
- ``predict(features)`` answers one case, a dict; for a rolling forecast it is called as
  ``predict(features, history=[...], horizon=steps)`` and there is no fit.

- ``read(passages)`` (optional, for questions in words) is given the documents, a list of dicts with
  passage and text; ``answer(question, columns)`` then answers one question.

- ``act(goal, scene)`` (for agents) is a generator: it yields ``(tool, arguments)``, is sent what it
  observed, ``{"value": ...}`` or ``{"fault": why}``, and returns what it says at the end.

An answer is a class, a number, a text, or a dict with the fields of the protocol.

Imports nothing heavy: a candidate that needs numpy imports it itself.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import sys
from collections.abc import Generator, Mapping
from typing import IO, Any

from pilotbase.kernel.plugins import load

GROUP = "pilotbase.candidates"


def main() -> None:
    """``python -c ... plugin NAME`` or ``... callable MODULE:FUNCTION``."""
    kind, name = sys.argv[1:3]
    # The protocol keeps its own copies of the streams: what a candidate prints goes nowhere.
    asked, said = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    serve(kind, name, asked, said)


def serve(kind: str, name: str, asked: IO[bytes], said: IO[bytes]) -> None:
    """Answer until the other side closes."""
    model: Any = None
    hello: Mapping[str, Any] = {}
    acting: Generator[Any, Any, Any] | None = None
    while line := asked.readline():
        message = json.loads(line)
        reply: dict[str, Any]
        try:
            if "hello" in message:
                hello = message["hello"]
                model = factory_named(kind, name)(**hello["parameters"])
                reply = {"protocol": 1, "learns": hasattr(model, "fit") and not hello["rolling"]}
            elif "fit" in message:
                model = _taught(model, message["fit"]["rows"], asked)
                reply = {}
            elif "documents" in message:
                passages = [
                    json.loads(asked.readline()) for _ in range(message["documents"]["passages"])
                ]
                if hasattr(model, "read"):
                    model.read(passages)
                reply = {}
            elif "act" in message:
                scene = dict(message["act"])
                acting = model.act(scene.pop("goal"), scene)
                reply = _acted(acting, None)
            elif "observed" in message:
                reply = _acted(acting, message["observed"])
            else:
                reply = answer_of(_asked(model, message["predict"]), hello["task"])
            text = json.dumps({"id": message["id"], **reply}, allow_nan=False, default=plain_number)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            text = json.dumps({"id": message["id"], "error": reason})
        with contextlib.suppress(BrokenPipeError):
            said.write(text.encode() + b"\n")
            said.flush()


def factory_named(kind: str, name: str) -> Any:
    """The plug-in's object, or the function of ``module:function``."""
    if kind == "plugin":
        return load(GROUP, name)
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def answer_of(answer: Any, task: str) -> dict[str, Any]:
    """An answer as fields of the protocol.

    >>> answer_of("tram", "classification"), answer_of(0.7, "detection"), answer_of(3, "regression")
    ({'label': 'tram'}, {'score': 0.7}, {'value': 3})
    """
    if isinstance(answer, Mapping):
        return {str(name): value for name, value in answer.items()}
    if task == "answer":
        return {"text": answer}
    answer = plain_number(answer) if hasattr(answer, "item") else answer
    if task == "classification":
        return {"label": answer}
    if task == "detection":
        return {"label" if isinstance(answer, bool) else "score": answer}
    return {"value": answer}


def _acted(acting: Generator[Any, Any, Any] | None, observed: Any) -> dict[str, Any]:
    """What an agent does next: a call, or its last words."""
    if acting is None:
        raise ValueError("nothing is being acted in")
    try:
        tool, arguments = acting.send(observed)
    except StopIteration as end:
        said = end.value if isinstance(end.value, Mapping) else {"text": end.value or ""}
        return {**said, "done": True}
    return {"call": {"tool": tool, "arguments": arguments}}


def _taught(model: Any, rows: int, asked: IO[bytes]) -> Any:
    lessons = [json.loads(asked.readline()) for _ in range(rows)]
    features = [_case(lesson["features"]) for lesson in lessons]
    fitted = model.fit(features, [lesson["target"] for lesson in lessons])
    return model if fitted is None else fitted


def _asked(model: Any, case: Mapping[str, Any]) -> Any:
    if "question" in case:
        return model.answer(case["question"], case["columns"])
    features = _case(case["features"])
    if "history" not in case:
        return model.predict(features)
    history = [math.nan if value is None else value for value in case["history"]]
    return model.predict(features, history=history, horizon=case["horizon"])


def _case(features: Mapping[str, Any]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in features.items()}


def plain_number(value: Any) -> Any:
    """NumPy's numbers as Python's. Raises TypeError for what is neither number nor text."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no number and no text")
