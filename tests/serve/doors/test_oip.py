"""Open Inference Protocol v2: with NVIDIA's client for it, and with raw requests."""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferInput, InferRequestedOutput
from tritonclient.http.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from pilotbase.serve.call import Caps
from tests.serve.doors.mounting import Said, answering, as_json, doors, serving_by
from tests.serve.gateway.rig import KEY, Answer, ask

HEADERS = {"Authorization": f"Bearer {KEY}"}
METADATA = {
    "name": "m",
    "versions": ["7"],
    "platform": "sklearn",
    "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 2]}],
    "outputs": [{"name": "label", "datatype": "BYTES", "shape": [-1]}],
    "parameters": {"fit": "all rows"},
}


def model(path: bytes, body: bytes, headers: dict[bytes, bytes]) -> Said:
    """Sums rows; reads JSON and bytes; answers in JSON."""
    if path == b"/v2/models/m":
        return as_json(METADATA)
    if path != b"/v2/models/m/infer":
        return as_json({"error": "no such model"}, 404)
    length = int(headers.get(b"inference-header-content-length", len(body)))
    said = json.loads(body[:length])
    [x] = [one for one in said["inputs"] if one["name"] == "x"]
    rows, width = x["shape"]
    if "data" in x:
        flat = x["data"]
    else:
        assert headers[b"content-type"] == b"application/octet-stream"
        size = x["parameters"]["binary_data_size"]
        flat = struct.unpack(f"<{rows * width}d", body[length : length + size])
    sums = [sum(flat[n * width : (n + 1) * width]) for n in range(rows)]
    outputs = [
        {"name": "sum", "datatype": "FP64", "shape": [rows], "data": sums},
        {"name": "label", "datatype": "BYTES", "shape": [rows], "data": ["高"] * rows},
    ]
    return as_json({"model_name": "m", "id": said.get("id", ""), "outputs": outputs})


def posted(body: bytes, path: str = "/v2/models/f/infer", extra: str = "") -> bytes:
    media = "" if "Content-Type" in extra else "Content-Type: application/json\r\n"
    return (
        f"POST {path} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {KEY}\r\n{media}{extra}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def tensor(**changed: Any) -> dict[str, Any]:
    return {"name": "x", "datatype": "FP64", "shape": [2, 2], "data": [1, 2, 3, 4]} | changed


def inference(*inputs: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"inputs": inputs or [tensor()], **more}).encode()


@pytest.mark.parametrize("binary", [True, False])
def test_the_known_client_gets_sums_and_words_both_ways(binary: bool) -> None:
    async def work() -> None:
        seen: list[Any] = []
        async with (
            answering(model, seen) as url,
            doors("oip", serving_by("oip", url, "infer")) as rig,
            InferenceServerClient(f"127.0.0.1:{rig.port}") as client,
        ):
            x = InferInput("x", [3, 2], "FP64")
            x.set_data_from_numpy(np.arange(6.0).reshape(3, 2), binary_data=binary)
            word = InferInput("note", [1], "BYTES")
            word.set_data_from_numpy(np.array(["说明".encode()], dtype=object), binary_data=binary)
            outputs = [InferRequestedOutput(one, binary_data=binary) for one in ("sum", "label")]
            got = await client.infer("f", [x, word], outputs=outputs, headers=dict(HEADERS))
            assert got.as_numpy("sum").tolist() == [1.0, 5.0, 9.0]
            assert [as_text(one) for one in got.as_numpy("label")] == ["高"] * 3
            said = got.get_response()
            assert (said["model_name"], said["model_version"]) == ("f", "1")
            [(call, usage, outcome)] = rig.meter.settled
            assert outcome == "served" and call.most.cases == usage.cases == 3 and usage.counted
            assert usage.bytes_in == len(call.ask.body) + len(call.ask.tail)
            [(first, headers, body)] = seen
            assert first == b"POST /v2/models/m/infer HTTP/1.1"
            assert (b"inference-header-content-length" in headers) is binary
            length = int(headers.get(b"inference-header-content-length", len(body)))
            put = json.loads(body[:length])
            assert put["inputs"][1]["data"] == ["说明"]  # words are never bytes
            assert all(not one["parameters"] for one in put["outputs"])

    asyncio.run(work())


def as_text(said: Any) -> str:
    return said.decode() if isinstance(said, bytes) else str(said)


def test_the_known_client_learns_what_stands_ready() -> None:
    async def work() -> None:
        seen: list[Any] = []
        async with (
            answering(model, seen) as url,
            doors("oip", serving_by("oip", url, "infer")) as rig,
            InferenceServerClient(f"127.0.0.1:{rig.port}") as client,
        ):
            assert await client.is_server_live() and await client.is_server_ready()
            assert await client.is_model_ready("f") and await client.is_model_ready("f", "1")
            assert not await client.is_model_ready("f", "2")
            said = await client.get_server_metadata()
            assert said["extensions"] == ["binary_tensor_data"]
            for _ in range(2):
                about = await client.get_model_metadata("f", headers=dict(HEADERS))
            assert about["inputs"] == METADATA["inputs"] and about["versions"] == ["1"]
            assert about["parameters"]["filing"] == "f-1"
            assert about["parameters"]["fit"] == "all rows"
            assert len(seen) == 1  # the upstream was asked once
            with pytest.raises(InferenceServerException, match="key"):
                await client.get_model_metadata("f")
            rig.gate.stopped = True
            assert not await client.is_model_ready("f")

    asyncio.run(work())


def test_a_version_is_a_filing_and_errors_have_the_protocols_shape() -> None:
    async def work() -> None:
        async with (
            answering(model) as url,
            doors("oip", serving_by("oip", url, "infer")) as rig,
        ):
            for path in ("f/versions/1", "f-1", "f-1/versions/1"):
                got = await ask(rig, posted(inference(), f"/v2/models/{path}/infer"))
                assert got.status == 200 and got.headers["pilotbase-filing"] == "f-1"
            got = await ask(rig, posted(inference(), "/v2/models/f/versions/2/infer"))
            assert got.status == 404 and isinstance(got.json["error"], str)
            assert got.json["code"] == "serve.not_filed"
            assert (await ask(rig, posted(b"", "/v2/models/f/versions/infer"))).status == 404
            got = await ask(rig, posted(inference(tensor(name="y"))))
            assert got.status == 502 and rig.meter.outcomes[-1] == "failed"

    asyncio.run(work())


FAULTS = {
    "no JSON": b"nothing",
    "no inputs": b"{}",
    "an empty list of inputs": json.dumps({"inputs": []}).encode(),
    "a name that stands twice": inference(tensor(), tensor()),
    "fewer data than the shape says": inference(tensor(shape=[1, 2])),
    "more data than the shape says": inference(tensor(shape=[1000, 2])),
    "a negative shape": inference(tensor(shape=[-1, -4])),
    "a shape beyond all bounds": inference(tensor(shape=[2**40, 2**40])),
    "an unknown datatype": inference(tensor(datatype="FP65")),
    "no rows": inference(tensor(shape=[0, 2], data=[])),
    "bytes that are not there": inference(
        {"name": "x", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}}
    ),
    "another process's memory": inference(tensor(parameters={"shared_memory_region": "r"})),
    "a sequence that an upstream would keep": inference(parameters={"sequence_id": 7}),
    "nesting without end": b'{"inputs":' + b"[" * 100_000,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_inference_is_refused_before_it_costs(fault: str) -> None:
    async def work() -> Answer:
        async with (
            answering(model) as url,
            doors("oip", serving_by("oip", url, "infer")) as rig,
        ):
            got = await ask(rig, posted(FAULTS[fault]))
            assert not rig.meter.begun
            return got

    got = asyncio.run(work())
    assert got.status == 400 and got.json["error"]


@pytest.mark.parametrize(
    "length", ["-1", "9999", "x", "1\r\nInference-Header-Content-Length: 2", "1" * 5000]
)
def test_a_length_of_the_json_that_does_not_fit_is_refused(length: str) -> None:
    async def work() -> None:
        async with doors("oip", serving_by("oip", "http://127.0.0.1:9", "infer")) as rig:
            extra = f"Inference-Header-Content-Length: {length}\r\n"
            assert (await ask(rig, posted(inference(), extra=extra))).status == 400
            extra = "Content-Type: text/plain\r\n"
            assert (await ask(rig, posted(inference(), extra=extra))).status == 415

    asyncio.run(work())


def test_rows_are_limited_and_a_series_is_one() -> None:
    async def work() -> None:
        caps = Caps(cases_max=3, whole_s_max=20.0)
        async with (
            answering(model) as url,
            doors("oip", serving_by("oip", url, "infer", caps=caps)) as rig,
        ):
            got = await ask(rig, posted(inference(tensor(shape=[4, 1]))))
            assert got.status == 413 and got.json["code"] == "serve.too_many_cases"
            series = {"name": "history", "datatype": "FP64", "shape": [9], "data": [1] * 9}
            await ask(rig, posted(inference(tensor(shape=[1, 4]), series)))
            assert rig.meter.begun[-1].most.cases == 1

    asyncio.run(work())


@pytest.mark.parametrize(
    "said",
    [
        {"outputs": [{"name": "sum", "datatype": "FP64", "shape": [9], "data": [1.0]}]},
        {"outputs": "none"},
        {"error": "out of memory"},
    ],
)
def test_an_answer_that_is_none_is_a_failure_and_costs_nothing(said: Any) -> None:
    async def work() -> None:
        async with (
            answering(lambda *_: as_json(said)) as url,
            doors("oip", serving_by("oip", url, "infer")) as rig,
        ):
            got = await ask(rig, posted(inference()))
            assert got.status == 502 and got.json["code"] == "serve.upstream_garbage"
            [(_, usage, outcome)] = rig.meter.settled
            assert outcome == "failed" and usage.cases == 0

    asyncio.run(work())


def test_words_that_cannot_be_packed_as_numbers_are_no_answer() -> None:
    async def work() -> None:
        bad = {"outputs": [{"name": "sum", "datatype": "FP64", "shape": [1], "data": ["x"]}]}
        async with (
            answering(lambda *_: as_json(bad)) as url,
            doors("oip", serving_by("oip", url, "infer")) as rig,
        ):
            body = inference(parameters={"binary_data_output": True})
            assert (await ask(rig, posted(body))).status == 502
            assert rig.meter.outcomes == ["failed"]

    asyncio.run(work())


def test_a_second_choice_answers_and_says_that_it_did() -> None:
    async def work() -> None:
        async with answering(model) as url:
            second = serving_by("oip", url, "infer", filing="g-1")
            first = serving_by("oip", "http://127.0.0.1:9", "infer", fallback=(second,))
            async with doors("oip", first, second) as rig:
                got = await ask(rig, posted(inference()))
                assert got.status == 200 and got.headers["pilotbase-filing"] == "g-1"
                assert got.json["model_name"] == "g"
                assert rig.meter.outcomes == ["failed", "served"]

    asyncio.run(work())


def test_a_gateway_of_the_usual_doors_loads_no_sdk_of_the_others() -> None:
    code = (
        "import sys, pilotbase.serve.running.child, pilotbase.serve.doors.openai_models, "
        "pilotbase.serve.doors.oip_pages; "
        "found = {name.partition('.')[0] for name in sys.modules}; "
        "print(*found & {'mcp', 'mcp_types', 'a2a', 'google', 'numpy', 'pandas', 'sklearn'})"
    )
    words = [sys.executable, "-c", code]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "\n"
