"""What a new scenario proposes for its task: a split, criteria, and two honest candidates."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pilotbase.kernel.text import Language, Text
from pilotbase.scenario.peek import Peek

FOLDS = 5
ORIGINS_MAX = 120
LEAST_IMPROVEMENT = 0.9
_PLAIN = re.compile(r"0|[1-9][0-9]{0,14}|true|false", re.IGNORECASE)


@dataclass(frozen=True)
class Answers:
    """What only the person who has the need can say.

    Attributes:
        csv: path of the table, relative to the folder of the scenario file.
        title, need: in both languages; the same text twice where it is not translated yet.
        positive: detection: the value of the target that is to be detected.
        unit, group, time: columns of the table, where there are such.
        season: forecast: rows in a season, 1 for none.
    """

    id: str
    csv: str
    target: str
    task: str
    item: str
    owner: str
    principal: str
    affects_people: bool
    title: Text
    need: Text
    positive: str | None = None
    unit: str | None = None
    group: str | None = None
    time: str | None = None
    season: int = 1


def quoted(text: str) -> str:
    """A text as a YAML value that no reader takes for anything else."""
    said = json.dumps(text, ensure_ascii=False)
    for character in "\u2028\u2029\ufeff":
        said = said.replace(character, f"\\u{ord(character):04x}")
    return said


def scalar(value: str) -> str:
    """A cell of a table as a YAML value: counts and truth values plain, all else quoted."""
    return value.lower() if _PLAIN.fullmatch(value) else quoted(value)


def note(text: Text, language: Language, indent: str = "") -> str:
    """A comment in the reader's language."""
    return f"{indent}# {text.in_language(language)}"


def split_of(answers: Answers, table: Peek, language: Language) -> list[str]:
    """How units are held apart."""
    if answers.task == "forecast":
        rows = len(table.rows)
        # A first fit wants two seasons behind it.
        origins = max(1, min(ORIGINS_MAX, rows // 3, rows - 1 - 2 * answers.season))
        return [
            "split:",
            "  by: rolling",
            f"  column: {quoted(answers.time or '')}",
            f"  origins: {origins}",
            f"  season: {answers.season}",
        ]
    folds = _folds(answers, table)
    if answers.time is not None:
        why = Text(
            "each later block is scored by a fit on earlier ones",
            "每个较晚时段由较早时段拟合的模型评分",
        )
        return [
            "split:",
            note(why, language, "  "),
            "  by: time",
            f"  column: {quoted(answers.time)}",
            f"  folds: {folds}",
        ]
    lines = ["split:", f"  by: {'unit' if answers.unit else 'random'}", f"  folds: {folds}"]
    small = any(count < folds for _, count in table.classes(answers.target))
    classes = answers.task in ("classification", "detection")
    return [*lines, "  stratify: true"] if classes and not small and not answers.unit else lines


def _folds(answers: Answers, table: Peek) -> int:
    """`FOLDS`, or fewer where a fold would have fewer than two units."""
    units = len(table.classes(answers.unit)) if answers.unit else len(table.rows)
    return max(2, min(FOLDS, units // 2))


def criteria_of(answers: Answers, table: Peek, language: Language) -> list[str]:
    """What would be good enough: to be changed by the owner, who knows what a mistake costs."""
    propose = {
        "classification": _classification,
        "detection": _detection,
        "regression": _regression,
        "forecast": _forecast,
    }[answers.task]
    head = note(
        Text(
            "Proposals. Set each bound to what the service really needs, before you plan.",
            "以下仅为建议: 制定计划之前, 请按业务实际需要确定每个门限。",
        ),
        language,
    )
    return [head, "acceptance:", *propose(answers, table)]


def _classification(answers: Answers, table: Peek) -> list[str]:
    lines = ["  - {metric: accuracy, at_least: 0.8}"]
    lines.append("  - {metric: accuracy, against: majority, as: difference, at_least: 0.05}")
    if answers.group:
        lines.append("  - {metric: accuracy, worst_of: by-group, at_least: 0.7}")
    return lines


def _detection(answers: Answers, table: Peek) -> list[str]:
    lines = ["  - {metric: recall, at_least: 0.7}"]
    lines.append("  - {metric: false_alarm_ratio, at_most: 0.5}")
    if answers.group:
        lines.append("  - {metric: recall, gap_by: by-group, at_most: 0.1}")
    return lines


def _regression(answers: Answers, table: Peek) -> list[str]:
    cap = _cap(answers, table)
    lines = [f"  - {{metric: mae, cap: {cap:g}, at_most: {cap / 5:g}}}"]
    better = f"against: mean, as: ratio, at_most: {LEAST_IMPROVEMENT}"
    lines.append(f"  - {{metric: mae, cap: {cap:g}, {better}}}")
    if answers.group:
        worst = "worst_of: by-group, relative: true, at_most: 1.25"
        lines.append(f"  - {{metric: mae, cap: {cap:g}, {worst}}}")
    return lines


def _forecast(answers: Answers, table: Peek) -> list[str]:
    cap = _cap(answers, table)
    base = "seasonal_naive" if answers.season > 1 else "persistence"
    better = f"against: {base}, as: ratio, at_most: {LEAST_IMPROVEMENT}"
    return [
        f"  - {{metric: mae, cap: {cap:g}, {better}}}",
        "  - {metric: interval_coverage, between: [0.9, 0.99]}",
    ]


def _cap(answers: Answers, table: Peek) -> float:
    """The span of the target that was seen, up to two digits; 1 where there is none."""
    span = table.span(answers.target)
    if not span:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(span)) - 1)
    return float(f"{math.ceil(span / step) * step:.2g}")


def offers_of(answers: Answers, language: Language) -> list[str]:
    """A simple and a stronger candidate, so that the stronger one has to earn its place."""
    head = note(
        Text(
            "A simple and a stronger candidate to begin with; add those that providers offer.",
            "先放一个简单方案和一个较强方案作参照; 请加入供给方提出的方案。",
        ),
        language,
    )
    if answers.task == "forecast":
        return [head, "candidates:", *_series(answers.season)]
    kind = "Regressor" if answers.task == "regression" else "Classifier"
    simple = "Ridge" if answers.task == "regression" else "LogisticRegression"
    return [
        head,
        "candidates:",
        "  - id: simple",
        f"    estimator: sklearn.linear_model.{simple}",
        "    steps:",
        "      - {estimator: sklearn.impute.SimpleImputer, parameters: {strategy: median}}",
        "      - {estimator: sklearn.preprocessing.StandardScaler}",
        "  - id: boosted-trees",
        f"    estimator: sklearn.ensemble.HistGradientBoosting{kind}",
    ]


def _series(season: int) -> list[str]:
    seasonal = ("0, 1, 0", "0, 1, 1") if season > 1 else ("", "")
    orders: Sequence[tuple[str, str, str]] = (
        ("random-walk", "0, 1, 0", seasonal[0]),
        ("smoothing", "0, 1, 1", seasonal[1]),
    )
    lines = []
    for name, order, extra in orders:
        lines += [
            f"  - id: {name}",
            "    estimator: statsmodels.tsa.statespace.sarimax.SARIMAX",
            "    parameters:",
            f"      order: [{order}]",
        ]
        if extra:
            lines.append(f"      seasonal_order: [{extra}, {season}]")
        lines.append("    refit_every: 12")
    return lines
