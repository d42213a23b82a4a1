"""What FYERS refuses on `/orders/sync` before an order exists, word for word.

The texts and their codes are FYERS's (docs/fyers.md: Calls and refusals); where only
the sense is known, the nearest known text is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from simulator.contracts import Catalogue, Contract
from simulator.market import Market
from simulator.options import Options
from simulator.wire import Payload, Refused

LIMIT, MARKET, STOP, STOP_LIMIT = 1, 2, 3, 4
BUY, SELL = 1, -1
LIMITED, STOPPED = (LIMIT, STOP_LIMIT), (STOP, STOP_LIMIT)
LEAST_PRICE = Decimal("0.0025")
MOST = Decimal("1e9")
"""Rupees; far above any price, far below where decimals lose their ticks."""
TAG = re.compile(r"[A-Za-z0-9]{1,30}")
PRODUCTS = ("INTRADAY", "MARGIN")
"""Products of a derivative; CNC and MTF are for shares."""
KNOWN_PRODUCTS = (*PRODUCTS, "CNC", "MTF")
"""CO and BO went on 2 August 2026."""
BAD_PRODUCT = "productType must be one of the following: CNC, MARGIN, INTRADAY, MTF"


@dataclass(frozen=True, slots=True)
class Wish:
    """An order as asked for, checked."""

    contract: Contract
    qty: int
    type: int
    side: int
    product: str
    limit_price: Decimal
    stop_price: Decimal
    validity: str = "DAY"
    offline: bool = False
    stop_loss: Decimal = Decimal(0)
    """Distance from the fill, points or percent by `leg_type`."""
    take_profit: Decimal = Decimal(0)
    leg_type: int = 1
    tag: str = ""


def invalid(message: str = "Invalid input", **extra: object) -> Refused:
    """Return the 400/-50 with one of FYERS's texts."""
    return Refused(400, -50, message, dict(extra))


def not_allowed(options: Options) -> Refused:
    """Return the refusal of an app (or IP) that may not place orders."""
    return invalid(
        "Request rejected: Order placement restricted. "
        f"Algo orders are not allowed from this app {options.app_id}"
    )


def check_order(
    body: Payload, catalogue: Catalogue, market: Market, options: Options
) -> Wish:
    """Return the order a body asks for; raise `Refused` as FYERS does."""
    symbol = _text(body, "symbol")
    if not symbol:
        raise invalid("symbol: String length must be greater than or equal to 1")
    qty, kind, side = (whole(body.get(name)) for name in ("qty", "type", "side"))
    product, validity = _text(body, "productType"), _text(body, "validity")
    offline = body.get("offlineOrder")
    if whole(body.get("disclosedQty")) != 0 or not isinstance(offline, bool):
        raise invalid()
    if product not in KNOWN_PRODUCTS:
        raise invalid(BAD_PRODUCT)
    if kind not in (LIMIT, MARKET, STOP, STOP_LIMIT) or side not in (BUY, SELL):
        raise invalid()
    if product not in PRODUCTS or validity not in ("DAY", "IOC"):
        raise invalid()
    contract = catalogue.find(symbol)
    if contract is None:
        raise invalid("The input symbol is invalid.")
    wish = Wish(
        contract=contract,
        qty=qty,
        type=kind,
        side=side,
        product=product,
        limit_price=number(body.get("limitPrice")),
        stop_price=number(body.get("stopPrice")),
        validity=validity,
        offline=offline,
        stop_loss=number(body.get("stopLoss", 0)),
        take_profit=number(body.get("takeProfit", 0)),
        leg_type=whole(body.get("legType", 1)),
        tag=_tag(body, options),
    )
    check_quantity(wish.qty, contract)
    check_prices(wish, market)
    _check_exits(wish)
    return wish


def check_quantity(qty: int, contract: Contract) -> None:
    """Refuse a quantity below one or that is no multiple of the lot."""
    if qty < 1:
        raise invalid("qty: Must be greater than or equal to 1")
    if qty % contract.lot:
        raise invalid(f"{qty} not a multiple of minimum lot size {contract.lot}")


def check_prices(wish: Wish, market: Market) -> None:
    """Refuse prices that do not fit the order's type, its tick or the market."""
    for name, price, wanted in (
        ("limitPrice", wish.limit_price, wish.type in LIMITED),
        ("stopPrice", wish.stop_price, wish.type in STOPPED),
    ):
        if wanted and price < LEAST_PRICE:
            raise invalid(f"{name}: Must be greater than or equal to {LEAST_PRICE}")
        if not wanted and price:
            raise invalid(f"{name} does not match: 0")
    check_tick("LimitPrice", wish.limit_price, wish.contract)
    check_tick("StopPrice", wish.stop_price, wish.contract)
    if wish.type in STOPPED:
        _check_stop(wish, market)


def check_tick(name: str, price: Decimal, contract: Contract) -> None:
    """Refuse a price that is no multiple of the tick."""
    if price % contract.tick:
        raise invalid(f"{name} not a multiple of tick size {contract.tick:.4f}")


def number(value: object) -> Decimal:
    """Return a JSON number, never a string or a bool; raise -50 otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid()
    found = Decimal(str(value))
    if not found.is_finite() or abs(found) > MOST:
        raise invalid()
    return found


def whole(value: object) -> int:
    """Return a JSON integer; raise -50 otherwise."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid()
    return value


def _check_stop(wish: Wish, market: Market) -> None:
    side = "BUY" if wish.side == BUY else "SELL"
    beyond = (wish.limit_price - wish.stop_price) * wish.side
    if wish.type == STOP_LIMIT and beyond <= 0:
        word = "greater" if wish.side == BUY else "less"
        raise invalid(f"limitPrice should be {word} than stopPrice for side {side}")
    prices = market.prices(wish.contract.ticker)
    if prices and (wish.stop_price - prices.last) * wish.side < 0:
        word = "greater" if wish.side == BUY else "less"
        raise invalid(f"stopPrice should be {word} than LTP for side {side}")


def _check_exits(wish: Wish) -> None:
    if wish.leg_type not in (1, 2) or min(wish.stop_loss, wish.take_profit) < 0:
        raise invalid()
    if wish.leg_type == 1:
        check_tick("StopLoss", wish.stop_loss, wish.contract)
        check_tick("TakeProfit", wish.take_profit, wish.contract)


def _text(body: Payload, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise invalid()
    return value


def _tag(body: Payload, options: Options) -> str:
    tag = body.get("orderTag", "")
    if tag == "":
        return ""
    reserved = (options.fy_id, "Untagged")
    if not isinstance(tag, str) or not TAG.fullmatch(tag) or tag in reserved:
        raise invalid()
    return tag
