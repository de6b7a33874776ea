"""A trial as a log that Inspect reads: ``EvalLog``, format version 2, with our provenance.

Source: inspect.aisi.org.uk, "Log Files" and the reference of ``EvalLog``. Where it fits: a sample
is a unit in the committed order, and has a score by each criterion that counts every unit as a
whole. Other criteria (by group, of parts of the units, against a baseline) stand in the metadata
only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

VERSION = 2


def inspect_log(
    dossier: Mapping[str, Any], candidate: str, replies: Mapping[str, str]
) -> dict[str, Any]:
    """The log of one candidate as JSON data.

    Args:
        dossier: the format ``pilotbase/report/1``.
        replies: by unit, what the candidate said; left out where it may not be told.

    Raises:
        KeyError: no such candidate.
    """
    said = {c["id"]: c for c in dossier["verdict"]["candidates"]}[candidate]
    units, names = dossier["order"]["units"], dossier["order"]["names"]
    scores = dict(_scores(dossier["evidence"][candidate]["criteria"], len(units)))
    count = max((len(found) for found in scores.values()), default=0)
    samples = [
        _sample(
            unit, name, replies.get(unit, ""), {k: v[n] for k, v in scores.items() if n < len(v)}
        )
        for n, (unit, name) in enumerate(zip(units[:count], names, strict=False))
    ]
    return {
        "version": VERSION,
        "status": "success",
        "eval": _spec(dossier, said, len(samples)),
        "plan": {"name": "pilotbase", "steps": []},
        "results": {
            "total_samples": len(samples),
            "completed_samples": len(samples),
            "scores": [_result(name, found) for name, found in scores.items()],
        },
        "stats": {"started_at": dossier["at"], "completed_at": dossier["at"], "model_usage": {}},
        "samples": samples,
    }


def _scores(criteria: Sequence[Mapping[str, Any]], units: int) -> Iterator[tuple[str, list[float]]]:
    """By criterion, a score for each unit that was counted; of those that count all units."""
    for number, criterion in enumerate(criteria):
        if len(criterion["parts"]) != 1:
            continue
        (part,) = criterion["parts"]
        whole = units in (part["population"], len(part["x"]))
        if part["kind"] in ("pass_fail", "bounded") and part["items"] == "units" and whole:
            name = f"{number}-{criterion['metric']}"
            yield name, [value / part["resolution"] for value in part["x"]]


def _sample(unit: str, name: str, reply: str, scores: Mapping[str, float]) -> dict[str, Any]:
    return {
        "id": unit,
        "epoch": 1,
        "input": name,
        "target": "",
        "output": {
            "model": "",
            "choices": [
                {"message": {"role": "assistant", "content": reply}, "stop_reason": "stop"}
            ],
            "completion": reply,
        },
        "scores": {key: {"value": value, "answer": reply} for key, value in scores.items()},
        "metadata": {},
    }


def _result(name: str, scores: Sequence[float]) -> dict[str, Any]:
    mean = sum(scores) / len(scores) if scores else 0.0
    return {
        "name": name,
        "scorer": name,
        "scored_samples": len(scores),
        "metrics": {"mean": {"name": "mean", "value": mean}},
    }


def _spec(dossier: Mapping[str, Any], said: Mapping[str, Any], samples: int) -> dict[str, Any]:
    plan, record = dossier["plan"], dossier["record"]
    return {
        "created": dossier["at"],
        "task": dossier["scenario"]["id"],
        "task_version": 1,
        "run_id": dossier["run"],
        "dataset": {"name": plan["data"]["digest"], "samples": samples},
        "model": f"pilotbase/{said['id']}",
        "config": {"epochs": 1},
        "packages": {"pilotbase": version("pilotbase")},
        "metadata": {
            "plan": dossier["plan_hash"],
            "estimand": plan["estimand"],
            "verdict": said["verdict"],
            "trust": said.get("trust", "tried"),
            "stand_in": said["stand_in"],
            "criteria": said["criteria"],
            "data": plan["data"],
            "witness": dossier["witness"],
            "record": {name: record[name] for name in ("size", "root", "checkpoint", "vkey")},
        },
    }
