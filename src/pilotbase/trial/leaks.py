"""The leak check: what a plan has to answer before it is frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion, Scenario
from pilotbase.scenario.section import Baseline
from pilotbase.trial.baselines import baseline_predictions
from pilotbase.trial.cases import OK, Cases, Floats, Ints, Predictions
from pilotbase.trial.evaluators import Metric, metric_named
from pilotbase.trial.rules import leaks as rules
from pilotbase.trial.rules.claims.counted import Answers
from pilotbase.trial.rules.scores import primary_score

SINGLE_DEPTH, PAIR_DEPTH = 2, 4
PAIR_COLUMNS_MAX = 8
PAIRS_NAMED_MAX = 3
NEAR_PERFECT = 0.98
EXPLAINED_MIN = 0.9  # of a number, by a strong probe that reaches what the plan asks for


@dataclass(frozen=True)
class Finding:
    """Something that may give the answer away.

    Attributes:
        id: stable, e.g. ``leak:single:age``; what the scenario's ``answers`` refers to.
        kind: copy, giveaway, single, pair, duplicates or barred.
        columns: columns of the table that it is about.
        value: the share or score behind it, rounded to 4 digits.
        blocks: whether the plan waits for the owner's answer. False for barred columns: that they
            are barred is the answer; the finding shows why.
    """

    id: str
    kind: str
    text: Text
    columns: tuple[str, ...]
    value: float
    blocks: bool = True

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "text": self.text.as_dict(),
            "columns": list(self.columns),
            "value": self.value,
            "blocks": self.blocks,
        }


def find_leaks(cases: Cases, scenario: Scenario) -> tuple[Finding, ...]:
    """Findings in a fixed order: features first, then the split, then what the plan bars.

    Cases in words have none: nobody learns from them, and what a question gives away is for its
    reader to see.
    """
    if cases.language is not None:
        return ()
    found = [
        *_Search(cases, scenario, barred=False).findings(),
        *_duplicates(cases),
        *_Search(cases, scenario, barred=True).findings(),
        *_uses_barred(scenario),
    ]
    return tuple(found)


@dataclass(frozen=True)
class _Search:
    """The check of either the features or the barred columns."""

    cases: Cases
    scenario: Scenario
    barred: bool

    def findings(self) -> Iterator[Finding]:
        frame = self.cases.barred if self.barred else self.cases.features
        columns = rules.columns_of(frame)
        suspects = set()
        for name in columns:
            found = self._told(name, rules.values_of(frame, name))
            if found is not None:
                suspects.add(name)
                yield found
        bar = _Bar(self.cases, self.scenario)
        if bar.asks:
            yield from self._rules(bar, columns, suspects)

    def _told(self, name: str, values: Floats) -> Finding | None:
        """The column is the target in other words, or one of its values tells a class."""
        if rules.is_copy(values, self.cases):
            text = Text(
                f"{name!r} is the target in other words",
                f"列 {name!r} 就是目标的另一种写法",
            )
            return self._finding("copy", (name,), 1.0, text)
        given = rules.giveaway(values, self.cases)
        if given is None:
            return None
        value, label, share = given
        said = self.scenario.target if self.cases.task == "detection" else label
        text = Text(
            f"whether {name!r} is {value:g} tells {said!r} from all else in {share:.1%} of cases: "
            "was it filled in after the outcome?",
            f"{name!r} 是否等于 {value:g}, 在 {share:.1%} 的案例中即可判定是否为 {said!r}: "
            "该值是否在结果出现后填入?",
        )
        return self._finding("giveaway", (name,), share, text)

    def _rules(
        self, bar: _Bar, columns: Mapping[str, Floats], suspects: set[str]
    ) -> Iterator[Finding]:
        """Rules over one and over two columns that reach the bar, or nearly the whole answer."""
        scores: dict[str, float] = {}
        probed: dict[str, float] = {}
        rolling = self.cases.split == "rolling"
        for name, features in columns.items():
            # An honest lag often reaches a forecast's bar: only nearly the whole answer counts.
            reached, shown = False, ""
            if not rolling:
                reached, scores[name], shown = bar.tried(features, SINGLE_DEPTH)
            if reached and name not in suspects:
                suspects.add(name)
                text = Text(
                    f"{name!r} alone, by a rule of {SINGLE_DEPTH} questions, reaches what the plan "
                    f"asks for ({shown})",
                    f"仅凭列 {name!r}, 用 {SINGLE_DEPTH} 个问题的规则即达到计划要求 ({shown})",
                )
                yield self._finding("single", (name,), scores[name], text)
            if name in suspects and not self.barred:
                continue
            told, probed[name], shown = bar.probed(features)
            if told and name not in suspects:
                suspects.add(name)
                yield self._finding("single", (name,), probed[name], _told_by((name,), shown))
        if not rolling:
            yield from self._pairs(bar, columns, suspects, scores, probed)

    def _pairs(
        self,
        bar: _Bar,
        columns: Mapping[str, Floats],
        suspects: set[str],
        scores: Mapping[str, float],
        probed: Mapping[str, float],
    ) -> Iterator[Finding]:
        open_ = [name for name in columns if name not in suspects or self.barred]
        reaching: dict[tuple[str, str], tuple[float, Text]] = {}
        for first, second in _pairs_of(rules.pairs_to_try(open_, scores, PAIR_COLUMNS_MAX)):
            both = np.hstack([columns[first], columns[second]])
            reached, score, shown = bar.tried(both, PAIR_DEPTH)
            if reached:
                text = Text(
                    f"{first!r} and {second!r} alone, by a rule of {PAIR_DEPTH} questions, reach "
                    f"what the plan asks for ({shown})",
                    f"仅凭列 {first!r} 和 {second!r}, 用 {PAIR_DEPTH} 个问题的规则"
                    f"即达到计划要求 ({shown})",
                )
                reaching[first, second] = score, text
        tried = [name for name in open_ if name not in suspects]
        for pair in _pairs_of(rules.pairs_to_try(tried, probed, PAIR_COLUMNS_MAX)):
            told, score, shown = bar.probed(np.hstack([columns[name] for name in pair]))
            if told and pair not in reaching:
                reaching[pair] = score, _told_by(pair, shown)
        best = sorted(reaching, key=lambda pair: (reaching[pair][0], pair), reverse=True)
        for pair in best[:PAIRS_NAMED_MAX]:
            yield self._finding("pair", pair, *reaching[pair])

    def _finding(self, kind: str, names: tuple[str, ...], value: float, text: Text) -> Finding:
        if self.barred:
            text = Text(f"{text.en} (barred)", f"{text.zh} (已禁用)")
        place = f"leak:{kind}:{'+'.join(names)}"
        return Finding(place, kind, text, names, round(value, 4), blocks=not self.barred)


def _pairs_of(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for one, other in combinations(names, 2):
        yield min(one, other), max(one, other)


def _told_by(names: tuple[str, ...], shown: str) -> Text:
    return Text(
        f"{' and '.join(map(repr, names))} alone, by a straight line or a fine tree, "
        f"{'gives' if len(names) == 1 else 'give'} nearly the whole answer ({shown})",
        f"仅凭列 {' 和 '.join(map(repr, names))}, 用直线或细分的决策树即可得出几乎全部答案 "
        f"({shown})",
    )


class _Bar:
    """What the plan asks for, as a bar that a small rule can be held against.

    The bar is every plain criterion on quality together; criteria on groups, perturbations,
    baselines, bands, time and cost say nothing about a leak. Without a plain one the bar is a
    nearly perfect score.
    """

    def __init__(self, cases: Cases, scenario: Scenario) -> None:
        self._cases = cases
        self._rows, self._asked = rules.sampled(cases, scenario.plan.seed)
        self._fits = rules.fits_of(cases, self._rows, self._asked) if self.asks else ()
        self._plain = [(c, metric_named(c.metric)) for c in scenario.acceptance if _is_plain(c)]
        self._plain = [(c, metric) for c, metric in self._plain if _is_quality(metric)]
        shares = [c.at_most for c, metric in self._plain if metric.name == "called_share"]
        self._share = shares[0] if shares else None
        self._numeric = cases.task in ("regression", "forecast")
        self._open = _left_open(cases, self._asked) if self._numeric and self.asks else 0.0

    @property
    def asks(self) -> bool:
        """Whether there is a row that a rule can be asked."""
        return len(self._asked) > 0

    def tried(self, features: Floats, depth: int) -> tuple[bool, float, str]:
        """Whether a rule over the features reaches the bar, its score, and what it reached."""
        predictions = rules.rule_answers(
            self._cases,
            features,
            self._rows,
            self._asked,
            depth=depth,
            called_share=self._share,
            fits=self._fits,
        )
        score = self._score(predictions)
        if not self._plain:
            return score >= NEAR_PERFECT, score, f"{score:.3f}"
        reached, shown = self._held_against(predictions)
        return reached and not self._is_low, score, shown

    @cached_property
    def _is_low(self) -> bool:
        """Whether one same answer to everything reaches the bar: then reaching it tells nothing."""
        same = np.zeros((self._cases.rows, 1))
        answers = rules.rule_answers(
            self._cases,
            same,
            self._rows,
            self._asked,
            depth=1,
            called_share=self._share,
            fits=self._fits,
        )
        return self._held_against(answers)[0]

    def probed(self, features: Floats) -> tuple[bool, float, str]:
        """Whether strong learners get nearly the whole answer, how much of it, and what they reach.

        The plan's bar alone is not enough here: strong learners reach it on honest, easy data.
        """
        if not self._numeric:
            most = rules.most_told(features[self._asked], self._cases.target[self._asked])
            if most < NEAR_PERFECT:  # spares the trees of most coarse columns
                return False, most, ""
        answers = rules.probe_answers(
            self._cases, features, self._rows, self._asked, fits=self._fits
        )
        share, best = max(((self._told(one), one) for one in answers), key=lambda pair: pair[0])
        reached, shown = self._held_against(best) if self._plain else (False, "")
        enough = EXPLAINED_MIN if self._numeric and reached else NEAR_PERFECT
        told = f"R² {share:.4f}" if self._numeric else f"{share:.3f}"
        return share >= enough, share, ", ".join(filter(None, (shown, told)))

    def _told(self, predictions: Predictions) -> float:
        """The share of what is open that is explained; of classes, the share told right."""
        truth = self._cases.target[self._asked]
        if not self._numeric:
            return rules.told_right(truth, predictions.label[self._asked])
        error = np.mean((truth.astype(np.float64) - predictions.value[self._asked]) ** 2)
        return float(1 - error / self._open) if self._open > 0 else 0.0

    def _held_against(self, predictions: Predictions) -> tuple[bool, str]:
        """Whether answers meet all plain criteria, and what they reach in each."""
        reached = []
        for criterion, metric in self._plain:
            value = self._estimate(metric, predictions, criterion)
            reached.append((metric.name, value, _holds(criterion, value)))
        shown = ", ".join(f"{name} {value:.3f}" for name, value, _ in reached)
        return all(holds for _, _, holds in reached), shown

    def _score(self, predictions: Predictions) -> float:
        """Accuracy, AUC, or the share of the mean absolute deviation that is explained."""
        truth = self._cases.target[self._asked]
        if self._cases.task == "classification":
            return primary_score("classification", truth, predictions.label[self._asked])
        if self._cases.task == "detection":
            return primary_score("detection", truth, predictions.score[self._asked])
        numbers = truth.astype(np.float64)
        error = np.abs(numbers - predictions.value[self._asked]).mean()
        return float(1 - error / max(np.abs(numbers - np.median(numbers)).mean(), 1e-300))

    def _estimate(self, metric: Metric, predictions: Predictions, criterion: Criterion) -> float:
        """The metric's plain estimate over the sampled rows, on the reader's scale."""
        answers = Answers.of(metric, self._cases, predictions, criterion)
        if metric.counted == "pairs":
            return self._estimate_pairs(metric, answers, criterion)
        counted = np.zeros(self._cases.rows, np.bool_)
        counted[self._asked] = answers.counted[self._asked]
        if not counted.any():
            return float("nan")
        mean = float(answers.worth(*_worst(metric))[counted].mean())
        if metric.over_prevalence:
            return mean / float((self._cases.target[self._asked] == 1).mean())
        return metric.shown(mean, criterion)

    def _estimate_pairs(self, metric: Metric, answers: Answers, criterion: Criterion) -> float:
        assert metric.compare is not None
        total, pairs = 0.0, 0
        for fold in np.unique(self._cases.fold[self._asked]):
            rows = self._asked[self._cases.fold[self._asked] == fold]
            inside = self._cases.target[rows] == 1
            values = answers.value[rows]
            above, below = np.meshgrid(values[inside], values[~inside], indexing="ij")
            total += float(metric.compare(above, below).sum())
            pairs += above.size
        return metric.shown(total / pairs, criterion) if pairs else float("nan")


def _left_open(cases: Cases, asked: Ints) -> float:
    """The mean square of a number that is left to explain: its variance, or the square error of
    the last known value where that is less. So a lag is no leak for knowing the level."""
    numbers = cases.target[asked].astype(np.float64)
    left = [float(np.var(numbers))]
    if cases.time is not None:
        names: tuple[Baseline, ...] = ("persistence", "seasonal_naive")
        for name in names:
            try:
                past = baseline_predictions(cases, name)
            except DataError:  # several rows at a time: no value is the last one
                continue
            known = past.status[asked] == OK
            if known.any():
                left.append(float(np.mean((numbers - past.value[asked])[known] ** 2)))
    return min(left)


def _is_plain(criterion: Criterion) -> bool:
    compared = (criterion.gap_by, criterion.ratio_by, criterion.worst_of, criterion.against)
    return not any(compared) and criterion.under is None and criterion.between is None


def _is_quality(metric: Metric) -> bool:
    return metric.dimension in ("quality", "calibration") and metric.name != "interval_coverage"


def _worst(metric: Metric) -> tuple[float, float]:
    worst = 0.0 if metric.better == "higher" else 1.0
    return worst, worst


def _holds(criterion: Criterion, value: float) -> bool:
    if criterion.at_least is not None:
        return value >= criterion.at_least
    return criterion.at_most is None or value <= criterion.at_most


def _duplicates(cases: Cases) -> Iterator[Finding]:
    twins = rules.duplicate_rows(cases)
    if not len(twins):
        return
    share = len(twins) / int(cases.scored.sum())
    text = Text(
        f"{len(twins)} scored cases ({share:.1%}) have exactly the features of a case that their "
        f"fit learns from; the first is row {twins[0] + 1}",
        f"{len(twins)} 个计分案例 ({share:.1%}) 的特征与其拟合所用的某个案例完全相同, "
        f"首个为第 {twins[0] + 1} 行",
    )
    yield Finding("leak:duplicates", "duplicates", text, (), round(share, 4))


def _uses_barred(scenario: Scenario) -> Iterator[Finding]:
    """The check does not stop such a candidate; the integrity criterion fails it."""
    for candidate in scenario.candidates:
        if candidate.uses_barred:
            names = ", ".join(candidate.uses_barred)
            text = Text(
                f"the candidate {candidate.id!r} uses barred columns: {names}",
                f"候选方案 {candidate.id!r} 使用了禁用列: {names}",
            )
            columns = tuple(candidate.uses_barred)
            yield Finding(f"leak:barred:{candidate.id}", "barred", text, columns, 1.0, blocks=False)
