"""Flip, remove, swap and insert, everywhere in a small record: always noticed, and at its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record import keys
from pilotbase.record.adapters import blocks, sqlite_index
from pilotbase.record.audit import FINDINGS_MAX, VerifyReport, verify
from pilotbase.record.opened import LATEST, LOG, VAULT, Record, open_record
from pilotbase.record.rules.merkle import CompactRange, leaf_hash, node_count
from pilotbase.record.rules.note import SigningKey, VerifierKey

Make = Callable[..., Draft]
SIZE, CHECKPOINTS = 7, (3, 5, 7)
COLUMNS = {
    "entry": "leaf_index, sizes, data, beside",
    "node": "block, hashes",
    "checkpoint": "size, note",
    "lookup_run": "number, start, stop",
    "lookup": "place, hashes",
    "posting": "word, first, indexes",
    "indexed": "size",
    "body": "rowid, commitment, salt, data",
}
BODIES = {1: ("a", "b"), 4: ("a",)}


class Scene:
    """Seven entries, three checkpoints and three bodies, and hands to change the files."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.hands = {
            name: sqlite3.connect(record.home / name, isolation_level=None) for name in (LOG, VAULT)
        }
        for hand in self.hands.values():
            hand.execute("PRAGMA synchronous=OFF")
        self.pristine = {
            (VAULT if table == "body" else LOG, table): self.read(
                f"SELECT {columns} FROM {table}", VAULT if table == "body" else LOG
            )
            for table, columns in COLUMNS.items()
        }

    def close(self) -> None:
        for hand in self.hands.values():
            hand.close()

    def read(self, query: str, file: str = LOG) -> list[tuple[Any, ...]]:
        return self.hands[file].execute(query).fetchall()

    @contextmanager
    def changed(self, *statements: tuple[str, tuple[Any, ...]] | str) -> Iterator[VerifyReport]:
        """The audit's report while the statements hold; afterwards all is as it was."""
        for statement in statements:
            query, values = (statement, ()) if isinstance(statement, str) else statement
            self._hand(query).execute(query, values)
        try:
            yield verify(self.record)
        finally:
            self.restore()

    def restore(self) -> None:
        for (name, table), rows in self.pristine.items():
            hand = self.hands[name]
            hand.execute("BEGIN")
            hand.execute(f"DELETE FROM {table}")
            columns, values = COLUMNS[table], ", ".join("?" * len(rows[0]))
            hand.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", rows)
            hand.execute("COMMIT")

    def _hand(self, query: str) -> sqlite3.Connection:
        return self.hands[VAULT if " body " in f"{query} " else LOG]


@pytest.fixture
def scene(
    context: Context, make: Make, make_other: Make, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    # So small that the eleven nodes lie in three blocks and the first four entries are indexed.
    monkeypatch.setattr(blocks, "NODES", 4)
    monkeypatch.setattr(sqlite_index, "TAIL_MIN", 4)
    with open_record(context) as record:
        for n in range(SIZE):
            bodies = {name: f"{name}{n}".encode() for name in BODIES.get(n, ())}
            record.append(make(n, **bodies) if n % 3 else make_other(n, **bodies))
            if n + 1 in CHECKPOINTS:
                record.checkpoint()
        assert verify(record).ok and verify(record).findings == ()
        scene = Scene(record)
        yield scene
        scene.close()
        assert verify(record).ok, "each change was taken back"


def flips(data: bytes, step: int = 1) -> Iterator[bytes]:
    """The data with one bit of one byte changed, at each ``step``-th byte."""
    for at in range(0, len(data), step):
        yield data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]


def faults(report: VerifyReport) -> str:
    for finding in report.findings:
        assert finding.message.en and finding.message.zh and finding.where.zh
    return " | ".join(f"{f.where.en}: {f.message.en}" for f in report.findings)


class TestEntries:
    def test_every_flipped_byte(self, scene: Scene) -> None:
        for index, data in scene.read("SELECT leaf_index, data FROM entry"):
            for changed in flips(data, 1 if index == 4 else 23):
                update = "UPDATE entry SET data = ? WHERE leaf_index = ?"
                with scene.changed((update, (changed, index))) as report:
                    assert not report.ok and report.first_bad_index == index, faults(report)
                    assert f"entry {index}: its bytes do not have the hash" in faults(report)

    @pytest.mark.parametrize("column", ["key", "kind", "count", "about"])
    def test_what_stands_beside_an_entry(self, scene: Scene, column: str) -> None:
        path = f"$[{['key', 'kind', 'count', 'about'].index(column)}][0]"
        new = "9" if column == "count" else f"json_extract(beside, '{path}') || 'x'"
        for index in range(SIZE):
            update = f"UPDATE entry SET beside = json_set(beside, '{path}', {new})"
            with scene.changed(f"{update} WHERE leaf_index = {index}") as report:
                assert f"entry {index}: stored beside the entry" in faults(report)
                assert column in faults(report) and report.first_bad_index == index

    def test_removed(self, scene: Scene) -> None:
        for index in range(SIZE):
            with scene.changed(f"DELETE FROM entry WHERE leaf_index = {index}") as report:
                assert not report.ok and report.first_bad_index == index, faults(report)
                last = index == SIZE - 1
                expected = "beyond the last one" if last else f"entry {index}: missing"
                assert expected in faults(report)

    def test_several_removed(self, scene: Scene) -> None:
        with scene.changed("DELETE FROM entry WHERE leaf_index BETWEEN 2 AND 4") as report:
            assert report.first_bad_index == 2 and "missing, up to entry 4" in faults(report)
        with scene.changed("DELETE FROM entry") as report:
            assert not report.ok and report.size == 0 and report.first_bad_index == 0

    def test_swapped(self, scene: Scene) -> None:
        for one in range(SIZE):
            for two in range(one):
                swap = [
                    f"UPDATE entry SET leaf_index = -1 WHERE leaf_index = {one}",
                    f"UPDATE entry SET leaf_index = {one} WHERE leaf_index = {two}",
                    f"UPDATE entry SET leaf_index = {two} WHERE leaf_index = -1",
                ]
                with scene.changed(*swap) as report:
                    assert not report.ok and report.first_bad_index == two, faults(report)
                    assert f"entry {one}: its bytes" in faults(report)

    @pytest.mark.parametrize("at", [SIZE, SIZE + 1, -1, 2**40, -(2**63), 2**63 - 1])
    def test_inserted(self, scene: Scene, at: int) -> None:
        insert = (
            f"INSERT INTO entry SELECT {at}, sizes, data, json_set(beside, '$[0][0]', 'x') "
            "FROM entry WHERE leaf_index = 2"
        )
        with scene.changed(insert) as report:
            assert not report.ok and f"entry {at}" in faults(report)

    def test_moved_away(self, scene: Scene) -> None:
        with scene.changed("UPDATE entry SET leaf_index = 99 WHERE leaf_index = 3") as report:
            assert report.first_bad_index == 3 and "entry 99" in faults(report)

    @pytest.mark.parametrize(
        "data",
        [b"", b"{}", b"\xff", b"[" * 10_000, b'{"v":1}', b"null", b'{"v":1, "kind":"x"}', b"NaN"],
    )
    def test_bytes_that_are_no_envelope(self, scene: Scene, data: bytes) -> None:
        with scene.changed(("UPDATE entry SET data = ? WHERE leaf_index = 2", (data,))) as report:
            assert not report.ok and report.first_bad_index == 2

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            (b'"v":1', b'"v":2', "no envelope"),
            (b'"v":1', b'"v":true', "wrong type: v"),
            (b'"count":1', b'"count":"1"', "wrong type: count"),
            (b'"count":1', b'"count":1.5', "wrong type: count"),
            (b'"size":2', b'"size":-2', "wrong type: vault.a"),
            (b'"sha256:', b'"sha1:', "wrong type: vault.a"),
            (b'"about":', b'"about" :', "not canonical"),
        ],
    )
    def test_envelopes_of_another_shape(
        self, scene: Scene, old: bytes, new: bytes, said: str
    ) -> None:
        ((data,),) = scene.read("SELECT data FROM entry WHERE leaf_index = 4")
        data = data.replace(b'"count":2', b'"count":1')
        assert old in data
        update = "UPDATE entry SET data = ? WHERE leaf_index = 4"
        with scene.changed((update, (data.replace(old, new, 1),))) as report:
            assert said in faults(report) and report.first_bad_index == 4


class TestTree:
    def test_every_flipped_byte(self, scene: Scene) -> None:
        for block, value in scene.read("SELECT block, hashes FROM node"):
            for changed in flips(value, 1 if block == 1 else 11):
                update = "UPDATE node SET hashes = ? WHERE block = ?"
                with scene.changed((update, (changed, block))) as report:
                    assert not report.ok and report.first_bad_index is not None, faults(report)

    def test_removed(self, scene: Scene) -> None:
        for block, value in scene.read("SELECT block, hashes FROM node"):
            with scene.changed(f"DELETE FROM node WHERE block = {block}") as report:
                assert not report.ok and "missing" in faults(report)
            update = "UPDATE node SET hashes = ? WHERE block = ?"
            for at in range(0, len(value), 32):
                cut = value[:at] + value[at + 32 :]
                with scene.changed((update, (cut, block))) as report:
                    assert not report.ok and report.first_bad_index is not None

    def test_of_another_length(self, scene: Scene) -> None:
        for block, value in scene.read("SELECT block, hashes FROM node"):
            for other in (b"", value[:-1], value + b"\0", value + bytes(32), b"\0" + value):
                update = "UPDATE node SET hashes = ? WHERE block = ?"
                with scene.changed((update, (other, block))) as report:
                    assert not report.ok, (block, len(other), faults(report))

    def test_swapped(self, scene: Scene) -> None:
        for one, two in [(0, 1), (0, 2), (1, 2)]:
            swap = [
                f"UPDATE node SET block = -1 WHERE block = {one}",
                f"UPDATE node SET block = {one} WHERE block = {two}",
                f"UPDATE node SET block = {two} WHERE block = -1",
            ]
            with scene.changed(*swap) as report:
                assert not report.ok, faults(report)
        for block, value in scene.read("SELECT block, hashes FROM node"):
            swapped = value[32:64] + value[:32] + value[64:]
            update = "UPDATE node SET hashes = ? WHERE block = ?"
            with scene.changed((update, (swapped, block))) as report:
                assert not report.ok and report.first_bad_index is not None

    @pytest.mark.parametrize("block", [3, 10**9, -1, -(2**63), 2**63 - 1])
    def test_inserted(self, scene: Scene, block: int) -> None:
        assert node_count(SIZE) == 11
        with scene.changed((f"INSERT INTO node VALUES ({block}, ?)", (bytes(32),))) as report:
            assert not report.ok and "tree: " in faults(report)

    def test_nothing_is_appended_to_a_broken_tree(self, scene: Scene, make: Make) -> None:
        for change in (
            "DELETE FROM node WHERE block = 2",
            "UPDATE node SET hashes = substr(hashes, 1, 95) WHERE block = 2",
            "UPDATE node SET hashes = CAST(hashes || X'00' AS BLOB) WHERE block = 2",
        ):
            with scene.changed(change):
                with pytest.raises(RecordError) as error:
                    scene.record.append(make(50))
                assert error.value.code in ("record.damaged", "record.missing_node")


class TestIndex:
    """What entries are found by is made from them, and compared with them."""

    def test_it_is_there(self, scene: Scene, make: Make) -> None:
        assert scene.read("SELECT size FROM indexed") == [(4,)]
        assert scene.read("SELECT start, stop FROM lookup_run") == [(0, 4)]
        assert [len(b) for (b,) in scene.read("SELECT hashes FROM lookup")] == [4 * 12]
        assert scene.record.append(make(1, a=b"a1", b=b"b1")).index == 1

    def test_lookup(self, scene: Scene) -> None:
        ((block,),) = scene.read("SELECT hashes FROM lookup")
        others = [*flips(block), b"", block[:-1], block[:-12], block + b"\0", block + block]
        swapped = block[8:16] + block[:8] + block[16:32] + block[36:40] + block[32:36] + block[40:]
        for changed in [*others, swapped]:
            with scene.changed(("UPDATE lookup SET hashes = ?", (changed,))) as report:
                assert not report.ok and "lookup: " in faults(report), changed
        for change in (
            "DELETE FROM lookup",
            "UPDATE lookup SET place = place + 1",
            "INSERT INTO lookup SELECT place + 1, hashes FROM lookup",
            "INSERT INTO lookup SELECT place + (1 << 24), hashes FROM lookup",
        ):
            with scene.changed(change) as report:
                assert not report.ok and "lookup: " in faults(report), change

    @pytest.mark.parametrize("number", [-1, 0, 1, 2, 3, 5, 99, 2**62, -(2**63)])
    def test_runs(self, scene: Scene, make: Make, number: int) -> None:
        ((known, start, stop),) = scene.read("SELECT number, start, stop FROM lookup_run")
        for column, was in (("number", known), ("start", start), ("stop", stop)):
            if number != was:
                with scene.changed(f"UPDATE lookup_run SET {column} = {number}") as report:
                    assert not report.ok and "lookup" in faults(report)
        with scene.changed(f"INSERT INTO lookup_run VALUES (9, {number}, {stop})") as report:
            assert not report.ok and "lookup_run" in faults(report)
            with open_record(scene.record.context) as again:
                with pytest.raises(RecordError) as error:
                    again.append(make(50))
                assert error.value.code == "record.damaged" and again.size == SIZE

    def test_no_key_twice(self, scene: Scene) -> None:
        """Neither among the indexed entries, nor among those that are not."""
        for one, two in ((0, 3), (1, 5), (4, 6)):
            (beside,) = scene.read(f"SELECT beside FROM entry WHERE leaf_index = {one}")[0]
            same = "json_set(beside, '$[0][0]', json_extract(?, '$[0][0]'))"
            change = f"UPDATE entry SET beside = {same} WHERE leaf_index = {two}"
            with scene.changed((change, (beside,))) as report:
                said = f"entry {two} has the key of entry {one}"
                assert (said if two > 3 else "is not found by its key") in faults(report)

    def test_posting(self, scene: Scene) -> None:
        for word, first, indexes in scene.read("SELECT word, first, indexes FROM posting"):
            where = f"WHERE word = '{word}' AND first = {first}"
            for change in flips(indexes):
                with scene.changed(
                    (f"UPDATE posting SET indexes = ? {where}", (change,))
                ) as report:
                    assert not report.ok and "posting" in faults(report)
            for statement in (
                f"DELETE FROM posting {where}",
                f"UPDATE posting SET word = word || 'x' {where}",
                f"UPDATE posting SET first = first + 1 {where}",
                f"UPDATE posting SET indexes = X'00' {where}",
                f"UPDATE posting SET indexes = CAST(indexes || indexes AS BLOB) {where}",
                f"INSERT INTO posting SELECT word || 'x', first, indexes FROM posting {where}",
            ):
                with scene.changed(statement) as report:
                    assert not report.ok and "posting" in faults(report), statement

    def test_indexed(self, scene: Scene) -> None:
        for change in (
            "DELETE FROM indexed",
            "UPDATE indexed SET size = 3",
            "UPDATE indexed SET size = 5",
            "INSERT INTO indexed VALUES (9)",
        ):
            with scene.changed(change) as report:
                assert not report.ok, change


class TestCheckpoints:
    def test_every_flipped_character(self, scene: Scene) -> None:
        for size, text in scene.read("SELECT size, note FROM checkpoint"):
            for changed in flips(text.encode(), 1 if size == 5 else 7):
                update = "UPDATE checkpoint SET note = CAST(? AS TEXT) WHERE size = ?"
                with scene.changed((update, (changed, size))) as report:
                    assert f"the checkpoint of size {size}" in faults(report), changed

    def test_removed(self, scene: Scene) -> None:
        with scene.changed("DELETE FROM checkpoint WHERE size = 7") as report:
            assert not report.ok and "size 7 is missing from the log" in faults(report)

    def test_moved_and_copied(self, scene: Scene) -> None:
        for size in (0, 1, 2, 4, 6, 8, -1, 2**40):
            with scene.changed(f"UPDATE checkpoint SET size = {size} WHERE size = 5") as report:
                assert f"the checkpoint of size {size}" in faults(report) and not report.ok
            copy = f"INSERT INTO checkpoint SELECT {size}, note FROM checkpoint WHERE size = 5"
            with scene.changed(copy) as report:
                assert f"the checkpoint of size {size}" in faults(report) and not report.ok

    def test_swapped(self, scene: Scene) -> None:
        swap = [
            "UPDATE checkpoint SET size = -1 WHERE size = 3",
            "UPDATE checkpoint SET size = 3 WHERE size = 5",
            "UPDATE checkpoint SET size = 5 WHERE size = -1",
        ]
        with scene.changed(*swap) as report:
            assert "size 3" in faults(report) and "size 5" in faults(report)

    def test_signed_by_another_key(self, scene: Scene) -> None:
        other = SigningKey(scene.record.verifier.name, b"\x07" * 32)
        report = verify(scene.record, other.verifier)
        assert not report.ok and "no key that is known here" in faults(report)

    def test_the_copy_beside_the_log(self, scene: Scene) -> None:
        path = scene.record.home / LATEST
        good = path.read_bytes()
        for changed in flips(good, 3):
            path.write_bytes(changed)
            assert LATEST in faults(verify(scene.record)) and not verify(scene.record).ok
        path.unlink()
        report = verify(scene.record)
        assert report.ok and "is missing" in faults(report)
        older = scene.read("SELECT note FROM checkpoint WHERE size = 5")[0][0]
        path.write_text(older, "utf-8")
        report = verify(scene.record)
        assert report.ok and "not the newest" in faults(report)
        path.write_bytes(good)

    def test_keys_that_do_not_belong_together(self, scene: Scene) -> None:
        public = scene.record.home / keys.PUBLIC
        good = public.read_bytes()
        other = VerifierKey(scene.record.verifier.name, SigningKey("x", bytes(32)).verifier.public)
        public.write_text(other.encode(), "utf-8")
        assert "not the public half" in faults(verify(scene.record))
        public.write_text("nonsense", "utf-8")
        assert not verify(scene.record).ok
        public.write_bytes(good)


class TestVault:
    def test_every_flipped_byte(self, scene: Scene) -> None:
        for rowid, salt, body in scene.read("SELECT rowid, salt, data FROM body ", VAULT):
            for column, value in (("salt", salt), ("data", body)):
                for changed in flips(value):
                    update = f"UPDATE body SET {column} = ? WHERE rowid = ?"
                    with scene.changed((update, (changed, rowid))) as report:
                        assert not report.ok and report.first_bad_index in BODIES
                        assert "is not what was committed to" in faults(report)

    def test_removed_without_a_recorded_erasure(self, scene: Scene) -> None:
        for rowid in (1, 2, 3):
            with scene.changed(f"DELETE FROM body WHERE rowid = {rowid}") as report:
                assert not report.ok and report.bodies == 2
                (finding,) = report.findings
                assert finding.severity == "fault" and finding.index in BODIES
                assert "is lost" in finding.message.en

    def test_swapped(self, scene: Scene) -> None:
        ((a, x), (b, y), _) = scene.read("SELECT salt, data FROM body ", VAULT)
        update = "UPDATE body SET salt = ?, data = ? WHERE rowid = ?"
        with scene.changed((update, (b, y, 1)), (update, (a, x, 2))) as report:
            assert not report.ok and report.bodies == 1 and report.first_bad_index == 1

    def test_a_commitment_that_was_changed(self, scene: Scene) -> None:
        with scene.changed("UPDATE body SET commitment = 'x' WHERE rowid = 1") as report:
            assert "is lost" in faults(report) and "belong to no entry" in faults(report)

    def test_an_orphan_is_a_note(self, scene: Scene) -> None:
        insert = ("INSERT INTO body VALUES ('sha256:x', ?, ?)", (bytes(32), b"left"))
        with scene.changed(insert) as report:
            assert report.ok and [f.severity for f in report.findings] == ["note"]


class TestTogether:
    """Changes that fit each other: found by what was signed, or kept elsewhere."""

    def rewritten(self, scene: Scene, datas: list[bytes]) -> list[Any]:
        tree, hashes = CompactRange(), list[bytes]()
        for data in datas:
            hashes += tree.append(leaf_hash(data))
        update = "UPDATE entry SET data = ? WHERE leaf_index = ?"
        return [
            *((update, (data, index)) for index, data in enumerate(datas)),
            f"DELETE FROM entry WHERE leaf_index >= {len(datas)}",
            "DELETE FROM node",
            *(("INSERT INTO node VALUES (?, ?)", item) for item in blocks.after(None, hashes)),
        ]

    def test_an_entry_with_its_whole_tree(self, scene: Scene) -> None:
        datas = [data for (data,) in scene.read("SELECT data FROM entry")]
        datas[5] = datas[5].replace(b'"n":5', b'"n":6')
        with scene.changed(*self.rewritten(scene, datas)) as report:
            assert "the checkpoint of size 7: the entries do not have the root" in faults(report)
            assert "size 5" not in faults(report)

    def test_a_shorter_log_with_its_whole_tree(self, scene: Scene) -> None:
        datas = [data for (data,) in scene.read("SELECT data FROM entry")][:6]
        with scene.changed(*self.rewritten(scene, datas)) as report:
            assert "signed for 7 entries; the log has 6" in faults(report)
            assert report.first_bad_index == 6
        gone = "DELETE FROM checkpoint WHERE size = 7"
        with scene.changed(*self.rewritten(scene, datas), gone) as report:
            assert LATEST in faults(report) and not report.ok

    def test_only_what_others_hold_shows_a_whole_home_put_back(self, scene: Scene) -> None:
        path, datas = scene.record.home / LATEST, scene.read("SELECT data FROM entry")[:5]
        held = path.read_text("utf-8")
        older = [
            *self.rewritten(scene, [d for (d,) in datas]),
            "DELETE FROM checkpoint WHERE size = 7",
        ]
        path.write_text(scene.read("SELECT note FROM checkpoint WHERE size = 5")[0][0], "utf-8")
        with scene.changed(*older) as report:
            assert report.ok, "nothing inside the home can tell"
            report = verify(scene.record, held=held)
            assert not report.ok and "the checkpoint held elsewhere" in faults(report)
        path.write_text(held, "utf-8")
        assert verify(scene.record, held=held).ok

    def test_a_table_without_its_constraints(self, scene: Scene) -> None:
        hand = scene.hands[LOG]
        (sql,) = hand.execute("SELECT sql FROM sqlite_schema WHERE name = 'lookup'").fetchone()
        hand.execute("ALTER TABLE lookup RENAME TO gone")
        assert "missing: CREATE TABLE lookup (" in faults(verify(scene.record))
        hand.execute(sql)
        hand.execute("INSERT INTO lookup SELECT * FROM gone")
        hand.execute("DROP TABLE gone")
        hand.execute("CREATE TABLE more (x INTEGER)")
        assert "unknown: CREATE TABLE more" in faults(verify(scene.record))
        hand.execute("DROP TABLE more")

    def test_a_wreck_is_reported_within_limits(self, scene: Scene) -> None:
        scene.record.append_many([])
        with scene.changed("UPDATE entry SET data = X'00', beside = 'x'") as report:
            assert not report.ok
        many = (
            "INSERT INTO entry SELECT 100 + value, X'01000000', X'00', "
            "json_array(json_array(value), json_array('x'), json_array(0), json_array('')) "
            "FROM json_each(?)"
        )
        numbers = str(list(range(3 * FINDINGS_MAX)))
        with scene.changed((many, (numbers,))) as report:
            assert len(report.findings) == FINDINGS_MAX and report.more > FINDINGS_MAX
