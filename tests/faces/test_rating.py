"""Rating in the terminal and on the local page, as a person meets them."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from pilotbase import Base
from pilotbase.desk.rating import Desk
from pilotbase.desk.ratings import ratings_of
from pilotbase.faces.cli.rate import harmless, shown
from pilotbase.kernel.errors import RunError
from pilotbase.record.opened import open_record
from tests.desk.asking import write
from tests.register.conftest import ARGUMENTS, CHROMIUM

QUESTIONS = 24


@dataclass
class Waiting:
    base: Base
    run: str


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Waiting:
    folder = tmp_path_factory.mktemp("rating")
    base = Base(folder / "home")
    criterion = {"metric": "rated", "rubric": "The next number.", "at_least": 0.5}
    with pytest.raises(RunError) as caught:
        base.run(write(folder, QUESTIONS, acceptance=[criterion], judges={}), trust=True)
    return Waiting(base, str(caught.value.where))


def command(waiting: Waiting, rater: str, *more: str) -> list[str]:
    home = str(waiting.base.context.home)
    words = ["rate", waiting.run, "--as", rater, "--home", home, "--lang", "en", *more]
    return [sys.executable, "-m", "pilotbase", *words]


def rated(waiting: Waiting, rater: str) -> list[tuple[float, str]]:
    with open_record(waiting.base.context) as record:
        found = ratings_of(record, waiting.run)
    return [(one.mark, one.why) for one in found if one.rater == rater]


class Served:
    """`pilotbase rate --page` in a process of its own."""

    def __init__(self, waiting: Waiting, rater: str) -> None:
        self.process = subprocess.Popen(
            command(waiting, rater, "--page"), stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.host = self.address.split("/")[2]
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx2.get(self.address)
                return
            except httpx2.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def served(waiting: Waiting) -> Iterator[Served]:
    page = Served(waiting, "by-page")
    yield page
    if page.process.poll() is None:
        assert page.end() == 0
    assert page.process.stdout is not None
    page.process.stdout.close()


def secret_of(html: str) -> dict[str, str]:
    return {
        name: re.findall(f'name="{name}" value="([^"]+)"', html)[0] for name in ("secret", "item")
    }


def test_the_page_takes_a_rating_from_itself_and_from_nobody_else(
    served: Served, waiting: Waiting
) -> None:
    page = httpx2.get(served.address)
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "script-src 'none'" in policy
    said = {**secret_of(page.text), "mark": "0.75", "why": "nearly"}
    elsewhere = {"origin": "https://elsewhere.example"}
    assert httpx2.post(served.address, data=said, headers=elsewhere).status_code == 403
    forged = {**said, "secret": "guessed"}
    assert httpx2.post(served.address, data=forged).status_code == 403
    assert httpx2.post(served.address, data={"why": "x" * 70_000}).status_code == 413
    assert httpx2.get(served.address, headers={"host": "rebound.example"}).status_code == 404
    assert httpx2.get(f"http://{served.host}/guessed/").status_code == 404
    assert httpx2.get(f"http://{served.host}/").status_code == 404
    assert rated(waiting, "by-page") == []
    assert httpx2.post(served.address, data=said).status_code == 303
    assert rated(waiting, "by-page") == [(0.75, "nearly")]
    unknown = {**said, "item": "sha256:00"}
    assert httpx2.post(served.address, data=unknown).status_code == 409


@pytest.fixture(scope="module")
def window(served: Served) -> Iterator[Any]:
    if not Path(CHROMIUM).exists() and not os.environ.get("CI"):
        pytest.skip(f"{CHROMIUM} is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser.new_page()
        browser.close()


def test_the_page_is_used_by_keyboard_in_both_languages_and_runs_no_strangers_code(
    served: Served, waiting: Waiting, window: Any
) -> None:
    dialogs: list[str] = []
    window.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    before = len(rated(waiting, "by-page"))
    window.goto(served.address + "?lang=zh")
    assert window.inner_text("h1") == "为回答评分"
    window.click("text=English")
    assert window.inner_text("h1") == "Rate answers"
    seen = set()
    hostile = False
    for _ in range(QUESTIONS):
        if window.query_selector("#done"):
            break
        text = window.inner_text("#said")
        seen.add(window.inner_text("#question + p"))
        hostile = hostile or "<img src=x onerror=alert(1)>" in text
        assert window.query_selector("#said img") is None
        window.keyboard.press("ArrowDown")  # the first mark has the focus
        with window.expect_navigation():
            window.keyboard.press("Enter")
    assert window.inner_text("#left") == "0" and hostile and dialogs == []
    assert len(rated(waiting, "by-page")) == QUESTIONS
    assert len(seen) == QUESTIONS - before


def test_skipped_answers_come_last(waiting: Waiting) -> None:
    page = Served(waiting, "skipper")
    try:
        first = secret_of(httpx2.get(page.address).text)
        httpx2.post(page.address, data={**first, "skip": "1"})
        second = secret_of(httpx2.get(page.address).text)
        assert second["item"] != first["item"] and rated(waiting, "skipper") == []
    finally:
        assert page.end() == 0
        assert page.process.stdout is not None
        page.process.stdout.close()


def test_the_terminal_asks_one_by_one_and_keeps_what_was_rated(waiting: Waiting) -> None:
    main, child = pty.openpty()
    said = "3\rclear enough\rs\r9\rq\r"
    done = subprocess.Popen(command(waiting, "by-hand"), stdin=child, stdout=child, stderr=child)
    os.close(child)
    threading.Timer(1.5, lambda: os.write(main, said.encode())).start()
    heard = b""
    deadline = time.monotonic() + 30
    while done.poll() is None and time.monotonic() < deadline:
        if select.select([main], [], [], 0.2)[0]:
            try:
                heard += os.read(main, 65536)
            except OSError:
                break
    os.close(main)
    assert done.wait(10) == 0
    text = heard.decode()
    assert "Mark each answer by the rubric" in text and "[1/" in text
    assert rated(waiting, "by-hand") == [(0.75, "clear enough")]


def test_an_answer_cannot_steer_the_terminal(waiting: Waiting) -> None:
    steering = "\x1b]0;owned\x07 \x1b[2J \u202eevil\nline"
    assert not re.search("[\x1b\x07\u202e]", harmless(steering)) and "\nline" in harmless(steering)
    _, item = Desk.of(waiting.base.context, waiting.run, "looker").left()[0]
    assert "Rubric" in shown(item, "en") and "评分标准" in shown(item, "zh")
