"""Finished answers are kept, read back byte for byte, and never given to another plan."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from pilotbase.kernel.errors import HomeError, RunError
from pilotbase.trial.candidates.answer import blank, fault
from pilotbase.trial.journal import Finished, Journal, packed, unpacked


def some(classes: tuple[str, ...] = ("a", "ü")) -> Finished:
    block = blank(4, classes)
    block.status[:] = 1
    block.score[:] = [0.1, np.nan, np.inf, -0.0]
    if classes:
        block.label[:] = ["a", "ü", "a", ""]
    fault(block, 2, "not JSON")
    return Finished([block, blank(4, classes)], {"size": 0.25}, ["Warning: slow"])


@pytest.mark.parametrize("classes", [(), ("a", "ü")])
def test_what_is_packed_comes_back_byte_for_byte(classes: tuple[str, ...]):
    finished = some(classes)
    back = unpacked(packed(finished))
    assert packed(back) == packed(finished)
    assert back.blocks[0].label.dtype == finished.blocks[0].label.dtype
    assert back.blocks[0].problems == [(2, "not JSON")]
    assert (back.blocks[0].probability is None) == (not classes)
    assert back.drops == {"size": 0.25} and back.warnings == ["Warning: slow"]


def test_finished_parts_survive_a_new_opening(tmp_path: Path):
    path = tmp_path / "trials" / "r.db"
    with Journal(path, "sha256:p") as journal:
        journal.put("q", "c", "fold:0", some())
        journal.put("q", "c", "fold:0", Finished([]))  # the first one stays
        journal.put("other", "c", "fold:0", Finished([]))
        journal.spend(1.5)
        journal.spend(2.0)
    with Journal(path, "sha256:p") as journal:
        assert list(journal.all("q", "c")) == ["fold:0"]
        assert packed(journal.all("q", "c")["fold:0"]) == packed(some())
        assert journal.all("q", "d") == {}
        assert journal.seconds == 3.5


def test_many_threads_may_write(journal: Journal):
    def write(number: int) -> None:
        for part in range(10):
            journal.put("q", f"c{number}", f"unit:{part}", some())

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(journal.all("q", f"c{n}")) for n in range(4)] == [10] * 4


def test_another_plan_and_a_newer_version_are_refused(tmp_path: Path):
    path = tmp_path / "r.db"
    Journal(path, "sha256:p").close()
    with pytest.raises(RunError) as caught:
        Journal(path, "sha256:other")
    assert caught.value.code == "journal.other_plan"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(HomeError) as newer:
        Journal(path, "sha256:p")
    assert newer.value.code == "home.newer"


def test_a_full_disk_is_said_and_nothing_finished_is_lost(tmp_path: Path):
    path = tmp_path / "r.db"
    with Journal(path, "sha256:p") as journal:
        journal.put("q", "c", "first", some())
        (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
        journal._db.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(HomeError) as caught:
            for part in range(200):
                journal.put("q", "c", f"unit:{part}", some())
        assert caught.value.code == "home.disk_full"
        assert "first" in journal.all("q", "c")


def test_a_file_that_is_no_journal_is_said(tmp_path: Path):
    path = tmp_path / "r.db"
    path.write_text("not a database, and long enough to be read as a header of one" * 30)
    with pytest.raises(HomeError) as caught:
        Journal(path, "sha256:p")
    assert caught.value.code == "home.journal"
