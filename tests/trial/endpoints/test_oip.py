"""Open Inference Protocol: what is sent, and that every malformed answer is told apart."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.errors import CandidateError
from pilotbase.trial.endpoints.port import Case, Misspoken, Response
from pilotbase.trial.endpoints.tensors import output_tensors
from tests.trial.endpoints.conftest import asked, case_of, infer_at
from tests.trial.endpoints.servers import MODEL, Call, http, says, serving

ROOT = "https://models.example.org"
ROW = Case({"age": 41.0, "bmi": np.float64(23.5), "smokes": True})
LENGTH = "inference-header-content-length"


def tensor(name: str, datatype: str, shape: Any, data: Any = None, size: int | None = None) -> Any:
    found = {"name": name, "datatype": datatype, "shape": shape}
    if size is not None:
        return {**found, "parameters": {"binary_data_size": size}}
    return {**found, "data": data}


def answer(*outputs: Any, raw: bytes = b"", **more: Any) -> tuple[bytes, bytes]:
    return json.dumps({"model_name": MODEL, "outputs": list(outputs), **more}).encode(), raw


def found(*outputs: Any, raw: bytes = b"", **more: Any) -> Mapping[str, list[Any]]:
    return output_tensors(*answer(*outputs, raw=raw, **more), MODEL, None)


def test_what_is_sent_as_json():
    request = infer_at(ROOT, score="risk", version="3").request(ROW)
    assert json.loads(request.body) == {
        "inputs": [
            {"name": "input", "shape": [1, 3], "datatype": "FP64", "data": [41.0, 23.5, 1.0]}
        ],
        "outputs": [{"name": "risk"}],
    }
    assert request.digest != infer_at(ROOT, score="risk").request(ROW).digest


def test_what_is_sent_in_binary():
    request = infer_at(ROOT, score="risk", encoding="binary", datatype="FP32").request(ROW)
    length = int(request.headers[LENGTH])
    head = json.loads(request.body[:length])
    assert struct.unpack("<3f", request.body[length:]) == (41.0, 23.5, 1.0)
    assert head["inputs"][0]["parameters"] == {"binary_data_size": 12}
    assert head["outputs"] == [{"name": "risk", "parameters": {"binary_data": True}}]


def test_missing_values_travel_in_binary_only():
    case = Case({"x": float("nan"), "y": None})
    with pytest.raises(Misspoken, match="binary"):
        infer_at(ROOT).request(case)
    assert np.isnan(np.frombuffer(infer_at(ROOT, encoding="binary").request(case).body[-16:])).all()


@pytest.mark.parametrize("case", [case_of(), Case({"x": "red"}), Case({"x": object()})])
def test_only_numbers_are_sent(case: Case):
    with pytest.raises(Misspoken):
        infer_at(ROOT).request(case)


def model(answer_of: Callable[[Call], bytes], ready: int = 200) -> Any:
    return says(lambda call: http("", status=ready) if call.method == "GET" else answer_of(call))


def test_a_server_that_speaks_json():
    def speak(call: Call) -> bytes:
        row = call.json["inputs"][0]["data"]
        head, _ = answer(
            tensor("risk", "FP64", [1, 1], [[sum(row) / 100]]), tensor("call", "INT64", [1], [1])
        )
        return http(head)

    with serving(model(speak)) as server:
        fields = asked(infer_at(server.root, score="risk", label="call"), ROW)
        assert fields["score"] == pytest.approx(0.655) and fields["label"] == 1
        assert [call.path for call in server.calls] == [
            f"/v2/models/{MODEL}/ready",
            f"/v2/models/{MODEL}/infer",
        ]


def test_a_server_that_speaks_binary():
    def speak(call: Call) -> bytes:
        row = np.frombuffer(call.body[int(call.headers[LENGTH]) :], "<f8")
        shares = np.array([row[0] / 100, 1 - row[0] / 100], "<f4").tobytes()
        name = b"low"
        raw = shares + len(name).to_bytes(4, "little") + name
        head, _ = answer(
            tensor("shares", "FP32", [1, 2], size=8), tensor("class", "BYTES", [1], size=7)
        )
        headers = {LENGTH.replace("-", "_"): str(len(head))}
        return http(head + raw, kind="application/octet-stream", **headers)

    with serving(model(speak)) as server:
        endpoint = infer_at(
            server.root,
            encoding="binary",
            probability="shares",
            label="class",
            classes=("high", "low"),
            version="7",
        )
        fields = asked(endpoint, ROW)
        assert server.calls[0].path == f"/v2/models/{MODEL}/versions/7/ready"
    assert fields["probability"] == pytest.approx({"high": 0.41, "low": 0.59}, abs=1e-6)
    assert fields["label"] == "low"


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_may_do_without_the_ready_call(status: int):
    speak = http(answer(tensor("v", "FP64", [1], [2.5]))[0])
    with serving(model(lambda call: speak, ready=status)) as server:
        assert asked(infer_at(server.root, value="v"), ROW)["value"] == 2.5


def test_a_model_that_is_not_ready():
    with (
        serving(model(lambda call: b"", ready=503)) as server,
        pytest.raises(CandidateError, match="not ready"),
    ):
        asked(infer_at(server.root, value="v"), ROW)


FAULTY: dict[str, tuple[Any, bytes, str]] = {
    "no list": ({"model_name": MODEL, "outputs": {}}, b"", "list of outputs"),
    "another model": ({"model_name": "other", "outputs": []}, b"", "another model"),
    "no model": ({"outputs": []}, b"", "another model"),
    "error": ({"error": "out of memory"}, b"", "an error"),
    "no name": ({"model_name": MODEL, "outputs": [{}]}, b"", "without name"),
}
OUTPUTS: dict[str, tuple[Any, bytes, str]] = {
    "datatype": (tensor("v", "FP8", [1], [1]), b"", "unknown datatype"),
    "shape": (tensor("v", "FP64", [-1], [1]), b"", "no proper shape"),
    "shape of truths": (tensor("v", "FP64", [True], [1]), b"", "no proper shape"),
    "no shape": (tensor("v", "FP64", None, [1]), b"", "no proper shape"),
    "huge": (tensor("v", "FP64", [1000, 1000, 1000], [1]), b"", "more than"),
    "too many": (tensor("v", "FP64", [1], [1, 2]), b"", "do not fit"),
    "no data": (tensor("v", "FP64", [1]), b"", "do not fit"),
    "text": (tensor("v", "FP64", [1], ["1"]), b"", "is no FP64"),
    "truth": (tensor("v", "INT64", [1], [True]), b"", "is no INT64"),
    "fraction": (tensor("v", "INT64", [1], [1.5]), b"", "is no INT64"),
    "out of range": (tensor("v", "UINT8", [1], [256]), b"", "is no UINT8"),
    "number for text": (tensor("v", "BYTES", [1], [1]), b"", "is no BYTES"),
    "size": (tensor("v", "FP64", [1], size=9), b"12345678", "does not fit"),
    "negative size": (tensor("v", "FP64", [1], size=-1), b"", "does not fit"),
    "bytes and shape": (tensor("v", "FP32", [1], size=8), b"12345678", "8 bytes for 1"),
    "left over": (tensor("v", "FP32", [1], size=4), b"12345678", "belong to no tensor"),
    "lengths": (tensor("v", "BYTES", [1], size=5), b"\x09\0\0\0a", "do not fit their lengths"),
    "cut length": (tensor("v", "BYTES", [1], size=2), b"\1\0", "do not fit their lengths"),
    "text, elements": (tensor("v", "BYTES", [2], size=5), b"\1\0\0\0a", "1 elements"),
    "not UTF-8": (tensor("v", "BYTES", [1], size=5), b"\1\0\0\0\xff", "not UTF-8"),
    "truth of 2": (tensor("v", "BOOL", [1], size=1), b"\2", "neither 0 nor 1"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_answers(name: str):
    document, raw, reason = FAULTY[name]
    with pytest.raises(Misspoken, match=reason):
        output_tensors(json.dumps(document).encode(), raw, MODEL, None)


@pytest.mark.parametrize("name", OUTPUTS)
def test_faulty_tensors(name: str):
    output, raw, reason = OUTPUTS[name]
    with pytest.raises(Misspoken, match=reason):
        found(output, raw=raw)


def test_two_tensors_of_one_name_and_another_version():
    one = tensor("v", "FP64", [1], [1.0])
    with pytest.raises(Misspoken, match="two tensors"):
        found(one, one)
    with pytest.raises(Misspoken, match="another version"):
        output_tensors(*answer(one, model_version="2"), MODEL, "1")


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_no_bytes_are_too_strange(head: bytes, raw: bytes):
    with pytest.raises(Misspoken):
        output_tensors(head, raw, MODEL, None)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=8))
def test_numbers_come_back(numbers: list[float]):
    raw = np.array(numbers, "<f4").tobytes()
    assert found(tensor("v", "FP32", [1, len(numbers)], size=len(raw)), raw=raw)["v"] == numbers
    assert found(tensor("v", "FP64", [len(numbers)], [*numbers]))["v"] == numbers


@pytest.mark.parametrize(
    ("headers", "kind", "reason"),
    [
        ({LENGTH: "99999"}, "application/octet-stream", "length of the JSON"),
        ({LENGTH: "-1"}, "application/octet-stream", "length of the JSON"),
        ({LENGTH: "²"}, "application/octet-stream", "length of the JSON"),
        ({}, "application/octet-stream", "without the length"),
        ({}, "text/html", "text/html instead"),
        ({"status": "400"}, "application/json", "HTTP 400"),
    ],
)
def test_faulty_headers(headers: dict[str, str], kind: str, reason: str):
    response = Response(answer()[0], kind, 1.0, headers=headers)
    with pytest.raises(Misspoken, match=reason):
        infer_at(ROOT, value="v").read(ROW, response)


@pytest.mark.parametrize(
    ("outputs", "section", "reason"),
    [
        ([], {"value": "v"}, "no tensor"),
        ([tensor("v", "FP64", [2], [1, 2])], {"value": "v"}, "2 values"),
        ([tensor("v", "BYTES", [1], ["x"])], {"value": "v"}, "no number"),
        ([tensor("v", "FP64", [3], [1, 2, 3])], {"probability": "v"}, "3 probabilities for 2"),
    ],
)
def test_outputs_that_are_not_what_was_named(outputs: Any, section: Any, reason: str):
    response = Response(answer(*outputs)[0], "application/json", 1.0)
    with pytest.raises(Misspoken, match=reason):
        infer_at(ROOT, classes=("a", "b"), **section).read(ROW, response)
