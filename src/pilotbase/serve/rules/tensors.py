"""Tensors of the Open Inference Protocol v2, in JSON and as bytes behind it. Pure.

Source: kserve/open-inference-protocol, "Inference Request JSON Object" and "Binary tensor data
extension". Every length is checked against its shape: what is paid for, the rows of the first
dimension, is then what the upstream computes. Bytes are little-endian, in row-major order; each
element of ``BYTES`` stands behind its length in four bytes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pilotbase.serve.rules.unfit import Unfit

TENSORS_MAX = 256
DIMENSIONS_MAX = 16
ELEMENTS_MAX = 2**28
SERIES = "history"
"""A tensor of this name with one dimension is one case: a series, not a column."""
CODES = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
SIZES = {**{name: struct.calcsize(f"<{code}") for name, code in CODES.items()}, "BF16": 2}
"""Bytes of an element; BYTES has none of its own."""
_data = msgspec.json.Decoder(list[Any]).decode


class Tensor(msgspec.Struct, omit_defaults=True):
    """One tensor as it stands in JSON."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] = {}
    data: msgspec.Raw = msgspec.Raw()


def elements(tensor: Tensor) -> int:
    """How many elements its shape has. Raises Unfit."""
    name, shape = tensor.name[:60], tensor.shape
    if tensor.datatype != "BYTES" and tensor.datatype not in SIZES:
        raise Unfit(f"tensor {name!r}: unknown datatype", f"张量 {name!r}: 未知的数据类型")
    count = math.prod(shape) if len(shape) <= DIMENSIONS_MAX else -1
    if not shape or min(shape) < 0 or not 0 <= count <= ELEMENTS_MAX:
        raise Unfit(f"tensor {name!r}: no proper shape", f"张量 {name!r}: 形状不正确")
    return count


def cases_of(tensors: Sequence[Tensor]) -> int:
    """Rows of a request: the longest first dimension; a series is one.

    >>> cases_of([Tensor("x", "FP64", [3, 4]), Tensor("y", "FP64", [3])])
    3
    >>> cases_of([Tensor("history", "FP64", [120])])
    1
    """
    return max((1 if _series(one) else one.shape[0] for one in tensors), default=0)


def _series(tensor: Tensor) -> bool:
    return tensor.name == SERIES and len(tensor.shape) == 1


def split(tensors: Sequence[Tensor], tail: bytes) -> Iterator[tuple[Tensor, bytes | None]]:
    """Each tensor with its bytes, None where its data stand in JSON.

    Raises:
        Unfit: a length that is not its shape's, bytes that belong to nobody.
    """
    if len(tensors) > TENSORS_MAX:
        raise Unfit(f"more than {TENSORS_MAX} tensors", f"张量多于 {TENSORS_MAX} 个")
    at = 0
    for one in tensors:
        count, size = elements(one), one.parameters.get("binary_data_size")
        if size is None:
            if _length(one) != count:
                raise _wrong(one)
            yield one, None
            continue
        if type(size) is not int or not 0 <= size <= len(tail) - at or bytes(one.data):
            raise _wrong(one)
        if one.datatype != "BYTES" and size != count * SIZES[one.datatype]:
            raise _wrong(one)
        yield one, tail[at : at + size]
        at += size
    if at != len(tail):
        raise Unfit("bytes that belong to no tensor", "存在不属于任何张量的字节")


def _wrong(tensor: Tensor) -> Unfit:
    name = tensor.name[:60]
    return Unfit(f"tensor {name!r}: data and shape do not fit", f"张量 {name!r}: 数据与形状不符")


def _length(tensor: Tensor) -> int:
    """How many elements stand in its JSON."""
    return sum(1 for _ in flat(json_data(tensor)))


def json_data(tensor: Tensor) -> list[Any]:
    """What stands in its JSON, flat or nested. Raises Unfit."""
    try:
        return _data(tensor.data)
    except (msgspec.DecodeError, RecursionError):
        raise _wrong(tensor) from None


def flat(data: Sequence[Any], depth: int = 0) -> Iterator[Any]:
    """The elements in row-major order. Raises Unfit."""
    for one in data:
        if isinstance(one, list):
            if depth >= DIMENSIONS_MAX:
                raise Unfit("data are nested too deep", "数据嵌套过深")
            yield from flat(one, depth + 1)
        else:
            yield one


def unpacked(datatype: str, raw: bytes) -> list[Any]:
    """The elements that bytes hold. Raises Unfit.

    >>> unpacked("INT16", b"\\x01\\x00\\xff\\xff"), unpacked("BYTES", b"\\x02\\x00\\x00\\x00ab")
    ([1, -1], ['ab'])
    """
    if datatype == "BYTES":
        return list(_texts(raw))
    code = CODES.get(datatype)
    if code is None or len(raw) % SIZES[datatype]:
        raise Unfit(f"{datatype} cannot be read here", f"此处无法读取 {datatype}")
    return list(struct.unpack(f"<{len(raw) // SIZES[datatype]}{code}", raw))


def _texts(raw: bytes) -> Iterator[str]:
    at = 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 4], "little")
        piece = raw[at + 4 : at + 4 + length]
        if len(raw) - at < 4 or len(piece) != length:
            raise Unfit("BYTES that do not fit their lengths", "BYTES 与其长度不符")
        try:
            yield piece.decode()
        except UnicodeDecodeError:
            raise Unfit("BYTES that are not UTF-8", "BYTES 不是 UTF-8") from None
        at += 4 + length


def packed(datatype: str, values: Sequence[Any]) -> bytes:
    """Elements as bytes. Raises Unfit.

    >>> packed("INT16", [1, -1]), packed("BYTES", ["ab"])
    (b'\\x01\\x00\\xff\\xff', b'\\x02\\x00\\x00\\x00ab')
    """
    try:
        if datatype == "BYTES":
            found = [one.encode() for one in values]
            return b"".join(struct.pack("<I", len(one)) + one for one in found)
        return struct.pack(f"<{len(values)}{CODES[datatype]}", *values)
    except (struct.error, KeyError, AttributeError, OverflowError, UnicodeEncodeError):
        raise Unfit(f"what is no {datatype}", f"不是 {datatype} 的值") from None


def dressed(
    answer: Mapping[str, msgspec.Raw], outputs: Sequence[Tensor], wanted: Callable[[str], bool]
) -> tuple[bytes, bytes]:
    """An answer's JSON and the bytes behind it, with the wanted tensors as bytes. Raises Unfit."""
    tails = list[bytes]()
    made = list[Tensor]()
    for one in outputs:
        if not wanted(one.name):
            made.append(one)
            continue
        tails.append(packed(one.datatype, list(flat(json_data(one)))))
        size = {**one.parameters, "binary_data_size": len(tails[-1])}
        made.append(Tensor(one.name, one.datatype, one.shape, size))
    head = msgspec.json.encode({**answer, "outputs": [as_json(one) for one in made]})
    return head, b"".join(tails)


def as_json(tensor: Tensor) -> dict[str, Any]:
    """A tensor as it is written; without data where they stand behind."""
    said: dict[str, Any] = {
        "name": tensor.name,
        "datatype": tensor.datatype,
        "shape": tensor.shape,
    }
    if tensor.parameters:
        said["parameters"] = tensor.parameters
    if bytes(tensor.data):
        said["data"] = tensor.data
    return said
