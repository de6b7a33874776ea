"""Read a scenario file: all its faults at once, or the scenario with the place of every word."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

from pilotbase.kernel.canonical import digest_bytes
from pilotbase.kernel.errors import Fault, ScenarioError
from pilotbase.kernel.text import Text
from pilotbase.scenario.check import fault_at, faults_of
from pilotbase.scenario.decode import BYTES_MAX, check_lines, decoded
from pilotbase.scenario.draft import Known
from pilotbase.scenario.finding import Finding, Place, Unreadable, path_text
from pilotbase.scenario.finding import Path as Where
from pilotbase.scenario.schema import Scenario
from pilotbase.scenario.tree import Tree, tree_of


@dataclass(frozen=True)
class ScenarioFile:
    """A scenario file without faults.

    Attributes:
        path: the file; ``folder``: where its data files are looked for; both absolute.
        digest: ``sha256:<hex>`` of the text in UTF-8 with ``\\n`` line ends and no byte order mark,
            so that a checkout on another system has the same one.
    """

    path: Path
    folder: Path
    scenario: Scenario
    digest: str
    tree: Tree = field(repr=False)

    def place(self, path: Where) -> Place:
        """1-based line and column of a value, or of what contains it where it is left out."""
        return self.tree.place(path)

    def fault(
        self,
        path: Where,
        code: str,
        message: Text,
        expected: Text | None = None,
        nearest: str | None = None,
    ) -> Fault:
        """A fault that was found elsewhere, e.g. in the data, at its place in this file."""
        line, column = self.place(path)
        return Fault(code, message, path_text(path), line, column, expected, nearest)


def read_scenario(
    path: str | os.PathLike[str], *, trust: bool = False, known: Known | None = None
) -> ScenarioFile:
    """Read and check a file.

    Args:
        trust: whether the file may name code that no installed package declares, and files outside
            its folder.
        known: the names it may refer to; what is installed where left out.

    Raises:
        ScenarioError: with all faults of the file at once; also where it is missing or no file.
    """
    file = Path(path)
    try:
        text = decoded(_bytes(file))
    except Unreadable as error:
        raise ScenarioError(str(file), [fault_at(error.finding, error.place)]) from error
    return scenario_of(text, file, trust=trust, known=known)


def scenario_of(
    text: str, file: Path, *, trust: bool = False, known: Known | None = None
) -> ScenarioFile:
    """Check the text of a file that need not exist yet; see `read_scenario`."""
    try:
        check_lines(text)
        tree = tree_of(text)
    except Unreadable as error:
        raise ScenarioError(str(file), [fault_at(error.finding, error.place)]) from error
    known = known or Known.installed()
    scenario, faults = faults_of(tree, replace(known, trust=known.trust or trust))
    if scenario is None:
        raise ScenarioError(str(file), faults)
    real = file.absolute()
    return ScenarioFile(real, real.parent, scenario, digest_bytes(text.encode()), tree)


def _bytes(file: Path) -> bytes:
    """The file's bytes, at most one more than are allowed."""
    try:
        # Asked before it is opened: a pipe would wait and a device go on for ever.
        if not stat.S_ISREG(file.stat().st_mode):
            raise _unreadable("scenario.no_regular_file", NOT_A_FILE)
        with file.open("rb") as opened:
            return opened.read(BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise _unreadable("scenario.no_file", NO_FILE) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        said = Text(f"the file cannot be read: {reason}", f"无法读取文件: {reason}")
        raise _unreadable("scenario.cannot_read", said) from error


NO_FILE = Text("there is no such file", "没有这个文件")
NOT_A_FILE = Text("this is no ordinary file", "这不是普通文件")


def _unreadable(code: str, said: Text) -> Unreadable:
    expected = Text("the path of a scenario file (YAML)", "场景文件 (YAML) 的路径")
    return Unreadable(Finding((), code, said, expected), (0, 0))
