"""Own candidates: what is served is what was tried; both protocols; why one is not served."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from pilotbase.kernel.errors import DataError, InputError, RunError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record, open_record
from pilotbase.register.events import Filed
from pilotbase.register.filings import filings
from pilotbase.serve.rules.unfit import Unfit
from pilotbase.serve.worker.answering import Answering, answering_of, lessons_of
from pilotbase.serve.worker.app import App
from pilotbase.serve.worker.proof import Proven, proven, refusal
from tests.conftest import Toured

NOWHERE = Path(tempfile.gettempdir())  # no scenario of the tour names a file
TRAVEL = "travel-mode-forest-without-income-1"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def record(toured: Toured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """The toured home's record; a copy, because tests file in it."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(toured.base.context.home, home, ignore=shutil.ignore_patterns("reports"))
    with open_record(replace(toured.base.context, home=home)) as found:
        yield found


@pytest.fixture(scope="module")
def travel(record: Record) -> Proven:
    return proven(record, TRAVEL, NOWHERE)


@pytest.fixture(scope="module")
def forest(travel: Proven) -> Answering:
    return answering_of(travel)


def asked(app: App, path: str, body: Any = None, **headers: str) -> tuple[int, str, bytes]:
    """Status, media type and body of one request."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    scope = {
        "type": "http", "path": path, "method": "GET" if body is None else "POST",
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
    }  # fmt: skip
    sent: list[Mapping[str, Any]] = []

    async def receive() -> Json:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(event: Mapping[str, Any]) -> None:
        sent.append(event)

    anyio.run(app, scope, receive, send)
    kind = dict(sent[0]["headers"])[b"content-type"].decode()
    return sent[0]["status"], kind, b"".join(one.get("body", b"") for one in sent[1:])


def test_every_filing_of_the_tour_is_proven_and_answers(record: Record) -> None:
    for name in filings(record):
        model = answering_of(proven(record, name, NOWHERE))
        model.check([model.example])
        (answer,) = model.answer([model.example])
        assert set(answer) & {"label", "value"}, name


def test_a_refit_takes_all_rows_and_says_so(travel: Proven, forest: Answering) -> None:
    rows, said = lessons_of(travel)
    assert len(rows) == 210 and said == forest.fit
    assert said == "a refit on all 210 rows; 5 fits on parts of them were judged"
    assert "income" not in forest.columns and len(forest.columns) == 12


def test_of_future_cases_the_fit_that_was_judged_is_served(record: Record) -> None:
    made = proven(record, "proactive-outreach-logit", NOWHERE, filed=False)
    rows, said = lessons_of(made)
    if made.scenario.estimand == "future cases":
        assert made.deciding is not made.cases
        assert not set(rows) & set(np.flatnonzero(made.deciding.scored))
        assert said.startswith("the fit that was judged")
    else:
        assert said.startswith("a refit on all")


def test_another_candidate_than_was_tried_is_refused(record: Record) -> None:
    said = filings(record)[TRAVEL]
    words = {name: said[name] for name in Filed.__dataclass_fields__}
    other = Filed(**{**words, "filing": "travel-mode-other-1", "tried": "sha256:00"})
    by = record.context.actor("case officer")
    record.append(Draft(other, by, "filing:travel-mode-other-1"))
    with pytest.raises(RunError, match=r"serve\.not_as_tried") as caught:
        proven(record, "travel-mode-other-1", NOWHERE)
    assert "candidate" in caught.value.message.en and "sha256:00" in caught.value.message.zh
    assert caught.value.message.zh.startswith("候选方案与试验时不一致")


def test_a_name_that_was_never_tried(record: Record) -> None:
    with pytest.raises(InputError, match=r"serve\.unknown_candidate"):
        proven(record, "travel-mode-nothing", NOWHERE, filed=False)
    with pytest.raises(InputError, match=r"register\.unknown"):
        proven(record, "travel-mode-nothing-1", NOWHERE)


def test_tensors_in_and_out(forest: Answering) -> None:
    app = App(TRAVEL, "v1", forest)
    row = [60.0] * 12
    named = {"name": "input", "shape": [2, 12], "datatype": "FP64", "data": [row, row]}
    status, _, body = asked(app, f"/v2/models/{TRAVEL}/infer", {"id": "7", "inputs": [named]})
    said = json.loads(body)
    assert (status, said["model_name"], said["model_version"], said["id"]) == (
        200, TRAVEL, "v1", "7",
    )  # fmt: skip
    label, shares = said["outputs"]
    assert label["shape"] == [2] and label["datatype"] == "BYTES"
    assert shares["shape"] == [2, 4] and abs(sum(shares["data"]) - 2) < 1e-9
    assert said["parameters"]["fit"].startswith("a refit on all 210 rows")
    each = [{"name": name, "shape": [1], "datatype": "FP64", "data": [60.0]}
            for name in forest.columns]  # fmt: skip
    one = json.loads(asked(app, f"/v2/models/{TRAVEL}/infer", {"inputs": each})[2])
    assert one["outputs"][0]["data"] == label["data"][:1]
    raw = np.array(row).astype("<f8").tobytes()
    binary = {"name": "input", "shape": [1, 12], "datatype": "FP64",
              "parameters": {"binary_data_size": len(raw)}}  # fmt: skip
    head = json.dumps({"inputs": [binary]}).encode()
    length = {"inference_header_content_length": str(len(head))}
    two = json.loads(asked(app, f"/v2/models/{TRAVEL}/infer", head + raw, **length)[2])
    assert two["outputs"] == one["outputs"]


def test_metadata_say_what_it_takes_and_what_it_has_learnt_from(forest: Answering) -> None:
    app = App(TRAVEL, "v1", forest)
    said = json.loads(asked(app, f"/v2/models/{TRAVEL}")[2])
    assert said["inputs"][0] == {"name": "input", "datatype": "FP64", "shape": [-1, 12]}
    assert said["outputs"] == [{"name": "label", "datatype": "BYTES", "shape": [-1]}]
    assert set(json.loads(said["parameters"]["example"])) == set(forest.columns)
    assert asked(app, f"/v2/models/{TRAVEL}/ready")[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"inputs": 3}', {"inputs": []},
        {"inputs": [{"name": "input", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}]},
        {"inputs": [{"name": "nix", "shape": [1], "datatype": "FP64", "data": [1]}]},
        {"inputs": [{"name": "input", "shape": [1, 12], "datatype": "BYTES", "data": ["a"] * 12}]},
        {"inputs": [{"name": "input", "shape": [0, 12], "datatype": "FP64", "data": []}]},
    ],
)  # fmt: skip
def test_what_is_no_inference_request_is_told(forest: Answering, body: Any) -> None:
    status, _, said = asked(App(TRAVEL, "v1", forest), f"/v2/models/{TRAVEL}/infer", body)
    assert status == 400 and isinstance(json.loads(said)["error"], str)
    assert not re.search("Error|Exception", said.decode()) and json.loads(said)["message_zh"]


def chat(content: Any, **more: Any) -> Json:
    return {"model": "m", "messages": [{"role": "user", "content": content}], **more}


def test_a_table_is_asked_in_a_chat(forest: Answering) -> None:
    app = App(TRAVEL, "v1", forest)
    case = json.dumps(forest.example)
    status, kind, body = asked(app, "/v1/chat/completions", chat(case))
    said = json.loads(body)
    content = json.loads(said["choices"][0]["message"]["content"])
    assert (status, kind) == (200, "application/json") and content == forest.answer(
        [forest.example]
    )[0]  # fmt: skip
    assert said["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    options = {"stream": True, "stream_options": {"include_usage": True}}
    status, kind, body = asked(app, "/chat/completions", chat([{"type": "text", "text": case}],
                                                             **options))  # fmt: skip
    events = [line[6:] for line in body.split(b"\n\n") if line]
    assert (status, kind, events[-1]) == (200, "text/event-stream", b"[DONE]")
    chunks = [json.loads(one) for one in events[:-1]]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert json.loads(text) == content and chunks[-1]["usage"]["total_tokens"] == 0


@pytest.mark.parametrize("content", ["hello", "3", "[]", "[1]", '{"nix": 1}', '{"gc_air": "x"}'])
def test_a_chat_that_names_no_columns_is_told(forest: Answering, content: str) -> None:
    app = App(TRAVEL, "v1", forest)
    status, _, body = asked(app, "/v1/chat/completions", chat(content))
    assert status == 400 and json.loads(body)["error"]["code"] == "serve.unfit"
    checked = asked(app, "/v1/chat/completions", chat(content), pilotbase_check="1")
    assert (checked[0], checked[2]) == (status, body)


def test_what_is_only_checked_is_not_answered(forest: Answering) -> None:
    app, case = App(TRAVEL, "v1", forest), json.dumps(forest.example)
    each = [{"name": name, "shape": [1], "datatype": "FP64", "data": [60.0]}
            for name in forest.columns]  # fmt: skip
    paths = {"/v1/chat/completions": chat(case), f"/v2/models/{TRAVEL}/infer": {"inputs": each}}
    for path, body in paths.items():
        assert asked(app, path, body, pilotbase_check="1")[::2] == (200, b'{"fit": true}')


def test_documents_are_quoted_and_cited(record: Record) -> None:
    model = answering_of(proven(record, "cited-answers-retrieval", NOWHERE, filed=False))
    app = App("cited-answers-retrieval", "", model)
    question = "How many patients are in the diabetes data?"
    said = json.loads(asked(app, "/v1/chat/completions", chat(question))[2])
    (answer,) = said["pilotbase"]["answers"]
    assert (
        answer["cites"]
        and f"[{answer['cites'][0]['passage']}]" in (said["choices"][0]["message"]["content"])
    )
    refused = json.loads(asked(app, "/v1/chat/completions", chat("Who won the cup?"))[2])
    assert "refusal" in refused["choices"][0]["message"]
    for read in (model.answer, model.check):
        with pytest.raises(Unfit):
            read([{"question": " "}])


def test_a_series_is_forecast_from_what_has_come_since(record: Record) -> None:
    model = answering_of(proven(record, "co2-mauna-loa-seasonal-arima-1", NOWHERE))
    assert "526 values up to 2001-12" in model.fit and model.fit.endswith("is 1 step ahead")
    now, later = model.answer([{"history": []}, {"history": [371.9, 372.4]}])
    assert now["lower"] < now["value"] < now["upper"] and later["value"] != now["value"]
    assert model.answer([model.example]) == [now]
    # An empty list says that nothing has come since; silence says nothing.
    faults: list[tuple[Json, str]] = [
        ({}, "missing: history"),
        ({"history": [], "nix": 1}, "no such column: nix"),
        ({"history": "today"}, "list"),
        ({"history": None}, "list"),
        ({"history": [1, True]}, "value 2"),
        ({"history": ["371.9"]}, "value 1"),
    ]
    for case, said in faults:
        for read in (model.answer, model.check):
            with pytest.raises(Unfit, match=said):
                read([case])


def test_why_a_candidate_is_not_served_is_told_to_every_caller() -> None:
    error = DataError("data.gone", Text("the file is gone", "文件不存在"), where="rows.csv")
    app = App("advice-logit-1", "", refusal(error))
    for path in ("/v1/chat/completions", "/v2/models/x/infer"):
        status, _, body = asked(app, path, chat("{}"))
        assert status == 503 and json.loads(body)["error"]["code"] == "data.gone"
    failed = refusal(ValueError("odd"))
    assert failed.code == "serve.worker_failed"
    assert failed.message.zh == "工作进程无法提供服务, 程序原话: ValueError: odd"
