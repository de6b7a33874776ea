"""promptfoo: the JSON of ``promptfoo eval --output results.json``, summary version 3.

Source: promptfoo.dev, docs/configuration/outputs and reference (``EvaluateSummaryV3``,
``EvaluateResult``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.catalog.results.log import Log, Row, as_text, faulty, mapping_of, share, unfit
from pilotbase.kernel.text import Text

VERSION = 3
MAPPING = Text(
    "score and named scores from 0 to 1 as they are; pass is 1 where the test passed",
    "score 与各命名得分 (0 至 1) 按原值; 测试通过时 pass 为 1",
)


def read_summary(found: Mapping[str, Any], where: str) -> Log:
    """A summary. Raises DataError: another version, or results without their numbers."""
    summary = mapping_of(found.get("results")) or found
    results = summary.get("results")
    if summary.get("version") != VERSION or not isinstance(results, list):
        raise faulty(
            where,
            f"promptfoo summaries of version {VERSION} are read, not of {summary.get('version')!r}",
            f"只读取第 {VERSION} 版 promptfoo 汇总, 而不是 {summary.get('version')!r}",
        )
    several = len({mapping_of(one).get("promptIdx") for one in results}) > 1
    left_out: set[str] = set()
    rows = [_row(mapping_of(one), where, left_out, several=several) for one in results]
    stats = mapping_of(summary.get("stats"))
    counts = [stats.get(name) for name in ("successes", "failures", "errors")]
    total = sum(count for count in counts if isinstance(count, int))
    if total > len(rows):
        raise faulty(
            where,
            f"{total - len(rows)} of {total} results are missing",
            f"缺少 {total} 个结果中的 {total - len(rows)} 个",
        )
    version = as_text(mapping_of(found.get("metadata")).get("promptfooVersion")) or "?"
    return Log("promptfoo", version, rows, MAPPING, frozenset(left_out))


def _row(result: Mapping[str, Any], where: str, left_out: set[str], *, several: bool) -> Row:
    test = result.get("testIdx")
    if not isinstance(test, int):
        raise faulty(where, "a result without testIdx", "有结果缺少 testIdx")
    provider, prompt = result.get("provider"), mapping_of(result.get("prompt"))
    case = mapping_of(result.get("testCase"))
    named = mapping_of(result.get("namedScores"))
    values = {"pass": result.get("success"), "score": result.get("score"), **named}
    left_out |= {name for name, value in values.items() if unfit(value)}
    model = as_text(mapping_of(provider).get("id") or provider)
    if several:
        model += f" prompt {as_text(result.get('promptIdx'))}"
    return Row(
        str(test), 0, model, as_text(case.get("description")),
        as_text(prompt.get("raw")), _expected(case),
        as_text(mapping_of(result.get("response")).get("output")),
        {name: share(value) for name, value in values.items()},
    )  # fmt: skip


def _expected(case: Mapping[str, Any]) -> str:
    checks = case.get("assert")
    found = [mapping_of(c) for c in checks] if isinstance(checks, list) else []
    kinds = ("equals", "contains", "icontains")
    return " | ".join(as_text(c.get("value")) for c in found if c.get("type") in kinds)
