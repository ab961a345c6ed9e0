"""A headless Chromium for tests of pages, and pictures of what it shows."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# No sandbox: who tests in a container is often root. The rest keeps the browser from talking to anybody.
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"),
)
SCREENSHOTS = "KERAS_STT_SCREENSHOTS"  # names the folder for pictures of the pages, by which docs get theirs


def find_chromium() -> str | None:
    """The path of a Chromium on this machine; None without one. `KERAS_STT_CHROMIUM` names one of your own."""
    named = os.environ.get("KERAS_STT_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def open_browser(*arguments: str) -> Iterator:
    """Gives a playwright browser, started with `arguments` too; skips the test, saying why, where there is none."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one by KERAS_STT_CHROMIUM")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=[*ARGUMENTS, *arguments])
        try:
            yield browser
        finally:
            browser.close()


def watch(page) -> list[str]:
    """What goes wrong in a page from now on, as lines: errors, console errors and warnings, failed requests."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("console", lambda said: found.append(f"{said.type}: {said.text}") if said.type in _WRONG else None)
    page.on("requestfailed", lambda request: found.append(f"failed: {request.url[:100]}"))
    page.on("response", lambda answer: found.append(f"{answer.status}: {answer.url[:100]}") if _bad(answer) else None)
    return found


_WRONG = ("error", "warning")


def _bad(response) -> bool:
    return response.status >= 400


def wait_until(page, expression: str, seconds: float = 10.0) -> None:
    """Waits until JavaScript is true in the page; unlike playwright's own also where the page forbids `eval`."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"after {seconds} s still not: {expression}"
        page.wait_for_timeout(20)


def overflow(page) -> int:
    """Pixels by which a page can be scrolled sideways; 0 is what a page on a phone should have."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def screenshot(page, name: str, **options) -> None:
    """Saves what a page shows as `NAME.png` where `KERAS_STT_SCREENSHOTS` names a folder; else does nothing."""
    folder = os.environ.get(SCREENSHOTS)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", **options)
