"""Open Inference Protocol v2 as a worker speaks it: tensors to cases, answers to tensors. Pure.

Source: kserve/open-inference-protocol, "REST" and "Binary tensor data extension". A request holds
one tensor ``input`` of shape (cases, columns), the columns in the order of the metadata, or one
tensor a column. Outputs are named as the fields of an answer: ``label``, ``score``,
``probability``, ``value``, ``lower``, ``upper``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from pilotbase.serve.rules.cases import MATRIX, in_shapes
from pilotbase.serve.rules.tensors import SERIES
from pilotbase.serve.rules.unfit import Unfit
from pilotbase.serve.worker.answering import Answering, Fields
from pilotbase.trial.endpoints.port import Misspoken
from pilotbase.trial.endpoints.tensors import output_tensors

LENGTH = "inference-header-content-length"
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
        count = in_shapes(named)
    except Misspoken as error:
        raise Unfit(str(error), error.zh or "张量无法读取") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, Unfit):
            raise
        en, zh = _why(error)
        raise Unfit(f"no inference request: {en}", f"不是推理请求: {zh}") from error
    if not 0 < count <= CASES_MAX:
        raise Unfit(f"{count} cases; from 1 to {CASES_MAX} are answered at once",
                    f"共 {count} 个案例; 每次应答 1 至 {CASES_MAX} 个")  # fmt: skip
    if set(tensors) == {MATRIX}:
        return _from_matrix(tensors[MATRIX], named[MATRIX], model)
    each = {name: [_plain(one) for one in values] for name, values in tensors.items()}
    series = {name: each.pop(name) for name in (SERIES,) if name in each}
    rows = ({name: values[row] for name, values in each.items()} for row in range(count))
    return [{**series, **row} for row in rows]


def _why(error: Exception) -> tuple[str, str]:
    """What kept a request from being read."""
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing", f"缺少 {error.args[0]}"
    if isinstance(error, ValueError):
        return "its head is no JSON of the length given", "其头部不是所标明长度的 JSON"
    return "a part of it has another form", "某一部分的形式不符"


def _from_matrix(values: list[Any], shape: list[int], model: Answering) -> list[Fields]:
    width = len(model.columns)
    if shape[1] != width or "BYTES" in model.datatypes.values():
        raise Unfit(f"the tensor {MATRIX} has shape {shape}; its rows are to hold {width} numbers",
                    f"张量 {MATRIX} 的形状为 {shape}; 每行应有 {width} 个数值")  # fmt: skip
    rows = [values[at : at + width] for at in range(0, len(values), width)]
    return [dict(zip(model.columns, map(_plain, row), strict=True)) for row in rows]


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
    from, ``parameters.optional`` which columns' values may be missing."""
    types = model.datatypes
    each = [{"name": one, "datatype": types[one], "shape": [-1]} for one in model.columns]
    matrix = {"name": MATRIX, "datatype": "FP64", "shape": [-1, len(model.columns)]}
    as_numbers = SERIES not in types and set(types.values()) == {"FP64"}
    return {
        "name": name,
        "versions": [version],
        "platform": "pilotbase",
        "inputs": [matrix, *each] if as_numbers else each,
        "outputs": [
            {"name": word, "datatype": kind, "shape": [-1]} for word, kind in OUTPUTS[model.task]
        ],
        "parameters": {
            "fit": model.fit,
            "task": model.task,
            "optional": json.dumps(model.optional, ensure_ascii=False),
            "example": json.dumps(model.example, ensure_ascii=False),
        },
    }
