"""The risk system's refusals: freeze quantity and margin, as `RED:` texts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from simulator.rules import BUY

if TYPE_CHECKING:
    from simulator.book import Order
    from simulator.exchange import Exchange

SHORT_SHARE = Decimal("0.12")
"""Margin of a short option or a future, of strike × quantity; a rough model."""


def refusal_text(fy_id: str) -> str:
    """Return a margin refusal as FYERS words it, amounts made up."""
    return (
        "RED:Margin Shortfall:INR 2,78,806.74 Available:INR 1,193.26 "
        f"for C-{fy_id} [FYERS_RISK_CUG]"
    )


def shortfall(exchange: Exchange, order: Order) -> str:
    """Return why the risk system refuses an order, empty if it does not."""
    wish, contract = order.wish, order.wish.contract
    freeze = exchange.market.catalogue.freeze(contract)
    if wish.qty > freeze:
        return f"RED:RULE:{{Check Freeze qty}}Current:{wish.qty} Set:{freeze + 1}"
    held = exchange.net(contract.ticker, wish.product)
    opening = max(0, wish.qty - max(0, -held * wish.side))
    prices = exchange.market.prices(contract.ticker)
    if not opening or prices is None:
        return ""
    if wish.side == BUY and contract.strike is not None:
        needed = prices.ask * opening
    else:
        needed = SHORT_SHARE * (contract.strike or prices.last) * opening
    left = exchange.options.funds - used(exchange)
    if needed <= left:
        return ""
    return (
        f"RED:Margin Shortfall:INR {rupees(needed - left)} "
        f"Available:INR {rupees(max(left, Decimal(0)))} "
        f"for C-{exchange.options.fy_id} [FYERS_RISK_CUG]"
    )


def used(exchange: Exchange) -> Decimal:
    """Return the margin the open positions hold, rupees."""
    total = Decimal(0)
    for position in exchange.positions:
        strike = position.contract.strike or Decimal(0)
        total += SHORT_SHARE * strike * max(0, -position.net)
    return total


def rupees(amount: Decimal) -> str:
    """Return an amount with Indian grouping: 2,78,806.74."""
    units, _, paise = f"{amount:.2f}".partition(".")
    head, tail = units[:-3], units[-3:]
    groups = [tail]
    while head:
        head, group = head[:-2], head[-2:]
        groups.insert(0, group)
    return f"{','.join(groups)}.{paise}"
