"""A headless Chromium, where this machine has one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
)
PATIENCE = 60_000  # milliseconds: for a machine that does much else


def chromium() -> str:
    """The browser's path; the test is skipped where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """The browser, closed at the end."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@dataclass
class Visit:
    """An open report, and what its page complained about or asked the network for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def sheet(self, code: str) -> object:
        """The value of a JavaScript expression over `sheet`, the first plan's."""
        return self.page.evaluate(f"(sheet => {code})(window.cosmalloc.sheets[0])")

    def start_over(self) -> None:
        """Everything shows, nothing is chosen, searched for or focused."""
        self.page.mouse.move(5, 5)
        self.page.locator("#search").fill("")
        self.page.get_by_label("kind").check()
        self.page.evaluate(
            "for (const sheet of cosmalloc.sheets) { sheet.choose(null); sheet.reset(); }"
            "document.activeElement.blur(); scrollTo(0, 0); getSelection().removeAllRanges()"
        )
        self.rest()

    def rest(self) -> None:
        """Waits until labels and the linked timeline have followed the last move."""
        self.page.evaluate(
            "new Promise((done) => setTimeout(() =>"
            " requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))), 200))"
        )


def visit(
    started: Browser, report: Path, dark: bool = False, width: int = 1400, part: str = ""
) -> Visit:
    """The report, drawn. part: what stands behind its address."""
    page = started.new_page(
        viewport={"width": width, "height": 1000}, color_scheme="dark" if dark else "light"
    )
    page.set_default_timeout(PATIENCE)
    found = Visit(page)
    page.on("pageerror", lambda error: found.errors.append(str(error)))

    def hear(line: ConsoleMessage) -> None:
        if line.type == "error":
            found.errors.append(line.text)

    page.on("console", hear)
    page.on("request", lambda request: found.requests.append(request.url))
    page.on("dialog", lambda dialog: found.errors.append(f"dialog: {dialog.message}"))
    page.goto(report.as_uri() + part)
    page.wait_for_selector("body[data-ready]")
    found.rest()
    return found
