"""The README's pictures of the desk: a phone, light and dark, from the simulator.

`./dev.sh pictures` writes docs/desk-light.png and docs/desk-dark.png. Nothing in them
is drawn by hand: a morning is played, and a browser looks at the desk in the middle.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from local import playground
from local.playground import Failed, Playground
from local.replay import Morning

FOLDER = Path(__file__).resolve().parent.parent / "docs"
WIDTH, HEIGHT = 390, 1120
SEEN_AFTER = 9
"""Steps of the morning: two shorts are open then, one of them by a lost reply."""

LIMITS = {
    "MAX_ENTRIES_PER_DAY": "10",
    "MAX_OPEN_LOTS": "8",
    "MAX_DAILY_LOSS": "5000",
    "NOTIFY_ORDERS": "false",
}


def take(ground: Playground, browser: str) -> None:
    """Write both pictures."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
        )
        session = None  # one login serves both
        for scheme in ("light", "dark"):
            context = chromium.new_context(
                storage_state=session,
                viewport={"width": WIDTH, "height": HEIGHT},
                device_scale_factor=2,
                color_scheme="dark" if scheme == "dark" else "light",
                java_script_enabled=False,
            )
            page = context.new_page()
            if session is None:
                _log_in(page, ground)
                session = context.storage_state()
            page.goto(f"{ground.functions}/desk")
            page.screenshot(path=FOLDER / f"desk-{scheme}.png")
            print(FOLDER / f"desk-{scheme}.png")
            context.close()
        chromium.close()


def _log_in(page: Page, ground: Playground) -> None:
    options = ground.fyers.options
    page.goto(f"{ground.functions}/auth-url?go=1")
    for name, text in (("fy_id", options.fy_id), ("pin", options.pin)):
        page.locator(f"input[name={name}]").fill(text)
        page.locator("button, input[type=submit]").first.click()
    page.wait_for_url(f"{ground.functions}/desk")


def main() -> None:
    """Play half a morning and take the pictures."""
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not browser:
        sys.exit("No Chromium is here: sudo apt-get install chromium brings it.")
    try:
        with playground.running(env=LIMITS) as ground:
            ground.call("POST", "refresh-symbols")
            ground.log_in()
            Morning(ground).play(pause=lambda seconds: None, steps=SEEN_AFTER)
            take(ground, browser)
    except Failed as failed:
        sys.exit(str(failed))


if __name__ == "__main__":
    main()
