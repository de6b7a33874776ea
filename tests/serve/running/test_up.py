"""The first hour: after the tour, `pilotbase up` serves what is filed and refuses the rest."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import openai
import pytest
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.helpers.proto_helpers import new_data_message
from a2a.types import Role, SendMessageRequest, TaskState
from a2a.utils.signing import create_signature_verifier
from jwt import PyJWK
from tritonclient.http import InferInput
from tritonclient.http.aio import InferenceServerClient

from pilotbase.catalog.parties.who import listed
from pilotbase.faces.cli.serving import _simplest, shown
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.register.filings import act, filings
from tests.conftest import Toured
from tests.serve.running.gateway import Gateway, Json, gateway, until

SERVICE = "fertility-forecast-damped-trend"


@pytest.fixture(scope="module")
def home(toured: Toured, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The toured home with one of its filings alone, so that one worker starts and not five."""
    folder = tmp_path_factory.mktemp("up") / "home"
    shutil.copytree(toured.base.context.home, folder, ignore=shutil.ignore_patterns("reports"))
    context = replace(toured.base.context, home=folder)
    with open_record(context) as record:
        for name in filings(record):
            if name != f"{SERVICE}-1":
                act(record, context, name, "suspend", "case officer", reason="not in this test")
    return context


@pytest.fixture(scope="module")
def up(home: Context) -> Iterator[tuple[Gateway, Json]]:
    with gateway(home.home, "up") as found:
        yield found, found.line()


def test_what_is_filed_is_called_from_lines_to_copy(
    home: Context, up: tuple[Gateway, Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, said = up
    assert [one["service"] for one in said["services"]] == [SERVICE]
    assert said["workers"] == {f"{SERVICE}-1": {"state": "ready", "reason": ""}}
    lines = [line.strip() for line in shown(said, home, "en")]
    monkeypatch.setenv("PILOTBASE_KEY", said["key"])
    first, agent, refused = (line for line in lines if line.startswith("curl "))
    task = json.loads(_run(agent))["result"]["task"]
    assert 0 < json.loads(task["artifacts"][0]["parts"][0]["text"])["value"] < 9
    answer = json.loads(_run(first))
    assert 0 < json.loads(answer["choices"][0]["message"]["content"])["value"] < 9
    assert "a refit on all" in answer["pilotbase"]["fit"]
    assert json.loads(_run(refused))["error"]["code"] == "serve.not_filed"
    assert any(line.startswith("# serve.not_filed") for line in lines)
    assert sum("it is suspended since" in line for line in lines) == 4
    script, agents = (line for line in lines if line.startswith("python -c "))
    for one in (script, agents):
        assert "'" not in one.removeprefix("python -c '").removesuffix("'")
    here = agents.replace("python -c", f"{sys.executable} -c", 1)
    assert 0 < json.loads(_run(here))["value"] < 9
    assert any("gateway usage" in line for line in lines)
    assert {line for line in shown(said, home, "zh")} != set(lines)


def test_the_shortest_example_is_shown() -> None:
    examples: Json = {
        "wide-1": {"a": "x" * 200},
        "many-1": {"age": 41, "area": "south"},
        "series-1": {"history": []},
        "words-1": {"question": "When do you open, and where?"},
    }

    def chosen(*names: str) -> Any:
        found = _simplest({"services": [{"filing": name} for name in names], "examples": examples})
        return found and found["filing"]

    assert chosen(*examples) == "words-1"
    assert chosen("wide-1", "many-1", "series-1") == "series-1"
    assert chosen("wide-1", "many-1", "gone-1") == "many-1"
    assert chosen("gone-1") is None


def _run(line: str) -> str:
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout


def test_the_official_client_is_answered(up: tuple[Gateway, Json]) -> None:
    found, said = up
    with openai.OpenAI(base_url=f"{found.address}/v1", api_key=said["key"]) as client:
        assert [one.id for one in client.models.list()] == [f"{SERVICE}-1"]
        case = json.dumps(said["examples"][f"{SERVICE}-1"])
        message = {"role": "user", "content": case}
        whole = client.chat.completions.create(model=SERVICE, messages=[message])  # type: ignore[call-overload]
        pieces = client.chat.completions.create(  # type: ignore[call-overload]
            model=SERVICE, messages=[message], stream=True
        )
        text = "".join(p.choices[0].delta.content or "" for p in pieces if p.choices)
        assert json.loads(text) == json.loads(whole.choices[0].message.content)
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model="travel-mode-forest-without-income",
                                           messages=[message])  # fmt: skip
        assert caught.value.code == "serve.suspended"


def test_the_known_clients_of_the_other_doors_are_answered(up: tuple[Gateway, Json]) -> None:
    found, said = up
    headers = {"Authorization": f"Bearer {said['key']}"}
    case = said["examples"][f"{SERVICE}-1"]

    async def inferred() -> float:
        async with InferenceServerClient(urlsplit(found.address).netloc) as client:
            about = await client.get_model_metadata(SERVICE, headers=dict(headers))
            assert {one["name"] for one in about["inputs"]} >= set(case)
            inputs = [InferInput(name, [1], "FP64") for name in case]
            for one in inputs:
                one.set_data_from_numpy(np.array([float(case[one.name()])]))
            got = await client.infer(SERVICE, inputs, headers=dict(headers))
            return float(got.as_numpy("value")[0])

    async def messaged() -> tuple[Any, Any]:
        async with httpx.AsyncClient(headers=headers) as http:
            at = f"{found.address}/a2a/{SERVICE}-1"
            card = await A2ACardResolver(http, at).get_agent_card()
            keys = (await http.get(f"{found.address}/.well-known/jwks.json")).json()["keys"]
            create_signature_verifier(lambda kid, jku: PyJWK(keys[0]), ["EdDSA"])(card)
            client = ClientFactory(ClientConfig(httpx_client=http)).create(card)
            message = new_data_message(case, role=Role.ROLE_USER)
            events = [e async for e in client.send_message(SendMessageRequest(message=message))]
            return card, events

    value = asyncio.run(inferred())
    card, events = asyncio.run(messaged())
    assert 0 < value < 9
    assert card.capabilities.extensions[0].params["filing"] == f"{SERVICE}-1"
    assert events[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
    (parts,) = [e.artifact_update.artifact.parts for e in events if e.HasField("artifact_update")]
    assert json.loads(parts[0].text)["value"] == pytest.approx(value)


def test_a_worker_that_is_killed_is_said_to_have_ended_and_calls_wait_for_the_next(
    home: Context, up: tuple[Gateway, Json]
) -> None:
    found, said = up
    pid = next(int(p.name) for p in Path("/proc").iterdir() if _is_worker(p, home.home))
    case = json.dumps(said["examples"][f"{SERVICE}-1"])
    until(lambda: found.chat(said["key"], SERVICE, case)[0] == 200)  # on a connection it has taken
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        left = pool.submit(found.chat, said["key"], SERVICE, case)
        with pytest.raises(TimeoutError):
            left.result(0.3)
        os.kill(pid, signal.SIGKILL)
        status, body, headers = left.result(10)
    assert (status, body["error"]["code"]) == (503, "serve.worker_ended")
    assert f"{SERVICE}-1: its own worker ended" in body["error"]["message"]
    assert "自有工作进程" in body["error"]["message_zh"] and headers["retry-after"] == "5"
    assert found.chat(said["key"], SERVICE, case)[0] == 200


def _is_worker(entry: Path, home: Path) -> bool:
    """Of this home: another `up` may run on the machine."""
    try:
        said = (entry / "cmdline").read_text()
    except OSError:
        return False
    return all(word in said for word in ("worker.process", SERVICE, json.dumps(str(home))))


def test_a_stop_is_obeyed_and_the_key_ends_with_the_gateway(
    home: Context, up: tuple[Gateway, Json]
) -> None:
    found, said = up
    with open_record(home) as record:
        act(record, home, f"{SERVICE}-1", "stop", "regulator", reason="tried it out")
    assert until(lambda: found.chat(said["key"], SERVICE)[0] == 410) < 5
    assert found.end() == 0
    with open_record(home) as record:
        (key,) = listed(record, "local-operator", home.clock())
    assert key["state"] == "key.revoked" and key["key"] in said["key"]
