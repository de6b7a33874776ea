"""Agents' calls that wait for a person: a real record, a real queue, the official clients."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from a2a.helpers.proto_helpers import get_artifact_text
from a2a.types import GetTaskRequest, TaskState
from google.protobuf.json_format import MessageToDict

from pilotbase.record.opened import open_record
from pilotbase.serve.doors.beside import Beside
from pilotbase.serve.people import answering
from pilotbase.serve.people.door import CallDoor
from pilotbase.serve.people.handoff import HandOff
from tests.serve.doors.mounting import doors, serving_by
from tests.serve.doors.test_a2a import WORDS, agent, said, task_of
from tests.serve.doors.test_mcp import client
from tests.serve.gateway.rig import SAID, Rig, saying, upstream, whole
from tests.serve.people.kit import home


@asynccontextmanager
async def desk(folder: Path, answer: bytes) -> AsyncIterator[tuple[Rig, HandOff, Any]]:
    """A gateway whose every call waits for a person first."""
    with open_record(home(folder)) as record:
        people = HandOff(record, asyncio.get_running_loop(), "gw")
        await people.open()
        made: list[Beside] = []

        def beside(serving: Any) -> Beside:
            calls = CallDoor(people, serving.gate, serving.resume, time.time)
            made.append(Beside(record, people, calls, list, lambda name: None, "http://gw"))
            return made[0]

        async with upstream(saying(answer)) as url:
            route = serving_by("chat", url, "chat", handoff={"before": {"always": True}})
            async with doors("mcp,a2a", route, beside=beside, people=people) as rig:
                yield rig, people, made[0]
        people.close()


@pytest.mark.parametrize("verdict", ["approve", "refuse"])
def test_a_task_ends_as_a_person_decides(tmp_path: Path, verdict: str) -> None:
    async def work() -> None:
        async with (
            desk(tmp_path, WORDS) as (rig, people, beside),
            agent(rig, beside) as (client_, _),
        ):
            task, _ = await task_of(client_, said("请批准"))
            assert task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
            [waits] = answering.queue(people.record)
            answering.answer(people.record, waits["usage"], verdict, "li", "no", None)
            async with asyncio.timeout(5):
                while task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED:
                    people.look()
                    await asyncio.sleep(0.01)
                    task = await client_.get_task(GetTaskRequest(id=task.id))
            if verdict == "approve":
                assert get_artifact_text(task.artifacts[0]) == "早上好"
                assert rig.meter.outcomes == ["served"]
            else:
                assert task.status.state == TaskState.TASK_STATE_FAILED
                told = json.dumps(MessageToDict(task.status.message))
                assert "serve.person_refused" in told and rig.meter.outcomes == ["refused"]

    asyncio.run(work())


def test_a_tool_that_waits_goes_on_when_a_person_has_approved(tmp_path: Path) -> None:
    async def work() -> None:
        async with desk(tmp_path, whole(json.dumps(SAID).encode())) as (rig, people, _):

            async def elicited(ctx: Any, params: Any) -> types.ElicitResult:
                [waits] = answering.queue(people.record)
                answering.answer(people.record, waits["usage"], "approve", "li", "", None)
                people.look()
                return types.ElicitResult(action="accept", content={"wait": True})

            async with client(rig, elicitation_callback=elicited) as caller:
                got = await caller.call_tool("f", {"question": "?"})
                assert got.structured_content == {"text": "好的"}
                assert rig.meter.outcomes == ["served"]

    asyncio.run(work())
