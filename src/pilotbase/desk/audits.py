"""What judges and people did in a trial: shown beside the evidence, also when it saved nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pilotbase.desk.queue import write_queue
from pilotbase.desk.ratings import Rating, agreement_of
from pilotbase.kernel.errors import RunError
from pilotbase.kernel.plugins import load
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.scenario.schema import Criterion, Scenario
from pilotbase.trial.cases import Cases, Ints, Predictions
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evidence import CriterionEvidence
from pilotbase.trial.people import People, every_of, people_key
from pilotbase.trial.rules.audit import Judged
from pilotbase.trial.rules.claims import judged_parts
from pilotbase.trial.rules.labels import label_saving
from pilotbase.trial.rules.reading import Levels


def asks_people(criterion: Criterion) -> bool:
    """Whether people's marks go into a criterion."""
    metric: Metric = load("pilotbase.evaluators", criterion.metric)
    return metric.asks is not None


def audit_of(
    index: int,
    evidence: CriterionEvidence,
    scenario: Scenario,
    cases: Cases,
    predictions: Predictions,
    order: Ints,
    seed: bytes,
    levels: Levels,
) -> dict[str, Any]:
    """One criterion's judge and audit as JSON data.

    ``parts`` has, for each part of the evidence, ``audited``: the places, from 0, of the units that
    the lot gave to people; ``labels``: how many of them were rated; ``silent``: units that the
    judge gave no mark; ``saving``: what the audit saved in labels, for a judge alone.
    """
    criterion = scenario.acceptance[index]
    metric: Metric = load("pilotbase.evaluators", criterion.metric)
    found = judged_parts(
        cases, predictions, criterion, order, seed, metric=metric, estimand=scenario.estimand
    )
    judge = scenario.judges[criterion.judge] if criterion.judge else None
    parts = []
    for part, judged in zip(evidence.parts, found, strict=False):
        parts.append(
            {
                "label": part.label,
                "units": len(judged.judge),
                "audited": np.flatnonzero(judged.audited).tolist(),
                "labels": int((judged.asked & ~np.isnan(judged.human)).sum()),
                "silent": _silent(judged) if judge else 0,
                "saving": label_saving(part, judged, levels).as_dict() if judge else None,
            }
        )
    return {
        "criterion": index,
        "every": every_of(metric, criterion),
        "judge": _judge(criterion.judge, scenario) if judge else None,
        "parts": parts,
    }


def _judge(name: str | None, scenario: Scenario) -> dict[str, Any]:
    judge = scenario.judges[str(name)]
    title = judge.title.model_dump() if judge.title else {"en": str(name), "zh": str(name)}
    model = judge.chat.model if judge.chat else str(judge.plugin)
    return {"name": str(name), "title": title, "model": model, "stand_in": judge.stand_in}


def _silent(judged: Judged) -> int:
    asked = np.isnan(judged.settled) & ~judged.outages
    return int((asked & np.isnan(judged.judge)).sum())


def people_of(ratings: Sequence[Rating], seed: int) -> dict[str, Any] | None:
    """How many people rated, and how far they agree; nobody is named. None without ratings."""
    if not ratings:
        return None
    return {
        "raters": len({one.rater for one in ratings}),
        "ratings": len(ratings),
        "items": len({one.item for one in ratings}),
        "agreement": agreement_of(ratings, seed).published(),
    }


def open_marks(
    scenario: Scenario, decided: Mapping[tuple[str, int], bool]
) -> Iterator[tuple[str, str]]:
    """The marks (candidate, key) of people that some criterion is not decided without.

    Args:
        decided: by candidate and criterion.
    """
    for candidate in scenario.candidates:
        for index, criterion in enumerate(scenario.acceptance):
            if asks_people(criterion) and not decided[candidate.id, index]:
                yield candidate.id, people_key(criterion)


def await_people(context: Context, run: str, people: People | None, waiting: Sequence[str]) -> None:
    """Keep the queue; go on where nothing in it is needed any more.

    Raises:
        RunError: answers wait for a person.
    """
    if people is None or not people.queue:
        return
    write_queue(context.home, run, people)
    if waiting:
        n = len(waiting)
        raise RunError(
            "run.awaits_people",
            Text(f"{n} answers wait for a person", f"{n} 个回答等待人工评分"),
            where=run,
            next_step=Text(
                f"`pilotbase rate {run} --as NAME`, then the same command again.",
                f"请运行 `pilotbase rate {run} --as 名称`, 然后再次运行同一命令。",
            ),
        )
