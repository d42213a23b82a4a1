"""The risk system's refusals: freeze quantity and margin, as `RED:` texts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from simulator.market import Prices
from simulator.positions import Position
from simulator.rules import BUY, Wish

SHORT_SHARE = Decimal("0.12")
"""Margin of a short option or a future, of strike × quantity; a rough model."""


def refusal_text(fy_id: str) -> str:
    """Return a margin refusal as FYERS words it, amounts made up."""
    return (
        "RED:Margin Shortfall:INR 2,78,806.74 Available:INR 1,193.26 "
        f"for C-{fy_id} [FYERS_RISK_CUG]"
    )


def beyond_freeze(qty: int, freeze: int) -> str:
    """Return the refusal of a quantity above the freeze, empty if it is not."""
    if qty <= freeze:
        return ""
    return f"RED:RULE:{{Check Freeze qty}}Current:{qty} Set:{freeze + 1}"


def shortfall(
    wish: Wish, held: int, prices: Prices | None, left: Decimal, fy_id: str
) -> str:
    """Return the refusal of an order beyond the margin, empty if it is not.

    `held` are the contracts of its position, `left` the rupees available.
    """
    contract = wish.contract
    opening = max(0, wish.qty - max(0, -held * wish.side))
    if not opening or prices is None:
        return ""
    if wish.side == BUY and contract.strike is not None:
        needed = prices.ask * opening
    else:
        needed = SHORT_SHARE * (contract.strike or prices.last) * opening
    if needed <= left:
        return ""
    return (
        f"RED:Margin Shortfall:INR {rupees(needed - left)} "
        f"Available:INR {rupees(max(left, Decimal(0)))} "
        f"for C-{fy_id} [FYERS_RISK_CUG]"
    )


def used(positions: Iterable[Position]) -> Decimal:
    """Return the margin the open positions hold, rupees."""
    total = Decimal(0)
    for position in positions:
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
