"""The paper account: what of the Broker port it keeps, on quotes that a test sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shared.adapters.kept import KeptDocument
from shared.adapters.paper import PaperBook, PaperBroker
from shared.adapters.sqlite import SqliteDocuments
from shared.broker import Broker, NotTaken, Turn, Unreadable
from shared.errors import Conflict, Doubtful
from shared.models import (
    IST,
    PAPER,
    Action,
    BookedOrder,
    Change,
    Deadline,
    OptionChain,
    Order,
    OrderStatus,
    Placed,
    Position,
    Product,
    Rejected,
    Unclear,
)
from tests.contract.conftest import race, seconds
from tests.fakes.broker import FakeBroker

REAL = "NSE:NIFTY26NOV25800CE"
TICKER = PAPER + REAL
LOT = 65
BUY, SELL = Action.BUY, Action.SELL


@dataclass
class Doubting:
    """A Kept whose writes can lose their answer, before or after they count."""

    inner: KeptDocument[PaperBook]
    lost: list[str] = field(default_factory=list)
    silent: bool = False

    def read(self, deadline: Deadline) -> tuple[PaperBook | None, str | None]:
        if self.silent:
            raise Doubtful("silent")
        return self.inner.read(deadline)

    def write(self, value: PaperBook, version: str | None, deadline: Deadline) -> str:
        when = self.lost.pop(0) if self.lost else ""
        if when == "before":
            raise Doubtful("lost")
        written = self.inner.write(value, version, deadline)
        if when:
            self.silent = when == "after, then silent"
            raise Doubtful("lost")
        return written

    def delete(self, version: str, deadline: Deadline) -> None:
        self.inner.delete(version, deadline)


class Paper:
    """A paper account on a real store, with its quotes in hand."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=IST)
        self.fyers = FakeBroker(clock=lambda: self.now)
        documents = SqliteDocuments(folder / "state.sqlite")
        self.kept = Doubting(KeptDocument(documents, "paper", "book", PaperBook))
        self.broker = PaperBroker(self.fyers, self.kept, lambda: self.now)
        self.quote(99, 101)
        self.count = 0

    def quote(self, bid: float, ask: float) -> None:
        self.fyers.prices[REAL] = Decimal(str((bid + ask) / 2))
        self.fyers.spreads[REAL] = Decimal(str(bid)), Decimal(str(ask))

    def turn(self) -> Turn:
        return self.broker.turn(1, seconds(20))

    def order(self, action: Action, qty: int = LOT, **exits: int) -> Order:
        self.count += 1
        points = {name: Decimal(value) for name, value in exits.items()}
        tag = f"{self.count:020d}"
        return Order(TICKER, action, qty, Product.INTRADAY, tag, **points)

    def place(self, action: Action, qty: int = LOT, **exits: int) -> str:
        placed = self.broker.place(self.order(action, qty, **exits), self.turn())
        assert isinstance(placed, Placed)
        return placed.order_id

    def rows(self) -> tuple[BookedOrder, ...]:
        return self.broker.order_book(self.turn()).rows

    def working(self) -> list[BookedOrder]:
        return [row for row in self.rows() if row.remaining]

    def position(self) -> Position:
        (row,) = self.broker.positions(self.turn()).rows
        return row

    def tomorrow(self) -> None:
        self.now += timedelta(days=1)


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    return Paper(tmp_path)


def test_it_is_a_broker(paper: Paper) -> None:
    broker: Broker = paper.broker
    assert broker.market_open(paper.turn())
    broker.open()


def test_quotes_and_chains_are_the_real_ones(paper: Paper) -> None:
    chain = OptionChain(Decimal(25800), {}, {})
    paper.fyers.chains["X", ""] = chain
    quote = paper.broker.quote(TICKER, paper.turn())
    assert quote is not None
    assert quote.bid == 99
    assert quote.ask == 101
    assert paper.broker.chain("X", 3, "", paper.turn()) is chain


def test_nothing_is_held_before_the_first_order(paper: Paper) -> None:
    assert paper.rows() == ()
    assert paper.broker.positions(paper.turn()).rows == ()


@pytest.mark.parametrize(("action", "price"), [(SELL, 99), (BUY, 101)])
def test_an_order_trades_at_the_side_it_meets(
    paper: Paper, action: Action, price: int
) -> None:
    order_id = paper.place(action)
    assert order_id.startswith("PAPER-")
    (row,) = paper.rows()
    assert (row.order_id, row.ticker, row.action) == (order_id, TICKER, action)
    assert (row.status, row.filled) == (OrderStatus.TRADED, LOT)
    assert row.traded_price == price
    assert row.placed_at == paper.now


def test_an_order_without_a_side_trades_at_the_last_price(paper: Paper) -> None:
    del paper.fyers.spreads[REAL]
    paper.place(SELL)
    assert paper.rows()[0].traded_price == 100


def test_the_real_fyers_never_gets_an_order(paper: Paper) -> None:
    stop = paper.place(SELL, stop_loss=10, take_profit=20) + "-S"
    paper.broker.resize(paper.working()[0], 30, paper.turn())
    paper.broker.cancel([stop], paper.turn())
    paper.rows()
    paper.position()
    assert set(paper.fyers.calls) <= {"turn", "quote"}


def test_without_a_price_an_order_is_refused(paper: Paper) -> None:
    paper.fyers.prices.clear()
    result = paper.broker.place(paper.order(SELL), paper.turn())
    assert isinstance(result, Rejected)
    assert paper.rows() == ()


def test_without_an_answer_an_order_is_not_taken(paper: Paper) -> None:
    paper.fyers.failures["quote"] = [Unreadable("html")]
    with pytest.raises(NotTaken):
        paper.broker.place(paper.order(SELL), paper.turn())
    assert paper.rows() == ()


def test_exits_work_at_their_distance_from_the_fill(paper: Paper) -> None:
    entry = paper.place(SELL, stop_loss=10, take_profit=20)
    stop, target = paper.working()
    assert (stop.parent_id, stop.action, stop.order_type) == (entry, BUY, 4)
    assert (stop.qty, stop.tag) == (LOT, "")
    assert stop.stop_price == 109
    assert (target.parent_id, target.order_type) == (entry, 1)
    assert target.limit_price == 79


REACHED = [
    # what was opened, the ask and bid that come, what trades and at what price
    (SELL, 108, 108.9, None, 0),
    (SELL, 108, 109, "S", 109),
    (SELL, 120, 121, "S", 121),  # through the stop: at what there is
    (SELL, 79, 79.1, None, 0),
    (SELL, 78, 79, "T", 79),
    (SELL, 60, 61, "T", 79),  # a limit never trades at less than its price says
    (BUY, 91.1, 92, None, 0),
    (BUY, 91, 92, "S", 91),
    (BUY, 120.9, 122, None, 0),
    (BUY, 121, 122, "T", 121),
]


@pytest.mark.parametrize(("opens", "bid", "ask", "leg", "price"), REACHED)
def test_a_leg_trades_when_a_quote_reaches_it_and_ends_the_other(
    paper: Paper, opens: Action, bid: float, ask: float, leg: str | None, price: float
) -> None:
    entry = paper.place(opens, stop_loss=10, take_profit=20)
    paper.quote(bid, ask)
    ended = {row.order_id: row for row in paper.rows()}
    if leg is None:
        assert len(paper.working()) == 2
        return
    other = "T" if leg == "S" else "S"
    done = ended[f"{entry}-{leg}"]
    assert (done.status, done.filled) == (OrderStatus.TRADED, LOT)
    assert done.traded_price == Decimal(str(price))
    assert ended[f"{entry}-{other}"].status is OrderStatus.CANCELLED
    assert paper.position().net_qty == 0


def test_one_entrys_legs_leave_another_entrys_alone(paper: Paper) -> None:
    paper.place(SELL, stop_loss=10)
    paper.quote(89, 91)
    second = paper.place(SELL, stop_loss=30)
    paper.quote(108, 109)
    paper.rows()
    assert [row.parent_id for row in paper.working()] == [second]


def test_legs_outlive_a_cover_until_they_are_cancelled(paper: Paper) -> None:
    entry = paper.place(SELL, stop_loss=10, take_profit=20)
    paper.place(BUY)
    legs = [row.order_id for row in paper.working()]
    assert legs == [f"{entry}-S", f"{entry}-T"]
    assert paper.broker.cancel(legs, paper.turn()) == (Change.CONFIRMED,) * 2
    assert paper.working() == []
    assert paper.broker.cancel(legs, paper.turn()) == (Change.NOT_PENDING,) * 2


def test_a_leg_is_resized(paper: Paper) -> None:
    paper.place(SELL, 2 * LOT, stop_loss=10)
    (leg,) = paper.working()
    assert paper.broker.resize(leg, LOT, paper.turn()) is Change.CONFIRMED
    assert [row.qty for row in paper.working()] == [LOT]


# --- Profit ---------------------------------------------------------------------------


def test_profit_is_what_was_bought_and_sold_again(paper: Paper) -> None:
    paper.place(SELL, 2 * LOT)
    paper.quote(79, 81)
    paper.place(BUY, LOT)
    row = paper.position()
    assert (row.net_qty, row.day_bought, row.day_sold) == (-LOT, LOT, 2 * LOT)
    assert row.realized == LOT * (99 - 81)
    assert row.ltp == 80
    assert row.unrealized == LOT * (99 - 80)


def test_a_loss_is_below_zero(paper: Paper) -> None:
    paper.place(BUY)
    paper.quote(89, 91)
    assert paper.position().unrealized == LOT * (90 - 101)
    paper.place(SELL)
    assert paper.position().realized == LOT * (89 - 101)


def test_a_position_without_a_quote_is_shown_without_a_price(paper: Paper) -> None:
    paper.place(SELL)
    paper.fyers.failures["quote"] = [Unreadable("html")]
    row = paper.position()
    assert (row.net_qty, row.ltp) == (-LOT, None)
    assert row.unrealized == 0


def test_the_next_day_carries_what_is_open_and_ends_its_exits(paper: Paper) -> None:
    paper.place(SELL, 2 * LOT, stop_loss=10, take_profit=20)
    paper.place(BUY, LOT)
    paper.tomorrow()
    assert paper.rows() == ()
    row = paper.position()
    assert (row.net_qty, row.carried, row.day_bought, row.day_sold) == (
        -LOT,
        -LOT,
        0,
        0,
    )
    assert row.realized == 0
    paper.quote(69, 71)
    paper.place(BUY)
    row = paper.position()
    assert (row.net_qty, row.carried, row.day_bought) == (0, -LOT, LOT)
    assert row.realized == LOT * (99 - 71)


def test_what_was_flat_is_gone_the_next_day(paper: Paper) -> None:
    paper.place(SELL)
    paper.place(BUY)
    paper.tomorrow()
    assert paper.broker.positions(paper.turn()).rows == ()


# --- The store ------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_the_store_lost_makes_no_second_order(
    paper: Paper, when: str
) -> None:
    paper.kept.lost = [when]
    paper.place(SELL)
    assert len(paper.rows()) == 1


def test_an_order_that_may_be_stored_has_an_unknown_outcome(paper: Paper) -> None:
    paper.kept.lost = ["after, then silent"]
    result = paper.broker.place(paper.order(SELL), paper.turn())
    assert isinstance(result, Unclear)
    paper.kept.silent = False
    assert [row.order_id for row in paper.rows()] == [result.order_id]


def test_a_silent_store_takes_no_order(paper: Paper) -> None:
    paper.kept.silent = True
    with pytest.raises(NotTaken):
        paper.broker.place(paper.order(SELL), paper.turn())
    with pytest.raises(Unreadable):
        paper.rows()


def test_orders_at_once_all_stand_in_the_book(paper: Paper) -> None:
    orders = [paper.order(SELL) for _ in range(16)]
    results = race(16, lambda n: paper.broker.place(orders[n], paper.turn()))
    assert all(isinstance(result, Placed) for result in results)
    assert len(paper.rows()) == 16


def test_a_write_over_another_version_is_never_made(paper: Paper) -> None:
    paper.place(SELL)
    book, _ = paper.kept.read(seconds(5))
    assert book is not None
    with pytest.raises(Conflict):
        paper.kept.write(book, "another", seconds(5))
