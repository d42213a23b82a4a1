"""Whether an entry meets a position or a working order of the other sign."""

from __future__ import annotations

from shared.broker import read_book
from shared.errors import BadRequest, Unavailable
from shared.idempotency import Stored
from shared.models import (
    IST,
    PAPER,
    Action,
    Alert,
    Contract,
    Deadline,
    Listing,
    Verb,
)
from shared.orders.market import Market, read_close
from shared.orders.ports import Parts


def meets_long(
    parts: Parts,
    alert: Alert,
    contract: Contract,
    market: Market,
    ledger: tuple[Stored, ...],
    deadline: Deadline,
) -> bool:
    """Return whether a SELL would reduce a long that positions do not show yet.

    Raises `BadRequest` where an entry would stand beside a position or a working order
    of the other sign. The order book is read only if our claims say that an order of
    ours may have opened one.
    """
    against = Action.SELL if alert.verb is Verb.LONG else Action.BUY
    ours = tuple(
        one
        for stored in ledger
        if stored.claim.ledger == contract.ticker and (one := stored.claim.our_order)
    )
    entries = [our for our in ours if not our.closes and our.order.action is against]
    if not entries and alert.verb is not Verb.LONG:
        return False
    if entries:
        book, _ = read_close(parts, contract, ours, deadline, quoted=False)
    else:
        today = parts.clock().astimezone(IST).date()
        listing = Listing(market.positions)
        book = read_book(contract.ticker, today, ours, Listing(()), listing)
    if any(our in entries for our in book.in_flight(parts.clock(), closes=False)):
        raise Unavailable("an entry of the other side is still on its way to FYERS")
    if alert.verb is Verb.SELL and book.open(Action.SELL):
        return True
    works = any(row.action is against for row in book.entries)
    # `open` asks by the side that would close what `against` opened.
    if works or (alert.verb is Verb.LONG and book.open(Action.BUY)):
        what = "short" if against is Action.SELL else "long"
        raise BadRequest(
            f"there is an open or working {what} of {contract.ticker}; close it first",
            "opposite_position",
        )
    return False


def refuse_elsewhere(
    parts: Parts, alert: Alert, contract: Contract, ledger: tuple[Stored, ...]
) -> None:
    """Refuse a SELL whose contract is held long in the other account.

    It may mean to close that LONG, and would open a short here: paper never becomes
    real, and a real position is never left open by a paper order.
    """
    if alert.verb is not Verb.SELL:
        return
    name = contract.ticker.removeprefix(PAPER)
    other = name if parts.paper else f"{PAPER}{name}"
    for stored in ledger:
        our = stored.claim.our_order
        if our is None or our.closes or our.order.action is not Action.BUY:
            continue
        if stored.claim.ledger == other:
            here, there = ("on paper", "real") if parts.paper else ("real", "paper")
            raise BadRequest(
                f"a {there} LONG of {name} is open, and this SELL is {here}: it would "
                "open a short beside it. Close the LONG with EXIT first",
                "opposite_position",
            )
