"""A candidate that is asked case by case: which session answers which row, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.trial.candidates.answer import blank, fault
from pilotbase.trial.candidates.command import GONE, Gone, Launch, NotStarted, Session
from pilotbase.trial.candidates.messages import BadReply, read_answer
from pilotbase.trial.cases import Cases, Floats, Ints, Predictions
from pilotbase.trial.jobs import Views, known_rows

ENDINGS_MAX = 5
SESSIONS_MAX = 64
ALL = -1  # the one session of a program that does not learn


class Stopped(Exception):
    """The base itself ended the session; nothing is to be concluded about the candidate."""


@dataclass
class Stream:
    """One candidate's sessions. Blocking; one thread at a time.

    Attributes:
        candidate: its id, for errors.
        cut: the score from which a case is called, where the program gives no label.
        parameters: handed on in the greeting.
        endings: how often its process has ended so far; after `ENDINGS_MAX` it is given up.
    """

    cases: Cases
    views: Views
    launch: Launch
    candidate: str
    cut: float
    parameters: Mapping[str, Any]
    seed: int
    clock: Callable[[], float]
    endings: int = 0
    stopped: bool = False
    learns: bool | None = None
    _sessions: dict[int, Session] = field(default_factory=dict)
    _unteachable: dict[int, str] = field(default_factory=dict)
    _values: tuple[Floats, ...] = ()

    def __post_init__(self) -> None:
        self._values = tuple(version.to_numpy() for version in self.views.features)
        self._names = list(self.views.features[0].columns)

    def open(self) -> None:
        """Start the program and hear whether it learns.

        Raises:
            CandidateError: it cannot be started, or would need too many processes.
        """
        try:
            session = Session(self.launch, self._hello(), self.clock)
        except NotStarted as error:
            raise CandidateError(
                "candidate.cannot_start",
                Text(f"the program does not start: {error}", f"程序无法启动: {error}"),
                where=self.candidate,
            ) from error
        self.learns = session.learns and self.cases.split != "rolling"
        fits = sorted(set(self.cases.fold[self.cases.scored].tolist()))
        if self.learns and len(fits) > SESSIONS_MAX:
            session.close()
            raise CandidateError(
                "candidate.too_many_fits",
                Text(
                    f"{len(fits)} fits need as many processes; at most {SESSIONS_MAX} are started",
                    f"需要 {len(fits)} 次拟合, 即同样多的进程, 上限为 {SESSIONS_MAX}",
                ),
                where=self.candidate,
                next_step=Text("Ask for fewer folds or blocks.", "请减少折数或时段数。"),
            )
        if self.learns:
            session.close()  # each fit starts its own
        else:
            self._sessions[ALL] = session

    def answer(self, rows: Ints) -> list[Predictions]:
        """One block a version with the answers to some rows.

        Raises:
            Stopped: the base ended the session; what was answered of these rows is void.
        """
        if self.stopped:
            raise Stopped
        versions = range(len(self._values))
        blocks = [blank(len(rows), self.cases.classes) for _ in versions]
        for place, row in enumerate(rows):
            for version in versions:
                self._answer_one(blocks[version], place, int(row), version)
                if self.stopped:
                    raise Stopped
        return blocks

    def _answer_one(self, block: Predictions, place: int, row: int, version: int) -> None:
        fit = int(self.cases.fold[row]) if self.learns else ALL
        try:
            session = self._session(fit)
            reply, taken_ms = session.ask(self._case(row, version))
        except BadReply as error:
            fault(block, place, str(error))
        except Gone as error:
            self._end(fit)
            fault(block, place, str(error))
        else:
            block.latency_ms[place] = taken_ms
            read_answer(
                block,
                place,
                reply,
                task=self.cases.task,
                classes=self.cases.classes,
                cut=self.cut,
            )

    def _session(self, fit: int) -> Session:
        """The session that answers for a fit, started and taught where it is not there yet.

        Raises:
            BadReply: there is none and will be none; says why.
        """
        if fit in self._unteachable:
            raise BadReply(self._unteachable[fit])
        if fit in self._sessions:
            return self._sessions[fit]
        if self.endings >= ENDINGS_MAX:
            raise BadReply(f"given up after its program ended {ENDINGS_MAX} times")
        try:
            session = Session(self.launch, self._hello(), self.clock)
        except NotStarted as error:
            self.endings += 1
            raise BadReply(f"not started again: {error}") from error
        self._sessions[fit] = session
        if self.stopped:  # between the check and the start
            session.close()
            raise Stopped
        if fit != ALL:
            self._teach(session, fit)
        return session

    def _teach(self, session: Session, fit: int) -> None:
        rows = self.cases.training_rows(fit)
        rows = rows[known_rows(self.cases)[rows]]
        try:
            session.fit(len(rows), self._lessons(rows))
        except (BadReply, Gone) as error:
            # One attempt: a program that cannot learn these rows will not learn them next time.
            self._unteachable[fit] = f"fit failed: {error}".replace(GONE, "")
            self._sessions.pop(fit).close()
            raise BadReply(self._unteachable[fit]) from error

    def _lessons(self, rows: Ints) -> Iterator[Mapping[str, Any]]:
        for row in rows:
            yield {"features": self._features(int(row), 0), "target": self.cases.target[row]}

    def _features(self, row: int, version: int) -> Mapping[str, float]:
        return dict(zip(self._names, self._values[version][row].tolist(), strict=True))

    def _case(self, row: int, version: int) -> Mapping[str, Any]:
        case: dict[str, Any] = {"features": self._features(row, version)}
        if self.views.series:
            assert self.cases.time is not None
            past = self.cases.time <= self.cases.time[row] - self.cases.horizon
            in_time = np.argsort(self.cases.time[past], kind="stable")
            case["history"] = self.views.series[version][past][in_time].tolist()
            case["horizon"] = self.cases.horizon
        return case

    def _hello(self) -> Mapping[str, Any]:
        return {
            "task": self.cases.task,
            "classes": list(self.cases.classes),
            "columns": self._names,
            "rolling": self.cases.split == "rolling",
            "season": self.cases.season,
            "seed": self.seed,
            "parameters": dict(self.parameters),
        }

    def _end(self, fit: int) -> None:
        self.endings += 1
        self._sessions.pop(fit).close()

    def stop(self) -> None:
        """End all sessions; a call of `answer` under way raises Stopped. From any thread."""
        self.stopped = True
        for session in list(self._sessions.values()):
            session.close()
