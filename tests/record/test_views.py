"""Views: the same bytes by steps and at once, and a rebuild that tells when they were not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilotbase.kernel.canonical import decode, encode
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import VerifyReport, verify
from pilotbase.record.opened import Record, open_record
from pilotbase.record.rules.views import View, declare, declared_views, first_difference
from pilotbase.record.views import Rebuilt, catch_up, rebuild

Make = Callable[..., Draft]
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1), inner),
    max_leaves=6,
)


def total(state: Any, entry: Entry) -> Any:
    return {"total": state["total"] + entry.body["n"], "last": entry.index}


def by_subject(state: Any, entry: Entry) -> Any:
    state.setdefault(entry.about, []).append(entry.body["n"])  # a fold may change its state
    return state


TOTAL, SUBJECTS = View("total", {"total": 0, "last": None}, total), View("subjects", {}, by_subject)
VIEWS = (TOTAL, SUBJECTS)


def bytes_of(record: Record, view: View) -> bytes:
    return (record.home / "views" / f"{view.name}.json").read_bytes()


def test_states_and_files(record: Record, make: Make) -> None:
    record.append_many([make(n) for n in range(5)])
    states = catch_up(record, VIEWS)
    assert states == {"total": {"total": 10, "last": 4}, "subjects": {"pilot:a": [0, 1, 2, 3, 4]}}
    expected = encode({"name": "total", "size": 5, "state": states["total"], "version": 1})
    assert bytes_of(record, TOTAL) == expected
    assert SUBJECTS.initial == {}


def test_an_empty_log(record: Record) -> None:
    assert catch_up(record, VIEWS)["subjects"] == {}
    state = TOTAL.initial
    expected = encode({"name": "total", "size": 0, "state": state, "version": 1})
    assert bytes_of(record, TOTAL) == expected
    assert catch_up(record, []) == {} and rebuild(record, []) == []


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.integers(0, 3), max_size=8))
def test_by_steps_and_at_once(
    tmp_path_factory: pytest.TempPathFactory, make: Make, steps: list[int]
) -> None:
    homes = [tmp_path_factory.mktemp("home") for _ in range(2)]
    with open_record(Context(homes[0])) as record, open_record(Context(homes[1])) as once:
        n = 0
        for count in steps:
            for _ in range(count):
                n += 1
                record.append(make(n))
                once.append(make(n))
            catch_up(record, VIEWS)
        catch_up(record, VIEWS)
        catch_up(once, VIEWS)
        for view in VIEWS:
            assert bytes_of(record, view) == bytes_of(once, view)
        assert all(view.identical for view in rebuild(record, VIEWS))


def test_rebuilding_says_what_was_there(record: Record, make: Make) -> None:
    record.append_many([make(n) for n in range(3)])
    assert rebuild(record, VIEWS) == [Rebuilt("total", 3, None), Rebuilt("subjects", 3, None)]
    record.append(make(9))
    assert rebuild(record, VIEWS) == [Rebuilt("total", 4, True), Rebuilt("subjects", 4, True)]
    good, path = bytes_of(record, TOTAL), record.home / "views" / "total.json"
    for bad in (good.replace(b"12", b"13"), b"", b"\xff", b"[]", good + b" ", b'{"name":"total"}'):
        path.write_bytes(bad)
        assert rebuild(record, VIEWS)[0] == Rebuilt("total", 4, False)
        assert bytes_of(record, TOTAL) == good


def test_a_useless_file_is_folded_again(record: Record, make: Make) -> None:
    record.append_many([make(n) for n in range(3)])
    expected = catch_up(record, VIEWS)
    ahead = encode({"name": "total", "size": 99, "state": {}, "version": 1})
    named = encode({"name": "other", "size": 1, "state": {}, "version": 1})
    for bad in (b"", b"{", b"null", ahead, named, b'{"name":"total","size":true}'):
        (record.home / "views" / "total.json").write_bytes(bad)
        assert catch_up(record, VIEWS) == expected
        assert decode(bytes_of(record, TOTAL))["size"] == 3


@pytest.mark.parametrize("version", [b"", b',"version":0', b',"version":3', b',"version":"2"'])
def test_another_version_is_folded_again(record: Record, make: Make, version: bytes) -> None:
    newer = View("total", TOTAL.initial, lambda state, entry: {"last": entry.index}, version=2)
    record.append_many([make(n) for n in range(3)])
    catch_up(record, [TOTAL])
    path, good = record.home / "views" / "total.json", bytes_of(record, TOTAL)
    path.write_bytes(good.replace(b',"version":1', version))
    report = verify(record, views=[newer])
    (note,) = report.findings
    assert report.ok and note.severity == "note" and "folded again" in note.message.en
    assert rebuild(record, [newer]) == [Rebuilt("total", 3, None)]
    path.write_bytes(good.replace(b',"version":1', version))
    assert catch_up(record, [newer]) == {"total": {"last": 2}}
    assert decode(bytes_of(record, newer))["version"] == 2
    assert rebuild(record, [newer]) == [Rebuilt("total", 3, True)] and verify(record).ok


def test_only_new_entries_are_folded(record: Record, make: Make) -> None:
    seen: list[int] = []

    def note(state: Any, entry: Entry) -> Any:
        seen.append(entry.index)
        return state

    views = [View("seen", 0, note)]
    for n in range(3):
        record.append(make(n))
        catch_up(record, views)
        catch_up(record, views)
    assert seen == [0, 1, 2]


def test_a_new_view_beside_an_old_one(record: Record, make: Make) -> None:
    record.append(make(1))
    catch_up(record, [TOTAL])
    record.append(make(2))
    assert catch_up(record, VIEWS) == {
        "total": {"total": 3, "last": 1},
        "subjects": {"pilot:a": [1, 2]},
    }


def test_a_state_that_json_changes_is_refused(record: Record, make: Make) -> None:
    record.append(make(1))
    views = [View("pairs", None, lambda state, entry: (entry.index, entry.kind))]
    with pytest.raises(TypeError, match="not plain JSON"):
        catch_up(record, views)


def test_no_part_files_are_left(record: Record, make: Make, tmp_path: Path) -> None:
    record.append(make(1))
    catch_up(record, VIEWS)
    assert sorted(p.name for p in (record.home / "views").iterdir()) == [
        "subjects.json",
        "total.json",
    ]


def found(record: Record, views: tuple[View, ...] = VIEWS) -> tuple[VerifyReport, list[str]]:
    report = verify(record, views=views)
    return report, [f.where.en for f in report.findings if f.severity == "fault"]


class TestAudit:
    def test_views_are_folded_again(self, record: Record, make: Make) -> None:
        record.append_many([make(n) for n in range(3)])
        catch_up(record, [TOTAL])
        record.append(make(9))  # a view that is behind is as good as it was
        assert found(record)[0].views == 1
        catch_up(record, VIEWS)
        report, faults = found(record)
        assert report.ok and report.views == 2 and not faults

    def test_what_differs_is_named(self, record: Record, make: Make) -> None:
        record.append_many([make(n) for n in range(3)])
        catch_up(record, VIEWS)
        path, good = record.home / "views" / "subjects.json", bytes_of(record, SUBJECTS)
        path.write_bytes(good.replace(b"[0,1,2]", b"[0,1,3]"))
        (fault,) = verify(record, views=VIEWS).findings
        assert "pilot:a / 2" in fault.message.en and fault.where.en == "the view 'subjects'"
        note = record.checkpoint()
        assert verify(record, views=VIEWS, since=note).ok, "it begins at the first entry"
        rebuild(record, VIEWS)
        assert verify(record, views=VIEWS).ok

    def test_every_flipped_byte(self, record: Record, make: Make) -> None:
        record.append_many([make(n) for n in range(3)])
        catch_up(record, VIEWS)
        path, good = record.home / "views" / "total.json", bytes_of(record, TOTAL)
        for at in range(len(good)):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            assert verify(record, views=VIEWS).findings, at

    def test_one_that_cannot_be_read_is_a_note(self, record: Record, make: Make) -> None:
        record.append(make(1))
        catch_up(record, VIEWS)
        (record.home / "views" / "total.json").write_bytes(b"{")
        report = verify(record, views=VIEWS)
        assert report.ok and report.views == 1 and len(report.findings) == 1

    def test_an_entry_that_a_view_stumbles_over(self, record: Record, make: Make) -> None:
        def stumble(state: Any, entry: Entry) -> Any:
            return state[entry.body["no such field"]]

        record.append(make(1))
        catch_up(record, [View("total", 0, lambda state, entry: state + 1)])
        (fault,) = verify(record, views=[View("total", 0, stumble)]).findings
        assert fault.index == 0 and "KeyError" in fault.message.en

    def test_views_of_the_rooms_above_are_known(self) -> None:
        import pilotbase.desk.verbs  # noqa: F401

        assert {"pilots", "exposures"} <= {view.name for view in declared_views()}
        with pytest.raises(ValueError, match="declared twice"):
            declare(View("pilots", {}, total))


@settings(max_examples=50, deadline=None)
@given(JSON, JSON)
def test_a_difference_is_found_where_there_is_one(one: Any, other: Any) -> None:
    assert first_difference(one, one) == ""
    if one != other and not first_difference(one, other):
        assert not (isinstance(one, dict) and isinstance(other, dict))
