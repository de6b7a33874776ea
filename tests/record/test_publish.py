"""A published log: its layout, a kill at any write, every changed byte, reading it over HTTP."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pilotbase.kernel import home
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import InputError, PilotbaseError, RecordError, RunError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context, Silent
from pilotbase.record import publish as publishing
from pilotbase.record.audit import verify
from pilotbase.record.events import Tallied
from pilotbase.record.fetch import Fetched, fetch
from pilotbase.record.opened import Record, open_record
from pilotbase.record.publish import publish
from pilotbase.record.rules import audit as rules
from pilotbase.record.rules import tiles
from pilotbase.record.rules.cosignature import CosignerSecret
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.policy import parse
from pilotbase.record.static import Folder, StaticLog, source_of

Make = Callable[..., Draft]
BY = Actor("amir", "evaluator")


def read(folder: Path | str, record: Record, **asked: object) -> Fetched:
    source = Folder(folder) if isinstance(folder, Path) else source_of(folder)
    return fetch(StaticLog(source), record.verifier, Silent(), **asked)  # type: ignore[arg-type]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def refused(code: str, error: type[PilotbaseError], ask: Callable[[], object]) -> None:
    with pytest.raises(error) as caught:
        ask()
    assert caught.value.code == code


class TestPublish:
    def test_the_layout_grows_and_partial_files_give_way(
        self, record: Record, make: Make, tmp_path: Path
    ) -> None:
        log = tmp_path / "log"
        for size in (0, 1, 5, 255, 256, 257, 600):
            record.append_many([make(n) for n in range(record.size, size)])
            made = publish(record, log)
            wanted = {"checkpoint", *(tile.path for tile in tiles.tiles(size))}
            assert files(log) >= wanted and made.size == size
            full = {path for path in files(log) if ".p/" not in path}
            assert not {path for path in files(log) if path.partition(".p/")[0] in full - {path}}
            found = read(log, record)
            assert found.ok and found.size == size and found.root == record.root()

    def test_nothing_new_writes_nothing(self, record: Record, make: Make, tmp_path: Path) -> None:
        record.append_many([make(n) for n in range(300)])
        assert publish(record, tmp_path / "log").files == 5
        before = {p: p.stat().st_mtime_ns for p in (tmp_path / "log" / "tile").rglob("*")}
        assert publish(record, tmp_path / "log").files == 0
        assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "log" / "tile").rglob("*")}

    def test_checkpoints_in_between_find_their_partial_files(
        self, record: Record, make: Make, tmp_path: Path
    ) -> None:
        record.append_many([make(n) for n in range(3)])
        earlier = record.checkpoint()
        record.append_many([make(n) for n in range(3, 7)])
        publish(record, tmp_path / "log")
        (tmp_path / "log" / "checkpoint").write_text(earlier, "utf-8")
        found = read(tmp_path / "log", record)
        assert found.ok and found.size == 3

    @pytest.mark.parametrize("sizes", [(0, 300), (3, 5), (250, 260)])
    def test_a_kill_at_any_write_leaves_a_log_that_holds(
        self,
        record: Record,
        make: Make,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        sizes: tuple[int, int],
    ) -> None:
        log, write = tmp_path / "log", home.write_whole
        record.append_many([make(n) for n in range(sizes[0])])
        publish(record, log)
        record.append_many([make(n) for n in range(sizes[0], sizes[1])])
        kills = 0

        def killed_after(left: int) -> Callable[[Path, bytes], None]:
            def writing(path: Path, data: bytes) -> None:
                nonlocal left
                if left == 0:
                    raise KeyboardInterrupt
                left -= 1
                write(path, data)

            return writing

        while True:
            monkeypatch.setattr(publishing, "write_whole", killed_after(kills))
            try:
                publish(record, log)
                break
            except KeyboardInterrupt:
                found = read(log, record)
                assert found.ok and found.size == sizes[0]
            kills += 1
        assert kills >= 3 and read(log, record).size == sizes[1]

    def test_another_log_or_an_older_state_is_refused(
        self, record: Record, make: Make, tmp_path: Path, fixed: Callable[[Path], Context]
    ) -> None:
        record.append_many([make(n) for n in range(3)])
        publish(record, tmp_path / "log")
        with open_record(fixed(tmp_path / "same")) as fork:  # the same key, other entries
            fork.append_many([make(n) for n in range(9, 14)])
            assert fork.vkey == record.vkey
            refused("publish.other_log", RecordError, lambda: publish(fork, tmp_path / "log"))
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "letter.txt").write_text("dear", "utf-8")
        refused("publish.not_empty", InputError, lambda: publish(record, tmp_path / "other"))

    def test_an_entry_has_a_limit(self, record: Record, make: Make, tmp_path: Path) -> None:
        room = tiles.ENTRY_SIZE_MAX - len(record.append(make(0, about="")).data)
        longest = record.append(make(1, about="a" * room))
        assert len(longest.data) == tiles.ENTRY_SIZE_MAX
        with pytest.raises(RecordError) as error:
            record.append(make(2, about="a" * (room + 1)))
        assert error.value.code == "record.entry_too_long" and record.size == 2
        publish(record, tmp_path / "log")
        assert read(tmp_path / "log", record).ok

    def test_with_a_policy_only_what_is_final(
        self, record: Record, make: Make, tmp_path: Path
    ) -> None:
        witness = CosignerSecret("witness.example", bytes(32))
        policy = f"witness w {witness.verifier.encode()}\nquorum w\n"
        record.append(make(0))
        record.checkpoint()
        (record.home / "policy").write_text(policy, "utf-8")
        refused("record.none_final", RecordError, lambda: publish(record, tmp_path / "log"))
        (record.home / "policy").unlink()
        publish(record, tmp_path / "log")
        assert not read(tmp_path / "log", record, policy=parse(policy.encode())).ok


class TestChangedBytes:
    @pytest.mark.parametrize(("size", "step"), [(1, 1), (3, 9)])
    def test_flipped_bytes_are_noticed(
        self, record: Record, make: Make, tmp_path: Path, size: int, step: int
    ) -> None:
        log = tmp_path / "log"
        record.append_many([make(n) for n in range(size)])
        publish(record, log)
        for name in sorted(files(log)):
            good = (log / name).read_bytes()
            for at in range(0, len(good), step):
                changed = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
                (log / name).write_bytes(changed)
                assert not read(log, record).ok, (name, at)
            for changed in (good[:-1], good + b"\0", b""):
                (log / name).write_bytes(changed)
                assert not read(log, record).ok, name
            (log / name).write_bytes(good)
        assert read(log, record).ok

    def test_the_first_bad_entry_is_named(self, record: Record, make: Make, tmp_path: Path) -> None:
        log = tmp_path / "log"
        record.append_many([make(n) for n in range(600)])
        publish(record, log)
        bundle = log / "tile/entries/001"
        good = bundle.read_bytes()
        bundle.write_bytes(good.replace(b'"n":300,', b'"n":301,'))
        assert read(log, record).findings.first_bad_index == 300
        bundle.unlink()
        assert read(log, record).findings.first_bad_index == 256
        bundle.write_bytes(good)
        (log / "tile/1/000.p/2").write_bytes(bytes(64))
        found = read(log, record).findings
        assert found.first_bad_index == 0 and "tile/1" in found.listed[0].message.en

    @pytest.mark.parametrize("said", [3, 5])
    def test_tallies_are_counted_again(
        self,
        record: Record,
        make: Make,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        said: int,
    ) -> None:
        record.append_many([make(n) for n in range(6)])
        kind = record.entry(0).kind
        record.append(Draft(Tallied(4, {kind: said + 1, "other.kind/1": 0}), BY))
        record.append(Draft(Tallied(9, {kind: 6}), BY))
        for n, size in enumerate((6, 3, 0)):
            record.append(Draft(Tallied(size, {kind: size}), BY, key=f"t{n}"))
        publish(record, tmp_path / "log")
        found = [(f.index, f.severity) for f in read(tmp_path / "log", record).findings.listed]
        assert found == [*([(6, "fault")] if said == 5 else []), (7, "fault")]
        monkeypatch.setattr(rules, "TALLY_REACH", 4)
        found = [(f.index, f.severity) for f in read(tmp_path / "log", record).findings.listed]
        assert found[-2:] == [(9, "note"), (10, "note")]

    def test_another_key_and_a_fork(
        self, record: Record, make: Make, tmp_path: Path, fixed: Callable[[Path], Context]
    ) -> None:
        record.append_many([make(n) for n in range(3)])
        publish(record, tmp_path / "log")
        other = VerifierKey(record.verifier.name, VerifierKey.parse(OTHER).public)
        log = StaticLog(Folder(tmp_path / "log"))
        assert not fetch(log, other, Silent()).ok
        with open_record(fixed(tmp_path / "same")) as fork:
            fork.append_many([make(n) for n in range(9, 14)])
            held = fork.checkpoint()
            assert not fetch(log, record.verifier, Silent(), held=[held]).ok
        assert fetch(log, record.verifier, Silent(), held=[record.checkpoint()]).ok


OTHER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


class TestMirror:
    def test_a_copy_that_is_brought_up_to_date(
        self, record: Record, make: Make, tmp_path: Path
    ) -> None:
        log, mirror = tmp_path / "log", tmp_path / "mirror"
        for size in (100, 400):
            record.append_many([make(n) for n in range(record.size, size)])
            publish(record, log)
            held = [(mirror / "checkpoint").read_text("utf-8")] if mirror.exists() else []
            assert read(log, record, mirror=mirror, held=held).ok
            assert read(mirror, record).size == size

    def test_what_was_fetched_before_is_never_replaced(
        self, record: Record, make: Make, tmp_path: Path, fixed: Callable[[Path], Context]
    ) -> None:
        record.append_many([make(n) for n in range(3)])
        publish(record, tmp_path / "log")
        read(tmp_path / "log", record, mirror=tmp_path / "mirror")
        with open_record(fixed(tmp_path / "same")) as fork:
            fork.append_many([make(n) for n in range(9, 12)])
            publish(fork, tmp_path / "forked")
        assert not read(tmp_path / "forked", record, mirror=tmp_path / "mirror").ok
        assert read(tmp_path / "mirror", record).ok


class Server(SimpleHTTPRequestHandler):
    """Serves files; below other first parts of the path it misbehaves."""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        manner, _, rest = self.path.lstrip("/").partition("/")
        if manner == "gzip":
            file = Path(self.directory) / rest
            self.answer(200, gzip.compress(file.read_bytes()), {"Content-Encoding": "gzip"})
        elif manner == "bomb":
            self.answer(200, gzip.compress(bytes(2**24)), {"Content-Encoding": "gzip"})
        elif manner == "endless":
            self.answer(200, bytes(2**21), {})
        elif manner == "away":
            self.answer(302, b"", {"Location": "http://localhost:1/elsewhere"})
        elif manner == "broken":
            self.answer(500, b"", {})
        elif manner == "brotli":
            self.answer(200, b"x", {"Content-Encoding": "br"})
        else:
            super().do_GET()

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class TestOverHttp:
    @pytest.fixture
    def url(self, record: Record, make: Make, tmp_path: Path) -> Iterator[str]:
        record.append_many([make(n) for n in range(300)])
        publish(record, tmp_path / "www" / "log")
        with served(tmp_path / "www") as url:
            yield url

    def test_a_plain_file_server_is_enough(self, record: Record, url: str) -> None:
        for prefix in ("log", "log/", "gzip/log"):
            found = read(f"{url}/{prefix}", record)
            assert found.ok and found.size == 300 and found.root == record.root()

    def test_a_partial_file_may_have_given_way(
        self, record: Record, make: Make, url: str, tmp_path: Path
    ) -> None:
        log = tmp_path / "www" / "log"
        earlier = (log / "checkpoint").read_bytes()
        record.append_many([make(n) for n in range(300, 520)])
        publish(record, log)
        assert not (log / "tile/entries/001.p").exists()
        (log / "checkpoint").write_bytes(earlier)
        assert read(f"{url}/log", record).size == 300

    @pytest.mark.parametrize("manner", ["bomb", "endless", "away", "broken", "brotli"])
    def test_a_server_that_misbehaves(self, record: Record, url: str, manner: str) -> None:
        refused("fetch.unreadable", RunError, lambda: read(f"{url}/{manner}", record))

    def test_a_file_that_is_not_served(self, record: Record, url: str, tmp_path: Path) -> None:
        (tmp_path / "www/log/tile/entries/001.p/44").unlink()
        (fault, *_) = read(f"{url}/log", record).findings.listed
        assert fault.index == 256
        assert "the file tile/entries/001.p/44 is missing, and so is" in fault.message.en

    def test_nothing_there(self, record: Record, url: str, tmp_path: Path) -> None:
        refused("fetch.nothing_there", InputError, lambda: read(f"{url}/none", record))
        refused("fetch.nothing_there", InputError, lambda: read(tmp_path / "none", record))
        refused("fetch.bad_url", InputError, lambda: read("ftp://localhost/x", record))
        refused("fetch.unreadable", RunError, lambda: read("http://127.0.0.1:1/x", record))


def test_on_either_store(
    tmp_path: Path, new_home: Callable[[Path], Path], fixed: Callable[[Path], Context], make: Make
) -> None:
    with open_record(fixed(new_home(tmp_path / "home"))) as record:
        record.append_many([make(n) for n in range(300)])
        key, held = record.verifier, record.checkpoint()
        record.rotate_key("", Actor("Li Hua", "signatory"))
        publish(record, tmp_path / "log")
        found = fetch(StaticLog(Folder(tmp_path / "log")), key, Silent(), held=[held])
        assert found.ok and found.size == 301 and found.root == record.root()
        for since in (None, held):
            report = verify(record, key, held=held, since=since)
            assert report.ok and report.root == found.root.hex()


class TestAudited:
    """`record verify --tiles`: the published files beside the log they were made of."""

    @pytest.fixture
    def log(self, record: Record, make: Make, tmp_path: Path) -> Path:
        for size in (3, 200, 300):
            record.append_many([make(n) for n in range(record.size, size)])
            publish(record, tmp_path / "log")
        record.append(make(300))  # the log may be ahead
        return tmp_path / "log"

    def test_good(self, record: Record, log: Path) -> None:
        report = verify(record, published=log)
        assert report.ok and not report.findings and report.tiles == len(files(log)) == 6
        since = record.checkpoint()
        record.append_many([])
        assert verify(record, published=log, since=since).ok

    def test_any_file_missing(self, record: Record, log: Path) -> None:
        for name in sorted(files(log)):
            data = (log / name).read_bytes()
            (log / name).unlink()
            assert not verify(record, published=log).ok, name
            (log / name).write_bytes(data)

    def test_changed_bytes_are_named(self, record: Record, log: Path) -> None:
        for name, at, index in (
            ("tile/entries/000", 3, 0),
            ("tile/entries/001.p/44", 3, 256),
            ("tile/0/000", 32 * 7 + 1, 7),
            ("tile/0/001.p/44", 32 * 43, 299),
            ("tile/1/000.p/1", 0, 0),
        ):
            good = (log / name).read_bytes()
            flipped = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
            for bad in (flipped, good + b"x", good[:-1]):
                (log / name).write_bytes(bad)
                (fault,) = verify(record, published=log).findings
                assert name in fault.message.en
                assert fault.index == index or bad != flipped
            (log / name).write_bytes(good)

    def test_of_another_size_or_none(self, record: Record, log: Path) -> None:
        (log / "tile/0/001.p/3").write_bytes(bytes(96))
        (fault,) = verify(record, published=log).findings
        assert fault.index == 256
        (log / "tile/0/001.p/3").write_bytes((log / "tile/0/001.p/44").read_bytes()[:96])
        assert verify(record, published=log).ok
        (log / "tile/0/009").write_bytes(bytes(32 * 256))
        (fault,) = verify(record, published=log).findings
        assert "more than the log has" in fault.message.en
        (log / "tile/0/009").unlink()
        (log / "index.html").write_text("hello")
        report = verify(record, published=log)
        assert report.ok and [f.severity for f in report.findings] == ["note"]

    def test_a_checkpoint_that_was_put_back_is_remarked_on(
        self, record: Record, log: Path, make: Make
    ) -> None:
        older = (log / "checkpoint").read_bytes()
        record.append_many([make(n) for n in range(record.size, 310)])
        publish(record, log)
        assert not verify(record, published=log).findings
        (log / "checkpoint").write_bytes(older)
        found = verify(record, published=log).findings
        assert any(f.severity == "note" and "files of 310 are there" in f.message.en for f in found)

    def test_of_another_log(
        self, record: Record, log: Path, make: Make, context: Context, tmp_path: Path
    ) -> None:
        with open_record(replace(context, home=tmp_path / "other")) as other:
            other.append(make(1))
            other.checkpoint()
            assert not verify(other, published=log).ok
        assert not verify(record, published=tmp_path / "nothing").ok
