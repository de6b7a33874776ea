"""What a candidate's program consists of: a plan is bound to it, not only to its name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pilotbase.kernel.plugins import provider
from pilotbase.scenario.offer import Candidate
from pilotbase.trial.candidates.adapter import GROUP

FILES_MAX = 1_000


def code_of(candidate: Candidate, folder: Path) -> dict[str, str]:
    """Name → ``sha256:<hex>`` of each file that a command or callable names in the scenario's
    folder, or the package and version of a plug-in; empty for what is not run here.

    A file that is changed after a plan was frozen thus makes another plan. What such a file
    imports from elsewhere, and programs of the system, are not covered.
    """
    if candidate.plugin is not None:
        package = provider(GROUP, candidate.plugin)
        return {"package": package} if package else {}
    root = folder.resolve()
    named = [*(candidate.command or ()), *(candidate.sandbox.files if candidate.sandbox else ())]
    if candidate.callable is not None:
        module = candidate.callable.partition(":")[0].replace(".", "/")
        named += [f"{module}.py", module]
    found: dict[str, str] = {}
    for name in named:
        for path in _files(root, name):
            if len(found) < FILES_MAX:
                found[path.relative_to(root).as_posix()] = _digest(path)
    return dict(sorted(found.items()))


def _files(root: Path, name: str) -> Iterator[Path]:
    """The regular files at a name inside the folder; none for a word that is no path in it."""
    try:
        path = (root / name).resolve()
        if path == root or not path.is_relative_to(root):
            return
        if path.is_file():
            yield path
        elif path.is_dir():
            inside = sorted(entry.resolve() for entry in path.rglob("*") if entry.is_file())
            yield from (
                p for p in inside if p.is_relative_to(root) and "__pycache__" not in p.parts
            )
    except (OSError, ValueError):
        return  # a word such as an option, or too long for a path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
