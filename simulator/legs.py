"""Exit legs: what an entry's `stopLoss` and `takeProfit` distances become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from simulator.book import Order
from simulator.market import to_tick
from simulator.options import OWN, TAG_CUT, Options
from simulator.rules import LIMIT, MARKET, STOP_LIMIT, Wish

STOP_ROOM = Decimal("0.05")
"""How far beyond its trigger the limit of a stop-limit leg lies, of the price."""


def exit_wishes(entry: Order, qty: int, options: Options) -> Iterator[tuple[str, Wish]]:
    """Yield `stop` and `target` orders for contracts an entry just traded."""
    wish, shape = entry.wish, options.legs
    tick, price, back = wish.contract.tick, entry.average, -wish.side

    def level(distance: Decimal, direction: int, offset: Decimal) -> Decimal:
        points = price * distance / 100 if wish.leg_type == 2 else distance
        return max(tick, to_tick(price + direction * points + offset, tick))

    leg = replace(
        wish,
        qty=max(1, qty + shape.qty_offset),
        side=back,
        stop_loss=Decimal(0),
        take_profit=Decimal(0),
        limit_price=Decimal(0),
        stop_price=Decimal(0),
    )
    if wish.stop_loss:
        kind = shape.stop_type or options.stop_leg_type
        at = level(wish.stop_loss, back, shape.stop_offset)
        yield "stop", _priced(leg, kind, at)
    if wish.take_profit:
        at = level(wish.take_profit, wish.side, shape.target_offset)
        yield "target", _priced(leg, shape.target_type or LIMIT, at)


def _priced(leg: Wish, kind: int, at: Decimal) -> Wish:
    """Return a leg of a type whose one price, or whose trigger, is given."""
    if kind == LIMIT:
        return replace(leg, type=kind, limit_price=at)
    if kind == MARKET:
        return replace(leg, type=kind)
    limit, tick = Decimal(0), leg.contract.tick
    if kind == STOP_LIMIT:
        room = max(tick, to_tick(at * STOP_ROOM, tick))
        limit = max(tick, at + leg.side * room)
    return replace(leg, type=kind, stop_price=at, limit_price=limit)


def dress(leg: Order, entry: Order, options: Options) -> None:
    """Give a leg's row the words the options want."""
    shape = options.legs
    leg.product = shape.product
    leg.shown_parent = entry.shown_id if shape.parent == OWN else shape.parent
    leg.tag = entry.tag if options.tagged_legs else "2:"
    if shape.tag != OWN:
        leg.tag = shape.tag


def book_tag(tag: str, options: Options) -> str:
    """Return what the book makes of the tag of an order."""
    if not tag:
        return options.untagged
    if options.tag_form in ("cut", "upper_cut"):
        tag = tag[:TAG_CUT]
    return f"1:{tag.upper() if options.tag_form.startswith('upper') else tag}"
