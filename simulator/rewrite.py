"""`PATCH /orders/sync`: what a working order asks for after a change."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from simulator.book import Order
from simulator.market import Market
from simulator.rules import (
    LIMIT,
    MARKET,
    STOP,
    STOP_LIMIT,
    Wish,
    check_prices,
    check_quantity,
    check_tick,
    invalid,
    number,
    whole,
)
from simulator.wire import Payload


def rewritten(order: Order, body: Payload, market: Market) -> Wish:
    """Return the changed order; raise `Refused` with FYERS's texts.

    `type` is required: without it a limit price draws `limitPrice does not match: 0`.
    What is left out is kept; an exit distance of 0 or null is removed.
    """
    old = order.wish
    if "type" not in body:
        if body.get("limitPrice"):
            raise invalid("limitPrice does not match: 0")
        raise invalid()
    kind = whole(body["type"])
    if kind not in (LIMIT, MARKET, STOP, STOP_LIMIT):
        raise invalid()
    zero = Decimal(0)
    kept = old
    if kind != old.type:
        kept = replace(old, limit_price=zero, stop_price=zero)
    wish = replace(
        old,
        type=kind,
        qty=whole(body.get("qty", old.qty)),
        limit_price=_price(body, "limitPrice", kept.limit_price),
        stop_price=_price(body, "stopPrice", kept.stop_price),
        stop_loss=_distance(body, "stopLoss", old.stop_loss),
        take_profit=_distance(body, "takeProfit", old.take_profit),
    )
    check_quantity(wish.qty, wish.contract)
    if wish.qty <= order.filled:
        raise invalid()
    check_prices(wish, market)
    check_tick("StopLoss", wish.stop_loss, wish.contract)
    check_tick("TakeProfit", wish.take_profit, wish.contract)
    return wish


def _price(body: Payload, name: str, kept: Decimal) -> Decimal:
    return number(body[name]) if name in body else kept


def _distance(body: Payload, name: str, kept: Decimal) -> Decimal:
    if name not in body:
        return kept
    return Decimal(0) if body[name] is None else number(body[name])
