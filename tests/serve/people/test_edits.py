"""What a person puts in the place of a request or an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pilotbase.kernel.errors import InputError
from pilotbase.serve.people import answering
from pilotbase.serve.people.edits import fault_of
from tests.serve.people.kit import desk, home
from tests.serve.people.test_handoff import ALWAYS, parked


@pytest.mark.parametrize(
    ("stage", "bad", "good"),
    [
        ("before", "[]", '{"model": "f-1", "messages": []}'),
        ("after", '{"hello": 1}', '{"choices": [{"message": {"content": "x"}}]}'),
    ],
)
def test_an_edit_that_is_none_of_this_call_decides_nothing(
    tmp_path: Path, stage: str, bad: str, good: str
) -> None:
    context, edit = home(tmp_path), tmp_path / "edit.json"

    async def work() -> None:
        async with desk(context, {stage: ALWAYS}) as on:
            usage = await parked(on)
            for text in (bad, "no JSON", good):
                edit.write_text(text)
                if text != good:
                    with pytest.raises(InputError, match=r"gateway\.bad_edit"):
                        answering.answer(on.record, usage, "edit", "li", "", edit)
            answering.answer(on.record, usage, "edit", "li", "", edit)
            await on.until(usage, 200)

    asyncio.run(work())


X = '{"name": "x", "datatype": "FP64", "shape": [2], "data": [1.0, 2.0]}'


@pytest.mark.parametrize(
    ("operation", "part", "good", "bad"),
    [
        ("chat", "request", '{"model": "f", "messages": []}', '{"model": "f", "messages": {}}'),
        ("chat", "request", '{"model": "f", "messages": []}', '{"messages": []}'),
        ("chat", "answer", '{"choices": [{"message": {}}]}', '{"choices": []}'),
        ("responses", "request", '{"model": "f", "input": "x"}', '{"model": "f"}'),
        ("responses", "answer", '{"output": []}', '{"outputs": []}'),
        ("embeddings", "request", '{"model": "f", "input": ["x"]}', '{"model": "f", "input": 1}'),
        ("embeddings", "answer", '{"data": []}', "[]"),
        ("infer", "request", f'{{"inputs": [{X}]}}', '{"inputs": []}'),
        ("infer", "answer", f'{{"outputs": [{X}]}}', f'{{"outputs": [{X.replace("2]", "3]")}]}}'),
        ("tool", "request", "{}", "[]"),
        ("tool", "answer", '{"content": []}', "{}"),
        ("message", "request", '{"content": "x"}', '{"content": []}'),
        ("message", "answer", '{"task": {}}', '{"content": "x"}'),
    ],
)
def test_what_is_a_request_or_an_answer(operation: str, part: str, good: str, bad: str) -> None:
    assert fault_of(operation, part, good.encode()) is None
    fault = fault_of(operation, part, bad.encode())
    assert fault is not None and operation in fault.zh
    for data in (b"\xff", b'{"', b"[" * 5000):
        assert fault_of(operation, part, data) is not None
