"""The output tensors of an inference answer, from JSON or from the bytes behind it, all checked."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from pilotbase.trial.candidates.answer import short
from pilotbase.trial.endpoints.port import Misspoken

TENSORS_MAX = 100
ELEMENTS_MAX = 1_000_000
BYTES_MAX = 64 * 1024
_NUMBERS = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}


def output_tensors(
    head: bytes, raw: bytes, model: str, version: str | None
) -> dict[str, list[Any]]:
    """Name → its values in row-major order, numbers as Python's own, BYTES as text.

    Args:
        head: the JSON. raw: the bytes behind it.
        model, version: that were asked; an answer by another one is refused.

    Raises:
        Misspoken: whatever does not fit together: shape and length, type and values, sizes and
            bytes.
    """
    try:
        answer = json.loads(head.decode())
    except (ValueError, RecursionError):
        raise Misspoken("the answer is not JSON") from None
    if not isinstance(answer, dict):
        raise Misspoken("the answer is no JSON object")
    if "error" in answer:
        raise Misspoken("an error instead of an answer")
    if answer.get("model_name") != model:
        raise Misspoken(f"another model answered: {short(repr(answer.get('model_name')))[:80]}")
    if version is not None and answer.get("model_version", version) != version:
        raise Misspoken("another version of the model answered")
    outputs = answer.get("outputs")
    if not isinstance(outputs, list) or len(outputs) > TENSORS_MAX:
        raise Misspoken("an answer without a list of outputs")
    found: dict[str, list[Any]] = {}
    for output in outputs:
        name, values, used = _tensor(output, raw)
        if name in found:
            raise Misspoken(f"two tensors {short(repr(name))[:60]}")
        found[name], raw = values, raw[used:]
    if raw:
        raise Misspoken(f"{len(raw)} bytes that belong to no tensor")
    return found


def _tensor(output: Any, raw: bytes) -> tuple[str, list[Any], int]:
    """Its name, its values, and how many of the bytes it took."""
    if not isinstance(output, dict) or not isinstance(output.get("name"), str):
        raise Misspoken("an output without name")
    name, datatype = output["name"], output.get("datatype")
    where = f"tensor {short(name)[:60]!r}"
    if datatype != "BYTES" and datatype not in _NUMBERS:
        raise Misspoken(f"{where}: unknown datatype {short(repr(datatype))[:40]}")
    count = _elements(output.get("shape"), where)
    parameters = output.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is None:
        return name, _from_json(output.get("data"), datatype, count, where), 0
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(raw):
        raise Misspoken(f"{where}: binary_data_size does not fit the answer")
    return name, _from_bytes(raw[:size], datatype, count, where), size


def _elements(shape: Any, where: str) -> int:
    sizes = shape if isinstance(shape, list) else [None]
    if len(sizes) > 16 or not all(
        isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= ELEMENTS_MAX for n in sizes
    ):
        raise Misspoken(f"{where}: no proper shape")
    count = math.prod(sizes)
    if count > ELEMENTS_MAX:
        raise Misspoken(f"{where}: more than {ELEMENTS_MAX} elements")
    return count


def _from_json(data: Any, datatype: str, count: int, where: str) -> list[Any]:
    """Flat or nested lists, as the protocol allows both."""
    flat = _flattened(data, where, 0) if isinstance(data, list) else None
    if flat is None or len(flat) != count:
        raise Misspoken(f"{where}: data and shape do not fit")
    for value in flat:
        if not _fits(value, datatype):
            said = short(repr(value))[:40]
            raise Misspoken(f"{where}: {said} is no {datatype}", f"张量的值 {said} 不是 {datatype}")
    return flat


def _flattened(data: list[Any], where: str, depth: int) -> list[Any]:
    if depth > 16:
        raise Misspoken(f"{where}: no proper shape")
    if not any(isinstance(item, list) for item in data):
        return data
    found: list[Any] = []
    for item in data:
        found += _flattened(item, where, depth + 1) if isinstance(item, list) else [item]
    return found


def _fits(value: Any, datatype: str) -> bool:
    if datatype == "BYTES":
        return isinstance(value, str)
    if datatype == "BOOL":
        return isinstance(value, bool) or (isinstance(value, int) and value in (0, 1))
    if isinstance(value, bool):
        return False
    if datatype.startswith("FP"):
        return isinstance(value, (int, float))
    bounds = np.iinfo(_NUMBERS[datatype])
    return isinstance(value, int) and bounds.min <= value <= bounds.max


def _from_bytes(raw: bytes, datatype: str, count: int, where: str) -> list[Any]:
    if datatype == "BYTES":
        return _texts(raw, count, where)
    kind = np.dtype(_NUMBERS[datatype])
    if len(raw) != count * kind.itemsize:
        raise Misspoken(f"{where}: {len(raw)} bytes for {count} elements of {datatype}")
    if datatype == "BOOL" and any(byte > 1 for byte in raw):
        raise Misspoken(f"{where}: a truth value that is neither 0 nor 1")
    values: list[Any] = np.frombuffer(raw, dtype=kind).tolist()
    return values


def _texts(raw: bytes, count: int, where: str) -> list[Any]:
    """Each element behind its length in four bytes."""
    found: list[Any] = []
    at = 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 4], "little")
        piece = raw[at + 4 : at + 4 + length]
        if length > BYTES_MAX or len(raw) - at < 4 or len(piece) != length:
            raise Misspoken(f"{where}: BYTES that do not fit their lengths")
        try:
            found.append(piece.decode())
        except UnicodeDecodeError:
            raise Misspoken(f"{where}: BYTES that are not UTF-8") from None
        at += 4 + length
    if len(found) != count:
        raise Misspoken(f"{where}: {len(found)} elements of BYTES, not {count}")
    return found
