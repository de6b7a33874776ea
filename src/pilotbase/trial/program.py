"""A program as a candidate: which of its sessions answers which case, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.trial.candidates.command import GONE, Gone, Launch, NotStarted, Session
from pilotbase.trial.candidates.messages import BadReply
from pilotbase.trial.cases import Cases, Ints
from pilotbase.trial.endpoints.port import Case
from pilotbase.trial.jobs import known_rows
from pilotbase.trial.journal import Kept
from pilotbase.trial.respondent import Send, Stopped
from pilotbase.trial.versions import Versions

Talk = Callable[[Session, Case], tuple[Mapping[str, Any], float]]
ENDINGS_MAX = 5
SESSIONS_MAX = 64
ALL = -1  # the one fit of a program that does not learn


def asked_once(session: Session, case: Case) -> tuple[Mapping[str, Any], float]:
    return session.ask(asked(case))


@dataclass
class Program:
    """One candidate's sessions: one a fit, and one a set of documents. One case at a time.

    Attributes:
        candidate: its id, for errors.
        parameters: handed on in the greeting.
        clock: steady seconds, for latencies.
        limiter: how many programs may be at work at once.
        talk: how a session is asked one case: its answer's fields and the milliseconds it took.
        endings: how often its process has ended so far; after `ENDINGS_MAX` it is given up.
    """

    cases: Cases
    versions: Versions
    launch: Launch
    candidate: str
    parameters: Mapping[str, Any]
    seed: int
    clock: Callable[[], float]
    limiter: anyio.CapacityLimiter
    talk: Talk = asked_once
    endings: int = 0
    stopped: bool = False
    learns: bool | None = None
    concurrency: int = 1
    _sessions: dict[tuple[int, int], Session] = field(default_factory=dict)
    _unteachable: dict[tuple[int, int], str] = field(default_factory=dict)

    async def open(self) -> None:
        """Start the program and hear whether it learns.

        Raises:
            CandidateError: it cannot be started, or would need too many processes.
        """
        await anyio.to_thread.run_sync(self._open, abandon_on_cancel=True)

    async def answer(self, case: Case, send: Send) -> Kept:
        """Its answer, by the session that may give it. Raises Stopped when the base ended it."""
        async with self.limiter:
            return await anyio.to_thread.run_sync(self._answer, case, abandon_on_cancel=True)

    async def aclose(self) -> None:
        self.stop()

    def _open(self) -> None:
        try:
            session = Session(self.launch, self._hello(), self.clock)
        except NotStarted as error:
            raise CandidateError(
                "candidate.cannot_start",
                Text(f"the program does not start: {error}", f"程序无法启动: {error}"),
                where=self.candidate,
            ) from error
        lessons = self.cases.split not in ("rolling", "frozen")
        self.learns = session.learns and lessons
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
        if self.learns or self.cases.language is not None:
            session.close()  # each fit, and each set of documents, starts its own
        else:
            self._sessions[ALL, 0] = session

    def _answer(self, case: Case) -> Kept:
        if self.stopped:
            raise Stopped
        fit = int(self.cases.fold[case.row]) if self.learns else ALL
        documents = self.versions.documents_of(case.version)
        try:
            session = self._session(fit, documents)
            reply, taken_ms = self.talk(session, case)
        except BadReply as error:
            kept = Kept(None, str(error))
        except Gone as error:
            self.endings += 1
            self._sessions.pop((fit, documents)).close()
            kept = Kept(None, str(error))
        else:
            kept = Kept({k: v for k, v in reply.items() if k != "id"}, "", taken_ms)
        if self.stopped:
            raise Stopped
        return kept

    def _session(self, fit: int, documents: int) -> Session:
        """The session that answers for a fit, started and taught where it is not there yet.

        Raises:
            BadReply: there is none and will be none; says why.
        """
        key = fit, documents
        if key in self._unteachable:
            raise BadReply(self._unteachable[key])
        if key in self._sessions:
            return self._sessions[key]
        if self.endings >= ENDINGS_MAX:
            raise BadReply(f"given up after its program ended {ENDINGS_MAX} times")
        try:
            session = Session(self.launch, self._hello(), self.clock)
        except NotStarted as error:
            self.endings += 1
            raise BadReply(f"not started again: {error}") from error
        self._sessions[key] = session
        if self.stopped:  # between the check and the start
            session.close()
            raise Stopped
        self._teach(session, key)
        return session

    def _teach(self, session: Session, key: tuple[int, int]) -> None:
        """Give it the documents to read and the rows to learn from."""
        fit, documents = key
        try:
            passages = self.versions.passages[documents] if self.versions.passages else {}
            if passages:
                session.read(passages)
            if fit != ALL:
                rows = self.cases.training_rows(fit)
                rows = rows[known_rows(self.cases)[rows]]
                session.fit(len(rows), self._lessons(rows))
        except (BadReply, Gone) as error:
            # One attempt: a program that cannot learn these rows will not learn them next time.
            doing = "fit" if fit != ALL else "reading the documents"
            self._unteachable[key] = f"{doing} failed: {error}".replace(GONE, "")
            self._sessions.pop(key).close()
            raise BadReply(self._unteachable[key]) from error

    def _lessons(self, rows: Ints) -> Iterator[Mapping[str, Any]]:
        for row in rows:
            features = self.versions.case(int(row), 0).features
            yield {"features": features, "target": self.cases.target[row]}

    def _hello(self) -> Mapping[str, Any]:
        return {
            "task": self.cases.task,
            "classes": list(self.cases.classes),
            "columns": [str(name) for name in self.versions.features[0].columns],
            "rolling": self.cases.split == "rolling",
            "season": self.cases.season,
            "seed": self.seed,
            "parameters": dict(self.parameters),
        }

    def stop(self) -> None:
        """End all sessions; an answer under way raises Stopped. From any thread."""
        self.stopped = True
        for session in list(self._sessions.values()):
            session.close()


def asked(case: Case) -> Mapping[str, Any]:
    """A case in the words of the protocol."""
    if case.question is not None:
        return {"question": case.question.text, "columns": case.features}
    if case.history is None:
        return {"features": case.features}
    return {"features": case.features, "history": case.history, "horizon": case.horizon}
