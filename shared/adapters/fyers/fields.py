"""Orders and changes as FYERS's JSON (docs/fyers.md: Orders and exits)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from shared.models import Action, BookedOrder, Order

SLICED_ABOVE = 500
"""Contracts; below the freeze quantity of every contract, so that no smaller order is
sliced. FYERS knows each freeze quantity itself and answers with an id per slice."""


def of_order(order: Order) -> Mapping[str, object]:
    """Return the JSON of POST /orders/sync for a market order, exits if it has any."""
    exits: dict[str, object] = {}
    if order.stop_loss is not None:
        exits["stopLoss"] = _number(order.stop_loss)
    if order.take_profit is not None:
        exits["takeProfit"] = _number(order.take_profit)
    if exits:
        exits["legType"] = 1  # distances in points, not percent
    return {
        "symbol": order.ticker,
        "qty": order.qty,
        "type": 2,
        "side": 1 if order.action is Action.BUY else -1,
        "productType": str(order.product),
        "limitPrice": 0,
        "stopPrice": 0,
        "validity": "DAY",
        "disclosedQty": 0,
        "offlineOrder": False,
        "orderTag": order.tag,
        **({"isSliceOrder": True} if order.qty > SLICED_ABOVE else {}),
        **exits,
    }


def of_resize(order: BookedOrder, qty: int) -> Mapping[str, object]:
    """Return the JSON of PATCH /orders/sync: a price only where the type wants one."""
    limit = order.limit_price if order.order_type in (1, 4) else Decimal(0)
    stop = order.stop_price if order.order_type in (3, 4) else Decimal(0)
    return {
        "id": order.order_id,
        "type": order.order_type,
        "qty": qty,
        "limitPrice": _number(limit),
        "stopPrice": _number(stop),
    }


def _number(value: Decimal) -> int | float:
    """Return a price as JSON writes it: a float's shortest text is the same decimal."""
    return int(value) if value == value.to_integral_value() else float(value)
