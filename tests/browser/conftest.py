"""A real Chromium, the machine's own, or the reason why there is none."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.emulators import missing
from tests.functional.login_world import World, worlds

Picture = Callable[[Page, str], None]

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield the browser; skip, or fail where the run must not pass by skipping."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found or not Path(found).exists():
        missing("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(
    browser: Browser, width: int = 390, complaint: str = "Security Policy", **more: Any
) -> Iterator[Page]:
    """Yield a page that wide; one that breaks its own policy fails the test.

    `complaint` is what its console may not say, empty for nothing at all; `more` are
    Playwright's settings of a context.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        device_scale_factor=2 if width < 900 else 1,
        is_mobile=width < 900,
        has_touch=True,
        **more,
    )
    context.set_default_timeout(120_000)  # a slow machine is no fault of the page
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    yield page
    context.close()
    assert [said for said in complaints if complaint in said] == []


def enter(page: Page, world: World) -> None:
    """Log in, all the way to the desk."""
    page.goto(f"{world.url}{world.redirected()}")
    page.wait_for_url(f"{world.url}/desk")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Yield the functions on a morning when nobody has logged in yet."""
    with worlds(tmp_path, env={"FYERS_CALLS_PER_SECOND": "0"}) as (world,):
        yield world


@pytest.fixture(scope="session")
def picture() -> Picture:
    """Return what takes a picture of a page where SCREENSHOTS names a folder."""
    chosen = os.environ.get("SCREENSHOTS")

    def take(page: Page, name: str) -> None:
        if chosen:
            page.screenshot(path=Path(chosen) / f"{name}.png", full_page=True)

    return take
