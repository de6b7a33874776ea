"""The progress bar of long work, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pilotbase.kernel.text import Language, Text


class Bar:
    """Shows how far a task is; NO_COLOR and dumb terminals are respected by rich."""

    def __init__(self, language: Language) -> None:
        self._language = language

    @contextmanager
    def task(self, label: Text, total: int) -> Iterator[Callable[[int], None]]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(
            *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
        ) as bar:
            task = bar.add_task(label.in_language(self._language), total=total)
            yield lambda done: bar.advance(task, done)
