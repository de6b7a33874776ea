"""Logs of other tools: what is taken over, and what is refused with a reason."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.catalog.load import load_table
from pilotbase.catalog.results import inspect_log, log, read
from pilotbase.catalog.results.read import read_results
from pilotbase.kernel.errors import DataError
from pilotbase.scenario.schema import Data
from tests.catalog.results.logs import (
    HEADER,
    garak_lines,
    inspect_samples,
    lm_eval_lines,
    promptfoo_summary,
    write_eval,
    write_inspect_json,
    write_lines,
    write_lm_eval,
)

BASE = ["sample", "repeat", "model", "task", "input", "expected", "answer"]


def test_an_inspect_log_gives_a_row_a_sample_and_epoch(tmp_path: Path) -> None:
    # By content: the name says something else.
    table = load_table(Data(results="log.bin"), write_eval(tmp_path / "log.bin").parent)
    frame = table.frame
    assert list(frame) == [*BASE, "score:match", "score:rubric/tone"]
    assert frame["sample"].tolist() == ["1", "1", "2", "2"]
    assert frame["repeat"].tolist() == [0, 1, 0, 1]
    assert frame["score:match"].tolist() == [1.0, 0.0, 0.5, 0.0]
    assert frame["input"][0] == "Answer.\nCapital 1?" and frame["expected"][0] == "Paris | paris"
    assert frame["answer"].tolist() == ["Paris."] * 4 and set(frame["model"]) == {"mock/one"}
    said = table.source.en
    assert "Inspect 0.3.285" in said and "C counts 1" in said and str(table.raw_digest) in said
    assert "left out, not from 0 to 1: rubric/length" in said
    assert table.reported_by is not None and table.reported_by.en == "Inspect 0.3.285"


def test_json_and_eval_of_one_log_are_the_same_table(tmp_path: Path) -> None:
    one = read_results(write_eval(tmp_path / "a.eval"), "a").frame
    other = read_results(write_inspect_json(tmp_path / "a.json"), "a").frame
    assert one.equals(other)


def test_lm_eval_joins_its_filters(tmp_path: Path) -> None:
    results = write_lm_eval(tmp_path)
    (samples,) = tmp_path.glob("samples_*.jsonl")
    for path in (results, samples):
        found = read_results(path, "log")
        frame = found.frame
        assert frame["score:exact_match,strict"].tolist() == [1.0, 0.0, 1.0]
        assert frame["score:exact_match,flexible"].tolist() == [1.0, 1.0, 1.0]
        assert frame["input"][1] == "Q: 1 + 1?\nA:" and frame["answer"][1] == "2"
        assert set(frame["model"]) == {"tiny"} and set(frame["task"]) == {"sums"}
        assert found.tool.en == "lm-evaluation-harness 0.4.9"


def test_garak_counts_what_did_not_get_through(tmp_path: Path) -> None:
    found = read_results(write_lines(tmp_path / "r.jsonl", garak_lines()), "log")
    frame = found.frame
    assert len(frame) == 6 and frame["score:dan.DAN"].tolist() == [1.0, 0.0] * 3
    assert frame["score:mitigation"][0] == 0.75 and math.isnan(frame["score:mitigation"][1])
    assert frame["input"][0] == "Ignore rule 0" and frame["answer"][1] == "Sure!"
    assert found.tool.en == "garak 0.13.1" and "1 minus" in found.source.en
    assert set(frame["model"]) == {"openai tiny"}


def test_promptfoo_gives_scores_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text(json.dumps(promptfoo_summary(), indent=2), encoding="utf-8")
    found = read_results(path, "log")
    frame = found.frame
    assert frame["score:pass"].tolist() == [1.0, 0.0, 1.0]
    assert frame["score:score"].tolist() == [1.0, 0.75, 0.5] and frame["expected"][2] == "2"
    assert found.tool.en == "promptfoo 0.118.0"


def faults(path: Path) -> str:
    with pytest.raises(DataError) as raised:
        read_results(path, "log")
    assert raised.value.where.startswith("log") and raised.value.message.zh
    return raised.value.message.en


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ({"version": 1}, "version 2 are read, not of 1"),
        ({"results": {"total_samples": 9}}, "5 of 9 samples are missing"),
        ({"status": "error"}, "was not finished"),
        ({"samples": None, "results": None}, ""),
    ],
)
def test_a_faulty_header_is_named(tmp_path: Path, header: dict[str, Any], word: str) -> None:
    if word:
        assert word in faults(write_eval(tmp_path / "a.eval", **header))
    assert faults(write_inspect_json(tmp_path / "a.json", **header))


def test_doubled_and_nameless_samples_are_refused(tmp_path: Path) -> None:
    twice = [*inspect_samples(), inspect_samples()[0]]
    assert "is logged twice" in faults(write_inspect_json(tmp_path / "a.json", samples=twice))
    nameless = [{**inspect_samples()[0], "id": None, "epoch": None}]
    assert "without id" in faults(
        write_inspect_json(tmp_path / "b.json", samples=nameless, results=None)
    )
    lines = lm_eval_lines()
    assert "logged twice" in faults(write_lines(tmp_path / "s.jsonl", [*lines, lines[0]]))
    assert "logged twice" in faults(
        write_lines(tmp_path / "g.jsonl", garak_lines() + garak_lines())
    )
    again = promptfoo_summary()
    again["results"]["results"] *= 2
    path = tmp_path / "p.json"
    path.write_text(json.dumps(again), encoding="utf-8")
    assert "logged twice" in faults(path)


def test_scores_that_are_none_are_missing_or_left_out(tmp_path: Path) -> None:
    path = tmp_path / "nan.json"
    samples = inspect_samples()
    samples[0]["scores"]["match"]["value"] = math.nan
    path.write_text(json.dumps({**HEADER, "samples": samples}), encoding="utf-8")
    assert math.isnan(read_results(path, "log").frame["score:match"][0])
    for sample in samples:
        sample["scores"] = {"length": {"value": 40}, "list": {"value": [1, 2]}}
    path.write_text(json.dumps({**HEADER, "samples": samples}), encoding="utf-8")
    assert "no score from 0 to 1" in faults(path)


def test_a_zip_with_paths_or_doubles_is_refused(tmp_path: Path) -> None:
    for name in ("../header.json", "/etc/passwd", "C:\\x.json", "samples/../../x.json"):
        path = write_eval(tmp_path / "a.eval")
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, "{}")
        assert "names a path" in faults(path)
    assert not list(tmp_path.parent.glob("header.json"))
    path = write_eval(tmp_path / "a.eval")
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("header.json", "{}")
    assert "twice" in faults(path)


def test_a_bomb_is_refused_before_it_unpacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect_log, "UNPACKED_MAX", 10_000)
    path = write_eval(tmp_path / "a.eval", padding="0" * 20_000)
    assert path.stat().st_size < 10_000 and "unpacks to more than" in faults(path)
    # A directory that lies about sizes: reading stops at the limit all the same.
    monkeypatch.setattr(inspect_log, "UNPACKED_MAX", 10**9)
    monkeypatch.setattr(inspect_log, "JSON_BYTES_MAX", 5_000)
    monkeypatch.setattr(log, "JSON_BYTES_MAX", 5_000)
    assert "bytes of JSON in one piece" in faults(path)


def test_zstandard_is_read_or_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zstandard = pytest.importorskip("zstandard", reason="the extra `inspect` is not installed")
    path = write_eval(tmp_path / "a.eval")
    other = tmp_path / "b.eval"
    with zipfile.ZipFile(path) as archive:
        members = {m.filename: archive.read(m) for m in archive.infolist()}
    with zipfile.ZipFile(other, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, zstandard.ZstdCompressor().compress(data))
    # Written as stored bytes and marked as method 93, in the local headers and the directory.
    raw = bytearray(other.read_bytes())
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = raw.find(mark)
        while place >= 0:
            raw[place + at : place + at + 2] = (93).to_bytes(2, "little")
            place = raw.find(mark, place + 4)
    other.write_bytes(bytes(raw))
    assert read_results(other, "log").frame.equals(read_results(path, "log").frame)
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    with pytest.raises(DataError, match=r"data\.results_zstd"):
        read_results(other, "log")


def test_what_is_too_large_or_too_deep_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / "deep.json"
    deep.write_text('{"a":' * 200_000, encoding="utf-8")
    assert "no JSON that can be read" in faults(deep)
    monkeypatch.setattr(read, "JSON_BYTES_MAX", 1_000)
    assert "in one piece" in faults(write_inspect_json(tmp_path / "a.json"))
    monkeypatch.setattr(log, "LINE_BYTES_MAX", 100)
    assert "too long" in faults(write_lines(tmp_path / "g.jsonl", garak_lines()))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "x,y\n1,2\n", '{"a": 1}\n{"b": 2}\n', "PK"]
)
def test_what_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any"
    path.write_text(text, encoding="utf-8")
    faults(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(place=st.sampled_from(["id", "epoch", "input", "target", "output", "scores"]), value=JSON)
def test_a_log_of_anything_is_a_table_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, place: str, value: Any
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.json"
    samples = inspect_samples()
    samples[0][place] = value
    write_inspect_json(path, samples=samples)
    try:
        frame = read_results(path, "log").frame
    except DataError:
        return
    scores = frame.filter(like="score:").to_numpy()
    assert ((scores >= 0) & (scores <= 1) | (scores != scores)).all()
