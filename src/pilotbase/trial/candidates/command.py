"""A program that speaks JSON lines: started, taught and asked, one session a fit.

A program that learns gets a process of its own for each fit, so that it never holds a target that
it will be asked for. It has a deadline for each message; when it passes, its whole process group
is killed. All of this blocks: run it in a thread.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pilotbase.trial.candidates.answer import short
from pilotbase.trial.candidates.messages import (
    LINE_BYTES_MAX,
    PROTOCOL,
    BadReply,
    decoded,
    encoded,
)
from pilotbase.trial.sandbox.boxed import Box, Boxed, explained
from pilotbase.trial.workers import end_group, kill_group

STALE_LINES_MAX = 1000
STDERR_BYTES_MAX = 4096
GONE = "program ended: "


class Gone(Exception):
    """The program crashed, hung or flooded its output; its process is over."""


class NotStarted(Exception):
    """The program cannot be started, or does not greet: no candidate at all."""


@dataclass(frozen=True)
class Launch:
    """How to start a program.

    Attributes:
        command: program and arguments; no shell reads them.
        folder: its working folder; of a sandboxed program, where its copies come from.
        seconds: deadline for each message.
        box: the sandbox that holds it, if any.
    """

    command: tuple[str, ...]
    folder: Path
    seconds: float
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    box: Box | None = None


class Session:
    """One running program.

    Args:
        hello: what it is told first; see the protocol.
        clock: seconds of a steady clock, for latencies.

    Raises:
        NotStarted: no such program, or no proper greeting.
    """

    def __init__(
        self, launch: Launch, hello: Mapping[str, Any], clock: Callable[[], float]
    ) -> None:
        self._launch, self._clock = launch, clock
        self._id = -1
        self._late = False
        self._boxed: Boxed | None = None
        try:
            self._process = self._started()
        except OSError as error:
            raise NotStarted(f"{launch.command[0]}: {error.strerror or error}") from error
        self._stderr = bytearray()
        self._drain = threading.Thread(target=self._drain_stderr, daemon=True)
        self._drain.start()
        self.learns = self._greet(hello)

    def _started(self) -> subprocess.Popen[bytes]:
        launch = self._launch
        if launch.box is not None:
            self._boxed = Boxed(launch.command, launch.environment, launch.box)
            return self._boxed.process
        return subprocess.Popen(
            launch.command,
            cwd=launch.folder,
            env=dict(launch.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _greet(self, hello: Mapping[str, Any]) -> bool:
        try:
            reply = self._exchange([{"hello": {"protocol": PROTOCOL, **hello}}])[0]
            if "error" in reply:
                raise BadReply(self._explained(short(str(reply["error"]))))
            if reply.get("protocol") != PROTOCOL:
                raise BadReply(f"it does not speak protocol {PROTOCOL}")
        except (BadReply, Gone) as error:
            self.close()
            raise NotStarted(f"no greeting: {error}") from error
        return bool(reply.get("learns", False))

    def fit(self, rows: int, lessons: Iterable[Mapping[str, Any]]) -> None:
        """Teach it ``rows`` lessons. Raises Gone, or BadReply with its own reason."""
        head: list[Mapping[str, Any]] = [{"fit": {"rows": rows}}]
        reply = self._exchange(itertools.chain(head, lessons))[0]
        if "error" in reply:
            raise BadReply(short(str(reply["error"])))

    def read(self, passages: Mapping[str, str]) -> None:
        """Give it documents to read. Raises Gone, or BadReply with its own reason."""
        head: list[Mapping[str, Any]] = [{"documents": {"passages": len(passages)}}]
        lines = ({"passage": name, "text": text} for name, text in passages.items())
        reply = self._exchange(itertools.chain(head, lines))[0]
        if "error" in reply:
            raise BadReply(short(str(reply["error"])))

    def ask(self, case: Mapping[str, Any]) -> tuple[Mapping[str, Any], float]:
        """Its reply to one case and the milliseconds it took. Raises Gone or BadReply."""
        return self.tell({"predict": case})

    def tell(self, message: Mapping[str, Any]) -> tuple[Mapping[str, Any], float]:
        """Its reply to one message of a dialogue and the milliseconds. Raises Gone or BadReply."""
        reply, taken_ms = self._exchange([message])
        if "error" in reply:
            reply = {**reply, "error": self._explained(short(str(reply["error"])))}
        return reply, taken_ms

    def _exchange(self, messages: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], float]:
        self._id += 1
        started = self._clock()
        with self._deadline():
            self._write(messages)
            reply = self._read_reply()
        return reply, (self._clock() - started) * 1000

    def _write(self, messages: Iterable[Mapping[str, Any]]) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            for number, message in enumerate(messages):
                stdin.write(encoded({"id": self._id, **message} if number == 0 else message))
            stdin.flush()
        except (OSError, ValueError) as error:
            if isinstance(error, ValueError) and not stdin.closed:
                raise BadReply(short(str(error))) from error
            raise self._gone() from error

    def _read_reply(self) -> Mapping[str, Any]:
        """The reply with this id; late replies to earlier messages are passed over."""
        for _ in range(STALE_LINES_MAX):
            reply = decoded(self._read_line())
            found = reply.get("id")
            if found == self._id and not isinstance(found, bool):
                return reply
            if not isinstance(found, int) or not 0 <= found < self._id:
                raise BadReply(f"wrong id {short(repr(found))[:40]}")
        self.close()
        raise Gone(f"{GONE}more than {STALE_LINES_MAX} lines that nobody asked for")

    def _read_line(self) -> bytes:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            line = stdout.readline(LINE_BYTES_MAX + 1)
        except (OSError, ValueError) as error:
            raise self._gone() from error
        if not line.endswith(b"\n"):
            if len(line) > LINE_BYTES_MAX:
                self.close()
                raise Gone(f"{GONE}a line of more than {LINE_BYTES_MAX} bytes")
            raise self._gone()
        return line

    def _gone(self) -> Gone:
        """Why the process is over, in words that are the same in every run."""
        if self._late:
            self.close()
            return Gone(f"{GONE}no answer within {self._launch.seconds:g} s")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)  # it has closed its output; give it a moment to exit by itself
        code = self._process.poll()
        self.close()
        self._drain.join(1.0)
        word = "no exit code" if code is None else exit_word(code)
        if self._boxed is not None:
            word = self._boxed.ending()
            if word.startswith("sandbox"):  # the guard's word, not the program's
                return Gone(f"{GONE}{word}")
        lines = bytes(self._stderr).decode("utf-8", "replace").strip().splitlines()
        said = short(f"{GONE}{word}" + (f": {lines[-1]}" if lines else ""))
        return Gone(self._explained(said))

    def _explained(self, reason: str) -> str:
        """A reason with the sandbox's rule that it speaks of."""
        return explained(reason) if self._boxed is not None else reason

    @contextlib.contextmanager
    def _deadline(self) -> Iterator[None]:
        timer = threading.Timer(self._launch.seconds, self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self) -> None:
        self._late = True
        if self._boxed is not None:
            self._boxed.kill()
        else:
            kill_group(self._process)

    def _drain_stderr(self) -> None:
        """Read what it says on stderr, so that it never waits for us; keep the end."""
        stream = cast("io.BufferedReader", self._process.stderr)
        with contextlib.suppress(OSError, ValueError):
            while chunk := stream.read1(STDERR_BYTES_MAX):
                self._stderr += chunk
                del self._stderr[:-STDERR_BYTES_MAX]

    def close(self) -> None:
        """End the program, whatever it does."""
        if self._boxed is not None:
            self._boxed.end()
        end_group(self._process)


def exit_word(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
