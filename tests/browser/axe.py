"""What axe-core finds on a page as it stands: WCAG 2 and its own good practices."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def barriers(page: Page) -> list[str]:
    """Return each barrier with the element it stands at; none is as it should be."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}, {each['impact']}: {each['help']} at {node['target']}"
        for each in found
        for node in each["nodes"]
    ]
