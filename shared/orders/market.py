"""What one delivery reads of FYERS before it decides, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from shared.broker import NotTaken, Turn, Unreadable, read_book
from shared.guardrails import Exposure
from shared.idempotency import Stored
from shared.models import (
    IST,
    Action,
    Contract,
    Deadline,
    Listing,
    OrderBook,
    OurOrder,
    Position,
    Quote,
)
from shared.orders.ports import SETTLE, Chosen, Parts

_QUICK = 0.4
"""Share of the time left that a close's quote may take."""


class Market(NamedTuple):
    """What FYERS said of the contract and the account just now."""

    contract: Contract
    quote: Quote | None
    positions: tuple[Position, ...]
    """Those of the contract."""
    account: Listing[Position]
    """All of them."""


def read_market(
    parts: Parts,
    choose: Callable[[Turn], Chosen],
    deadline: Deadline,
) -> tuple[Market, Turn]:
    """Read quote and positions in one round trip; the turn has a place for the order.

    `choose` reads the quote, and with it the contract where the price decides that.
    Raises `Unreadable`, `NotTaken`, or what `choose` raises.
    """
    turn = parts.broker.turn(3, deadline.minus(SETTLE))
    positions = parts.fork(lambda: parts.broker.positions(turn))
    try:
        chosen = choose(turn)
    finally:
        positions.exception()
    account = positions.result()
    mine = _of(chosen.contract, account)
    return Market(chosen.contract, chosen.quote, mine, account), turn


def _of(contract: Contract, listing: Listing[Position]) -> tuple[Position, ...]:
    if contract.ticker in listing.broken:
        raise Unreadable(f"FYERS sent a position of {contract.ticker} unreadably")
    return tuple(row for row in listing.rows if row.ticker == contract.ticker)


def read_close(
    parts: Parts,
    contract: Contract,
    ours: Iterable[OurOrder],
    deadline: Deadline,
    *,
    quoted: bool,
) -> tuple[OrderBook, Quote | None]:
    """Read order book and positions side by side, `quoted` with a quote beside them.

    No quote may stop a close: it does without rather than fail or wait for it. Raises
    `Unreadable` or `NotTaken`.
    """
    ours = tuple(ours)
    turn = parts.broker.turn(2, deadline.minus(SETTLE))
    book = parts.fork(lambda: parts.broker.order_book(turn))
    quote = parts.fork(
        lambda: _quick(parts, contract.ticker, deadline) if quoted else None
    )
    try:
        positions = parts.broker.positions(turn)
    finally:
        book.exception()
        quote.exception()
    today = parts.clock().astimezone(IST).date()
    return (
        read_book(contract.ticker, today, ours, book.result(), positions),
        quote.result(),
    )


def _quick(parts: Parts, ticker: str, deadline: Deadline) -> Quote | None:
    try:
        quick = deadline.within(deadline.left() * _QUICK)
        return parts.broker.quote(ticker, parts.broker.turn(1, quick))
    except (Unreadable, NotTaken):
        return None


def traded_before(side: Action, positions: Iterable[Position]) -> int:
    """Return the contracts of that side that positions show as traded today."""
    bought = side is Action.BUY
    return sum(row.day_bought if bought else row.day_sold for row in positions)


def exposure_of(ledger: Iterable[Stored], positions: Listing[Position]) -> Exposure:
    """Return what the guardrails judge; raise `Unreadable` for a row of ours."""
    ours: dict[str, tuple[OurOrder, ...]] = {}
    lots: dict[str, int] = {}
    for stored in ledger:
        our, contract = stored.claim.our_order, stored.claim.contract
        if our is not None and contract is not None:
            ours[stored.claim.mark] = (our,)
            lots[contract.ticker] = contract.lot
    if positions.broken & set(lots):
        raise Unreadable("FYERS sent a position of ours that cannot be read")
    return Exposure(positions.rows, ours, lots)
