"""lm-evaluation-harness: ``results_<time>.json`` and, beside it, ``samples_<task>_<time>.jsonl``.

Source: EleutherAI/lm-evaluation-harness, docs/interface.md (``--log_samples``). A line of samples
has ``doc_id``, ``doc``, ``target``, ``arguments``, ``resps``, ``filtered_resps``, ``filter``,
``metrics`` and one field a metric; there is one line for each filter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pilotbase.catalog.results.log import (
    Log,
    Row,
    as_text,
    faulty,
    lines_of,
    mapping_of,
    parsed,
    share,
    unfit,
)
from pilotbase.kernel.text import Text

TOOL = "lm-evaluation-harness"
MAPPING = Text("metrics from 0 to 1 as they are", "0 至 1 的指标按原值")
_STAMP = re.compile(r"_(\d{4}-\d{2}-\d{2}T[\d.:-]+)$")
_FIELDS = frozenset(
    {
        "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics",
        "doc_hash", "prompt_hash", "target_hash",
    }
)  # fmt: skip


def read_results(path: Path, found: Mapping[str, Any], where: str) -> tuple[Log, list[Path]]:
    """The samples beside a file of results, and the files that were read.

    Raises:
        DataError: no samples beside it, or samples that are none.
    """
    stamp = _STAMP.search(path.stem)
    pattern = f"samples_*_{stamp[1]}.jsonl" if stamp else "samples_*.jsonl"
    files = sorted(
        file for file in path.parent.glob(pattern) if file.is_file() and not file.is_symlink()
    )
    if not files:
        raise faulty(
            where,
            f"no {pattern} lies beside it: run lm_eval with --log_samples",
            f"同目录下没有 {pattern}: 请以 --log_samples 运行 lm_eval",
        )
    return _log(files, found, where), [path, *files]


def read_samples(path: Path, where: str) -> tuple[Log, list[Path]]:
    """A file of samples, with the results beside it where they are there."""
    stamp = _STAMP.search(path.stem)
    beside = path.with_name(f"results_{stamp[1]}.json") if stamp else path
    if beside == path or not beside.is_file() or beside.is_symlink():
        return _log([path], {}, where), [path]
    found = mapping_of(parsed(beside.read_bytes(), f"{where}: {beside.name}"))
    return _log([path], found, where), [beside, path]


def _log(files: list[Path], found: Mapping[str, Any], where: str) -> Log:
    config = mapping_of(found.get("config"))
    said = found.get("model_name") or config.get("model_args") or config.get("model")
    version = as_text(found.get("lm_eval_version") or found.get("git_hash")) or "?"
    left_out: set[str] = set()
    rows = [row for file in files for row in _rows(file, as_text(said), where, left_out)]
    _check_counts(mapping_of(found.get("n-samples")), rows, where)
    return Log(TOOL, version, rows, MAPPING, frozenset(left_out))


def _rows(file: Path, model: str, where: str, left_out: set[str]) -> Iterator[Row]:
    """One row a document: the lines of its filters are joined."""
    task = _STAMP.sub("", file.stem).removeprefix("samples_")
    place = f"{where}: {file.name}"
    joined: dict[str, Row] = {}
    seen: set[tuple[str, str]] = set()
    for line in lines_of(file, place):
        if "doc_id" not in line:
            raise faulty(place, "a sample without doc_id", "有样本缺少 doc_id")
        sample, filtered = as_text(line["doc_id"]), as_text(line.get("filter") or "none")
        if (sample, filtered) in seen:
            raise faulty(place, f"doc_id {sample} is logged twice", f"doc_id {sample} 出现两次")
        seen.add((sample, filtered))
        scores = _scores(line, filtered, left_out)
        known = joined.get(sample)
        joined[sample] = Row(
            sample, 0, model, task, _asked(line), _listed(line.get("target")),
            known.answer if known else _listed(line.get("filtered_resps")),
            {**(known.scores if known else {}), **scores},
        )  # fmt: skip
    yield from joined.values()


def _scores(line: Mapping[str, Any], filtered: str, left_out: set[str]) -> dict[str, float | None]:
    named = line.get("metrics")
    names = named if isinstance(named, list) else [n for n in line if n not in _FIELDS]
    scores = {}
    for name in map(as_text, names):
        full = name if filtered == "none" else f"{name},{filtered}"
        scores[full] = share(line.get(name))
        if unfit(line.get(name)):
            left_out.add(full)
    return scores


def _asked(line: Mapping[str, Any]) -> str:
    """The prompt: the first argument of the first request; older logs have lists for objects."""
    arguments: Any = line.get("arguments")
    for key in ("gen_args_0", "arg_0"):
        if isinstance(arguments, Mapping):
            arguments = arguments.get(key)
        elif isinstance(arguments, list) and arguments:
            arguments = arguments[0]
    if isinstance(arguments, list) and arguments:
        arguments = arguments[0]
    return as_text(arguments) or as_text(mapping_of(line.get("doc")).get("question"))


def _listed(value: Any) -> str:
    return " | ".join(map(as_text, value)) if isinstance(value, list) else as_text(value)


def _check_counts(said: Mapping[str, Any], rows: list[Row], where: str) -> None:
    tasks = {row.task for row in rows}
    for task, counts in said.items():
        expected = mapping_of(counts).get("effective")
        there = sum(row.task == task for row in rows)
        if task in tasks and isinstance(expected, int) and there < expected:
            raise faulty(
                where,
                f"{task}: {expected - there} of {expected} samples are missing",
                f"{task}: 缺少 {expected} 个样本中的 {expected - there} 个",
            )
