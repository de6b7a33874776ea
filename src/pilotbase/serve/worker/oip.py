"""Open Inference Protocol v2 as a worker speaks it: tensors to cases, answers to tensors. Pure.

Source: kserve/open-inference-protocol, "REST" and "Binary tensor data extension". A request holds
one tensor ``input`` of shape (cases, columns), the columns in the order of the metadata, or one
tensor a column. Outputs are named as the fields of an answer: ``label``, ``score``,
``probability``, ``value``, ``lower``, ``upper``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pilotbase.serve.worker.answering import Answering, Fields, Unfit
from pilotbase.trial.endpoints.port import Misspoken
from pilotbase.trial.endpoints.tensors import output_tensors

LENGTH = "inference-header-content-length"
INPUT = "input"
CASES_MAX = 10_000
OUTPUTS: dict[str, tuple[tuple[str, str], ...]] = {
    "classification": (("label", "BYTES"),),
    "detection": (("label", "INT64"), ("score", "FP64")),
    "regression": (("value", "FP64"),),
    "forecast": (("value", "FP64"),),
    "answer": (),
}
"""By task: the tensors that every answer has; some candidates answer more."""
_TYPES = {"label": "BYTES", "probability": "FP64"}


def cases_of(body: bytes, header_length: str | None, model: Answering) -> list[Fields]:
    """The cases of a request. Raises Unfit."""
    try:
        length = int(header_length) if header_length else len(body)
        head = json.loads(body[:length])
        named = {one["name"]: list(one["shape"]) for one in head["inputs"]}
        # Requests and answers are built alike: one reader of tensors does for both.
        alike = json.dumps({"model_name": "", "outputs": head["inputs"]}).encode()
        tensors = output_tensors(alike, body[length:], "", None)
    except Misspoken as error:
        raise Unfit(str(error)) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unfit(f"no inference request: {type(error).__name__}") from error
    if model.columns == ("history",):
        return [{"history": [_plain(one) for one in tensors.get("history", [])]}]
    if set(tensors) == {INPUT}:
        return _from_matrix(tensors[INPUT], named[INPUT], model.columns)
    return _from_columns(tensors)


def _from_matrix(values: list[Any], shape: list[int], columns: Sequence[str]) -> list[Fields]:
    width = len(columns)
    if shape[-1:] != [width] or len(values) % width:
        raise Unfit(f"the tensor {INPUT} has shape {shape}; its rows hold {width} columns")
    rows = [values[at : at + width] for at in range(0, len(values), width)]
    _check_count(len(rows))
    return [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]


def _from_columns(tensors: Mapping[str, list[Any]]) -> list[Fields]:
    counts = {len(values) for values in tensors.values()}
    if len(counts) != 1:
        raise Unfit("the tensors of the columns have different lengths")
    count = counts.pop()
    _check_count(count)
    return [{name: _plain(values[row]) for name, values in tensors.items()} for row in range(count)]


def _check_count(count: int) -> None:
    if not 0 < count <= CASES_MAX:
        raise Unfit(f"{count} cases; from 1 to {CASES_MAX} are answered at once")


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def answer_of(answers: Sequence[Fields], name: str, version: str, id_: Any, fit: str) -> bytes:
    """The response body. Only fields that every case has become tensors."""
    shared = [name for name in answers[0] if all(name in one for one in answers)]
    said: dict[str, Any] = {
        "model_name": name,
        "model_version": version,
        "outputs": [_tensor(word, [one[word] for one in answers]) for word in shared],
        "parameters": {"fit": fit},
    }
    if isinstance(id_, str):
        said["id"] = id_
    return json.dumps(said, ensure_ascii=False, allow_nan=False).encode()


def _tensor(name: str, values: list[Any]) -> dict[str, Any]:
    if name == "probability":
        classes = list(values[0])
        flat = [shares[one] for shares in values for one in classes]
        shape = [len(values), len(classes)]
        return {
            "name": name, "datatype": "FP64", "shape": shape, "data": flat,
            "parameters": {"classes": json.dumps(classes, ensure_ascii=False)},
        }  # fmt: skip
    kind = "INT64" if isinstance(values[0], int) else _TYPES.get(name, "FP64")
    return {"name": name, "datatype": kind, "shape": [len(values)], "data": values}


def metadata_of(model: Answering, name: str, version: str) -> dict[str, Any]:
    """What the protocol's metadata call answers; ``parameters.fit`` says what it has learnt
    from."""
    each = [{"name": one, "datatype": "FP64", "shape": [-1]} for one in model.columns]
    matrix = {"name": INPUT, "datatype": "FP64", "shape": [-1, len(model.columns)]}
    return {
        "name": name,
        "versions": [version],
        "platform": "pilotbase",
        "inputs": each if model.columns == ("history",) else [matrix, *each],
        "outputs": [
            {"name": word, "datatype": kind, "shape": [-1]} for word, kind in OUTPUTS[model.task]
        ],
        "parameters": {
            "fit": model.fit,
            "task": model.task,
            "example": json.dumps(model.example, ensure_ascii=False),
        },
    }
