"""Which tool wrote a log, by what is in it and not by its name; the log as a table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from pilotbase.catalog.results import garak, inspect_log, lm_eval, promptfoo
from pilotbase.catalog.results.log import (
    JSON_BYTES_MAX,
    SCORE,
    Log,
    faulty,
    frame_of,
    lines_of,
    parsed,
)
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text


@dataclass(frozen=True)
class Results:
    """A log as a table.

    Attributes:
        tool: name and version. source: the same with models, sha256, and how scores were mapped.
        digest: sha256 of the file's bytes, of all files' where it takes several.
    """

    frame: pd.DataFrame
    tool: Text
    source: Text
    digest: str


def read_results(path: Path, where: str) -> Results:
    """The log of one of the tools that are known.

    Raises:
        DataError: none of them, or a log that is damaged, too large, or of another version.
    """
    log, files = _read(path, where)
    frame = frame_of(log, where)
    if not any(str(name).startswith(SCORE) for name in frame.columns):
        raise faulty(where, "it has no score from 0 to 1", "其中没有 0 至 1 的得分")
    digest = _digest(files)
    return Results(frame, *_source(log, digest), digest)


def _read(path: Path, where: str) -> tuple[Log, Sequence[Path]]:
    with path.open("rb") as opened:
        start = opened.read(4)
    if start.startswith(b"PK"):
        return inspect_log.read_eval(path, where), [path]
    whole = _whole(path, where)
    if whole is None:
        return _by_lines(path, where)
    if "eval" in whole and "version" in whole:
        return inspect_log.read_json(whole, where), [path]
    if isinstance(whole.get("results"), Mapping) and "configs" in whole:
        return lm_eval.read_results(path, whole, where)
    if "results" in whole:
        return promptfoo.read_summary(whole, where), [path]
    raise _unknown(where)


def _whole(path: Path, where: str) -> Mapping[str, Any] | None:
    """The one JSON object of the file; None where it holds JSON lines."""
    with path.open("rb") as opened:
        first = opened.readline(JSON_BYTES_MAX + 1)
        several = bool(opened.readline(1024).strip())
    if several and first.strip().startswith(b"{") and first.strip().endswith(b"}"):
        return None
    if not several and b'"entry_type"' in first[:4096]:
        return None
    if path.stat().st_size > JSON_BYTES_MAX:
        raise faulty(
            where,
            f"more than {JSON_BYTES_MAX:,} bytes in one piece; give an .eval or JSON lines",
            f"单个文件超过 {JSON_BYTES_MAX:,} 字节; 请提供 .eval 或 JSON 行格式",
        )
    found = parsed(path.read_bytes(), where)
    if isinstance(found, dict) and "doc_id" in found:
        return None
    if not isinstance(found, dict):
        raise _unknown(where)
    return found


def _by_lines(path: Path, where: str) -> tuple[Log, Sequence[Path]]:
    words = {key for line in islice(lines_of(path, where), 5) for key in line}
    if "entry_type" in words:
        return garak.read_report(path, where), [path]
    if "doc_id" in words:
        return lm_eval.read_samples(path, where)
    raise _unknown(where)


def _digest(files: Sequence[Path]) -> str:
    hashes = []
    for file in files:
        with file.open("rb") as opened:
            hashes.append(hashlib.file_digest(opened, "sha256").hexdigest())
    if len(hashes) == 1:
        return f"sha256:{hashes[0]}"
    return f"sha256:{hashlib.sha256(''.join(hashes).encode()).hexdigest()}"


def _source(log: Log, digest: str) -> tuple[Text, Text]:
    tool = Text(f"{log.tool} {log.version}", f"{log.tool} {log.version}")
    models = "; ".join(log.models[:5]) or "?"
    left = ", ".join(sorted(log.left_out)[:20])
    english = f"reported by {tool.en}, model {models}, {digest}; {log.mapping.en}"
    chinese = f"由 {tool.zh} 报告, 模型 {models}, {digest}; {log.mapping.zh}"
    if left:
        english += f"; left out, not from 0 to 1: {left}"
        chinese += f"; 未采用 (不在 0 至 1 之间): {left}"
    return tool, Text(english, chinese)


def _unknown(where: str) -> DataError:
    return faulty(
        where,
        "no log of Inspect, lm-evaluation-harness, garak or promptfoo",
        "不是 Inspect、lm-evaluation-harness、garak 或 promptfoo 的日志",
    )
