"""FYERS's rows as values.

A row that cannot be read is left out and its ticker named: a list that is silently
shorter could hide a position or an order, but only of that contract.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from shared.broker import Unreadable
from shared.models import (
    IST,
    Action,
    BookedOrder,
    Listing,
    OrderStatus,
    Position,
)

_LOG = logging.getLogger(__name__)

Row = Mapping[str, object]

_Value = TypeVar("_Value")

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
"""FYERS's codes; 3 is unused (docs/fyers.md: Order book and positions)."""

SIDE = {1: Action.BUY, -1: Action.SELL}


NO_PARENT = ("", "0", "-")
"""What FYERS writes as `parentId` of an order that has none (besides null and 0)."""

SEGMENT_FO, NSE, BSE = 11, 10, 12

OPEN = ("OPEN", "CTS_CLOSE")


def _side(value: object) -> Decimal | None:
    """Return a bid or ask; FYERS writes 0 where there is none."""
    price = _loose(value)
    return price if price and price > 0 else None


def market_open(payload: Row) -> bool:
    """Return whether NSE's or BSE's F&O market is open (GET /data/marketStatus)."""
    return any(
        row.get("exchange") in (NSE, BSE)
        and row.get("segment") == SEGMENT_FO
        and row.get("market_type", "NORMAL") == "NORMAL"
        and str(row.get("status")).upper() in OPEN
        for row in _list(payload, "marketStatus")
    )


def positions(payload: Row) -> Listing[Position]:
    """Return the net positions, closed ones (0) included."""
    return _listing(payload, "netPositions", _position)


def order_book(payload: Row) -> Listing[BookedOrder]:
    """Return the order book in FYERS's order."""
    return _listing(payload, "orderBook", _booked)


def words(text: object, *hidden: str) -> str:
    """Return FYERS's text fit for replies and logs: one line, no client, no secret."""
    if not isinstance(text, str):
        return ""
    for secret in filter(None, hidden):
        text = text.replace(secret, "***")
    text = re.sub(r"\bC-\w+", "C-***", text)  # RED texts name the client
    text = re.sub(r"\beyJ[\w.-]+", "***", text)  # what a JWT starts with
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]


def _listing(payload: Row, key: str, parse: Callable[[Row], _Value]) -> Listing[_Value]:
    found, broken = [], set()
    for row in _list(payload, key):
        try:
            found.append(parse(row))
        except Unreadable as error:
            broken.add(_text(row, "symbol"))  # a row that names none could be of any
            _LOG.warning("a row of %s is left out: %s", key, error)
    return Listing(tuple(found), frozenset(broken))


def _position(row: Row) -> Position:
    net = _whole(row, "netQty")
    bought = _whole_or(row, "dayBuyQty", "buyQty")
    sold = _whole_or(row, "daySellQty", "sellQty")
    carried = net - bought + sold
    if "cfBuyQty" in row and "cfSellQty" in row:
        carried = _whole(row, "cfBuyQty") - _whole(row, "cfSellQty")
    return Position(
        ticker=_text(row, "symbol"),
        product=_text(row, "productType"),
        net_qty=net,
        carried=carried,
        day_bought=bought,
        day_sold=sold,
        ltp=_side(row.get("ltp")),
        realized=_loose(row.get("realized_profit")) or Decimal(0),
        unrealized=_loose(row.get("unrealized_profit")) or Decimal(0),
    )


def _whole_or(row: Row, name: str, other: str) -> int:
    """Return a quantity, by its second name, or 0 where a row has neither."""
    for key in (name, other):
        if row.get(key) is not None:
            return _whole(row, key)
    return 0


def _booked(row: Row) -> BookedOrder:
    side = SIDE.get(_whole(row, "side"))
    if side is None:
        raise Unreadable("FYERS sent an order without a side")
    return BookedOrder(
        order_id=_ident(row),
        ticker=_text(row, "symbol"),
        action=side,
        qty=_whole(row, "qty"),
        filled=_whole(row, "filledQty"),
        product=_text(row, "productType"),
        status=STATUS.get(_whole(row, "status"), OrderStatus.OTHER),
        tag=_tag(row.get("orderTag")),
        parent_id=_parent(row.get("parentId")),
        message=words(row.get("message")),
        placed_at=_instant(row.get("orderDateTime")),
        order_type=_whole(row, "type"),
        limit_price=_price(row, "limitPrice"),
        stop_price=_price(row, "stopPrice"),
        traded_price=_loose(row.get("tradedPrice")) or Decimal(0),
    )


def _parent(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return None if text in NO_PARENT else text


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


def _ident(row: Row) -> str:
    value = row.get("id")
    return str(value) if type(value) is int and value > 0 else _text(row, "id")


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


def _loose(value: object) -> Decimal | None:
    """Return a number that FYERS may also write as text."""
    if isinstance(value, str):
        try:
            value = Decimal(value.strip())
        except InvalidOperation:
            return None
    return _number(value)


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
