"""The pages for providers: their server answers, their scenario runs, their limits hold."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pilotbase import Base
from pilotbase.scenario.offer import Candidate
from pilotbase.trial.endpoints.http import BODY_BYTES_MAX, HEAD_BYTES_MAX
from pilotbase.trial.endpoints.pace import PAUSE_SECONDS_MAX
from pilotbase.trial.endpoints.prompt import PROMPT_CHARACTERS_MAX
from pilotbase.trial.endpoints.secret import PREFIX
from pilotbase.trial.endpoints.wire import LIMITED_MAX
from tests.trial.endpoints.servers import Call, completion, http, says, serving

DOCS = Path(__file__).parents[3] / "docs"
KEY = "tiny-0123456789"
PORT = "8123"


def text_of(language: str) -> str:
    return (DOCS / language / "bring-your-endpoint.md").read_text(encoding="utf-8")


@pytest.fixture(params=["en", "zh"])
def page(request: pytest.FixtureRequest) -> str:
    return text_of(request.param)


def blocks(page: str) -> list[str]:
    return re.findall(r"^```(?:python|text|yaml)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def laid_out(page: str, folder: Path, port: str) -> Path:
    """The page's files in a folder, for a server at this port; the scenario file."""
    for block in blocks(page)[:4]:
        named = re.match(r"# (\S+?\.\w+)[^\n]*\n", block)
        assert named is not None
        text = block[named.end() :] if named[1].endswith(".csv") else block
        (folder / named[1]).write_text(text.replace(PORT, port), encoding="utf-8")
    return folder / "office.yaml"


def free_port() -> str:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return str(held.getsockname()[1])


@pytest.fixture
def scenario(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's scenario, its server running."""
    monkeypatch.setenv("PILOTBASE_KEY_TINY", KEY)
    port = free_port()
    file = laid_out(page, tmp_path, port)
    running = subprocess.Popen(
        [sys.executable, str(file.parent / "tiny.py")], stderr=subprocess.DEVNULL
    )
    for _ in range(200):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", int(port))) == 0:
                break
        time.sleep(0.02)
    yield file
    running.kill()
    running.wait()


def test_the_rehearsal_ends_as_the_page_says(scenario: Path, tmp_path: Path):
    found = Base(tmp_path / "home").rehearse(scenario)
    assert [c["verdict"] for c in found.candidates] == ["go"]


def test_a_key_that_is_echoed_is_nowhere_in_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """Every byte under the home, and all that was printed, after a run against such a server."""

    def echo(call: Call) -> bytes:
        said = call.headers["authorization"]
        if b"poem" in call.body:
            return http({"error": {"code": said[7:], "message": said}}, status=400)
        if b"match" in call.body:
            return http(said, status=500, kind=said, x_said=said)
        return http(completion(f"nine to five [{said[7:]}] {said}", model="tiny-1"), x_said=said)

    monkeypatch.setenv("PILOTBASE_KEY_TINY", KEY)
    with serving(says(echo)) as server:
        base = Base(tmp_path / "home")
        found = base.run(laid_out(text_of("en"), tmp_path, str(server.port)))
        base.report(found, tmp_path / "home" / "report.html")
        assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}
    printed = capfd.readouterr()
    assert KEY not in repr(found) + printed.out + printed.err
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    held = b"".join(path.read_bytes() for path in files)
    assert KEY.encode() not in held and b"[redacted]" in held


def test_the_other_kinds_are_good_grammar(page: str):
    (document,) = [block for block in blocks(page) if "tensors" in block]
    infer, mcp = YAML(typ="safe").load(document)["candidates"]
    assert Candidate.model_validate(infer).infer is not None
    assert Candidate.model_validate(mcp).mcp is not None


def test_the_limits_are_the_codes_own(page: str):
    assert f"{BODY_BYTES_MAX // 1024**2} MiB" in page and f"{HEAD_BYTES_MAX // 1024} KiB" in page
    assert f"longer than {PAUSE_SECONDS_MAX:g} s" in page and f" {LIMITED_MAX} " in page
    assert PROMPT_CHARACTERS_MAX == 2_000_000 and ("2 million" in page or "200 万" in page)
    assert PREFIX in page
