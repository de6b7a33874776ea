"""Rate answers: who rates what, with which key, and into the record."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pilotbase.desk.answers import RateResponse, RatingsResponse
from pilotbase.desk.queue import Queue, Waiting, queue_file, read_queue
from pilotbase.desk.ratings import Rating, agreement_of, ratings_of, record_rating
from pilotbase.desk.views import VIEWS, pilot_of
from pilotbase.desk.witness import make_key
from pilotbase.kernel.errors import Fault, InputError, RunError, SheetError
from pilotbase.kernel.home import only_one, storage_errors
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.record.rules import note
from pilotbase.record.views import catch_up

NAME = re.compile(r"[^\W_][\w-]{0,39}")
WHY_MAX = 4_000
FILE_MAX = 16 * 2**20
MARKS = (
    ("0", Text("0 – fails the rubric", "0 – 不符合标准")),
    ("0.25", Text("1 – little of it", "1 – 大体不符合")),
    ("0.5", Text("2 – half", "2 – 一半符合")),
    ("0.75", Text("3 – nearly", "3 – 大体符合")),
    ("1", Text("4 – fulfils the rubric", "4 – 完全符合标准")),
)
"""What a rater may choose on a page or in a terminal: value and words."""


class Choosing(Protocol):
    """Somebody at a queue: what page and terminal ask of it, whatever is chosen there."""

    @property
    def marks(self) -> Sequence[tuple[str, Text]]:
        """What may be chosen: value and words."""
        ...

    @property
    def labels(self) -> bool:
        """Whether rows get labels, rather than answers marks."""
        ...

    def left(self) -> list[tuple[str, Waiting]]:
        """What is left to choose for, in an order of one's own."""
        ...

    def choose(self, item: str, value: str, why: str) -> int:
        """Record a choice; 1 where it was new."""
        ...


@dataclass
class Desk:
    """One rater at one run's queue. The record is opened for each look and each rating, so that
    several raters work at once."""

    context: Context
    run: str
    rater: str
    queue: Queue
    marks: Sequence[tuple[str, Text]] = MARKS
    labels: bool = False

    @classmethod
    def of(cls, context: Context, run: str, rater: str) -> Desk:
        """Raises InputError: no such run, nothing waits, or a name that cannot be used."""
        check_name(rater)
        id_ = run_of(context, run)
        return cls(context, id_, rater, read_queue(context.home, id_))

    def left(self) -> list[tuple[str, Waiting]]:
        """What this rater has still to rate, in its own order."""
        with open_record(self.context) as record:
            return self.queue.left_for(self.rater, self._rated_by(record))

    def choose(self, item: str, value: str, why: str) -> int:
        """Record a mark that was chosen on the page; 1 where it was new."""
        return self.give([Rating(self.rater, item, float(value), why)])

    def give(self, ratings: Sequence[Rating]) -> int:
        """Sign and record ratings; how many were new.

        Raises:
            InputError: an item that is not in the queue. RunError: the run has its evidence, and
                further ratings would count for nothing.
        """
        for rating in ratings:
            if rating.item not in self.queue.items:
                raise _unknown_item(rating.item)
        key = rater_key(self.context, self.rater)
        with open_record(self.context) as record:
            if _is_evaluated(record, self.run):
                raise _too_late(self.run)
            before = self._rated_by(record)
            for rating in ratings:
                record_rating(record, self.context, self.run, rating, key)
        return sum(self.rater not in before.get(one.item, ()) for one in ratings)

    def _rated_by(self, record: Record) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for rating in ratings_of(record, self.run):
            found.setdefault(rating.item, []).append(rating.rater)
        return found


def check_name(rater: str) -> None:
    """Raises InputError for a name that cannot be a rater's."""
    if not NAME.fullmatch(rater):
        raise InputError(
            "rate.name",
            Text(f"{rater!r} cannot be a rater's name", f"{rater!r} 不能作为评分人名称"),
            where="--as",
            next_step=Text(
                "Choose a pseudonym of letters, digits and -, e.g. --as reader-1.",
                "请用字母、数字和 - 组成的化名, 如 --as reader-1。",
            ),
        )


def rater_key(context: Context, rater: str) -> note.SigningKey:
    """The rater's own key, made when it is first needed."""
    folder = context.home / "raters"
    file = folder / f"{rater}.key"
    with storage_errors(file):
        folder.mkdir(mode=0o700, exist_ok=True)
        with only_one(folder / f"{rater}.lock"):
            if not file.exists():
                make_key(rater, file, context.entropy)
        return note.SigningKey.parse(file.read_text("ascii").strip())


def rate(context: Context, run: str, rater: str, answers: Path | None) -> RateResponse:
    """What waits for a rater; with a file, its ratings are recorded first."""
    desk = Desk.of(context, run, rater)
    given = desk.give(read_ratings(answers, rater)) if answers is not None else 0
    left = desk.left()
    items = tuple({"item": id_, **waiting.item.as_dict()} for id_, waiting in left)
    return RateResponse(desk.run, rater, given, len(left), items)


def ratings(context: Context, run: str) -> RatingsResponse:
    """How far the raters of a run agree, for the evaluator."""
    id_ = run_of(context, run)
    with open_record(context, create=False) as record:
        found = ratings_of(record, id_)
    agreed = agreement_of(found, seed=1)
    return RatingsResponse(
        run=id_,
        ratings=len(found),
        items=len({one.item for one in found}),
        agreement=agreed.all.as_dict(),
        without=dict(agreed.without),
        apart=agreed.apart,
    )


def run_of(context: Context, run: str) -> str:
    """The id of the run that is meant; a run whose queue is there need not have a verdict.

    Raises:
        InputError: none, or several, fit. RecordError: there is no record.
    """
    with open_record(context, create=False) as record:
        pilots: Mapping[str, Any] = catch_up(record, VIEWS)["pilots"]
    waiting = {
        about: pilot
        for about, pilot in pilots.items()
        if queue_file(context.home, about.removeprefix("pilot:")).exists()
    }
    about = pilot_of(waiting, run) or pilot_of(pilots, run)
    if about is None:
        known = ", ".join(
            f"{name.removeprefix('pilot:')} ({pilot['scenario']})"
            for name, pilot in waiting.items()
        )
        raise InputError(
            "run.unknown",
            Text(f"no run fits {run!r}", f"没有与 {run!r} 相符的试验"),
            next_step=Text(
                f"Runs that wait for people: {known or '-'}.",
                f"等待人工评分的试验: {known or '-'}。",
            ),
        )
    return about.removeprefix("pilot:")


def read_ratings(file: Path, rater: str) -> list[Rating]:
    """Ratings from a CSV file with the columns item, mark, why, or a JSON list of such objects.

    Raises:
        InputError: no such file, or no such list. SheetError: rows with faults, all named.
    """
    with storage_errors(file):
        try:
            data = file.read_bytes()[:FILE_MAX]
        except FileNotFoundError as error:
            raise _unreadable(file, Text("there is no such file", "没有此文件")) from error
    try:
        text = data.decode("utf-8-sig")
        rows = json.loads(text) if text.lstrip().startswith("[") else _table(text)
    except ValueError as error:
        raise _unreadable(
            file, Text(f"neither CSV nor JSON: {error}", "既非 CSV 也非 JSON")
        ) from error
    found, faults = [], []
    for number, row in enumerate(rows, 1):
        rating = _rating(row, rater)
        if isinstance(rating, Text):
            faults.append(Fault("rate.row", rating, f"row {number}"))
        elif rating is not None:
            found.append(rating)
    if faults:
        raise SheetError(str(file), faults)
    return found


def _table(text: str) -> list[dict[str, Any]]:
    # As a stream: a reason may hold line breaks inside its quotes.
    return [dict(row) for row in csv.DictReader(io.StringIO(text, newline=""))]


def _rating(row: Any, rater: str) -> Rating | Text | None:
    """A row's rating; None where its mark is left empty, i.e. skipped."""
    if not isinstance(row, dict) or not isinstance(row.get("item"), str) or "mark" not in row:
        return Text("item and mark are needed", "须有 item 与 mark")
    said = row["mark"]
    if said is None or said == "":
        return None
    mark = math.nan
    if isinstance(said, (int, float, str)) and not isinstance(said, bool):
        try:
            mark = float(said)
        except ValueError:
            mark = math.nan
    if not 0.0 <= mark <= 1.0:
        return Text(f"mark is {said!r}, not from 0 to 1", f"mark 为 {said!r}, 应在 0 至 1 之间")
    return Rating(rater, row["item"], mark, str(row.get("why") or "")[:WHY_MAX])


def _is_evaluated(record: Record, run: str) -> bool:
    pilot = catch_up(record, VIEWS)["pilots"].get(f"pilot:{run}", {})
    return "evaluated" in pilot.get("entries", {})


def _unknown_item(item: str) -> InputError:
    return InputError(
        "rate.unknown_item",
        Text(f"no item is called {item[:80]!r}", f"没有名为 {item[:80]!r} 的评分项"),
        next_step=Text(
            "`pilotbase rate RUN --as NAME --json` lists the items.",
            "用 `pilotbase rate 试验 --as 名称 --json` 列出评分项。",
        ),
    )


def _too_late(run: str) -> RunError:
    return RunError(
        "rate.too_late",
        Text(
            "the run has its evidence; further ratings count for nothing",
            "该试验的证据已固定, 之后的评分不再计入",
        ),
        where=run,
        next_step=Text(f"`pilotbase verdict {run}`", f"`pilotbase verdict {run}`"),
    )


def _unreadable(file: Path, message: Text) -> InputError:
    return InputError(
        "rate.file",
        message,
        where=str(file),
        next_step=Text(
            "A CSV file with the columns item, mark, why; or a JSON list of such objects.",
            "请提供含 item, mark, why 三列的 CSV 文件, 或由此类对象组成的 JSON 列表。",
        ),
    )
