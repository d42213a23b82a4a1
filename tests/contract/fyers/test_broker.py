"""What every Broker does: the fake, and the SDK over the simulated FYERS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from shared.adapters.fyers.orders import FyersBroker
from shared.adapters.fyers.pace import Pace
from shared.adapters.fyers.transport import Transport
from shared.broker import Broker, LoginEnded, NotTaken, Turn, Unreadable
from shared.errors import NotLoggedIn
from shared.models import (
    IST,
    Action,
    BookedOrder,
    Change,
    Deadline,
    Order,
    OrderStatus,
    Placed,
    Position,
    Product,
    Rejected,
    Secret,
    Token,
    Unclear,
)
from simulator import Fault, Options, Simulator
from tests.contract.fyers.conftest import within
from tests.fakes.broker import FakeBroker

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=IST)
TAG = "0123456789abcdef0123"
ORDERS = "/api/v3/orders/sync"


@dataclass
class Market:
    """One broker and the handles that make its FYERS misbehave."""

    broker: Broker
    fake: FakeBroker | None
    simulator: Simulator | None
    ticker: str
    lot: int

    def price(self, last: Decimal | None) -> None:
        if self.fake:
            self.fake.prices[self.ticker] = last
        if self.simulator and last is None:
            self.simulator.market.modes[self.ticker] = "zero_lp"
        elif self.simulator and last is not None:
            self.simulator.market.pinned[self.ticker] = last

    def rest(self) -> None:
        """Let the next market order rest unfilled."""
        if self.fake:
            self.fake.fills = False
        if self.simulator:
            self.simulator.faults.add(Fault(ORDERS, "POST", "unfilled"))

    def refuse_next(self) -> None:
        """Let the risk check refuse the next order."""
        if self.fake:
            self.fake.results.append(Rejected(-99, "RED:Margin Shortfall", "1"))
        if self.simulator:
            self.simulator.faults.add(Fault(ORDERS, "POST", "rms"))

    def lose_next(self, *, arrives: bool) -> None:
        """Lose the answer of the next order, before or after it counted."""
        if self.fake:
            self.fake.results.append(Unclear("reset"))
            self.fake.unknown_arrives = arrives
        if self.simulator:
            when = "after" if arrives else "before"
            self.simulator.faults.add(Fault(ORDERS, "POST", "reset", when))

    def rate_limit_next(self) -> None:
        if self.fake:
            self.fake.failures["place"] = [NotTaken("rate limit")]
        if self.simulator:
            self.simulator.faults.add(Fault(ORDERS, "POST", "rate", delay=5))

    def break_reads(self) -> None:
        if self.fake:
            for name in ("quote", "positions", "order_book"):
                self.fake.failures[name] = [Unreadable("x")] * 2
        if self.simulator:
            for path in ("/data/quotes", "/api/v3/positions", "/api/v3/orders"):
                self.simulator.faults.add(Fault(path, "GET", "html", times=2))

    def log_out(self) -> None:
        if self.fake:
            for name in ("quote", "positions", "order_book", "place"):
                self.fake.failures[name] = [LoginEnded("login")]
        if self.simulator:
            self.simulator.auth.end_tokens()

    def turn(self, calls: int = 1) -> Turn:
        return self.broker.turn(calls, within(5))

    def cancel(self, *order_ids: str) -> tuple[Change, ...]:
        return self.broker.cancel(order_ids, self.turn())

    def sell(self, **exits: Decimal) -> Order:
        return Order(self.ticker, Action.SELL, self.lot, Product.INTRADAY, TAG, **exits)

    def buy(self) -> Order:
        return Order(self.ticker, Action.BUY, self.lot, Product.INTRADAY, TAG[::-1])

    def booked(self) -> tuple[BookedOrder, ...]:
        return self.broker.order_book(self.turn()).rows

    def held(self) -> tuple[Position, ...]:
        return self.broker.positions(self.turn()).rows

    def last(self) -> Decimal | None:
        quote = self.broker.quote(self.ticker, self.turn())
        return None if quote is None else quote.ltp


@pytest.fixture(params=["fake", "simulator"])
def market(request: pytest.FixtureRequest) -> Iterator[Market]:
    if request.param == "fake":
        fake = FakeBroker(clock=lambda: NOON)
        yield Market(fake, fake, None, "NSE:NIFTY26NOV25800CE", 65)
        return
    options = Options(asof=date(2026, 11, 23), clock=lambda: NOON, rate_limits=False)
    simulator = Simulator(options)
    simulator.start()
    contract = simulator.market.catalogue.at_the_money("NIFTY")
    broker = _broker(simulator)
    yield Market(broker, None, simulator, contract.ticker, contract.lot)
    simulator.stop()


def _broker(simulator: Simulator) -> FyersBroker:
    token = Token(
        Secret(simulator.login()["access_token"]),
        None,
        datetime.now(UTC),
        datetime.now(UTC) + timedelta(hours=1),
        simulator.options.fy_id,
    )

    def renew(_refused: Token, _deadline: Deadline) -> Token:
        raise NotLoggedIn("a person must log in")

    return FyersBroker(
        Transport(simulator.options.app_id, simulator.url, time.monotonic),
        Pace(0, time.monotonic, time.sleep),
        lambda _deadline: token,
        renew,
        time.sleep,
    )


def test_a_quote_is_the_last_price_to_the_paisa(market: Market) -> None:
    market.price(Decimal("120.55"))

    assert market.last() == Decimal("120.55")


def test_a_contract_without_a_price_has_no_quote(market: Market) -> None:
    market.price(None)

    assert market.last() is None


def test_an_unknown_ticker_has_no_quote(market: Market) -> None:
    assert market.broker.quote("NSE:NOPE26NOV1CE", market.turn()) is None


def test_a_day_begins_with_an_empty_book_and_no_position(market: Market) -> None:
    assert market.booked() == ()
    assert market.held() == ()


def test_an_accepted_order_is_in_the_book_under_its_id_and_tag(market: Market) -> None:
    market.price(Decimal("120.5"))
    result = market.broker.place(market.sell(), market.turn())
    assert isinstance(result, Placed)
    (row,) = market.booked()

    assert (row.order_id, row.tag, row.ticker) == (result.order_id, TAG, market.ticker)
    assert (row.action, row.qty, row.product) == (Action.SELL, market.lot, "INTRADAY")
    assert (row.status, row.filled, row.remaining) == (
        OrderStatus.TRADED,
        market.lot,
        0,
    )
    assert (row.parent_id, row.placed_at, row.order_type) == (None, NOON, 2)


def test_a_filled_sell_is_a_short(market: Market) -> None:
    market.price(Decimal("120.5"))
    market.broker.place(market.sell(), market.turn())

    (row,) = market.held()
    assert (row.ticker, row.product, row.net_qty) == (
        market.ticker,
        "INTRADAY",
        -market.lot,
    )
    assert (row.carried, row.day_bought, row.day_sold) == (0, 0, market.lot)
    assert row.ltp == Decimal("120.5")


def test_a_covered_short_stays_listed_with_zero(market: Market) -> None:
    market.price(Decimal("120.5"))
    market.broker.place(market.sell(), market.turn())
    market.broker.place(market.buy(), market.turn())

    (row,) = market.held()
    assert (row.net_qty, row.day_bought, row.day_sold) == (0, market.lot, market.lot)


def test_an_unfilled_order_works_and_moves_no_position(market: Market) -> None:
    market.rest()
    market.broker.place(market.sell(), market.turn())
    (row,) = market.booked()

    assert (row.status, row.remaining) == (OrderStatus.PENDING, market.lot)
    assert market.held() == ()


def test_exits_become_working_legs_of_their_entry(market: Market) -> None:
    market.price(Decimal("120.5"))
    entry = market.sell(stop_loss=Decimal("18.05"), take_profit=Decimal("30.1"))
    result = market.broker.place(entry, market.turn())
    assert isinstance(result, Placed)
    legs = [row for row in market.booked() if row.parent_id]

    assert [(leg.parent_id, leg.action, leg.status, leg.remaining) for leg in legs] == [
        (result.order_id, Action.BUY, OrderStatus.PENDING, market.lot)
    ] * 2


def test_legs_survive_a_cover(market: Market) -> None:
    market.price(Decimal("120.5"))
    market.broker.place(market.sell(stop_loss=Decimal(18)), market.turn())
    market.broker.place(market.buy(), market.turn())

    assert [row.status.working for row in market.booked() if row.parent_id] == [True]


def test_a_refused_order_is_rejected_with_its_words_and_in_the_book(
    market: Market,
) -> None:
    market.price(Decimal("120.5"))
    market.refuse_next()
    result = market.broker.place(market.sell(), market.turn())
    assert isinstance(result, Rejected)
    (row,) = market.booked()

    assert (result.code, result.order_id) == (-99, row.order_id)
    assert result.reason.startswith("RED:")
    assert (row.status, row.message) == (OrderStatus.REJECTED, result.reason)


@pytest.mark.parametrize("arrives", [True, False])
def test_a_lost_answer_is_unknown_and_only_the_book_can_tell(
    market: Market, arrives: bool
) -> None:
    market.price(Decimal("120.5"))
    market.lose_next(arrives=arrives)
    result = market.broker.place(market.sell(), market.turn())

    assert isinstance(result, Unclear)
    assert [row.tag for row in market.booked()] == [TAG] * arrives


def test_a_rate_limited_order_is_not_taken(market: Market) -> None:
    market.rate_limit_next()
    order, turn = market.sell(), market.turn()

    with pytest.raises(NotTaken):
        market.broker.place(order, turn)
    assert market.booked() == ()


def test_a_working_order_is_cancelled(market: Market) -> None:
    market.rest()
    result = market.broker.place(market.sell(), market.turn())
    assert isinstance(result, Placed)

    assert market.cancel(result.order_id) == (Change.CONFIRMED,)
    assert [row.status for row in market.booked()] == [OrderStatus.CANCELLED]


def test_an_order_that_is_done_was_not_cancelled(market: Market) -> None:
    market.price(Decimal("120.5"))
    result = market.broker.place(market.sell(), market.turn())
    assert isinstance(result, Placed)

    assert market.cancel(result.order_id) == (Change.NOT_PENDING,)


def test_both_legs_of_an_entry_are_cancelled_at_once(market: Market) -> None:
    market.price(Decimal("120.5"))
    entry = market.sell(stop_loss=Decimal(18), take_profit=Decimal(30))
    market.broker.place(entry, market.turn())
    legs = [row.order_id for row in market.booked() if row.parent_id]

    assert market.cancel(*legs) == (Change.CONFIRMED,) * 2
    assert [row.remaining for row in market.booked()] == [0, 0, 0]


def test_each_of_several_cancels_says_how_it_ended(market: Market) -> None:
    market.price(Decimal("120.5"))
    entry = market.broker.place(market.sell(stop_loss=Decimal(18)), market.turn())
    assert isinstance(entry, Placed)
    (leg,) = [row.order_id for row in market.booked() if row.parent_id]

    assert market.cancel(entry.order_id, leg) == (
        Change.NOT_PENDING,
        Change.CONFIRMED,
    )


def test_the_market_is_open_at_noon(market: Market) -> None:
    assert market.broker.market_open(market.turn())


def test_an_unknown_order_is_not_certainly_cancelled(market: Market) -> None:
    assert market.cancel("26112399999999") == (Change.UNCLEAR,)


@pytest.mark.parametrize(
    "exits", [{"stop_loss": Decimal(18)}, {"take_profit": Decimal(30)}], ids=str
)
def test_a_leg_is_resized(market: Market, exits: dict[str, Decimal]) -> None:
    market.price(Decimal("120.5"))
    double = Order(
        market.ticker,
        Action.SELL,
        2 * market.lot,
        Product.INTRADAY,
        TAG,
        exits.get("stop_loss"),
        exits.get("take_profit"),
    )
    market.broker.place(double, market.turn())
    leg = next(row for row in market.booked() if row.parent_id)

    changed = market.broker.resize(leg, market.lot, market.turn())
    assert changed is Change.CONFIRMED
    assert [row.remaining for row in market.booked() if row.parent_id] == [market.lot]


def test_an_order_that_is_done_is_not_resized(market: Market) -> None:
    market.price(Decimal("120.5"))
    market.broker.place(market.sell(), market.turn())
    (row,) = market.booked()

    changed = market.broker.resize(row, 2 * market.lot, market.turn())
    assert changed is Change.NOT_PENDING


READS = {
    "quote": lambda market: market.last(),
    "positions": lambda market: market.held(),
    "order_book": lambda market: market.booked(),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_without_a_usable_answer_is_unreadable(
    market: Market, name: str
) -> None:
    market.break_reads()

    with pytest.raises(Unreadable):
        READS[name](market)


@pytest.mark.parametrize("name", READS)
def test_a_read_without_a_login_needs_a_person(market: Market, name: str) -> None:
    market.log_out()

    with pytest.raises(LoginEnded):
        READS[name](market)


def test_an_order_without_a_login_needs_a_person(market: Market) -> None:
    market.log_out()
    order, turn = market.sell(), market.turn()

    with pytest.raises(LoginEnded):
        market.broker.place(order, turn)


def test_connections_open_without_a_call(market: Market) -> None:
    market.broker.open()

    assert not market.simulator or market.simulator.calls == []
