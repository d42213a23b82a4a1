"""What one delivery reads of the market, side by side, before it decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from shared.broker import NotTaken, Turn, Unreadable
from shared.models import Action, Alert, Contract, Deadline
from shared.orders.building import Market, reduces
from shared.orders.ports import SETTLE, Parts

_QUICK = 0.4
"""Share of the time left that a cover's quote may take."""


def read_market(
    parts: Parts,
    alert: Alert,
    contract: Contract,
    deadline: Deadline,
    close_alone: Callable[[Contract], None],
) -> tuple[Market, Turn]:
    """Read quote and positions, for a BUY the order book too, in one round trip.

    What closes a position first becomes the only one to do so, and only then reads how
    large it is. The turn has a place left for the order. Raises `Unreadable`,
    `NotTaken`, or what `close_alone` raises.
    """
    buying = alert.action is Action.BUY
    if buying:
        close_alone(contract)
    turn = parts.broker.turn(3, deadline.minus(SETTLE))
    positions = parts.fork(lambda: parts.broker.positions(turn))
    book = parts.fork(lambda: parts.broker.order_book(turn) if buying else ())
    try:
        ltp = _ltp(parts, contract.ticker, turn, deadline if buying else None)
    finally:
        positions.exception()
        book.exception()
    market = Market(ltp, positions.result(), book.result())
    if not buying and reduces(alert, contract, market, parts.terms):
        close_alone(contract)
        market = replace(market, positions=parts.broker.positions(turn))
    return market, turn


def _ltp(
    parts: Parts, ticker: str, turn: Turn, cover_by: Deadline | None
) -> Decimal | None:
    """Return the LTP; a cover does without rather than fail or wait for it."""
    if cover_by is None:
        return parts.broker.ltp(ticker, turn)
    try:
        quick = cover_by.within(cover_by.left() * _QUICK)
        return parts.broker.ltp(ticker, parts.broker.turn(1, quick))
    except (Unreadable, NotTaken):
        return None
