"""What people have said of answers: signed ratings in the record, and what follows from them.

A rating is kept as an entry about ``ratings:<run>``; mark and reason are the rater's own signed
words and lie in the vault, the entry names item and key alone. Raters are never ranked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pilotbase.desk.events import RatingGiven
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.rules import note
from pilotbase.trial.rules.agreement import UNITS_LEAST, Agreement, krippendorff_alpha

HEAD = "pilotbase/rating/1"
APART_LEAST = 0.1
"""A rater whose leaving raises alpha by more is shown to the evaluator as a finding."""


@dataclass(frozen=True)
class Rating:
    """One rater's mark of one item, in [0, 1], and why."""

    rater: str
    item: str
    mark: float
    why: str = ""


def rating_text(run: str, rating: Rating) -> str:
    """What a rater signs: five lines, the last a JSON string."""
    why = json.dumps(rating.why, ensure_ascii=False)
    return f"{HEAD}\n{run}\n{rating.item}\n{rating.mark!r}\n{why}\n"


def subject(run: str) -> str:
    """What entries of ratings are about. Not the pilot: its report must not show them."""
    return f"ratings:{run}"


def record_rating(
    record: Record, context: Context, run: str, rating: Rating, key: note.SigningKey
) -> Entry:
    """Sign and append a rating. The same rater's first rating of an item is the one that counts."""
    signed = note.sign(rating_text(run, rating), [key])
    vkey = key.verifier.encode()
    happened = RatingGiven(run, rating.item, rating.rater, vkey)
    once = f"rating:{run}:{rating.item}:{vkey}"
    actor = context.actor("evaluator")
    return record.append(
        Draft(happened, actor, subject(run), {"rating": signed.encode()}, key=once)
    )


def ratings_of(record: Record, run: str) -> list[Rating]:
    """All ratings of a run, in the order of the record; those that were erased are left out.

    Raises:
        RecordError: a rating is not what its rater signed.
    """
    found = []
    for entry in record.entries(about=subject(run)):
        try:
            body = record.body(entry, "rating")
        except RecordError as error:
            if error.code == "record.body_gone":
                continue
            raise
        found.append(_read(entry.body, body))
    return found


def _read(said: Mapping[str, Any], body: bytes) -> Rating:
    signed = note.verify(body, [note.VerifierKey.parse(str(said["vkey"]))])
    head, run, item, mark, why = signed.text.splitlines()
    if (head, run, item) != (HEAD, said["run"], said["item"]):
        raise ValueError("a signed rating of something else")
    return Rating(str(said["rater"]), item, float(mark), str(json.loads(why)))


def means(ratings: Iterable[Rating]) -> dict[str, float]:
    """By item, the mean of the marks that people gave it."""
    found: dict[str, list[float]] = {}
    for rating in ratings:
        found.setdefault(rating.item, []).append(rating.mark)
    return {item: sum(marks) / len(marks) for item, marks in found.items()}


@dataclass(frozen=True)
class Agreed:
    """How far raters agree.

    Attributes:
        all: Krippendorff's alpha over everybody's marks, on an interval scale.
        without: by rater, alpha of the others; for the evaluator alone, never published.
        apart: raters without whom the others agree better by more than `APART_LEAST`. It is a
            finding about agreement: who sees it otherwise may be the one who is right, and the
            marks count like everybody's.
    """

    all: Agreement
    without: Mapping[str, float | None]
    apart: tuple[str, ...]

    def published(self) -> dict[str, Any]:
        """JSON data for reports: nobody is named."""
        return {**self.all.as_dict(), "apart": len(self.apart)}


def agreement_of(ratings: Sequence[Rating], seed: int) -> Agreed:
    """Agreement over all items, and without each rater in turn.

    Args:
        seed: of the interval's resampling.
    """
    raters = sorted({rating.rater for rating in ratings})
    items = sorted({rating.item for rating in ratings})
    table = np.full((len(raters), len(items)), np.nan)
    row, column = ({name: i for i, name in enumerate(names)} for names in (raters, items))
    for rating in ratings:
        table[row[rating.rater], column[rating.item]] = rating.mark
    everybody = krippendorff_alpha(table, "interval", seed=seed)
    without: dict[str, float | None] = {}
    apart = []
    if len(raters) > 2:
        for name in raters:
            others = krippendorff_alpha(
                np.delete(table, row[name], axis=0), "interval", replicates=0
            )
            without[name] = others.alpha
            known = others.alpha is not None and everybody.alpha is not None
            if known and others.units >= UNITS_LEAST:
                assert others.alpha is not None and everybody.alpha is not None
                if others.alpha - everybody.alpha > APART_LEAST:
                    apart.append(name)
    return Agreed(everybody, without, tuple(apart))
