"""The one error tree: what is wrong, where, and what to do next, in both languages.

::

    PilotbaseError                 exit code 3
    ├── InputError                 exit code 2: what was handed in is faulty; nothing was started
    │   ├── ScenarioError          a scenario file; carries all its `faults` at once
    │   ├── SheetError             a list or sheet; carries all its `faults` at once
    │   ├── DataError              a data file, a loader, a prepare step
    │   └── PluginError            a plug-in that is named but missing, broken or not conformant
    └── RunError                   exit code 3: it could not be done, or not to the end; resumable
        ├── CandidateError         a candidate that can't even be started
        ├── BudgetError            units, time or money of the plan are used up
        ├── HomeError              the home folder: newer version, not writable, disk full
        └── RecordError            the log, its proofs, its checkpoints or the vault do not hold
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pilotbase.kernel.text import Language, Text

CHECK_INPUT = Text("Correct the input and try again.", "请更正输入后重试。")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an input file, with its place (1-based line and column; 0 where unknown)."""

    code: str
    message: Text
    path: str = ""
    line: int = 0
    column: int = 0
    expected: Text | None = None
    nearest: str | None = None

    def render(self, language: Language, file: str = "") -> str:
        place = ":".join(str(p) for p in (file, self.line or "", self.column or "") if p)
        said = self.message.in_language(language)
        if self.expected is not None:
            word = "应为" if language == "zh" else "expected"
            said += f" ({word}: {self.expected.in_language(language)})"
        if self.nearest is not None:
            said += (
                f" 是否想写 “{self.nearest}”?"
                if language == "zh"
                else f' Did you mean "{self.nearest}"?'
            )
        return ": ".join(part for part in (place, self.path, said) if part)

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "message": self.message.as_dict(),
            "expected": self.expected.as_dict() if self.expected else None,
            "nearest": self.nearest,
        }


class PilotbaseError(Exception):
    """An error a person can act on.

    Args:
        code: stable, lower-case with dots, e.g. ``"data.missing_column"``; safe to match on.
        message: what is wrong, in both languages.
        where: the file, column, candidate, entry … it concerns.
        next_step: what to do about it, in both languages.
    """

    exit_code: ClassVar[int] = 3

    def __init__(
        self, code: str, message: Text, *, where: str = "", next_step: Text = CHECK_INPUT
    ) -> None:
        self.code = code
        self.message = message
        self.where = where
        self.next_step = next_step
        super().__init__(code, message, where, next_step)

    def render(self, language: Language) -> str:
        """The error as a person reads it: where, what, and on the next line what to do."""
        head = f"{self.where}: " if self.where else ""
        return (
            f"{head}{self.message.in_language(language)}\n→ {self.next_step.in_language(language)}"
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "error": self.code,
            "where": self.where,
            "message": self.message.as_dict(),
            "next": self.next_step.as_dict(),
        }

    def __str__(self) -> str:
        return f"[{self.code}] {self.render('en')}"


class InputError(PilotbaseError):
    """What was handed in is faulty; nothing was started."""

    exit_code = 2


class ScenarioError(InputError):
    """A scenario file with all its faults at once."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        super().__init__(
            "scenario.faulty",
            Text(
                f"{count} fault{'s' if count != 1 else ''} in the scenario file",
                f"场景文件有 {count} 处错误",
            ),
            where=file,
            next_step=Text(
                "Correct the places named above; `pilotbase scenario check FILE` checks again.",
                "请更正上列各处, 然后用 `pilotbase scenario check 文件` 再次检查。",
            ),
        )

    def render(self, language: Language) -> str:
        lines = [fault.render(language, self.where) for fault in self.faults]
        return "\n".join([*lines, super().render(language)])

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "faults": [fault.as_dict() for fault in self.faults]}


class SheetError(InputError):
    """A list or sheet with all its faults at once."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "sheet.faulty",
            Text(
                f"{len(self.faults)} fault{'s' if len(self.faults) != 1 else ''} in the file",
                f"文件有 {len(self.faults)} 处错误",
            ),
            where=file,
        )

    def render(self, language: Language) -> str:
        lines = [fault.render(language, self.where) for fault in self.faults]
        return "\n".join([*lines, super().render(language)])

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "faults": [fault.as_dict() for fault in self.faults]}


class DataError(InputError):
    """A data file, a loader or a prepare step."""


class PluginError(InputError):
    """A plug-in that is named but missing, broken or not conformant."""


class RunError(PilotbaseError):
    """It could not be done, or not to the end; what is finished is kept and the run resumes."""


class CandidateError(RunError):
    """A candidate that can't even be started. (A wrong or missing answer is a wrong unit.)"""


class BudgetError(RunError):
    """Units, time or money of the plan are used up."""


class HomeError(RunError):
    """The home folder: written by a newer version, not writable, disk full."""


class RecordError(RunError):
    """The log, its proofs, its checkpoints or the vault do not hold."""
