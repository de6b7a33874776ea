"""The queue of answers that wait for people: kept beside the run's journal, shown blind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.trial.people import Item, People, is_double

FORMAT = "pilotbase/queue/1"
BLOCK = 10
"""Items of so many units in the committed order are mixed, so that the evidence, which reads that
order, goes on while nobody can tell from the order who answered."""


@dataclass(frozen=True)
class Waiting:
    """One item of a queue: its place in the committed order, and whether every rater is to rate
    it."""

    item: Item
    place: int
    double: bool


@dataclass(frozen=True)
class Queue:
    """The items of a run by id."""

    run: str
    seed: str
    items: Mapping[str, Waiting]

    def left_for(
        self, rater: str, rated_by: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, Waiting]]:
        """What a rater has still to rate, in an order of its own.

        Args:
            rated_by: by item, who has rated it.
        """
        left = [
            (id_, waiting)
            for id_, waiting in self.items.items()
            if rater not in rated_by.get(id_, ()) and (waiting.double or not rated_by.get(id_))
        ]

        def turn(one: tuple[str, Waiting]) -> tuple[int, str]:
            lot = hashlib.sha256(f"{self.seed}\n{rater}\n{one[0]}".encode()).hexdigest()
            return one[1].place // BLOCK, lot

        return sorted(left, key=turn)


def queue_file(home: Path, run: str) -> Path:
    return home / "trials" / f"{run}.queue.json"


def write_queue(home: Path, run: str, people: People) -> None:
    """Keep the items that people are to rate, or have rated."""
    file = queue_file(home, run)
    items = [
        {
            "item": queued.item.as_dict(),
            "place": queued.place,
            "double": is_double(people.seed, id_),
        }
        for id_, queued in people.queue.items()
    ]
    data = {"format": FORMAT, "run": run, "seed": people.seed.hex(), "items": items}
    with storage_errors(file):
        write_whole(file, json.dumps(data, ensure_ascii=False).encode())
        file.chmod(0o600)


def read_queue(home: Path, run: str) -> Queue:
    """The queue of a run.

    Raises:
        InputError: nothing of the run waits for people.
    """
    file = queue_file(home, run)
    if not file.exists():
        raise InputError(
            "rate.no_queue",
            Text("no answers of this run wait for people", "该试验没有等待人工评分的回答"),
            where=run,
            next_step=Text(
                "`pilotbase run FILE` first; it says when answers wait for people.",
                "请先运行 `pilotbase run 文件`; 有回答待人工评分时会提示。",
            ),
        )
    with storage_errors(file):
        data = json.loads(file.read_bytes())
    items = {}
    for one in data["items"]:
        item = _item(one["item"])
        items[item.id] = Waiting(item, int(one["place"]), bool(one["double"]))
    return Queue(run, data["seed"], items)


def _item(said: Mapping[str, Any]) -> Item:
    lists = {name: tuple(said[name]) for name in ("expected", "passages")}
    return Item(**{**said, **lists})
