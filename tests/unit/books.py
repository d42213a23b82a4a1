"""Order books for the tests: our orders, rows and positions with only what matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.models import (
    IST,
    Action,
    BookedOrder,
    Flight,
    Order,
    OrderBook,
    OrderStatus,
    OurOrder,
    Position,
    Product,
)

TICKER = "NSE:NIFTY26NOV25800CE"
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
TODAY = NOW.astimezone(IST).date()
TAG = "0123456789abcdef0123"
BUY, SELL = Action.BUY, Action.SELL


def our(
    action: Action = SELL,
    qty: int = 65,
    *,
    closes: bool = False,
    flight: Flight = Flight.ACCEPTED,
    ids: tuple[str, ...] = ("1",),
    tag: str = TAG,
    ago: float = 30,
    stop: str | None = "15",
    target: str | None = "25",
    product: Product = Product.INTRADAY,
) -> OurOrder:
    """Return an order of ours, sent `ago` seconds before NOW."""
    sent = NOW - timedelta(seconds=ago)
    order = Order(
        TICKER,
        action,
        qty,
        product,
        tag,
        None if closes or stop is None else Decimal(stop),
        None if closes or target is None else Decimal(target),
    )
    return OurOrder(order, closes, flight, ids, sent, sent + timedelta(seconds=2))


def row(
    order_id: str,
    action: Action = SELL,
    qty: int = 65,
    filled: int = 0,
    **changes: Any,
) -> BookedOrder:
    """Return a row: traded if it is filled, else working; a market order."""
    done = filled >= qty
    fields: dict[str, Any] = {
        "order_id": order_id,
        "ticker": TICKER,
        "action": action,
        "qty": qty,
        "filled": filled,
        "product": "INTRADAY",
        "status": OrderStatus.TRADED if done else OrderStatus.PENDING,
        "tag": "",
        "parent_id": None,
        "message": "",
        "placed_at": NOW - timedelta(seconds=30),
        "traded_price": Decimal(100) if filled else Decimal(0),
    }
    return BookedOrder(**fields | changes)


def stop(
    order_id: str, action: Action = BUY, qty: int = 65, **more: Any
) -> BookedOrder:
    """Return a working stop, at 115 for a short and at 85 for a long."""
    at = Decimal(115) if action is BUY else Decimal(85)
    fields: dict[str, Any] = {
        "order_type": 4,
        "stop_price": at,
        "limit_price": at,
        "parent_id": "1",
    }
    return row(order_id, action, qty, **fields | more)


def target(
    order_id: str, action: Action = BUY, qty: int = 65, **more: Any
) -> BookedOrder:
    """Return a working target, at 75 for a short and at 125 for a long."""
    at = Decimal(75) if action is BUY else Decimal(125)
    fields: dict[str, Any] = {"order_type": 1, "limit_price": at, "parent_id": "1"}
    return row(order_id, action, qty, **fields | more)


def position(net: int, product: str = "INTRADAY", **changes: Any) -> Position:
    """Return a position traded today unless `carried`, `day_bought`… say otherwise."""
    fields: dict[str, Any] = {
        "carried": 0,
        "day_bought": max(0, net),
        "day_sold": max(0, -net),
    }
    return Position(TICKER, product, net, **fields | changes)


def book(*parts: OurOrder | BookedOrder | Position) -> OrderBook:
    """Return the book made of these parts."""
    return OrderBook.of(
        TICKER,
        TODAY,
        [part for part in parts if isinstance(part, OurOrder)],
        [part for part in parts if isinstance(part, BookedOrder)],
        [part for part in parts if isinstance(part, Position)],
    )
