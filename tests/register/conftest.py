"""Dossiers, and a browser to open their reports in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pilotbase.register.documents.report import render_report
from tests.register.making import Json, Made, make_dossier

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Json]:
    """``dossier(hostile=True)``: a dossier with the differences named; a fresh copy each time."""
    kept: dict[Made, str] = {}

    def make(**differences: Any) -> Json:
        made = Made(**differences)
        if made not in kept:
            kept[made] = json.dumps(make_dossier(tmp_path_factory.mktemp("home"), made))
        loaded: Json = json.loads(kept[made])
        return loaded

    return make


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's chromium; without it these tests are skipped, except where CI asks for them.

    Closed after each module: while it is open an event loop runs in this thread, and nothing that
    starts one of its own (a trial does) could run.
    """
    missing = None if Path(CHROMIUM).exists() else f"{CHROMIUM} is not installed"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing = "playwright is not installed"
    if missing and not os.environ.get("CI"):
        pytest.skip(missing)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield opened
        opened.close()


class Reader:
    """Opens reports as a reader would: from the disk, without network; keeps what went wrong."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser, self.folder = browser, folder
        self.said: list[str] = []
        self.asked: list[str] = []
        self._contexts: list[Any] = []
        self._usual: Any = None

    def open(
        self, html: str, *, address: str = "", wait: bool = True, without: str = "", **options: Any
    ) -> Any:
        """The page of a report, after its checks have run.

        Args:
            without: script that runs before the page's own (to take something away).
            options: of the browser context: viewport, color_scheme, locale …; without any, reports
                are opened one after the other in the same window.
        """
        file = self.folder / "report.html"
        file.write_text(html, "utf-8")
        page = self._page(without, options) if without or options else self._usual
        if page is None:
            page = self._usual = self._page("", {})
        page.goto(file.as_uri() + address)
        if wait:
            page.wait_for_selector("#status.holds, #status.broken")
        return page

    def _page(self, without: str, options: dict[str, Any]) -> Any:
        context = self.browser.new_context(**{"locale": "en-GB", **options})
        self._contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.on("console", lambda m: self.said.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda e: self.said.append(f"error: {e}"))
        page.on("request", lambda r: self.asked.append(r.url))
        if without:
            page.add_init_script(without)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture(scope="module")
def window(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    opened = Reader(browser, tmp_path_factory.mktemp("reports"))
    yield opened
    opened.close()


@pytest.fixture
def reader(window: Reader) -> Reader:
    """A reader who has not seen or heard anything yet."""
    window.said.clear()
    window.asked.clear()
    return window


@pytest.fixture(scope="session")
def report(dossier: Callable[..., Json]) -> Callable[..., str]:
    """The HTML of the dossier with the differences named."""
    kept: dict[str, str] = {}

    def make(**differences: Any) -> str:
        key = repr(sorted(differences.items()))
        if key not in kept:
            kept[key] = render_report(dossier(**differences))
        return kept[key]

    return make


SMALL = {"candidates": ("boosted",), "complete": True}
"""The quickest dossier: one candidate, every case counted."""
