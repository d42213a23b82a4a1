"""The alert builder on a phone, with and without its script."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Picture, enter, opened
from tests.functional.login_world import HOOK_SECRET, World

WIDTH = 390


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def script(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.param
    return chosen


@pytest.fixture
def page(browser: Browser, script: bool) -> Iterator[Page]:
    """Yield a phone's page; one that breaks its own policy fails the test."""
    with opened(browser, WIDTH, complaint="", java_script_enabled=script) as page:
        yield page


def _alert(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.locator("pre").inner_text())
    return found


def test_an_alert_is_built_by_picking(
    page: Page, world: World, script: bool, picture: Picture
) -> None:
    world.post("/refresh-symbols")
    enter(page, world)
    page.get_by_text("Build an alert").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Build an alert")
    assert _alert(page)["symbol"] == "NIFTY"
    page.get_by_label("Underlying").select_option("BANKNIFTY")
    _show(page, script)
    expect(page.get_by_role("status")).to_contain_text("BANKNIFTY ATM CE")
    page.get_by_label("Action").select_option("LONG")
    page.get_by_label("Strike").select_option("OTM2")
    page.get_by_label("Stop, %").fill("20")
    page.get_by_label("Stop, %").blur()
    _show(page, script)
    expect(page.get_by_role("status")).to_contain_text("stop 20 % below")
    assert _alert(page) == {
        "token": "YOUR SECRET",
        "action": "LONG",
        "symbol": "BANKNIFTY",
        "strikeprice": "OTM2",
        "optionType": "CE",
        "expiry": "WEEKLY",
        "lots": 1,
        "slPercent": 20,
        "time": "{{timenow}}",
    }
    picture(page, f"builder-{script}")
    page.get_by_label("Lots").fill("5")
    page.get_by_label("Lots").blur()
    _show(page, script)
    expect(page.get_by_role("status")).to_contain_text("lots may be at most 1")
    expect(page.locator("pre")).to_have_count(0)
    assert HOOK_SECRET not in page.content()


def test_nothing_is_wider_than_the_phone(page: Page, world: World) -> None:
    world.post("/refresh-symbols")
    enter(page, world)
    page.goto(f"{world.url}/desk?build=1")
    widest = page.locator("main").bounding_box()
    assert widest is not None
    assert widest["width"] <= WIDTH
    for field in page.locator("select, input:visible, button, pre").all():
        box = field.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= WIDTH
        assert box["height"] >= 44


def _show(page: Page, script: bool) -> None:
    """Press the button where no script has done it already."""
    if not script:
        page.get_by_role("button").tap()
