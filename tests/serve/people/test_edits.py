"""What a person puts in the place of a request or an answer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from pilotbase.kernel.errors import InputError
from pilotbase.serve.call import Upstream
from pilotbase.serve.people import answering
from pilotbase.serve.people.edits import Counted, fault_of, miscounted
from pilotbase.serve.worker.app import App
from tests.serve.doors.mounting import served
from tests.serve.doors.test_cases import NUMBERS, Adds
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


AGE = '{{"name": "age", "datatype": "FP64", "shape": [{0}], "data": {1}}}'
CASE = '{"age": 41}'


def _infer(word: str, *counts: int) -> bytes:
    tensors = [
        AGE.replace("age", f"t{at}").format(count, [1.0] * count) for at, count in enumerate(counts)
    ]
    return f'{{"{word}": [{", ".join(tensors)}]}}'.encode()


def _asks(text: str) -> bytes:
    said = {"model": "f", "messages": [{"role": "user", "content": text}]}
    return json.dumps(said).encode()


def _says(text: str, **more: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}], **more}).encode()


COLUMNS, OWN, OTHER = Counted(2, True, True), Counted(2, True), Counted(2)


@pytest.mark.parametrize(
    ("operation", "part", "counted", "good", "bad"),
    [
        ("chat", "request", COLUMNS, _asks(f"[{CASE}, {CASE}]"), _asks(CASE)),
        ("chat", "request", COLUMNS, _asks(f"[{CASE}, {CASE}]"), _asks("two cases")),
        ("chat", "answer", COLUMNS, _says(f"[{CASE}, {CASE}]"), _says(CASE)),
        ("chat", "answer", COLUMNS, _says(f"[{CASE}, {CASE}]"), _says("both yes")),
        ("chat", "answer", COLUMNS, _says(f"[{CASE}, {CASE}]", pilotbase={"answers": [1, 2]}),
         _says(f"[{CASE}, {CASE}]", pilotbase={"answers": [1]})),
        ("infer", "request", COLUMNS, _infer("inputs", 2), _infer("inputs", 3)),
        ("infer", "request", OWN, _infer("inputs", 2, 2), _infer("inputs", 2, 1)),
        ("infer", "request", OTHER, _infer("inputs", 2, 1), _infer("inputs", 3, 1)),
        ("infer", "answer", OWN, _infer("outputs", 2, 2), _infer("outputs", 2, 3)),
    ],
)  # fmt: skip
def test_an_edit_holds_as_many_cases_as_were_asked(
    operation: str, part: str, counted: Counted, good: bytes, bad: bytes
) -> None:
    for data in (good, bad):
        assert fault_of(operation, part, data) is None
    assert miscounted(operation, part, good, counted) is None
    told = miscounted(operation, part, bad, counted)
    assert told is not None and "案例" in told.zh and "case" in told.en


def test_what_holds_no_cases_is_not_counted() -> None:
    assert miscounted("chat", "request", _asks("hello"), OWN) is None
    assert miscounted("infer", "answer", _infer("outputs", 7), OTHER) is None
    assert miscounted("embeddings", "request", b'{"input": ["a", "b", "c"]}', OTHER) is None


def test_an_edit_with_other_cases_decides_nothing(tmp_path: Path) -> None:
    context, edit = home(tmp_path), tmp_path / "edit.json"

    async def work() -> None:
        async with served(App("m", "1", Adds(NUMBERS))) as url:
            own = Upstream("u0", "candidate", url, private=True)
            more = {"upstreams": (own,), "columns": True, "speaks": frozenset(("chat",))}
            async with desk(context, {"before": ALWAYS, "after": ALWAYS}, **more) as on:
                case = '{"age": 41, "income": 2, "married": true}'
                usage = await parked(on, messages=[{"role": "user", "content": case}])
                edit.write_bytes(_asks(f"[{case}, {case}]"))
                with pytest.raises(InputError, match=r"gateway\.bad_edit") as error:
                    answering.answer(on.record, usage, "edit", "li", "", edit)
                assert "(2)" in error.value.message.zh and "(1)" in error.value.message.zh
                assert error.value.next_step is not None and "--refuse" in error.value.next_step.zh
                edit.write_bytes(_asks(case))
                answering.answer(on.record, usage, "edit", "li", "", edit)
                async with asyncio.timeout(5):
                    while not (waits := answering.queue(on.record)) or waits[0]["stage"] != "after":
                        on.people.look()
                        await asyncio.sleep(0.01)
                edit.write_bytes(_says("[]"))
                with pytest.raises(InputError, match=r"gateway\.bad_edit"):
                    answering.answer(on.record, usage, "edit", "li", "", edit)
                edit.write_bytes(_says('{"value": 1.0}'))
                answering.answer(on.record, usage, "edit", "li", "", edit)
                got = await on.until(usage, 200)
                assert got.json()["choices"][0]["message"]["content"] == '{"value": 1.0}'

    asyncio.run(work())
