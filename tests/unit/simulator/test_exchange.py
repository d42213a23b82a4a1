"""Fills, positions and exit legs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from simulator.book import Order
from simulator.contracts import Contract
from simulator.exchange import Exchange
from simulator.options import Options
from tests.unit.simulator.conftest import Place, Time

CANCELLED, TRADED, TRANSIT, REJECTED, PENDING = 1, 2, 4, 5, 6


def found(exchange: Exchange, order_id: str) -> Order:
    order = exchange.find(order_id)
    assert order is not None
    return order


def legs(exchange: Exchange, order_id: str) -> dict[str, Order]:
    return {leg.exit: leg for leg in exchange.legs(found(exchange, order_id))}


def test_a_market_sell_trades_at_the_bid(place: Place, exchange: Exchange) -> None:
    assert found(exchange, place()).average == Decimal("99.95")


def test_a_market_buy_trades_at_the_ask(place: Place, exchange: Exchange) -> None:
    assert found(exchange, place(side=1)).average == Decimal("100.05")


def test_an_order_goes_from_transit_over_pending_to_traded(
    place: Place, exchange: Exchange
) -> None:
    assert found(exchange, place()).history == [TRANSIT, PENDING, TRADED]


def test_a_market_order_shows_its_protection_price(
    place: Place, exchange: Exchange
) -> None:
    assert found(exchange, place()).shown_limit == Decimal("90.00")


def test_a_fill_delay_shows_every_status_in_turn(
    place: Place, exchange: Exchange, options: Options, time: Time
) -> None:
    options.fill_delay = 1.0
    order, seen = found(exchange, place()), []
    for _ in range(3):
        exchange.settle()
        seen.append(order.status)
        time.pass_(0.5)
    assert seen == [TRANSIT, PENDING, TRADED]


def test_a_closed_position_shows_what_it_earned(
    place: Place, exchange: Exchange, nifty: Contract
) -> None:
    place()
    place(side=1)
    prices = exchange.market.prices(nifty.ticker)
    assert prices is not None
    row = exchange.positions[0].row(0, prices)
    assert (row["realized_profit"], row["side"], row["avgPrice"]) == (-6.5, 0, 0.0)


def test_the_same_tag_is_taken_twice(place: Place, exchange: Exchange) -> None:
    place(orderTag="same")
    place(orderTag="same")
    assert len(exchange.tagged("same")) == 2


def test_an_untagged_order_says_so(place: Place, exchange: Exchange) -> None:
    assert found(exchange, place()).tag == "2:Untagged"


@pytest.mark.parametrize(
    ("treatment", "status", "filled"),
    [
        ("", TRADED, 130),
        ("unfilled", PENDING, 0),
        ("partfill", PENDING, 65),
        ("rms", REJECTED, 0),
        ("rms_later", PENDING, 0),
    ],
)
def test_a_treatment_decides_the_fill(
    place: Place, exchange: Exchange, treatment: str, status: int, filled: int
) -> None:
    order = found(exchange, place(treatment, qty=130))
    assert (order.status, order.filled) == (status, filled)


def test_a_later_rejection_comes_later(
    place: Place, exchange: Exchange, time: Time
) -> None:
    order = found(exchange, place("rms_later"))
    time.pass_(1)
    exchange.settle()
    assert (order.status, order.message[:4]) == (REJECTED, "RED:")


def test_an_ioc_order_that_rests_is_cancelled(place: Place, exchange: Exchange) -> None:
    order = found(exchange, place(type=1, limitPrice=120, validity="IOC"))
    assert order.status == CANCELLED


def test_a_limit_order_rests_until_the_price_comes(
    place: Place, exchange: Exchange, nifty: Contract
) -> None:
    order = found(exchange, place(type=1, limitPrice=120))
    before = order.status
    exchange.move(nifty.ticker, Decimal(121))
    assert (before, order.status) == (PENDING, TRADED)


def test_a_short_entry_gets_a_stop_above_and_a_target_below(
    place: Place, exchange: Exchange
) -> None:
    both = legs(exchange, place(stopLoss=15, takeProfit=25))
    stop, target = both["stop"].wish, both["target"].wish
    assert (stop.type, stop.side, stop.stop_price) == (4, 1, Decimal("114.95"))
    assert (target.type, target.side, target.limit_price) == (1, 1, Decimal("74.95"))


def test_a_percent_distance_is_of_the_fill(place: Place, exchange: Exchange) -> None:
    both = legs(exchange, place(stopLoss=10, legType=2))
    assert both["stop"].wish.stop_price == Decimal("109.95")


def test_a_stop_leg_may_be_a_plain_stop(
    place: Place, exchange: Exchange, options: Options
) -> None:
    options.stop_leg_type = 3
    stop = legs(exchange, place(stopLoss=15))["stop"].wish
    assert (stop.type, stop.limit_price) == (3, Decimal(0))


def test_no_legs_before_the_entry_trades(place: Place, exchange: Exchange) -> None:
    assert legs(exchange, place("unfilled", stopLoss=15)) == {}


def test_legs_grow_with_their_entry(place: Place, exchange: Exchange) -> None:
    order_id = place("partfill", qty=130, stopLoss=15)
    exchange.fill(found(exchange, order_id), 65)
    assert legs(exchange, order_id)["stop"].qty == 130


def test_a_leg_that_trades_cancels_the_other(
    place: Place, exchange: Exchange, nifty: Contract
) -> None:
    both = legs(exchange, place(stopLoss=15, takeProfit=25))
    exchange.move(nifty.ticker, Decimal(74))
    assert (both["target"].status, both["stop"].status) == (TRADED, CANCELLED)


def test_a_leg_left_behind_opens_a_long(
    place: Place, exchange: Exchange, nifty: Contract
) -> None:
    place(stopLoss=15, takeProfit=25)
    place(side=1)
    exchange.move(nifty.ticker, Decimal(115))
    assert exchange.net(nifty.ticker) == 65


@pytest.mark.parametrize("shown", [4, 1])
def test_a_stop_limit_leg_jumped_over_rests(
    place: Place, exchange: Exchange, options: Options, nifty: Contract, shown: int
) -> None:
    options.triggered_type = shown
    stop = legs(exchange, place(stopLoss=15))["stop"]
    exchange.move(nifty.ticker, Decimal(200))
    assert (stop.status, stop.wish.type) == (PENDING, shown)


@pytest.mark.parametrize("shown", [4, 1])
def test_a_stop_limit_leg_jumped_over_trades_when_the_price_comes_back(
    place: Place, exchange: Exchange, options: Options, nifty: Contract, shown: int
) -> None:
    options.triggered_type = shown
    stop = legs(exchange, place(stopLoss=15))["stop"]
    exchange.move(nifty.ticker, Decimal(200))
    exchange.move(nifty.ticker, Decimal(110))
    assert (stop.status, stop.average) == (TRADED, Decimal(110))


def test_a_leg_that_trades_may_leave_the_other_working(
    place: Place, exchange: Exchange, options: Options, nifty: Contract
) -> None:
    options.oco = False
    both = legs(exchange, place(stopLoss=15, takeProfit=25))
    exchange.move(nifty.ticker, Decimal(74))
    assert (both["target"].status, both["stop"].status) == (TRADED, PENDING)


def test_cancelling_a_parent_cancels_its_legs(place: Place, exchange: Exchange) -> None:
    order_id = place("partfill", qty=130, stopLoss=15)
    exchange.cancel(found(exchange, order_id))
    assert legs(exchange, order_id)["stop"].status == CANCELLED


def test_exits_can_vanish(place: Place, exchange: Exchange) -> None:
    assert legs(exchange, place("exits_vanish", stopLoss=15)) == {}


def test_exits_can_be_rejected(place: Place, exchange: Exchange) -> None:
    both = legs(exchange, place("exits_rejected", stopLoss=15, takeProfit=25))
    assert [leg.status for leg in both.values()] == [REJECTED, REJECTED]


def test_exits_can_be_made_to_vanish_later(place: Place, exchange: Exchange) -> None:
    order_id = place(stopLoss=15, takeProfit=25)
    gone = exchange.drop_exits()
    assert (gone, legs(exchange, order_id), len(exchange.orders)) == (2, {}, 1)


def test_legs_can_come_back_untagged(
    place: Place, exchange: Exchange, options: Options
) -> None:
    options.tagged_legs = False
    both = legs(exchange, place(stopLoss=15, orderTag="abc"))
    assert both["stop"].tag == "2:"
