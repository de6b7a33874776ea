"""Pilotbase from Python: the same verbs as methods, with typed results."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pilotbase.kernel.home import default_home, default_vault_key
from pilotbase.kernel.text import Language
from pilotbase.kernel.time import Clock, system_clock
from pilotbase.kernel.verb import Context, Progress, Silent

if TYPE_CHECKING:
    from pilotbase.desk.answers import PlanResponse, ReportResponse, RunResponse

StrPath = str | os.PathLike[str]


class Base:
    """A pilot base: a home folder and the verbs over it.

    >>> base = Base("home")                                      # doctest: +SKIP
    >>> result = base.run("scenario.yaml")                       # doctest: +SKIP
    >>> result.chosen, result.candidates[0]["verdict"]           # doctest: +SKIP
    ('strong', 'go')

    Args:
        home: the home folder; ``PILOTBASE_HOME`` or the XDG data folder if left out.
        operator: the name of the person who acts.
        clock, entropy: injected for replays and tests.
        progress: how long work shows how far it is; silent if left out.
        vault_key: the key file of an encrypted vault; ``PILOTBASE_VAULT_KEY`` if left out.

    Every method may raise a `PilotbaseError`, whose ``code``, ``message``, ``where`` and
    ``next_step`` say what to do.
    """

    def __init__(
        self,
        home: StrPath | None = None,
        *,
        operator: str = "single operator",
        clock: Clock = system_clock,
        entropy: Callable[[int], bytes] = os.urandom,
        language: Language = "en",
        progress: Progress | None = None,
        vault_key: StrPath | None = None,
    ) -> None:
        folder = Path(home) if home is not None else default_home()
        self.context = Context(
            home=folder.expanduser().absolute(),
            operator=operator,
            clock=clock,
            entropy=entropy,
            language=language,
            progress=progress or Silent(),
            vault_key=_path(vault_key) or default_vault_key(),
        )

    def plan(
        self, file: StrPath, *, out: StrPath | None = None, trust: bool = False
    ) -> PlanResponse:
        """Freeze and sign the plan of a scenario file; nothing is tried."""
        from pilotbase.desk import verbs

        request = verbs.PlanRequest(Path(file), _path(out), trust)
        return verbs.plan(self.context, request)

    def run(
        self, file: StrPath, *, receipt: StrPath | None = None, trust: bool = False
    ) -> RunResponse:
        """Plan, try and judge; an interrupted run goes on, a finished one is read back."""
        from pilotbase.desk import verbs

        return verbs.run(self.context, verbs.RunRequest(Path(file), _path(receipt), trust))

    def rehearse(
        self, file: StrPath, *, candidate: str | None = None, trust: bool = False
    ) -> RunResponse:
        """A provider's private dry run: unofficial, nothing enters the record."""
        from pilotbase.desk import verbs

        return verbs.rehearse(self.context, verbs.RehearseRequest(Path(file), candidate, trust))

    def verdict(self, run: str | RunResponse) -> RunResponse:
        """The recorded verdict of a run, by its id, the scenario's id, or the result of `run`."""
        from pilotbase.desk import verbs

        return verbs.verdict(self.context, verbs.VerdictRequest(_run_id(run)))

    def report(self, run: str | RunResponse, out: StrPath | None = None) -> ReportResponse:
        """Write the report of a run as HTML and JSON."""
        from pilotbase.desk import verbs

        return verbs.report(self.context, verbs.ReportRequest(_run_id(run), _path(out)))


def _run_id(run: str | RunResponse) -> str:
    return run if isinstance(run, str) else run.run


def _path(path: StrPath | None) -> Path | None:
    return None if path is None else Path(path)
