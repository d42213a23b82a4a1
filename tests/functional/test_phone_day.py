"""What the phone gets on whole days, over HTTP: exactly what the settings say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.phone_day import PhoneDay, as_read, lost_replies, no_login, play

A_TRADE = ["order_placed", "order_filled"] * 2


def ten_trades(day: PhoneDay) -> None:
    """A login, ten shorts with exits, each covered, an evening."""
    day.without_login()
    day.until(8, 52)
    day.log_in()
    day.until(9, 20)
    for number in range(10):
        day.price(100)
        day.deliver("SELL")
        day.until(9 + number // 2, 25 + 30 * (number % 2))
        day.price(90)
        day.deliver("BUY")
        day.until(9 + number // 2, 28 + 30 * (number % 2))
    day.until(15, 55)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("day", "events"),
    [
        pytest.param(
            ten_trades,
            ["login_needed", *A_TRADE * 10, "summary"],
            marks=pytest.mark.slow,
        ),
        (
            lost_replies,
            [
                *("outcome_unknown", "order_found", "order_filled"),
                *("outcome_unknown", "not_sent"),
                *("outcome_unknown", "not_sent"),
                *("order_placed", "order_filled", "summary"),
            ],
        ),
        (no_login, ["login_needed", "not_logged_in", "not_logged_in"]),
    ],
)
def test_a_day_sends_exactly_what_its_settings_say(
    tmp_path: Path, day: Callable[[PhoneDay], None], events: list[str]
) -> None:
    notices = play(tmp_path, day)
    assert [notice["event"] for notice in notices] == events
    for notice in notices:
        read = as_read(notice)
        assert " IST" in read
        assert read.endswith("/desk")
        if notice["event"] not in ("login_needed", "summary"):
            assert "NIFTY" in read
            assert notice["side"] in read
