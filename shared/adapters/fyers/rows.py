"""FYERS's rows as values. One row that cannot be read makes the whole read unreadable:
a list that is silently shorter could hide a short position or an order."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from shared.adapters.fyers.outcomes import Row, words
from shared.broker import Unreadable
from shared.models import IST, Action, BookedOrder, OrderStatus, Position

HIGHEST = Decimal(10) ** 8
"""Rupees; above any option's price, so that a broken number stops here."""

STATUS = {
    1: OrderStatus.CANCELLED,
    2: OrderStatus.TRADED,
    4: OrderStatus.TRANSIT,
    5: OrderStatus.REJECTED,
    6: OrderStatus.PENDING,
    7: OrderStatus.EXPIRED,
}
"""FYERS's codes; 3 is unused (facts: order status)."""

SIDE = {1: Action.BUY, -1: Action.SELL}


def price(payload: Row, ticker: str) -> Decimal | None:
    """Return the quote's last price, None for an error row or no price above 0."""
    for row in _list(payload, "d"):
        if row.get("n") != ticker:
            continue
        values = row.get("v")
        last = _number(values.get("lp")) if isinstance(values, dict) else None
        return last if row.get("s") == "ok" and last and last > 0 else None
    return None


def positions(payload: Row) -> tuple[Position, ...]:
    """Return the net positions, closed ones (0) included."""
    return tuple(
        Position(_text(row, "symbol"), _text(row, "productType"), _whole(row, "netQty"))
        for row in _list(payload, "netPositions")
    )


def order_book(payload: Row) -> tuple[BookedOrder, ...]:
    """Return the order book in FYERS's order."""
    return tuple(_booked(row) for row in _list(payload, "orderBook"))


def _booked(row: Row) -> BookedOrder:
    side = SIDE.get(_whole(row, "side"))
    if side is None:
        raise Unreadable("FYERS sent an order without a side")
    return BookedOrder(
        order_id=_text(row, "id"),
        ticker=_text(row, "symbol"),
        action=side,
        qty=_whole(row, "qty"),
        filled=_whole(row, "filledQty"),
        product=_text(row, "productType"),
        status=STATUS.get(_whole(row, "status"), OrderStatus.OTHER),
        tag=_tag(row.get("orderTag")),
        parent_id=_text(row, "parentId") if row.get("parentId") else None,
        message=words(row.get("message")),
        placed_at=_instant(row.get("orderDateTime")),
        order_type=_whole(row, "type"),
        limit_price=_price(row, "limitPrice"),
        stop_price=_price(row, "stopPrice"),
    )


def _list(payload: Row, key: str) -> list[Row]:
    found = payload.get(key)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Unreadable(f"FYERS's answer has no list {key}")
    return found


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"FYERS sent a row without {key}")
    return value


def _whole(row: Row, key: str) -> int:
    value = _price(row, key)
    if value != value.to_integral_value():
        raise Unreadable(f"FYERS sent a row with a broken {key}")
    return int(value)


def _price(row: Row, key: str) -> Decimal:
    number = _number(row.get(key))
    if number is None:
        raise Unreadable(f"FYERS sent a row without a {key} that is a number")
    return number


def _number(value: object) -> Decimal | None:
    """Return a JSON number, None for anything else, NaN and what no price could be."""
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return None
    number = Decimal(value)
    return number if number.is_finite() and abs(number) < HIGHEST else None


def _tag(value: object) -> str:
    """Return the user's tag: FYERS puts `1:` before it, `2:` before its own.

    Untagged orders come as `1:Untagged`, `2:Untagged`, `2:` or empty.
    """
    if not isinstance(value, str) or value.startswith("2:"):
        return ""
    tag = value.removeprefix("1:")
    return "" if tag == "Untagged" else tag


def _instant(value: object) -> datetime | None:
    """Return `DD-Mon-YYYY HH:MM:SS`, which FYERS means in IST, else None."""
    try:
        return datetime.strptime(str(value), "%d-%b-%Y %H:%M:%S").replace(tzinfo=IST)
    except ValueError:
        return None
