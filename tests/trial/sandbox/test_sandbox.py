"""Programs that attack: each limit holds, says its name, and nothing outlives the program."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pilotbase.trial.candidates.command import Gone, NotStarted, Session
from pilotbase.trial.sandbox.boxed import Possible, explained, possible
from tests.trial.sandbox.conftest import Start, without_namespaces

pytestmark = pytest.mark.skipif(
    not (possible().filter and possible().landlock >= 3),
    reason="this kernel cannot hold a program without trust; launching one is refused, see below",
)
DAEMON = """
middle = os.fork()
if middle == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for stream in (0, 1, 2):
            os.close(stream)
        open("alive", "w").write(str(os.getpid()))
        while True:
            time.sleep(0.01)
    os._exit(0)
os.waitpid(middle, 0)
while not os.path.exists("alive"):
    time.sleep(0.01)
"""


def asked(session: Session, code: str) -> dict[str, Any]:
    return dict(session.ask({"code": code})[0])


def ended_by(session: Session, code: str) -> str:
    with pytest.raises(Gone) as caught:
        asked(session, code)
    assert session._boxed is not None and not Path(session._boxed.folder).exists()
    return str(caught.value)


def descendants(session: Session) -> set[int]:
    """All processes of this machine whose environment or parents say that they are the program's.

    By its folder: every descendant works in it, and none can leave it for another that it may read
    without showing up by its command line, which all copies of the program share.
    """
    folder = session._boxed.folder if session._boxed else ""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str((entry / "cwd").readlink()).startswith(folder):
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


def test_it_answers_and_is_swept_away(start: Start, ways: Possible) -> None:
    session = start(can=ways)
    assert asked(session, "found = 6 * 7")["found"] == 42
    assert len(descendants(session)) == 1
    session.close()
    assert not descendants(session)
    assert session._boxed and not Path(session._boxed.folder).exists()


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.socketpair()[0].connect('/run/systemd/notify')",
        "socket.create_connection(('127.0.0.1', 80))",
    ],
)
def test_there_is_no_network(start: Start, code: str) -> None:
    session = start(can=without_namespaces())
    assert asked(session, code)["error"].endswith(
        "Operation not permitted (sandbox: no network, no such call)"
    )


def test_an_event_loop_and_pipes_still_work(start: Start) -> None:
    session = start()
    code = "import asyncio\nasyncio.run(asyncio.sleep(0))\nfound = os.popen('echo yes').read()"
    assert asked(session, code)["found"] == "yes\n"


def test_other_calls_are_refused_too(start: Start, ways: Possible) -> None:
    session = start(can=ways)
    libc = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    calls = {"io_uring_setup": 425, "unshare": 272, "keyctl": 250, "bpf": 321, "memfd_create": 319}
    for number in calls.values() if os.uname().machine == "x86_64" else [425]:
        got = asked(session, f"{libc}found = [libc.syscall({number}, 0, 0), ctypes.get_errno()]")
        assert got["found"] == [-1, 1]
    for call in ("libc.ptrace(0, 0, 0, 0)", "libc.unshare(0x10000000)", "libc.setns(0, 0)"):
        assert asked(session, f"{libc}found = [{call}, ctypes.get_errno()]")["found"] == [-1, 1]


def test_it_sees_its_own_files_only(start: Start, offered: Path) -> None:
    session = start(files=["words.txt"])
    got = asked(session, "found = [sorted(os.listdir('.')), open('words.txt').read()]")
    assert got["found"] == [["program.py", "words.txt"], "beside it"]
    home = offered.parent / "home"
    for path in (home / "signing.key", offered / "cases.csv", "/etc/shadow", "/proc/1/environ"):
        assert "own files only" in asked(session, f"open({str(path)!r}).read()")["error"]
    for path in (home, offered, "/root", "/home", "/tmp", "/"):
        assert "own files only" in asked(session, f"os.listdir({str(path)!r})")["error"]


def test_it_writes_nowhere_else(start: Start, offered: Path) -> None:
    session = start()
    key = offered.parent / "home" / "signing.key"
    before = key.read_bytes(), key.stat().st_mode, key.stat().st_mtime_ns
    for code in (
        "open({!r}, 'w')", "open({!r}, 'a')", "os.truncate({!r}, 0)", "os.unlink({!r})",
        "os.rename({!r}, 'mine')", "os.link({!r}, 'mine')", "os.chmod({!r}, 0)",
        "os.chown({!r}, 1, 1)", "os.utime({!r})", "os.setxattr({!r}, 'user.x', b'1')",
        "open({!r} + '.more', 'w')", "os.mkdir({!r} + '.d')",
    ):  # fmt: skip
        assert "error" in asked(session, code.format(str(key))), code
    assert (key.read_bytes(), key.stat().st_mode, key.stat().st_mtime_ns) == before
    assert sorted(os.listdir(key.parent)) == ["home.json", "signing.key"]
    assert asked(session, "open('own', 'w').write('x')\nfound = open('own').read()")["found"] == "x"


def test_it_does_not_know_the_bases_environment(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVIDER_KEY", "sk-secret")
    environment, folder = asked(start(), "found = [dict(os.environ), os.getcwd()]")["found"]
    assert "sk-secret" not in str(environment)
    assert environment["HOME"] == environment["TMPDIR"] == folder
    assert environment["OMP_NUM_THREADS"] == "1"


def test_it_has_no_privileges(start: Start, ways: Possible) -> None:
    session = start(can=ways)
    code = "import ctypes\nfound = ctypes.CDLL(None).prctl({}, {}, 0, 0, 0)"
    assert asked(session, code.format(39, 0))["found"] == 1  # PR_GET_NO_NEW_PRIVS
    assert asked(session, code.format(23, 21))["found"] == 0  # CAP_SYS_ADMIN in the bounding set


@pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/usr/bin/python3"),
    reason="only root can give it a user of its own, and only for a program that all may run",
)
def test_it_becomes_a_user_of_its_own(start: Start) -> None:
    one, other = start(python="/usr/bin/python3"), start(python="/usr/bin/python3")
    users = [asked(session, "found = os.getuid()")["found"] for session in (one, other)]
    assert users[0] != users[1] and min(users) > 1 << 30
    assert asked(one, "os.chmod('program.py', 0o700)\nfound = open('program.py').read(3)")["found"]


def test_eating_memory(start: Start, ways: Possible) -> None:
    code = (
        "kept = []\nwhile True:\n    kept.append(bytearray(b'x') * 4_000_000)\n    time.sleep(.004)"
    )
    said = ended_by(start(can=ways, memory_mb=64), code)
    assert said == "program ended: sandbox: more than 64 MiB of memory (memory_mb)"


def test_one_gulp_of_memory(start: Start) -> None:
    session = start(memory_mb=64)
    assert asked(session, "bytearray(10**10)")["error"] == "MemoryError: (sandbox: memory_mb)"
    assert asked(session, "found = 1")["found"] == 1


def test_memory_of_all_processes_counts_together(start: Start) -> None:
    code = (
        "for _ in range(8):\n    if os.fork() == 0:\n        kept = bytearray(b'x') * 20_000_000\n"
    )
    said = ended_by(start(memory_mb=64), code + "        time.sleep(60)\ntime.sleep(60)")
    assert said == "program ended: sandbox: more than 64 MiB of memory (memory_mb)"


def test_forking_without_end(start: Start, ways: Possible) -> None:
    session = start(can=ways, processes=12)
    said = ended_by(
        session, "while True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    )
    assert said == "program ended: sandbox: more than 12 processes (processes)"
    assert not descendants(session)


def test_threads_without_end(start: Start) -> None:
    # Where its memory is full before anybody has looked, it keeps the threads that it has.
    code = """
while True:
    try:
        threading.Thread(target=time.sleep, args=(60,)).start()
    except RuntimeError:
        time.sleep(.01)
"""
    said = ended_by(start(processes=1, memory_mb=512), code)
    assert said == "program ended: sandbox: more than 16 threads (processes)"


def test_computing_for_ever(start: Start) -> None:
    said = ended_by(start(cpu_seconds=1), "while True:\n    pass")
    assert said == "program ended: sandbox: more than 1 s of processor time (cpu_seconds)"


def test_waiting_for_ever(start: Start, ways: Possible) -> None:
    session = start(can=ways, seconds=0.8)
    assert (
        ended_by(session, f"{DAEMON}\ntime.sleep(600)") == "program ended: no answer within 0.8 s"
    )
    assert not descendants(session)


def test_filling_the_disk(start: Start) -> None:
    code = """
for number in range(400):
    open(f"file{number}", "wb").write(os.urandom(200_000)); time.sleep(.005)
"""
    said = ended_by(start(disk_mb=4), code + "time.sleep(60)")
    assert said == "program ended: sandbox: more than 4 MiB written (disk_mb)"


def test_filling_the_disk_with_deleted_files(start: Start) -> None:
    code = """
kept = []
for number in range(100):
    kept.append(open("file", "wb")); os.unlink("file")
    kept[-1].write(os.urandom(200_000)); kept[-1].flush()
"""
    said = ended_by(start(disk_mb=4), code + "time.sleep(60)")
    assert said == "program ended: sandbox: more than 4 MiB written (disk_mb)"


def test_one_large_file_and_many_small_ones(start: Start) -> None:
    session = start(disk_mb=4)
    assert "disk_mb" in asked(session, "open('x', 'wb').write(bytes(6_000_000))")["error"]
    small = "for number in range(4_200):\n    open(str(number), 'w').close()\ntime.sleep(60)"
    assert ended_by(start(), small) == "program ended: sandbox: more than 4000 files written"


def test_flooding(start: Start) -> None:
    said = ended_by(start(), "while True:\n    sys.stdout.write('x' * 65536)")
    assert said == "program ended: a line of more than 1048576 bytes"
    noisy = start()
    assert asked(noisy, "sys.stderr.write('y' * 3_000_000)\nfound = 1")["found"] == 1


def test_a_daemon_does_not_survive(start: Start, ways: Possible) -> None:
    session = start(can=ways)
    asked(session, DAEMON)
    assert len(descendants(session)) == 2
    session.close()
    assert not descendants(session)


def test_a_daemon_does_not_outlive_a_crash(start: Start, ways: Possible) -> None:
    session = start(can=ways)
    code = f"{DAEMON}\nsys.stderr.write('enough')\nsys.stderr.flush()\nos._exit(3)"
    assert ended_by(session, code) == "program ended: exit code 3: enough"
    assert not descendants(session)


def test_it_cannot_reach_other_processes(start: Start, ways: Possible) -> None:
    session = start(can=ways)
    guard = session._boxed.process.pid if session._boxed else 0
    for number in (os.getpid(), guard, "os.getppid()"):
        assert "error" in asked(session, f"os.kill({number}, 9)"), number
    assert asked(session, "os.kill(0, 0)\nfound = 1")["found"] == 1  # its own group
    assert session._boxed and session._boxed.process.poll() is None


def test_a_signal_is_named(start: Start) -> None:
    said = ended_by(start(), "import ctypes\nctypes.string_at(0)")
    assert said.startswith("program ended: signal 11")


def test_a_program_that_cannot_run_is_no_candidate(start: Start, offered: Path) -> None:
    (offered / "tool").write_text("#!/nowhere/at/all\n")
    (offered / "tool").chmod(0o755)
    with pytest.raises(NotStarted, match="sandbox: it cannot be started"):
        start(python="tool")


def test_the_end_of_the_base_is_the_end_of_the_program(offered: Path, tmp_path: Path) -> None:
    """A base that is killed sweeps nothing; the guard does."""
    code = f"""
import os, sys, time
from pathlib import Path
from pilotbase.scenario.schema import Candidate
from pilotbase.trial.candidates.callable import launch_of
from pilotbase.trial.candidates.command import Session
made = {{"id": "c", "command": [sys.executable, "program.py"], "sandbox": {{}}}}
launch = launch_of(Candidate.model_validate(made), Path({str(offered)!r}), 20.0, trust=False)
session = Session(launch, {{"task": "detection"}}, time.monotonic)
session.ask({{"code": {DAEMON!r}}})
print(session._boxed.folder, flush=True)
os.kill(os.getpid(), 9)
"""
    read, write = os.pipe()
    child = os.posix_spawn(
        sys.executable, [sys.executable, "-c", code], {"PYTHONPATH": os.pathsep.join(sys.path)},
        file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)],
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as said:
        folder = Path(said.readline().strip())
    os.waitpid(child, 0)
    until = time.monotonic() + 10
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert folder.name.startswith("pilotbase-") and not folder.exists()


def test_what_it_says_is_explained_only_where_a_rule_fits() -> None:
    assert explained("ValueError: out of ideas") == "ValueError: out of ideas"
    assert explained("OSError: [Errno 27] File too large").endswith("(sandbox: disk_mb)")
