"""The sandbox of a candidate: what its program may see, and whether this machine can hold it."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.home import default_home
from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Candidate, Sandbox
from pilotbase.trial.candidates.command import Launch
from pilotbase.trial.sandbox.boxed import ALLOWED, Box, open_to_all, possible, users_are_ours
from pilotbase.trial.sandbox.copies import Copies, copies_of
from pilotbase.trial.sandbox.walls import Limits
from pilotbase.trial.workers import single_threaded

ADAPTER = (
    sys.executable, "-P", "-c", "from pilotbase.trial.candidates.adapter import main; main()"
)  # fmt: skip


def sandboxed(candidate: Candidate, sandbox: Sandbox, folder: Path, seconds: float) -> Launch:
    """How to start a plug-in, a callable or a command that nobody has to trust.

    Raises:
        CandidateError: the network or the base's files cannot be kept from it on this machine; a
            file that it names is not there; no such program.
    """
    command, named = (
        _command(candidate, folder) if candidate.command else _adapter(candidate, folder)
    )
    box = _box(candidate, sandbox, command[0], copies_of(folder, named, f"{candidate.id}.sandbox"))
    if box.missing:
        raise cannot_hold(candidate, box)
    return Launch(command, folder, seconds, _environment(candidate), box)


def enforced(candidate: Candidate, folder: Path) -> dict[str, str]:
    """What held it on this machine, and by what means; "" for what did not."""
    assert candidate.sandbox is not None
    command = _command(candidate, folder)[0] if candidate.command else ADAPTER
    return _box(candidate, candidate.sandbox, command[0], ()).enforced


def _box(candidate: Candidate, sandbox: Sandbox, program: str, copies: Copies) -> Box:
    own, listed = [program] if os.path.isabs(program) else [], []
    if candidate.command is None:
        own.append(str(_package()))
        listed.append(str(_package().parent))
    if _is_ours(program):
        own += _of_python()
    return Box(
        limits=Limits(sandbox.memory_mb, sandbox.cpu_seconds, sandbox.processes, sandbox.disk_mb),
        can=possible(),
        copies=copies,
        readable=tuple(own),
        listed=tuple(listed),
        user=users_are_ours() and all(map(open_to_all, own)),
    )


def _adapter(candidate: Candidate, folder: Path) -> tuple[tuple[str, ...], list[str]]:
    named = [*(candidate.sandbox.files if candidate.sandbox else ())]
    if candidate.plugin is not None:
        return (*ADAPTER, "plugin", candidate.plugin), named
    return (*ADAPTER, "callable", candidate.callable or ""), [*named, *_module(candidate, folder)]


def _environment(candidate: Candidate) -> dict[str, str]:
    """Nothing of the base's environment but what `ALLOWED` names: it may hold secrets."""
    threads = single_threaded({})
    threads.pop("PYTHONPATH")
    kept = {name: os.environ[name] for name in ALLOWED if name in os.environ}
    path = {} if candidate.command is not None else {"PYTHONPATH": str(_package().parent)}
    return {**kept, **threads, **path}


def _command(candidate: Candidate, folder: Path) -> tuple[tuple[str, ...], list[str]]:
    """The command with its program's full path, and its words that name files beside it."""
    words = candidate.command or ()
    named = candidate.sandbox.files if candidate.sandbox else ()
    inside = [*named, *(word for word in words if _is_beside(word, folder))]
    if words[0] in inside:
        return (os.path.join(".", words[0]), *words[1:]), inside
    # What the shell finds may be a launcher in somebody's home, which the program cannot read.
    found = sys.executable if words[0] in ("python", "python3") else shutil.which(words[0])
    if found is None:
        raise CandidateError(
            "candidate.cannot_start",
            Text(f"there is no program {words[0]!r}", f"没有程序 {words[0]!r}"),
            where=candidate.id,
            next_step=Text(
                "Install it, or put it beside the scenario file.",
                "请安装该程序, 或将其放在场景文件旁。",
            ),
        )
    return (os.path.abspath(found), *words[1:]), inside


def _is_beside(word: str, folder: Path) -> bool:
    if os.path.isabs(word) or word.startswith("-"):
        return False
    return (folder / word).is_file()


def _module(candidate: Candidate, folder: Path) -> list[str]:
    """The file or the package of a callable, where it lies beside the scenario file."""
    name = str(candidate.callable).partition(":")[0].partition(".")[0]
    return [found for found in (name, f"{name}.py") if name and (folder / found).exists()][:1]


def _package() -> Path:
    return Path(__file__).parents[2]


def _is_ours(program: str) -> bool:
    """Whether a program is the interpreter that the base runs on, also by a link to it."""
    return os.path.realpath(program) == os.path.realpath(sys.executable)


def _of_python() -> Iterator[str]:
    """Where the base's interpreter and its packages are, never a folder that holds a home."""
    paths = sysconfig.get_paths()
    homes = [Path.home(), default_home(), Path.cwd()]
    wanted = [
        sys.prefix,
        sys.base_prefix,
        *(paths[word] for word in ("stdlib", "purelib", "platlib")),
    ]
    for path in dict.fromkeys([*wanted, os.path.realpath(sys.executable)]):
        if not any(home.resolve().is_relative_to(Path(path).resolve()) for home in homes):
            yield path


def cannot_hold(candidate: Candidate, box: Box) -> CandidateError:
    said = ", ".join(box.missing)
    found = box.can
    return CandidateError(
        "sandbox.not_possible",
        Text(
            f"this machine cannot keep a program from: {said} (Landlock {found.landlock}, "
            f"seccomp {'yes' if found.filter else 'no'})",
            f"本机无法隔离程序: {said} (Landlock {found.landlock}, "
            f"seccomp {'有' if found.filter else '无'})",
        ),
        where=f"{candidate.id}.sandbox",
        next_step=Text(
            "Run the base on Linux 6.2 or later (x86-64 or ARM64) with Landlock and seccomp "
            "allowed, e.g. in a virtual machine; or read the code, remove `sandbox` and allow it "
            "with --trust.",
            "请在允许 Landlock 和 seccomp 的 Linux 6.2 或更新版本 (x86-64 或 ARM64) 上运行基地, "
            "如使用虚拟机; 或审阅该代码后删去 `sandbox`, 用 --trust 允许运行。",
        ),
    )
