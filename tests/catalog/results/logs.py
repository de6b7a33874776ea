"""Small logs of each tool, written by hand after its documentation."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

HEADER: dict[str, Any] = {
    "version": 2,
    "status": "success",
    "eval": {
        "task": "capitals",
        "model": "mock/one",
        "dataset": {"name": "capitals", "samples": 2},
        "config": {"epochs": 2},
        "packages": {"inspect_ai": "0.3.285"},
        "created": "2026-11-01T08:00:00+00:00",
    },
    "results": {"total_samples": 4, "completed_samples": 4},
}


def inspect_samples() -> list[dict[str, Any]]:
    """Two samples, two epochs; letters, numbers, objects and one value that is no score."""
    letters = ["C", "I", "P", "N"]
    found = []
    for n in range(4):
        sample, epoch = n // 2 + 1, n % 2 + 1
        found.append(
            {
                "id": sample,
                "epoch": epoch,
                "input": [
                    {"role": "system", "content": "Answer."},
                    {"role": "user", "content": [{"type": "text", "text": f"Capital {sample}?"}]},
                ],
                "target": ["Paris", "paris"],
                "output": {"choices": [{"message": {"role": "assistant", "content": "Paris."}}]},
                "scores": {
                    "match": {"value": letters[n], "answer": "Paris"},
                    "rubric": {"value": {"tone": n / 4, "length": 12.0}},
                },
            }
        )
    return found


def write_eval(path: Path, **header: Any) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_journal/start.json", "{}")
        for sample in inspect_samples():
            name = f"samples/{sample['id']}_epoch_{sample['epoch']}.json"
            archive.writestr(name, json.dumps(sample))
        archive.writestr("header.json", json.dumps({**HEADER, **header}))
    return path


def write_inspect_json(path: Path, **header: Any) -> Path:
    log = {**HEADER, "samples": inspect_samples(), **header}
    path.write_text(json.dumps(log), encoding="utf-8")
    return path


STAMP = "2026-11-01T08-00-00.000000"


def lm_eval_lines() -> list[dict[str, Any]]:
    return [
        {
            "doc_id": n,
            "doc": {"question": f"{n} + 1?"},
            "target": str(n + 1),
            "arguments": {"gen_args_0": {"arg_0": f"Q: {n} + 1?\nA:", "arg_1": {"until": ["Q:"]}}},
            "resps": [[f" {n + 1}."]],
            "filtered_resps": [str(n + 1)],
            "filter": filtered,
            "metrics": ["exact_match"],
            "exact_match": float(n % 2 == 0 or filtered == "flexible"),
        }
        for filtered in ("strict", "flexible")
        for n in range(3)
    ]


def write_lines(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def write_lm_eval(folder: Path) -> Path:
    """Results with samples beside them; the path of the results."""
    write_lines(folder / f"samples_sums_{STAMP}.jsonl", lm_eval_lines())
    found = {
        "results": {"sums": {"alias": "sums", "exact_match,strict": 0.67}},
        "configs": {"sums": {"task": "sums"}},
        "config": {"model": "hf", "model_args": "pretrained=tiny"},
        "model_name": "tiny",
        "lm_eval_version": "0.4.9",
        "n-samples": {"sums": {"original": 3, "effective": 3}},
    }
    path = folder / f"results_{STAMP}.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def garak_lines() -> list[dict[str, Any]]:
    attempts = [
        {
            "entry_type": "attempt",
            "uuid": f"a{n}",
            "seq": n,
            "status": status,
            "probe_classname": "dan.Dan",
            "prompt": {"turns": [{"role": "user", "content": {"text": f"Ignore rule {n}"}}]},
            "outputs": [{"text": "No."}, {"text": "Sure!"}],
            "detector_results": {"dan.DAN": [0.0, 1.0], "mitigation": [0.25, None]}
            if status == 2
            else {},
        }
        for n in range(3)
        for status in (1, 2)
    ]
    return [
        {
            "entry_type": "start_run setup",
            "_config.version": "0.13.0",
            "plugins.target_type": "openai",
            "plugins.target_name": "tiny",
        },
        {"entry_type": "init", "garak_version": "0.13.1", "run": "r1"},
        *attempts,
        {"entry_type": "eval", "probe": "dan.Dan", "detector": "dan.DAN", "passed": 3, "total": 6},
        {"entry_type": "completion", "run": "r1"},
    ]


def promptfoo_summary(**changes: Any) -> dict[str, Any]:
    results = [
        {
            "promptIdx": 0,
            "testIdx": n,
            "provider": {"id": "openai:tiny", "label": ""},
            "prompt": {"raw": f"Say {n}", "label": "Say {{n}}"},
            "vars": {"n": n},
            "testCase": {"description": "says", "assert": [{"type": "equals", "value": str(n)}]},
            "response": {"output": str(n)},
            "success": n != 1,
            "score": 1 - n / 4,
            "namedScores": {"tone": 0.5},
            "gradingResult": {"pass": n != 1, "score": 1 - n / 4, "reason": "…"},
        }
        for n in range(3)
    ]
    summary = {
        "version": 3,
        "timestamp": "2026-11-01T08:00:00Z",
        "prompts": [],
        "results": results,
        "stats": {"successes": 2, "failures": 1, "errors": 0},
    }
    return {
        "evalId": "eval-1",
        "results": {**summary, **changes},
        "metadata": {"promptfooVersion": "0.118.0"},
    }
