"""`POST /orders/sync`: one order, or the slices of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulator.book import REJECTED, Order
from simulator.exchange import Exchange
from simulator.faults import Fault
from simulator.rules import Wish, check_order, invalid, not_allowed
from simulator.several import item
from simulator.wire import Payload, Reply, encode, ok

MOST_SLICES = 10
UNCLEAR = "Something went wrong. Please contact support"


def place_order(exchange: Exchange, body: Payload, fault: Fault | None) -> Reply:
    """Place what a body asks for; raise `Refused` as FYERS does."""
    options = exchange.options
    if not options.orders_allowed:
        raise not_allowed(options)
    wish = check_order(body, exchange.market.catalogue, exchange.market, options)
    sliced = body.get("isSliceOrder", False)
    if not isinstance(sliced, bool):
        raise invalid()
    kind = fault.kind if fault else ""
    if kind == "unclear_lost":
        return _refused(exchange.refused_id(), UNCLEAR)
    if sliced:
        return _place_slices(exchange, wish, fault)
    order = _placed(exchange, wish, fault)
    return _refused(order.id, UNCLEAR) if kind == "unclear_taken" else _said(order)


def _place_slices(exchange: Exchange, wish: Wish, fault: Fault | None) -> Reply:
    options = exchange.options
    parts = list(_parts(wish, exchange.market.catalogue.freeze(wish.contract)))
    if len(parts) > MOST_SLICES:
        raise invalid()
    replies = []
    for number, part in enumerate(parts):
        if not options.slice_tags:
            part = replace(part, tag="")
        refused = Fault(kind="rms") if number in options.slice_refused else fault
        replies.append(_said(_placed(exchange, part, refused)))
    if len(replies) == 1 and options.single_slice == "plain":
        return replies[0]
    # FYERS's sample of this reply has neither an `s` nor an id of its own.
    body = {
        "code": 1101,
        "message": "Order Slice placed successfully",
        "data": [item(reply) for reply in replies],
    }
    return Reply(200, encode(body))


def _parts(wish: Wish, freeze: int) -> Iterator[Wish]:
    """Yield slices of whole lots up to the freeze quantity."""
    lot, left = wish.contract.lot, wish.qty
    most = max(lot, freeze // lot * lot)
    while left > 0:
        yield replace(wish, qty=min(most, left))
        left -= most


def _placed(exchange: Exchange, wish: Wish, fault: Fault | None) -> Order:
    if fault is None:
        return exchange.place(wish)
    return exchange.place(wish, fault.kind, message=fault.message, later=fault.delay)


def _said(order: Order) -> Reply:
    if order.status == REJECTED:
        return _refused(order.id, order.message)
    return ok(1101, "Successfully placed order", id=order.id)


def _refused(order_id: str, message: str) -> Reply:
    """Return 200 with -99 and an id."""
    body = {"code": -99, "message": message, "s": "error", "id": order_id}
    return Reply(200, encode(body))
