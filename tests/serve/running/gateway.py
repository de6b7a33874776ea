"""A gateway in processes of its own, and an upstream for it: real sockets, real signals."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 60.0
Json = dict[str, Any]


class Gateway:
    """``pilotbase serve`` or ``pilotbase up``, and what it said so far."""

    def __init__(self, home: Path, verb: str, *words: str) -> None:
        command = [sys.executable, "-P", "-m", "pilotbase", verb, "--home", str(home)]
        self._process = subprocess.Popen(
            [*command, "--port", "0", "--json", *words],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        try:
            self.ready = self.line()
            self.address = self.ready["address"]
        except BaseException:
            self.end()
            raise

    def line(self) -> Json:
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said, f"it ended with {self._process.wait(PATIENCE)}"
        found: Json = json.loads(said)
        return found

    def children(self) -> list[int]:
        """The gateway processes."""
        return [pid for pid in _children(self._process.pid) if "running.child" in _command(pid)]

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """SIGTERM; its exit code."""
        if self._process.poll() is None:
            self.signal(signal.SIGTERM)
        code = self._process.wait(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)

    def get(self, path: str) -> tuple[int, str]:
        connection = self.connection()
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def chat(self, key: str, model: str, content: str = "hi", **more: Any) -> tuple[int, Json, Any]:
        """Status, body and headers of one call."""
        connection = self.connection()
        body = {"model": model, "messages": [{"role": "user", "content": content}], **more}
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        with contextlib.closing(connection):
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), answer.headers


@contextmanager
def gateway(home: Path, verb: str, *words: str) -> Iterator[Gateway]:
    found = Gateway(home, verb, *words)
    try:
        yield found
    finally:
        found.end()


def until(holds: Callable[[], bool]) -> float:
    """Wait; how long it took in seconds."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.02)
    return time.monotonic() - begun


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            status = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(status[1]) == parent and status[0] != "Z":
                found.append(int(entry.name))
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if said.get("stream"):
            return self._stream()
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        message = {"role": "assistant", "content": self.server.name}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = json.dumps(
            {"id": "c", "object": "chat.completion", "created": 1, "model": said["model"],
             "choices": [choice], "usage": usage}
        ).encode()  # fmt: skip
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        """Pieces without an end, until the other side is gone."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        delta = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
        piece = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                 "choices": [delta]}  # fmt: skip
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"data: " + json.dumps(piece).encode() + b"\n\n")
                time.sleep(0.05)
        self.server.left.set()

    def log_message(self, *words: Any) -> None:
        pass


class Upstream(ThreadingHTTPServer):
    """A chat endpoint that answers with its own name; ``left`` once a stream was broken off."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = name
        self.left = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextmanager
def upstream(name: str) -> Iterator[Upstream]:
    found = Upstream(name)
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.shutdown()
        found.server_close()
        thread.join()
