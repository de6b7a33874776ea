"""What is put before people: which answers, in what words, and what they have said of them.

A person sees rubric, question, expected answer, cited passages and the answer; never who gave it,
nor what a metric or a judge said of it. The same answer to the same question is put to people once,
whoever gave it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pilotbase.kernel.canonical import digest
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import Cases
from pilotbase.trial.evaluators.metric import Metric, mark_key
from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.rules.audit import Flags, audited_units

DOUBLE = b"\x04"
DOUBLE_EVERY = 4
"""One answer in so many is for every rater, so that it can be seen how far they agree."""
RULE = (
    "an answer that several people rate counts with the mean of their marks; one answer in "
    f"{DOUBLE_EVERY}, drawn by lot from the seed, is for every rater"
)
TEXT_MAX = 20_000
NO_ANSWER = -math.inf
"""In place of judge's and people's marks of a case to which the candidate gave no usable reply, so
that there is nothing to be marked: its fault, also where it answered when it was asked again."""


@dataclass(frozen=True)
class Item:
    """One answer as a person, or a judge, sees it.

    Attributes:
        passages: those that the answer cites, ``{"id", "text", "quote"}``.
        refused: whether the candidate says that it will not, or cannot, answer.
    """

    rubric: str
    question: str
    language: str
    expected: tuple[str, ...]
    passages: tuple[Mapping[str, str], ...]
    answer: str
    refused: bool

    @classmethod
    def of(cls, rubric: str, question: Question, reply: Reply) -> Item:
        cited = {one.passage: one.quote for one in reply.citations}
        return cls(
            rubric=rubric,
            question=_plain(question.text),
            language=question.language,
            expected=tuple(_plain(one) for one in question.expected),
            passages=tuple(
                {"id": name, "text": _plain(question.passages[name]), "quote": _plain(quote)}
                for name, quote in cited.items()
                if name in question.passages
            ),
            answer=_plain(_answer(reply)),
            refused=reply.refused,
        )

    @property
    def id(self) -> str:
        """Names the item by what is seen: ``sha256:<hex>``."""
        return digest(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """JSON data."""
        return asdict(self)


def _answer(reply: Reply) -> str:
    if reply.text or reply.data is None:
        return reply.text
    return json.dumps(reply.data, ensure_ascii=False, indent=1)


def _plain(text: str) -> str:
    """At most `TEXT_MAX` characters, and none that UTF-8 cannot carry."""
    return text[:TEXT_MAX].encode("utf-8", "replace").decode()


def people_key(criterion: Criterion) -> str:
    """Names people's marks in `Predictions.marks`, beside the judge's under `mark_key`."""
    return f"people:{mark_key(criterion)}"


def every_of(metric: Metric, criterion: Criterion) -> int:
    """One unit in how many goes to people: 1 where they rate everything."""
    return 1 if metric.asks == "people" else criterion.audit or 1


def is_double(seed: bytes, item: str) -> bool:
    """Whether every rater is to rate an item: by lot, one in `DOUBLE_EVERY`."""
    lot = hashlib.sha256(seed + DOUBLE + item.encode()).digest()
    return int.from_bytes(lot, "big") % DOUBLE_EVERY == 0


@dataclass
class Queued:
    """An item in the queue.

    Attributes:
        place: of its unit in the committed order, from 0; the earliest where there are several.
        asked_by: the marks that wait for it, as (candidate, `people_key`).
    """

    item: Item
    place: int
    asked_by: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class People:
    """The people of one trial.

    Attributes:
        seed: of the committed order, from which the lots are drawn.
        marks: by item, the mean of what people gave it, in [0, 1].
        queue: every item that people have rated or are to rate, by its id.
    """

    seed: bytes = b""
    marks: Mapping[str, float] = field(default_factory=dict)
    queue: dict[str, Queued] = field(default_factory=dict)
    _lots: dict[tuple[str, str, int], Flags] = field(default_factory=dict)

    def audited(self, cases: Cases, criterion: Criterion, every: int) -> Flags:
        """(units,) which units go to people for a criterion."""
        key = (cases.digest, mark_key(criterion), every)
        if key not in self._lots:
            self._lots[key] = audited_units(self.seed, cases.unit_ids, every, mark_key(criterion))
        return self._lots[key]

    def mark(self, item: Item, place: int, candidate: str, key: str) -> float:
        """People's mark of an item; NaN where nobody has rated it yet, and it waits from now on."""
        queued = self.queue.setdefault(item.id, Queued(item, place))
        queued.place = min(queued.place, place)
        queued.asked_by.add((candidate, key))
        return self.marks.get(item.id, math.nan)

    def waiting(self, wanted: set[tuple[str, str]]) -> list[str]:
        """Ids of the items without a mark that some of the wanted marks wait for."""
        return [
            id_
            for id_, queued in self.queue.items()
            if id_ not in self.marks and queued.asked_by & wanted
        ]
