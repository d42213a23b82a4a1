"""The owner's morning on a phone: from the notice's link to the Connected page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Picture, opened
from tests.functional.login_world import PIN, World

WIDTH = 390
Scheme = Literal["light", "dark"]


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Scheme:
    chosen: Scheme = request.param
    return chosen


@pytest.fixture
def page(browser: Browser, scheme: Scheme) -> Iterator[Page]:
    """Yield a phone's page; a page that breaks its own policy fails the test."""
    with opened(browser, WIDTH, color_scheme=scheme) as page:
        yield page


def _log_in(page: Page, world: World) -> None:
    """Do on FYERS's own page what only the owner can."""
    page.locator("input[name=fy_id]").fill(world.fyers.options.fy_id)
    page.locator("button, input[type=submit]").first.tap()
    page.locator("input[name=pin]").fill(PIN)
    page.locator("button, input[type=submit]").first.tap()


def _fits(page: Page) -> bool:
    """Return whether nothing is wider than the phone."""
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width <= WIDTH


def test_from_the_notices_link_to_connected(
    page: Page, world: World, picture: Picture, scheme: Scheme
) -> None:
    world.store(datetime.now(UTC) - timedelta(hours=3))
    assert world.post("/refresh-token").json()["code"] == "login_required"
    (notice,) = world.phone.notices
    (link,) = re.findall(r"https?://\S+", notice["message"])

    page.goto(link)
    assert page.url.startswith(world.fyers.url), "one tap leads to FYERS's own page"
    _log_in(page, world)

    page.wait_for_url(f"{world.url}/desk")
    expect(page.locator("main")).to_contain_text(
        re.compile(r"connected until 06:00( tomorrow)?")
    )
    assert _fits(page)
    picture(page, f"connected-{scheme}")
    assert world.post("/refresh-token").json()["success"] is True


def test_from_the_page_by_the_button(
    page: Page, world: World, picture: Picture, scheme: Scheme
) -> None:
    page.goto(f"{world.url}/auth-url")
    expect(page.locator("h1")).to_have_text("Not connected")
    assert _fits(page)
    picture(page, f"connect-{scheme}")

    page.get_by_role("link", name="Connect FYERS").tap()
    _log_in(page, world)
    page.wait_for_url(f"{world.url}/desk")

    page.goto(f"{world.url}/auth-url")
    expect(page.locator("h1")).to_have_text("Connected")
    picture(page, f"connect-again-{scheme}")


def test_opening_the_login_once_more_explains_itself_and_leads_on(
    page: Page, world: World, picture: Picture, scheme: Scheme
) -> None:
    address = f"{world.url}{world.redirected()}"
    page.goto(address)
    page.wait_for_url(f"{world.url}/desk")
    before = world.token_file.read_bytes()

    page.goto(address)
    expect(page.locator("h1")).to_have_text("That did not work")
    expect(page.locator("main")).to_contain_text("This login link was used already")
    assert _fits(page)
    picture(page, f"failure-{scheme}")
    assert world.token_file.read_bytes() == before

    page.get_by_role("link", name="Try again").tap()
    page.wait_for_url(f"{world.fyers.url}/**")


def test_one_tap_selects_the_whole_alert(page: Page, world: World) -> None:
    page.goto(f"{world.url}/auth-url")
    page.locator("pre").click(click_count=1)
    selected: str = page.evaluate("getSelection().toString()")
    assert selected.startswith("{")
    assert selected.rstrip().endswith("}")
    assert "YOUR SECRET" in selected


def test_the_button_is_large_enough_for_a_thumb(page: Page, world: World) -> None:
    page.goto(f"{world.url}/auth-url")
    box = page.get_by_role("link", name="Connect FYERS").bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["width"] >= 300
