"""Tasks of the A2A door: kept by owner, bounded by number, bytes and age, in this process.

An owner is a key at a service. A task that waits for a person is looked after when it is asked for:
once they have decided, it is complete. Such a task is known to the record as well, so that any
process answers for it, also after this one has ended; of all others nothing is left then. What it
came to is not kept here but read from the record each time: what was erased there is gone here too.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from a2a.helpers.proto_helpers import new_data_part, new_text_part
from a2a.server.context import ServerCallContext
from a2a.server.tasks.inmemory_task_store import InMemoryTaskStore
from a2a.types import (
    Artifact,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    Part,
    Role,
    Task,
    TaskState,
    TaskStatus,
)

from pilotbase.serve.call import Refused
from pilotbase.serve.doors import plain
from pilotbase.serve.doors.beside import Beside
from pilotbase.serve.people.outcomes import WITHDRAWN

TASKS_MAX = 10_000
BYTES_MAX = 32 * 2**20
"""Of all tasks in a process, as they are encoded; the oldest go first."""
ENDED_S = 3600.0
"""So long is a task kept after its end."""
USAGE = "pilotbase-usage"
"""In a task's metadata: the usage id of its parked call."""
WITHDRAWING = "withdrawing"
"""In a request's state: its task was just withdrawn, and is wanted as it was."""


_ENDED = (
    TaskState.TASK_STATE_COMPLETED,
    TaskState.TASK_STATE_FAILED,
    TaskState.TASK_STATE_CANCELED,
    TaskState.TASK_STATE_REJECTED,
)


@dataclass(frozen=True)
class _Kept:
    """Whose a task is, and how many bytes it has."""

    owner: ServerCallContext
    size: int


class Tasks(InMemoryTaskStore):
    """See the module.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, beside: Beside, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._beside, self._clock = beside, clock
        self._order = OrderedDict[str, _Kept]()
        self._ended = OrderedDict[str, float]()
        self._bytes = 0

    async def save(self, task: Task, context: ServerCallContext) -> None:
        if task.status.state in _ENDED and USAGE in task.metadata.fields:
            if task.id in self._order:
                await self.delete(task.id, context)
            return
        self._forget(task.id)
        owner = ServerCallContext(user=context.user)  # without the key
        self._order[task.id] = kept = _Kept(owner, task.ByteSize())
        self._bytes += kept.size
        if task.status.state in _ENDED:
            self._ended[task.id] = self._clock()
        await super().save(task, context)
        await self._clear()

    async def delete(self, task_id: str, context: ServerCallContext) -> None:
        self._forget(task_id)
        await super().delete(task_id, context)

    async def list(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        await self._clear()
        return await super().list(params, context)

    def _forget(self, task_id: str) -> None:
        kept = self._order.pop(task_id, None)
        self._ended.pop(task_id, None)
        if kept is not None:
            self._bytes -= kept.size

    async def _clear(self) -> None:
        """Let go of what is too old, and of the oldest where it is too much."""
        before = self._clock() - ENDED_S
        while self._ended and next(iter(self._ended.values())) <= before:
            oldest = next(iter(self._ended))
            await self.delete(oldest, self._order[oldest].owner)
        while len(self._order) > TASKS_MAX or self._bytes > BYTES_MAX:
            oldest = next(iter(self._order))
            await self.delete(oldest, self._order[oldest].owner)

    async def get(self, task_id: str, context: ServerCallContext) -> Task | None:
        await self._clear()
        task = await super().get(task_id, context)
        if task is None:
            return await self._of_record(task_id, context)
        if task.status.state != TaskState.TASK_STATE_INPUT_REQUIRED or WITHDRAWING in context.state:
            return task
        ended = await ended_task(self._beside, task, str(context.state["key"]))
        if ended is not None:
            await self.delete(task_id, context)
        return ended or task

    async def _of_record(self, task_id: str, context: ServerCallContext) -> Task | None:
        """A task that another process put down for a person; None where it is not this key's."""
        said = await self._beside.task(task_id)
        if said is None or said["service"] != context.state.get("service"):
            return None
        task = Task(id=task_id, context_id=said["context"], status=waiting(task_id, said["usage"]))
        task.metadata[USAGE] = said["usage"]
        if WITHDRAWING in context.state:
            return task
        try:
            ended = await ended_task(self._beside, task, str(context.state["key"]), known=False)
        except Refused:
            return None
        return ended or task


def usage_of(task: Task | None) -> str:
    """The usage id of a task that waits for a person; empty where it does not."""
    if task is None or task.status.state != TaskState.TASK_STATE_INPUT_REQUIRED:
        return ""
    return task.metadata.fields[USAGE].string_value if USAGE in task.metadata.fields else ""


def waiting(task_id: str, usage: str) -> TaskStatus:
    """What a task says while a person is awaited."""
    text = (
        "A person of the service looks at this first; ask for the task later. "
        f"须先由服务方人员处理, 请稍后查询任务。 /calls/{usage}"
    )
    message = agent_message(task_id, [new_text_part(text)])
    return TaskStatus(state=TaskState.TASK_STATE_INPUT_REQUIRED, message=message)


async def ended_task(beside: Beside, task: Task, key: str, *, known: bool = True) -> Task | None:
    """A task that waits for a person, with what they decided; None while they have not.

    Args:
        known: it is the key's. Otherwise raises Refused where it is not.
    """
    usage = usage_of(task)
    if not usage:
        return None
    try:
        found = await beside.outcome(usage, key)
    except Refused as refused:
        if not known and refused.status in (401, 403, 404):
            raise
        return _with(task, plain.Said("", plain.refused_as_data(refused), True))
    if found.status_code == 202:
        return None
    body = bytes(found.body)
    if found.status_code != 200:
        return _with(task, plain.Said("", json.loads(body), True))
    return _with(task, plain.answer_in(body))


def _with(task: Task, said: plain.Said) -> Task:
    made = Task()
    made.CopyFrom(task)
    state = TaskState.TASK_STATE_FAILED if said.failed else TaskState.TASK_STATE_COMPLETED
    if said.failed and said.data.get("error") == WITHDRAWN:
        state = TaskState.TASK_STATE_CANCELED
    made.status.CopyFrom(TaskStatus(state=state))
    if said.failed:
        made.status.message.CopyFrom(agent_message(task.id, parts_of(said)))
    else:
        made.artifacts.append(Artifact(artifact_id="answer", parts=parts_of(said)))
    return made


def parts_of(said: plain.Said) -> list[Part]:
    """An answer as parts: its words, and its data where they say more."""
    parts = [new_text_part(said.text)] if said.text else []
    if said.data and said.data != {"text": said.text}:
        parts.append(new_data_part(said.data))
    return parts


def agent_message(task_id: str, parts: list[Part]) -> Message:
    return Message(message_id=f"{task_id}-said", role=Role.ROLE_AGENT, parts=parts, task_id=task_id)
