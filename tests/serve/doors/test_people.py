"""Agents' calls that wait for a person: a real record, a real queue, the official clients."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from a2a.helpers.proto_helpers import get_artifact_text
from a2a.types import CancelTaskRequest, GetTaskRequest, Task, TaskState
from a2a.utils.errors import TaskNotCancelableError, TaskNotFoundError
from google.protobuf.json_format import MessageToDict

from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.serve.doors.beside import Beside
from pilotbase.serve.people import answering, keeping
from pilotbase.serve.people.door import CallDoor
from pilotbase.serve.people.handoff import HandOff
from tests.serve.doors.mounting import doors, serving_by
from tests.serve.doors.test_a2a import WORDS, agent, said, task_of
from tests.serve.doors.test_mcp import client
from tests.serve.gateway.rig import SAID, Rig, saying, until, upstream, whole
from tests.serve.people.kit import home


@asynccontextmanager
async def desk(folder: Path, answer: bytes) -> AsyncIterator[tuple[Rig, HandOff, Any]]:
    """A gateway whose every call waits for a person first."""
    context = Context(folder / "home") if (folder / "home").exists() else home(folder)
    with open_record(context) as record:
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


def test_a_task_that_is_cancelled_is_taken_back_from_people(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            desk(tmp_path, WORDS) as (rig, people, beside),
            agent(rig, beside) as (client_, _),
        ):
            task, _ = await task_of(client_, said("请批准"))
            [waits] = answering.queue(people.record)
            gone = await client_.cancel_task(CancelTaskRequest(id=task.id))
            assert gone.status.state == TaskState.TASK_STATE_CANCELED
            assert answering.queue(people.record) == []
            await until(lambda: rig.meter.outcomes == ["refused"])
            parking = keeping.parking_of(people.record, waits["usage"])
            assert parking is not None and parking.decided is not None
            assert (parking.decided["said"], parking.decided["person"]) == ("withdrawn", "")
            by = people.record.entry(parking.decided["entry"]).envelope["by"]
            assert by["name"] == "agent"  # whose key it is

            # one that a person has decided is theirs
            task, _ = await task_of(client_, said("请批准"))
            [waits] = answering.queue(people.record)
            answering.answer(people.record, waits["usage"], "approve", "li", "", None)
            with pytest.raises(TaskNotCancelableError):
                await client_.cancel_task(CancelTaskRequest(id=task.id))
            people.look()
            await until(lambda: rig.meter.outcomes == ["refused", "served"])
            task = await client_.get_task(GetTaskRequest(id=task.id))
            assert get_artifact_text(task.artifacts[0]) == "早上好"

    asyncio.run(work())


def test_tasks_that_were_put_down_are_known_after_a_restart_and_no_others(tmp_path: Path) -> None:
    put_down = list[Task]()

    async def first() -> None:
        async with (
            desk(tmp_path, WORDS) as (rig, _, beside),
            agent(rig, beside) as (client_, _),
        ):
            for _ in range(2):
                put_down.append((await task_of(client_, said("请批准")))[0])

    async def second() -> None:
        one, two = put_down
        async with (
            desk(tmp_path, WORDS) as (rig, people, beside),
            agent(rig, beside) as (client_, _),
        ):
            task = await client_.get_task(GetTaskRequest(id=one.id))
            assert task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
            assert task.context_id == one.context_id
            usage = task.metadata.fields["pilotbase-usage"].string_value
            answering.answer(people.record, usage, "approve", "li", "", None)
            async with asyncio.timeout(5):
                while task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED:
                    await asyncio.sleep(0.01)
                    task = await client_.get_task(GetTaskRequest(id=one.id))
            assert get_artifact_text(task.artifacts[0]) == "早上好"
            gone = await client_.cancel_task(CancelTaskRequest(id=two.id))
            assert gone.status.state == TaskState.TASK_STATE_CANCELED
            assert answering.queue(people.record) == []
            with pytest.raises(TaskNotFoundError):
                await client_.get_task(GetTaskRequest(id="nobody's"))
            rig.gate.keys.add("pbk_4567_other")
            rig.gate.grants["pbk_4567_other"] = replace(rig.gate.grant, key="4567")
            async with agent(rig, beside, key="pbk_4567_other") as (other, _):
                for task in put_down:
                    with pytest.raises(TaskNotFoundError):
                        await other.get_task(GetTaskRequest(id=task.id))

    async def third() -> None:
        async with (
            desk(tmp_path, WORDS) as (rig, _, beside),
            agent(rig, beside) as (client_, _),
        ):
            states = [
                (await client_.get_task(GetTaskRequest(id=one.id))).status.state for one in put_down
            ]
            assert states == [TaskState.TASK_STATE_COMPLETED, TaskState.TASK_STATE_CANCELED]

    for one in (first, second, third):
        asyncio.run(one())


def test_a_tool_call_that_waits_is_taken_back(tmp_path: Path) -> None:
    async def work() -> None:
        async with desk(tmp_path, whole(json.dumps(SAID).encode())) as (rig, people, _):
            contents = [{"wait": False}, {"wait": False, "withdraw": True}]

            async def elicited(ctx: Any, params: Any) -> types.ElicitResult:
                return types.ElicitResult(action="accept", content=contents.pop())

            async with client(rig, elicitation_callback=elicited) as caller:
                got = await caller.call_tool("f", {"question": "?"})
                assert got.structured_content["withdrawn"] and not got.is_error
                later = (await caller.call_tool("f", {"question": "?"})).structured_content
                usage = later["usage"]
                got = await caller.call_tool("pilotbase_withdraw", {"usage": usage})
                assert got.structured_content == {"withdrawn": True, "usage": usage}
            await until(lambda: rig.meter.outcomes == ["refused", "refused"])
            assert answering.queue(people.record) == []

    asyncio.run(work())
