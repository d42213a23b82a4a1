"""FYERS's rate limits, on a clock moved by hand."""

from __future__ import annotations

import pytest

from simulator.limits import Limits
from simulator.wire import Refused
from tests.unit.simulator.conftest import Time

ORDERS, QUOTES = "/api/v3/orders/sync", "/data/quotes"


@pytest.fixture
def limits(time: Time) -> Limits:
    return Limits(time, lambda: time.ticks)


def breach(limits: Limits, time: Time) -> None:
    """Make 200 calls in 50 s, one too many, then let a minute pass."""
    for _ in range(200):
        limits.check(QUOTES, order=False)
        time.pass_(0.25)
    with pytest.raises(Refused):
        limits.check(QUOTES, order=False)
    time.pass_(61)


def test_ten_calls_a_second_pass(limits: Limits) -> None:
    for _ in range(10):
        limits.check(QUOTES, order=False)
    assert limits.refused == 0


def test_the_eleventh_data_call_is_a_positive_429(limits: Limits) -> None:
    for _ in range(10):
        limits.check(QUOTES, order=False)
    with pytest.raises(Refused) as caught:
        limits.check(QUOTES, order=False)
    refused = caught.value
    assert (refused.status, refused.code, refused.message) == (
        429,
        429,
        "request limit reached",
    )


def test_the_eleventh_order_says_when_to_come_back(limits: Limits, time: Time) -> None:
    for _ in range(10):
        limits.check(ORDERS, order=True)
    time.pass_(0.75)
    with pytest.raises(Refused) as caught:
        limits.check(ORDERS, order=True)
    refused = caught.value
    assert (refused.code, refused.message, refused.headers) == (
        -429,
        "Request limit reached, refresh after few mins",
        (("Retry-After", "1"), ("X-Retry-After-Ms", "250")),
    )


def test_all_endpoints_share_one_window(limits: Limits) -> None:
    for _ in range(5):
        limits.check(ORDERS, order=True)
        limits.check(QUOTES, order=False)
    with pytest.raises(Refused):
        limits.check(QUOTES, order=False)


def test_a_second_later_calls_pass_again(limits: Limits, time: Time) -> None:
    for _ in range(10):
        limits.check(QUOTES, order=False)
    time.pass_(1)
    limits.check(QUOTES, order=False)
    assert limits.refused == 0


def test_the_201st_call_of_a_minute_is_refused(limits: Limits, time: Time) -> None:
    breach(limits, time)
    assert (limits.refused, limits.breaches) == (1, 1)


def test_three_breaches_a_day_are_forgiven(limits: Limits, time: Time) -> None:
    for _ in range(3):
        breach(limits, time)
    limits.check(QUOTES, order=False)
    assert limits.blocked_on is None


def test_the_fourth_breach_blocks_for_the_day(limits: Limits, time: Time) -> None:
    for _ in range(4):
        breach(limits, time)
    with pytest.raises(Refused):
        limits.check(QUOTES, order=False)


def test_the_next_day_ends_the_block(limits: Limits, time: Time) -> None:
    for _ in range(4):
        breach(limits, time)
    time.pass_(86400)
    limits.check(QUOTES, order=False)
    assert limits.refused == 4
