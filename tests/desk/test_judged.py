"""Judges and raters from the file to the verdict: waiting, rating, going on, and what is shown."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pilotbase import Base
from pilotbase.desk import verbs
from pilotbase.desk.queue import queue_file, read_queue
from pilotbase.desk.rating import Desk, read_ratings
from pilotbase.desk.ratings import Rating, agreement_of, rating_text, ratings_of
from pilotbase.desk.transcript import answers_of
from pilotbase.desk.verbs import RateRequest, RatingsRequest
from pilotbase.kernel.errors import InputError, RunError, SheetError
from pilotbase.kernel.time import fixed_clock
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record
from pilotbase.record.rules import note
from pilotbase.trial.people import is_double
from tests.desk.asking import honest, write


def base(home: Path) -> Base:
    return Base(home, clock=fixed_clock("2026-11-21T08:00:00Z"))


@pytest.fixture(scope="module")
def waited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a run whose answers wait for people, made once and only copied; the run."""
    folder = tmp_path_factory.mktemp("waited")
    here, file = base(folder / "home"), write(folder)
    with pytest.raises(RunError) as caught:
        here.run(file, trust=True)
    assert caught.value.code == "run.awaits_people" and caught.value.exit_code == 3
    run = caught.value.where
    assert f"pilotbase rate {run}" in caught.value.next_step.zh
    return folder, str(run)


@pytest.fixture
def waiting(waited: tuple[Path, str], tmp_path: Path) -> tuple[Base, Path, str]:
    """A run whose answers wait for people, in a home of the test's own: base, file, run."""
    folder, run = waited
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return base(tmp_path / "home"), tmp_path / "scenario.yaml", run


def rate_all(here: Base, run: str, rater: str, folder: Path, wrong: bool = False) -> int:
    """Everything that waits for a rater, rated from a file as an honest person would, or upside
    down."""
    left = verbs.rate(here.context, RateRequest(run, rater)).items
    said = [{"item": i["item"], "mark": abs(honest(i) - wrong), "why": "罕见缘由"} for i in left]
    file = folder / f"{rater}.json"
    file.write_text(json.dumps(said))
    return verbs.rate(here.context, RateRequest(run, rater, file)).given


def test_a_run_waits_for_people_and_goes_on_from_their_ratings(
    waiting: tuple[Base, Path, str], tmp_path: Path
) -> None:
    here, file, run = waiting
    before = verbs.rate(here.context, RateRequest(run, "reader-1"))
    assert 25 <= before.left <= 55  # one unit in two, of eighty
    assert rate_all(here, run, "reader-1", tmp_path) == before.left
    result = here.run(file, trust=True)
    (candidate,) = result.candidates
    assert candidate["verdict"] == "go" and result.run == run
    (audit,) = candidate["beside"]["audits"]
    assert audit["judge"]["stand_in"] and audit["every"] == 2
    (part,) = audit["parts"]
    assert part["labels"] == len(part["audited"]) and part["silent"] == 0
    assert part["saving"]["said"]["zh"] and part["saving"]["labels"] <= part["labels"]
    assert candidate["beside"]["people"]["raters"] == 1
    assert not queue_file(here.context.home, run).exists()
    with open_record(here.context) as record:
        assert verify(record).ok
        kept = list(record.entries(kind="pilot.answers_kept/1"))
        (judge,) = {e.body["candidate"] for e in kept} - {candidate["id"]}
        # What the judge said lies in the vault as well, one mark an answer.
        marks = [line["fields"]["mark"] for line in answers_of(record, run, judge)]
        assert judge.startswith("judge:") and all(0.0 <= mark <= 1.0 for mark in marks)
        assert len(marks) == len(list(answers_of(record, run, candidate["id"])))
    assert here.run(file, trust=True).as_dict() == result.as_dict()


def test_nothing_that_could_turn_a_rater_is_shown(waiting: tuple[Base, Path, str]) -> None:
    here, _, run = waiting
    shown = verbs.rate(here.context, RateRequest(run, "reader-1")).items
    assert set(shown[0]) == {
        "item", "rubric", "question", "language", "expected", "passages", "answer", "refused"
    }  # fmt: skip
    others = verbs.rate(here.context, RateRequest(run, "reader-2")).items
    assert {i["item"] for i in shown} == {i["item"] for i in others}
    assert [i["item"] for i in shown] != [i["item"] for i in others]


def test_ratings_are_signed_and_their_words_stay_out_of_log_and_report(
    waiting: tuple[Base, Path, str], tmp_path: Path
) -> None:
    here, file, run = waiting
    rate_all(here, run, "reader-1", tmp_path)
    report = here.run(file, trust=True).report
    assert report is not None and "罕见缘由" not in report.read_text("utf-8")
    with open_record(here.context) as record:
        (rating, *_) = ratings_of(record, run)
        entry = next(iter(record.entries(about=f"ratings:{run}")))
        assert "罕见缘由".encode() not in entry.data and entry.kind == "rating.given/1"
        key = note.VerifierKey.parse(str(entry.body["vkey"]))
        signed = note.verify(record.body(entry, "rating"), [key])
    assert signed.text == rating_text(run, rating)
    mode = (here.context.home / "raters" / "reader-1.key").stat().st_mode
    assert mode & 0o077 == 0


def test_a_rating_counts_once_and_not_after_the_evidence(
    waiting: tuple[Base, Path, str], tmp_path: Path
) -> None:
    here, file, run = waiting
    desk = Desk.of(here.context, run, "reader-1")
    id_, _ = desk.left()[0]
    assert desk.give([Rating("reader-1", id_, 1.0)]) == 1
    assert desk.give([Rating("reader-1", id_, 0.0)]) == 0
    with open_record(here.context) as record:
        assert [one.mark for one in ratings_of(record, run)] == [1.0]
    rate_all(here, run, "reader-1", tmp_path)
    here.run(file, trust=True)
    with pytest.raises(RunError, match="too_late"):
        desk.give([Rating("reader-1", id_, 0.5)])


def test_two_raters_at_once_lose_nothing(waiting: tuple[Base, Path, str]) -> None:
    here, _, run = waiting
    given: dict[str, int] = {}

    def work(rater: str) -> None:
        desk = Desk.of(here.context, run, rater)
        given[rater] = sum(desk.give([Rating(rater, id_, 1.0)]) for id_, _ in desk.left()[:12])

    threads = [threading.Thread(target=work, args=(f"reader-{n}",)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given == {"reader-1": 12, "reader-2": 12}
    with open_record(here.context) as record:
        assert len(ratings_of(record, run)) == 24 and verify(record).ok


def test_every_rater_gets_the_double_share_and_others_items_only_once(
    waiting: tuple[Base, Path, str], tmp_path: Path
) -> None:
    here, _, run = waiting
    rate_all(here, run, "reader-1", tmp_path)
    queue = read_queue(here.context.home, run)
    double = {id_ for id_, one in queue.items.items() if one.double}
    assert double == {id_ for id_ in queue.items if is_double(bytes.fromhex(queue.seed), id_)}
    left = verbs.rate(here.context, RateRequest(run, "reader-2")).items
    assert {i["item"] for i in left} == double


def test_who_disagrees_with_everyone_is_a_finding_and_still_counts(
    waiting: tuple[Base, Path, str], tmp_path: Path
) -> None:
    here, file, run = waiting
    for rater in ("reader-1", "reader-2", "reader-3"):
        rate_all(here, run, rater, tmp_path)
    rate_all(here, run, "contrary", tmp_path, wrong=True)
    found = verbs.ratings(here.context, RatingsRequest(run))
    assert found.apart == ("contrary",) and set(found.without) >= {"contrary", "reader-1"}
    result = here.run(file, trust=True)
    people: Mapping[str, Any] = result.candidates[0]["beside"]["people"]
    assert people["raters"] == 4 and people["agreement"]["apart"] == 1
    assert people["ratings"] == found.ratings
    assert "contrary" not in repr(result.as_dict())
    assert result.report is not None and "contrary" not in result.report.read_text("utf-8")


def test_agreement_without_a_rater_needs_three() -> None:
    marks = [Rating(r, f"i{n}", float(n % 2)) for r in ("a", "b") for n in range(8)]
    agreed = agreement_of(marks, 1)
    assert agreed.all.alpha == 1.0 and agreed.without == {} and agreed.apart == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", None),
        ("item,mark\nx,\n", None),
        ("item,mark\nx,1.5\nx,nan\nx,yes\n", 3),
        ('[{"item": "x"}, {"mark": 1}, 3]', 3),
        ('[{"item": "x", "mark": true}]', 1),
    ],
)
def test_a_file_of_ratings_is_read_whole_or_all_its_faults_are_named(
    tmp_path: Path, text: str, code: int | None
) -> None:
    file = tmp_path / "ratings"
    file.write_text(text)
    if code is None:
        assert read_ratings(file, "r") == []
        return
    with pytest.raises(SheetError) as caught:
        read_ratings(file, "r")
    assert len(caught.value.faults) == code


def test_what_cannot_be_rated_says_why(waiting: tuple[Base, Path, str], tmp_path: Path) -> None:
    here, _, run = waiting
    for name in ("", "../key", "a b", "x" * 60, "-a"):
        with pytest.raises(InputError, match="name"):
            Desk.of(here.context, run, name)
    with pytest.raises(InputError, match="unknown_item"):
        Desk.of(here.context, run, "r").give([Rating("r", "sha256:00", 1.0)])
    with pytest.raises(InputError, match="unknown"):
        Desk.of(here.context, "nothing-like-it", "r")
    (tmp_path / "bad.json").write_text("[1,")
    with pytest.raises(InputError, match="file"):
        read_ratings(tmp_path / "bad.json", "r")


def test_rated_asks_people_of_every_unit(tmp_path: Path) -> None:
    criterion = {"metric": "rated", "rubric": "Right.", "at_least": 0.5}
    here = base(tmp_path / "home")
    file = write(tmp_path, 20, acceptance=[criterion], judges={}, estimand="these cases")
    with pytest.raises(RunError, match="20"):
        here.run(file, trust=True)
    assert rate_all(here, "judged", "reader-1", tmp_path) == 20
    (candidate,) = here.run(file, trust=True).candidates
    assert candidate["verdict"] == "go"
    assert candidate["criteria"][0]["exact"] and candidate["criteria"][0]["units"] == 20
    assert candidate["beside"]["audits"][0]["judge"] is None


def test_a_rehearsal_leaves_what_people_would_say_open(tmp_path: Path) -> None:
    result = base(tmp_path / "home").rehearse(write(tmp_path), trust=True)
    assert [c["verdict"] for c in result.candidates[0]["criteria"]] == ["undecided"]
