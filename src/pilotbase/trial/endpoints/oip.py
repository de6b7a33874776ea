"""An Open Inference Protocol endpoint (v2, HTTP): tensors as JSON or in binary.

``POST …/v2/models/{model}[/versions/{version}]/infer``; the binary tensor extension puts tensors
behind the JSON, little-endian, and says in ``Inference-Header-Content-Length`` where the JSON ends.
Source: kserve/open-inference-protocol, "REST" and "Binary tensor data extension".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from pilotbase.scenario import offer as offers
from pilotbase.trial.endpoints.chat import digest_of
from pilotbase.trial.endpoints.port import Case, Misspoken, Request, Response, Unanswered
from pilotbase.trial.endpoints.tensors import output_tensors
from pilotbase.trial.endpoints.wire import LENGTH, Wire, error_code, nobody

READY_SECONDS = 10.0
_MAY_BE_READY = (200, 404, 405, 501)
"""A server may do without the ready call; one that has it and says no is not ready."""

_BINARY = "application/octet-stream"
_TYPES = {"FP32": "<f4", "FP64": "<f8"}


class InferEndpoint:
    """A model behind an Open Inference Protocol server.

    Args:
        wire: its connections, not yet open.
        classes: the task's classes in the order of the probability tensor.
    """

    def __init__(self, offer: offers.Infer, wire: Wire, *, classes: Sequence[str] = ()) -> None:
        self.concurrency, self.ours = offer.concurrency, offer.ours
        self._offer, self._wire, self._classes = offer, wire, tuple(classes)
        version = f"/versions/{quote(offer.version, safe='')}" if offer.version else ""
        self._model = f"/v2/models/{quote(offer.model, safe='')}{version}"
        self._path = f"{self._model}/infer"
        names = (offer.label, offer.probability, offer.score, offer.value)
        self._wanted = tuple(name for name in names if name)

    async def open(self) -> None:
        """Also asks whether the model is ready.

        Raises:
            CandidateError: it is not, or nobody is there.
        """
        await self._wire.open()
        try:
            found = await self._wire.get(f"{self._model}/ready", READY_SECONDS)
            reason = "" if found.status in _MAY_BE_READY else f"(HTTP {found.status})"
        except Unanswered as error:
            reason = f"({error})"
        if reason:
            await self._wire.aclose()
            raise nobody(self._wire.address.url, f"the model is not ready {reason}")

    async def aclose(self) -> None:
        await self._wire.aclose()

    def request(self, case: Case) -> Request:
        if case.question is not None:
            raise Misspoken("an inference endpoint takes numbers, not questions")
        row = [_number(name, value) for name, value in case.features.items()]
        tensor: dict[str, Any] = {
            "name": self._offer.input,
            "shape": [1, len(row)],
            "datatype": self._offer.datatype,
        }
        outputs: list[dict[str, Any]] = [{"name": name} for name in self._wanted]
        if self._offer.encoding == "json":
            body, headers = self._in_json(tensor, outputs, row)
        else:
            body, headers = self._in_binary(tensor, outputs, row)
        url = self._wire.address.url
        return Request(digest_of(url, self._path, body, case.repeat), body, headers)

    def _in_json(
        self, tensor: dict[str, Any], outputs: list[dict[str, Any]], row: list[float]
    ) -> tuple[bytes, dict[str, str]]:
        if not all(map(math.isfinite, row)):
            raise Misspoken("a missing value, which JSON cannot carry; `encoding: binary` can")
        return _document({**tensor, "data": row}, outputs), {"content-type": "application/json"}

    def _in_binary(
        self, tensor: dict[str, Any], outputs: list[dict[str, Any]], row: list[float]
    ) -> tuple[bytes, dict[str, str]]:
        raw = np.array(row, dtype=_TYPES[self._offer.datatype]).tobytes()
        asked = [{**output, "parameters": {"binary_data": True}} for output in outputs]
        head = _document({**tensor, "parameters": {"binary_data_size": len(raw)}}, asked)
        return head + raw, {"content-type": _BINARY, LENGTH: str(len(head))}

    async def send(self, request: Request, seconds: float) -> Response:
        return await self._wire.post(self._path, request.headers, request.body, seconds)

    def read(self, case: Case, response: Response) -> Mapping[str, Any]:
        if "status" in response.headers:
            code = error_code(response.body)
            raise Misspoken(f"HTTP {response.headers['status']}" + (f": {code}" if code else ""))
        offer, tensors = self._offer, self._tensors(response)
        fields: dict[str, Any] = {}
        if offer.label:
            fields["label"] = _one(tensors, offer.label)
        if offer.probability:
            fields["probability"] = self._shares(_all(tensors, offer.probability))
        for word, name in (("score", offer.score), ("value", offer.value)):
            if name:
                fields[word] = _one(tensors, name)
                if isinstance(fields[word], (str, bool)):
                    raise Misspoken(f"tensor {name}: no number")
        lost = response.headers.get("lost")
        return fields | ({"lost": int(lost)} if lost else {})

    def _tensors(self, response: Response) -> dict[str, list[Any]]:
        length = response.headers.get(LENGTH)
        if response.kind not in ("application/json", _BINARY):
            raise Misspoken(f"{response.kind[:60] or 'no media type'} instead of tensors")
        if length is None:
            if response.kind == _BINARY:
                raise Misspoken("binary tensors without the length of their JSON")
            return output_tensors(response.body, b"", self._offer.model, self._offer.version)
        if not (length.isascii() and length.isdigit()) or int(length) > len(response.body):
            raise Misspoken("the length of the JSON is wrong")
        head, raw = response.body[: int(length)], response.body[int(length) :]
        return output_tensors(head, raw, self._offer.model, self._offer.version)

    def _shares(self, numbers: list[Any]) -> Any:
        if not self._classes:
            return numbers
        if len(numbers) != len(self._classes):
            raise Misspoken(f"{len(numbers)} probabilities for {len(self._classes)} classes")
        return dict(zip(self._classes, numbers, strict=True))

    def price(self, fields: Mapping[str, Any], request: Request | None = None) -> float | None:
        return None


def _document(tensor: Mapping[str, Any], outputs: Sequence[Mapping[str, Any]]) -> bytes:
    document: dict[str, Any] = {"inputs": [tensor]}
    if outputs:
        document["outputs"] = outputs
    return json.dumps(document, separators=(",", ":")).encode()


def _number(name: str, value: Any) -> float:
    if value is None:
        return math.nan
    try:
        if not isinstance(value, str):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise Misspoken(f"column {name!r} is no number")


def _all(tensors: Mapping[str, list[Any]], name: str) -> list[Any]:
    if name not in tensors:
        raise Misspoken(f"no tensor {name!r} in the answer")
    return tensors[name]


def _one(tensors: Mapping[str, list[Any]], name: str) -> Any:
    values = _all(tensors, name)
    if len(values) != 1:
        raise Misspoken(f"tensor {name!r} holds {len(values)} values, not one")
    return values[0]
