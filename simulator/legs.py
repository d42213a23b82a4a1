"""Exit legs: what an entry's `stopLoss` and `takeProfit` distances become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from simulator.book import Order
from simulator.market import to_tick
from simulator.rules import LIMIT, STOP_LIMIT, Wish

STOP_ROOM = Decimal("0.05")
"""How far beyond its trigger the limit of a stop-limit leg lies, of the price."""


def exit_wishes(entry: Order, qty: int, stop_type: int) -> Iterator[tuple[str, Wish]]:
    """Yield `stop` and `target` orders for contracts an entry just traded."""
    wish = entry.wish
    tick, price, back = wish.contract.tick, entry.average, -wish.side

    def level(distance: Decimal, direction: int) -> Decimal:
        points = price * distance / 100 if wish.leg_type == 2 else distance
        return max(tick, to_tick(price + direction * points, tick))

    leg = replace(
        wish,
        qty=qty,
        side=back,
        stop_loss=Decimal(0),
        take_profit=Decimal(0),
        limit_price=Decimal(0),
        stop_price=Decimal(0),
    )
    if wish.stop_loss:
        stop = level(wish.stop_loss, back)
        limit = Decimal(0)
        if stop_type == STOP_LIMIT:
            room = max(tick, to_tick(stop * STOP_ROOM, tick))
            limit = max(tick, stop + back * room)
        yield "stop", replace(leg, type=stop_type, stop_price=stop, limit_price=limit)
    if wish.take_profit:
        target = level(wish.take_profit, wish.side)
        yield "target", replace(leg, type=LIMIT, limit_price=target)
