"""FYERS's replies as the tests script them, and what goes with them."""

from __future__ import annotations

from decimal import Decimal

from shared.models import (
    Action,
    BookedOrder,
    Order,
    OrderStatus,
    Product,
)
from tests.contract.fyers.loopback import Behaviour, error, says

TICKER = "NSE:NIFTY26NOV25800CE"
TAG = "0123456789abcdef0123"
ID = "26112300000001"
ACCEPTED = says(
    200, {"code": 1101, "message": "Successfully placed order", "s": "ok", "id": ID}
)
EXPIRED = error(401, -16, "Could not authenticate the user")
SELL = Order(TICKER, Action.SELL, 65, Product.INTRADAY, TAG)
COVERED = Order(
    TICKER, Action.SELL, 65, Product.MARGIN, TAG, Decimal("18.05"), Decimal("30.00")
)
LEG = BookedOrder(
    order_id="26112300000002",
    ticker=TICKER,
    action=Action.BUY,
    qty=130,
    filled=0,
    product="INTRADAY",
    status=OrderStatus.PENDING,
    tag="",
    parent_id=ID,
    message="",
    placed_at=None,
    order_type=4,
    limit_price=Decimal("138.70"),
    stop_price=Decimal("138.05"),
)


def quotes(*rows: object) -> Behaviour:
    return says(200, {"s": "ok", "code": 200, "message": "", "d": list(rows)})


def quote(last: object, **more: object) -> Behaviour:
    values = {"lp": last, "symbol": TICKER, **more}
    return quotes({"n": TICKER, "s": "ok", "v": values})


def held(*rows: object) -> Behaviour:
    return says(200, {"s": "ok", "code": 200, "message": "", "netPositions": rows})


def booked(*rows: object) -> Behaviour:
    return says(200, {"s": "ok", "code": 200, "message": "", "orderBook": rows})


POSITION: dict[str, object] = {
    "symbol": TICKER,
    "productType": "INTRADAY",
    "netQty": -65,
    "qty": 65,
    "dayBuyQty": 0,
    "daySellQty": 65,
    "cfBuyQty": 0,
    "cfSellQty": 0,
    "ltp": 120.5,
    "realized_profit": 0,
    "unrealized_profit": -13,
}
ROW: dict[str, object] = {
    "id": ID,
    "symbol": TICKER,
    "side": -1,
    "qty": 65,
    "filledQty": 65,
    "productType": "INTRADAY",
    "status": 2,
    "orderTag": "1:" + TAG,
    "message": "",
    "orderDateTime": "23-Nov-2026 09:34:38",
    "type": 2,
    "limitPrice": 120.5,
    "stopPrice": 0,
    "tradedPrice": 120.45,
}
