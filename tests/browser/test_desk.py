"""The desk in a browser: each state looked at, each action tapped, without script."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.models import IST
from tests.browser.axe import barriers
from tests.browser.conftest import Picture, enter, opened
from tests.functional.desk import Desk, desks

Scheme = Literal["light", "dark"]

Look = tuple[int, Scheme]
EACH: list[Look] = [(390, "dark"), (1280, "light")]
"""Every width and every light once."""
CROSSED: list[Look] = [(390, "light"), (1280, "dark")]

LIMITS = {
    "MAX_ENTRIES_PER_DAY": "10",
    "MAX_OPEN_LOTS": "4",
    "MAX_DAILY_LOSS": "5000",
    "ENTRY_WINDOW": "00:00-23:59",
}


@pytest.fixture(scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desks(tmp_path_factory.mktemp("desk"), env=LIMITS) as desk:
        yield desk


@pytest.fixture
def desk(_served: Desk) -> Desk:
    _served.clear()
    _change(_served, "DELETE FROM documents")
    # What FYERS allows a second is another test's subject; a quick browser exceeds it.
    _served.change(rate_limits=False)
    return _served


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield a phone's page without script; breaking its own policy fails the test."""
    with opened(browser, java_script_enabled=False) as page:
        yield page


def _log_in(page: Page, desk: Desk) -> None:
    enter(page, desk.world)


def _change(desk: Desk, statement: str, *values: str) -> None:
    path = desk.world.state / "claims.sqlite"
    with contextlib.closing(sqlite3.connect(path, timeout=5)) as db, db:
        db.execute(statement, values)


def _guard(desk: Desk, **changes: Any) -> None:
    """Let the guard have written something else."""
    path = desk.world.state / "claims.sqlite"
    with contextlib.closing(sqlite3.connect(path, timeout=5)) as db:
        (text,) = db.execute(
            "SELECT document FROM documents WHERE collection = 'guard'"
            " AND key = 'state'"
        ).fetchone()
    state = json.dumps({**json.loads(text), **changes})
    _change(
        desk,
        "UPDATE documents SET document = ? WHERE collection = 'guard'"
        " AND key = 'state'",
        state,
    )


def _traded(desk: Desk, action: str, **more: Any) -> None:
    """Send an alert as TradingView does: again while the answer is a 503."""
    alert = desk.alert(action, **more)
    replies = (desk.post(alert) for _ in range(5))
    assert any(reply.status_code == 200 for reply in replies)


def _busy(desk: Desk) -> None:
    """Trade a morning: two entries, a close, a refused alert, one on paper."""
    _traded(desk, "SELL")
    _traded(desk, "SELL", optionType="PE")
    desk.reconcile()
    _traded(desk, "BUY")
    desk.reconcile()
    desk.send("SELL", lots=9)
    _traded(desk, "SELL", paper=True)
    desk.reconcile()


def _weeks(desk: Desk) -> None:
    """Let the guard have summed up two days: the last weekday and the one before."""
    today = datetime.now(IST).date()
    before = (today - timedelta(days=back) for back in range(1, 8))
    last, earlier = [day for day in before if day.weekday() < 5][:2]
    totals = [(earlier, "-12506.25"), (last, "1234.50")]
    _guard(desk, totals=[{"day": str(d), "rupees": r} for d, r in totals])


def _risky(desk: Desk) -> None:
    """Let the guard have told that a short has no stop."""
    _traded(desk, "SELL")
    desk.reconcile()
    now = datetime.now(UTC)
    risk = {
        "verdict": "exits_missing",
        "about": "65:stop loss",
        "since": (now - timedelta(minutes=3)).isoformat(),
        "told_at": now.isoformat(),
        "times": 1,
    }
    seen = {"net": -65, "product": "INTRADAY", "at": now.isoformat(), "rupees": "-1250"}
    watch = {"ticker": desk.ticker, "risks": [risk], "seen": seen}
    _guard(desk, watches=[watch])


def _fits(page: Page) -> None:
    """Fail where something is cut, or a thumb would miss it."""
    size = page.viewport_size
    assert size is not None
    boxes = _boxes(page, "h1, h2, h3, p, dd, summary, button, a, time")
    assert [one for one in boxes if one["x"] < 0 or one["right"] > size["width"]] == []
    targets = _boxes(page, "button, .ask summary")
    assert [one for one in targets if one["height"] < 44] == []


def _boxes(page: Page, selector: str) -> list[dict[str, Any]]:
    """Return where each visible element stands; all in one question to the browser."""
    found: list[dict[str, Any]] = page.locator(selector).evaluate_all(
        """all => all.filter(e => e.checkVisibility({visibilityProperty: true}))
            .map(e => [e, e.getBoundingClientRect()])
            .filter(([e, box]) => box.width > 0 && box.height > 0)
            .map(([e, {x, right, height}]) => ({x, right, height, is: e.outerHTML}))"""
    )
    return found


STATES = (
    *("empty", "busy", "paused", "risky", "blind", "disconnected", "past", "outcome"),
    *("builder", "signed-out", "over", "store-down"),
)


def _bring_about(desk: Desk, state: str) -> None:
    desk.reconcile()
    match state:
        case "busy" | "past" | "outcome":
            _busy(desk)
            _weeks(desk)
        case "risky":
            _risky(desk)
        case "blind":
            now = datetime.now(UTC).isoformat()
            _guard(desk, blind_told=True, blind_since=now)
        case "paused":
            _traded(desk, "PAUSE")
        case "builder":
            assert desk.world.post("/refresh-symbols").status_code == 200


def _session(desk: Desk, field: str) -> None:
    """Let an instant of the session, which is 06:00, have just passed."""
    now = datetime.now(UTC).isoformat()
    _change(
        desk,
        "UPDATE documents SET document = json_set(document, ?, ?)"
        " WHERE collection = 'sessions' AND key != 'latest'",
        f"$.{field}",
        now,
    )


@contextlib.contextmanager
def _store_down(desk: Desk) -> Iterator[None]:
    """Let no document be found; a table that is only gone would be made anew."""
    _change(desk, "ALTER TABLE documents RENAME TO gone")
    _change(desk, "CREATE VIEW documents AS SELECT 1 AS one")
    try:
        yield
    finally:
        _change(desk, "DROP VIEW documents")
        _change(desk, "ALTER TABLE gone RENAME TO documents")


def _disconnected(page: Page, desk: Desk) -> None:
    _session(desk, "connected_until")
    page.reload()


def _past(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.world.url}/desk?day=2026-11-20")


def _titled(page: Page, title: str) -> None:
    """Wait for the page that a tap leads to."""
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def _outcome(page: Page, desk: Desk) -> None:
    page.get_by_role("button", name="Send a test notice").tap()
    _titled(page, "A notice is on its way")


def _busy_opened(page: Page, desk: Desk) -> None:
    page.locator(".tale summary").last.tap()
    page.locator(".ask summary").first.tap()


def _builder(page: Page, desk: Desk) -> None:
    page.get_by_role("link", name="Build an alert").tap()
    _titled(page, "Build an alert")


def _signed_out(page: Page, desk: Desk) -> None:
    page.get_by_role("button", name="Log out").tap()
    _titled(page, "Logged out")
    page.goto(f"{desk.world.url}/desk")


def _over(page: Page, desk: Desk) -> None:
    _session(desk, "expires_at")
    page.get_by_role("button", name="Pause entries").tap()
    _titled(page, "Your session is over")


def _without_store(page: Page, desk: Desk) -> None:
    with _store_down(desk):
        page.reload()


_OPENED: dict[str, Callable[[Page, Desk], None]] = {
    "disconnected": _disconnected,
    "past": _past,
    "outcome": _outcome,
    "busy": _busy_opened,
    "builder": _builder,
    "signed-out": _signed_out,
    "over": _over,
    "store-down": _without_store,
}
"""What is done on the page before it is looked at."""


@pytest.mark.parametrize(
    "looks", [EACH, pytest.param(CROSSED, marks=pytest.mark.slow)], ids=str
)
@pytest.mark.parametrize("state", STATES)
def test_every_state_is_whole_at_every_width_and_light(
    browser: Browser, desk: Desk, picture: Picture, state: str, looks: list[Look]
) -> None:
    _bring_about(desk, state)
    for width, scheme in looks:
        # Only axe-core needs script; the policy lets the page itself run none.
        with opened(browser, width, color_scheme=scheme) as page:
            _log_in(page, desk)
            if state in _OPENED:
                _OPENED[state](page, desk)
            _fits(page)
            assert barriers(page) == []
            expect(page.get_by_role("heading", level=1)).to_have_count(1)
            picture(page, f"desk-{state}-{width}-{scheme}")


def test_a_page_with_a_barrier_is_caught(browser: Browser) -> None:
    with opened(browser) as page:
        page.set_content("<main><h1>Desk</h1><p style='color:#bbb'>pale</p></main>")
        found = " ".join(barriers(page))
    assert "color-contrast" in found
    assert "html-has-lang" in found


def test_without_a_session_there_is_one_thing_to_do(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.world.url}/desk")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your desk")
    expect(page.get_by_role("link")).to_have_count(1)
    page.get_by_role("link", name="Log in with FYERS").tap()
    page.wait_for_url(f"{desk.world.fyers.url}/**")


def test_an_exit_takes_two_taps_and_a_third_is_no_other_order(
    page: Page, desk: Desk
) -> None:
    _traded(desk, "SELL")
    desk.reconcile()
    _log_in(page, desk)
    close = page.get_by_role("button", name=re.compile(r"^Close \d+ now$"))
    expect(close).to_be_hidden()
    page.locator("summary", has_text="Exit NIFTY").tap()
    assert len(desk.orders()) == 1, "the first tap sends nothing"
    close.dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Done")
    expect(page.locator("main")).to_contain_text("FYERS calls it")
    assert [row["netQty"] for row in desk.state()["positions"]] == [0]
    assert len([row for row in desk.orders() if row["side"] == 1]) == 1


def test_entries_are_paused_by_one_tap_and_resumed_by_two(
    page: Page, desk: Desk
) -> None:
    desk.reconcile()
    _log_in(page, desk)
    page.get_by_role("button", name="Pause entries").tap()
    page.get_by_role("link", name="Back to the desk").tap()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Entries are paused.")
    assert desk.send("SELL").json()["code"] == "paused"
    page.get_by_text("Resume entries").tap()
    page.get_by_role("button", name="Resume now").tap()
    page.get_by_role("link", name="Back to the desk").tap()
    expect(page.get_by_role("heading", level=1)).to_contain_text("All quiet.")
    _traded(desk, "SELL")


def test_a_risk_is_acknowledged_by_the_keyboard_alone(page: Page, desk: Desk) -> None:
    _risky(desk)
    _log_in(page, desk)
    expect(page.get_by_role("heading", name="Needs you", exact=True)).to_be_visible()
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.locator("button:focus").count():
            break
    expect(page.locator("button:focus")).to_have_text("I have seen it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Noted")
    page.get_by_role("link", name="Back to the desk").tap()
    expect(page.get_by_role("heading", name="Needs you", exact=True)).to_have_count(0)
    expect(page.get_by_role("heading", name="Seen by you")).to_be_visible()


def test_an_alert_opens_to_its_story(page: Page, desk: Desk) -> None:
    _traded(desk, "SELL")
    _log_in(page, desk)
    story = page.get_by_text("accepted by FYERS as")
    expect(story).to_be_hidden()
    page.locator(".tale summary").first.tap()
    expect(story).to_be_visible()


def test_the_days_before_say_what_they_brought_and_open(page: Page, desk: Desk) -> None:
    desk.reconcile()
    _weeks(desk)
    _log_in(page, desk)
    days = page.locator(".days li")
    expect(days.nth(0)).to_contain_text("+₹1,235")
    expect(days.nth(1)).to_contain_text("−₹12,506")
    expect(days.nth(2)).to_contain_text("–")
    days.nth(0).get_by_role("link").tap()
    expect(page.get_by_role("link", name="Back to today")).to_be_visible()
    expect(page.locator(".days li").nth(0)).to_contain_text("−₹12,506")


def test_a_silent_store_is_a_page_that_says_so(page: Page, desk: Desk) -> None:
    _log_in(page, desk)
    with _store_down(desk):
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "The desk cannot be shown"
        )
    page.get_by_role("link", name="Try again").tap()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nothing is open.")


def test_an_ended_login_needs_you_and_leads_to_fyers(page: Page, desk: Desk) -> None:
    desk.reconcile()
    _log_in(page, desk)
    _session(desk, "connected_until")
    page.reload()
    needs = page.locator(".alarms")
    expect(needs).to_contain_text("FYERS is not connected. No order goes out.")
    needs.get_by_role("link", name="Connect FYERS").tap()
    page.wait_for_url(f"{desk.world.fyers.url}/**")
