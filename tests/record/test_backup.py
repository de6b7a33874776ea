"""Backup and restore: online, whole, verified, and plain about what a backup cannot give back."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pilotbase.kernel.errors import HomeError, InputError, PilotbaseError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.home import only_one
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record import keys, verbs
from pilotbase.record.archive import MANIFEST
from pilotbase.record.audit import verify
from pilotbase.record.erasure import LOCK
from pilotbase.record.opened import open_record
from pilotbase.record.verbs.keeping import BackupRequest, RestoreRequest
from pilotbase.record.verbs.vault import EncryptRequest, EraseRequest

Make = Callable[..., Draft]
Change = Callable[[dict[str, bytes]], object]


@pytest.fixture
def home(context: Context, make: Make) -> Context:
    with open_record(context) as record:
        record.append_many([make(n, e=b"body %d" % n) for n in range(5)])
        record.checkpoint()
        record.append(make(9))
    (context.home / "reports").mkdir()
    (context.home / "reports" / "报告.html").write_text("a report")
    (context.home / "views").mkdir()
    (context.home / "views" / "v.json").write_text("{}")
    return context


@pytest.fixture
def archive(home: Context, tmp_path: Path) -> Path:
    return verbs.backup(home, BackupRequest(tmp_path / "b.tar")).file


def refused(code: str, error: type[PilotbaseError], ask: Callable[[], object]) -> PilotbaseError:
    with pytest.raises(error) as caught:
        ask()
    assert caught.value.code == code
    return caught.value


def new(context: Context, folder: Path) -> Context:
    return replace(context, home=folder / "restored")


def told(context: Context, out: Path) -> tuple[Path, list[Text]]:
    """A backup, and what was remarked beside it."""
    said = list[Text]()
    made: Path = verbs.backup(replace(context, remark=said.append), BackupRequest(out)).file
    return made, said


def rewritten(archive: Path, change: Change) -> Path:
    """The archive again, after a change to its members by name."""
    with tarfile.open(archive) as opened:
        members = {m.name: opened.extractfile(m).read() for m in opened}  # type: ignore[union-attr]
    change(members)
    target = archive.with_name("changed.tar")
    with tarfile.open(target, "w") as made:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return target


def listing(archive: Path, name: str) -> Path:
    """The archive with one more file, which its manifest lists."""
    data = b'store = "postgresql"\ndsn = "host=/nowhere"\n'

    def change(members: dict[str, bytes]) -> None:
        said = json.loads(members[MANIFEST])
        sha256 = hashlib.sha256(data).hexdigest()
        said["files"].append({"name": name, "size": len(data), "sha256": sha256})
        members[MANIFEST] = json.dumps(said).encode()
        if name.isascii():
            members[name] = data

    return rewritten(archive, change)


class TestBackup:
    def test_there_and_back(self, home: Context, archive: Path, tmp_path: Path) -> None:
        there = new(home, tmp_path)
        done = verbs.restore(there, RestoreRequest(archive))
        assert done.size == 6 and done.bodies == 5 and done.behind == 0 and done.findings == ()
        with open_record(home) as old, open_record(there) as restored:
            assert [e.data for e in restored.entries()] == [e.data for e in old.entries()]
            assert restored.root() == old.root() and restored.vkey == old.vkey
            assert restored.body(restored.entry(3), "e") == b"body 3"
            assert list(restored.log.checkpoints()) == list(old.log.checkpoints())
        assert (there.home / "reports" / "报告.html").read_text() == "a report"
        assert not (there.home / "views").exists()
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []

    def test_without_keys_unless_asked(
        self, home: Context, archive: Path, tmp_path: Path, make: Make
    ) -> None:
        secret = (home.home / keys.SECRET).read_bytes().strip()
        assert secret not in archive.read_bytes()
        assert stat.S_IMODE(archive.stat().st_mode) == 0o600
        there = new(home, tmp_path)
        notices = [n.en for n in verbs.restore(there, RestoreRequest(archive)).notices]
        assert len(notices) == 2 and "no secret keys" in notices[1]
        with open_record(there) as record:
            record.append(make(77))
            refused("record.key_lost", RecordError, record.checkpoint)
        made = verbs.backup(home, BackupRequest(tmp_path / "k.tar", with_keys=True))
        assert made.with_keys and secret in made.file.read_bytes()
        keyed = replace(home, home=tmp_path / "keyed")
        verbs.restore(keyed, RestoreRequest(made.file))
        assert stat.S_IMODE((keyed.home / keys.SECRET).stat().st_mode) == 0o600
        with open_record(keyed) as record:
            record.append(make(78))
            assert record.checkpoint() and verify(record).ok

    def test_into_a_folder(self, home: Context, tmp_path: Path) -> None:
        made = verbs.backup(home, BackupRequest(tmp_path))
        assert made.file.parent == tmp_path and made.file.suffix == ".tar"

    def test_never_into_the_home_itself(self, home: Context, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(home.home / "reports")
        before = sorted(home.home.rglob("*"))
        for out in (home.home, home.home / "one.tar", tmp_path / "link" / "one.tar"):
            ask = partial(verbs.backup, home, BackupRequest(out, with_keys=True))
            error = refused("backup.in_home", InputError, ask)
            assert "主目录" in error.message.zh
        # Opening the log leaves its own files beside it; nothing else is new.
        new = {path.name for path in {*home.home.rglob("*")} - {*before}}
        assert new <= {f"{db}{end}" for db in ("record.db", "vault.db") for end in ("-wal", "-shm")}

    def test_no_earlier_backup_is_in_it(self, home: Context, tmp_path: Path) -> None:
        secret = (home.home / keys.SECRET).read_bytes().strip()
        keyed = verbs.backup(home, BackupRequest(tmp_path / "k.tar", with_keys=True)).file
        keyed.rename(home.home / "reports" / "old.tar")
        remains = home.home / ".x.part" / "home" / "keys"
        remains.mkdir(parents=True)
        (remains / "base.key").write_bytes(secret)
        made, said = told(home, tmp_path / "b.tar")
        assert secret not in made.read_bytes()
        assert len(said) == 1 and "reports/old.tar" in said[0].en and "备份" in said[0].zh

    def test_names_that_no_archive_holds(self, home: Context, tmp_path: Path) -> None:
        unfit = [b"a\\b", b"a\tb", b"a\nb", b"a\xff\xfeb.html"]
        for name in [*unfit, b"a:b"]:
            (home.home / "reports" / os.fsdecode(name)).write_text("x")
        (home.home / MANIFEST).write_text("{}")
        made, said = told(home, tmp_path / "b.tar")
        assert len(said) == 1 and "请重命名" in said[0].zh
        named = ("a\\b", "a\\tb", "a\\nb", "a\\udcff\\udcfeb.html")
        assert all(f"reports/{name}" in said[0].en for name in named) and MANIFEST in said[0].en
        there = new(home, tmp_path)
        verbs.restore(there, RestoreRequest(made))
        assert {p.name for p in (there.home / "reports").iterdir()} == {"a:b", "报告.html"}

    def test_more_files_than_reading_takes(
        self, home: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pilotbase.record.archive.FILES_MAX", 3)
        ask = BackupRequest(tmp_path / "b.tar")
        refused("backup.too_many_files", InputError, lambda: verbs.backup(home, ask))
        assert not ask.out.exists()

    def test_only_where_a_file_can_be_made(self, home: Context, tmp_path: Path) -> None:
        ask = BackupRequest(tmp_path / "nope" / "x.tar")
        error = refused("backup.no_folder", InputError, lambda: verbs.backup(home, ask))
        assert str(tmp_path / "nope") in error.message.zh and not ask.out.parent.exists()
        long = BackupRequest(tmp_path / ("x" * 300))
        refused("backup.no_file", InputError, lambda: verbs.backup(home, long))

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
    def test_where_nobody_can_make_a_file(self, home: Context) -> None:
        with pytest.raises(PilotbaseError) as caught:
            verbs.backup(home, BackupRequest(Path("/proc/x")))
        assert caught.value.code in ("backup.no_file", "home.not_writable")

    def test_nothing_is_overwritten(self, home: Context, archive: Path) -> None:
        before = archive.read_bytes()
        refused("backup.exists", InputError, lambda: verbs.backup(home, BackupRequest(archive)))
        assert archive.read_bytes() == before

    def test_not_during_an_erasure(self, home: Context, tmp_path: Path) -> None:
        with only_one(home.home / LOCK):
            ask = BackupRequest(tmp_path / "x.tar")
            refused("home.busy", HomeError, lambda: verbs.backup(home, ask))
        assert not (tmp_path / "x.tar").exists()

    def test_while_others_append(self, home: Context, tmp_path: Path, make: Make) -> None:
        stop = threading.Event()

        def append() -> None:
            with open_record(home) as record:
                for n in range(100, 100_000):
                    if stop.is_set():
                        return
                    record.append(make(n, e=b"more %d" % n))

        worker = threading.Thread(target=append)
        worker.start()
        try:
            made = [verbs.backup(home, BackupRequest(tmp_path / f"{n}.tar")) for n in range(5)]
        finally:
            stop.set()
            worker.join()
        sizes = []
        for n, one in enumerate(made):
            there = replace(home, home=tmp_path / f"r{n}")
            done = verbs.restore(there, RestoreRequest(one.file))
            assert done.bodies == done.size - 1
            sizes.append(done.size)
        assert sizes == sorted(sizes)

    def test_an_encrypted_vault_stays_so(self, home: Context, tmp_path: Path) -> None:
        key = tmp_path / "k"
        verbs.encrypt(home, EncryptRequest(key))
        made = verbs.backup(home, BackupRequest(tmp_path / "e.tar"))
        assert b"body 3" not in made.file.read_bytes()
        done = verbs.restore(new(home, tmp_path), RestoreRequest(made.file))
        assert done.bodies == 0 and "not checked" in done.findings[0]["message"]["en"]
        keyed = replace(home, home=tmp_path / "keyed", vault_key=key)
        assert verbs.restore(keyed, RestoreRequest(made.file)).bodies == 5

    def test_what_was_erased_before_stays_erased(self, home: Context, tmp_path: Path) -> None:
        verbs.erase(home, EraseRequest("why", "law", entry=3))
        made = verbs.backup(home, BackupRequest(tmp_path / "e.tar"))
        done = verbs.restore(new(home, tmp_path), RestoreRequest(made.file))
        assert done.bodies == 4 and "was erased" in done.findings[0]["message"]["en"]


class TestRestore:
    def test_only_into_an_empty_place(self, home: Context, archive: Path, tmp_path: Path) -> None:
        before = {p: p.read_bytes() for p in home.home.rglob("*") if p.is_file()}
        refused(
            "restore.not_empty", InputError, lambda: verbs.restore(home, RestoreRequest(archive))
        )
        assert {p: p.read_bytes() for p in home.home.rglob("*") if p.is_file()} == before
        there = new(home, tmp_path)
        there.home.mkdir()
        assert verbs.restore(there, RestoreRequest(archive)).size == 6

    def test_an_older_state_is_shown_as_such(
        self, home: Context, archive: Path, tmp_path: Path, make: Make
    ) -> None:
        with open_record(home) as record:
            record.append_many([make(n) for n in range(20, 23)])
            held = tmp_path / "held"
            held.write_text(record.checkpoint())
        done = verbs.restore(new(home, tmp_path), RestoreRequest(archive, held))
        assert done.behind == 3 and "3 entries more" in done.notices[1].en
        assert done.made_at in done.notices[0].en and "erasures too" in done.notices[0].en

    def test_another_history(
        self, home: Context, archive: Path, tmp_path: Path, make: Make
    ) -> None:
        keyed = verbs.backup(home, BackupRequest(tmp_path / "k.tar", with_keys=True)).file
        fork = replace(home, home=tmp_path / "fork")
        verbs.restore(fork, RestoreRequest(keyed))
        with open_record(fork) as record:
            record.append(make(50))
            held = tmp_path / "held"
            held.write_text(record.checkpoint())
        with open_record(home) as record:
            record.append(make(51))
        later = verbs.backup(home, BackupRequest(tmp_path / "later.tar")).file
        ask = RestoreRequest(later, held)
        there = new(home, tmp_path)
        refused("restore.other_history", RecordError, lambda: verbs.restore(there, ask))
        assert not there.home.exists()

    def test_every_damage_is_named(self, home: Context, archive: Path, tmp_path: Path) -> None:
        def forged(members: dict[str, bytes]) -> None:
            said = json.loads(members[MANIFEST])
            said["size"] = 5
            members[MANIFEST] = json.dumps(said).encode()

        def renamed(name: str) -> Change:
            def change(members: dict[str, bytes]) -> None:
                said = json.loads(members[MANIFEST])
                said["files"][0]["name"] = name
                members[MANIFEST] = json.dumps(said).encode()

            return change

        flipped: Change = lambda m: m.update({"vault.db": m["vault.db"][:-1] + b"!"})  # noqa: E731
        cases: list[tuple[Change, str]] = [
            (flipped, "vault.db"),
            (lambda m: m.update({"record.db": m["record.db"][:-1]}), "record.db"),
            (lambda m: m.update({"record.db": m["record.db"] + b"x"}), "record.db"),
            (lambda m: m.pop("checkpoint"), "checkpoint"),
            (lambda m: m.update({"keys/base.key": b"x"}), "keys/base.key"),
            (lambda m: m.update({MANIFEST: b"{}"}), MANIFEST),
            (forged, "record.db"),
            (renamed("../outside"), MANIFEST),
            (renamed("/tmp/outside"), MANIFEST),
            (renamed("a/../../outside"), MANIFEST),
            (renamed("C:\\outside"), MANIFEST),
        ]
        there = new(home, tmp_path)
        for change, name in cases:
            ask = RestoreRequest(rewritten(archive, change))
            error = refused(
                "restore.damaged", InputError, lambda ask=ask: verbs.restore(there, ask)
            )
            assert name in error.message.en
        assert not there.home.exists() and not (tmp_path / "outside").exists()

    @pytest.mark.parametrize(
        "name", ["record.toml", "views/v.json", "record.db-wal", "keys/base.key", "a\ud800"]
    )
    def test_what_no_backup_writes(
        self, home: Context, archive: Path, tmp_path: Path, name: str
    ) -> None:
        """A setting, say, would have another record audited than the one in the archive."""
        there, ask = new(home, tmp_path), RestoreRequest(listing(archive, name))
        error = refused("restore.damaged", InputError, lambda: verbs.restore(there, ask))
        assert MANIFEST in error.message.en and not there.home.exists()

    def test_a_name_that_is_too_long(self, home: Context, archive: Path, tmp_path: Path) -> None:
        there, ask = new(home, tmp_path), RestoreRequest(listing(archive, "n" * 300))
        error = refused("restore.damaged", InputError, lambda: verbs.restore(there, ask))
        assert "nnn…" in error.message.en and len(error.message.en) < 150

    def test_links_are_not_followed(self, home: Context, archive: Path, tmp_path: Path) -> None:
        target = rewritten(archive, lambda members: members.pop("checkpoint"))
        with tarfile.open(target, "a") as opened:
            link = tarfile.TarInfo("checkpoint")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            opened.addfile(link)
        there = new(home, tmp_path)
        ask = RestoreRequest(target)
        assert "checkpoint" in refused(
            "restore.damaged", InputError, lambda: verbs.restore(there, ask)
        ).message.en  # fmt: skip

    def test_a_record_that_does_not_hold(self, home: Context, tmp_path: Path) -> None:
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(home.home / "vault.db")) as hand, hand:
            hand.execute("UPDATE body SET data = X'00'")
        made = verbs.backup(home, BackupRequest(tmp_path / "x.tar")).file
        there = new(home, tmp_path)
        error = refused(
            "restore.not_sound", RecordError, lambda: verbs.restore(there, RestoreRequest(made))
        )
        assert "entry 0" in error.message.en and not there.home.exists()

    def test_cut_anywhere(self, home: Context, archive: Path, tmp_path: Path) -> None:
        data, there = archive.read_bytes(), new(home, tmp_path)
        cut = tmp_path / "cut.tar"
        end = len(data.rstrip(b"\0"))
        for size in (0, 1, 511, 512, 700, 1024, 5000, end // 2, end - 1):
            cut.write_bytes(data[:size])
            with pytest.raises(InputError) as caught:
                verbs.restore(there, RestoreRequest(cut))
            assert caught.value.code in ("restore.not_a_backup", "restore.damaged")
        assert not there.home.exists()

    @pytest.mark.parametrize("name", ["missing.tar", "."])
    def test_no_archive(self, home: Context, tmp_path: Path, name: str) -> None:
        ask = RestoreRequest(tmp_path / name)
        there = new(home, tmp_path)
        refused("restore.not_a_backup", InputError, lambda: verbs.restore(there, ask))
        (tmp_path / "text").write_text("not a tar " * 200)
        ask = RestoreRequest(tmp_path / "text")
        refused("restore.not_a_backup", InputError, lambda: verbs.restore(there, ask))

    def test_no_room_leaves_nothing(
        self, home: Context, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(28, os.strerror(28))

        there = new(home, tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr("pilotbase.record.archive.os.fsync", full)
            refused(
                "home.disk_full", HomeError, lambda: verbs.restore(there, RestoreRequest(archive))
            )
        assert not there.home.exists()
