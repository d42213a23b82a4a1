"""From an alert and what FYERS says of the market to the one order it means.

A SELL opens a short, or reduces a long of its product. A LONG opens a long. What closes
a position has its quantity decided by the closing lane; here it only becomes an order.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from shared.errors import BadRequest
from shared.idempotency import Slip
from shared.models import (
    IST,
    Action,
    Alert,
    Contract,
    Order,
    Position,
    Product,
    Quote,
    Verb,
    Wanted,
)
from shared.pricing import Exits, Percents, exits, live_price


class Terms(NamedTuple):
    """The owner's settings that shape an order."""

    default_product: Product
    attach_exits: bool
    percents: Percents
    max_lots: int
    """Most lots in one order that opens a position."""


class Times(NamedTuple):
    """When the order goes out and when its call is certainly over."""

    now: datetime
    send_by: datetime


class Size(NamedTuple):
    """What a close was decided to be."""

    side: Action
    product: Product
    qty: int
    """Contracts."""
    note: str = ""


NO_EXITS = Exits(None, None)


def build_entry(
    alert: Alert,
    contract: Contract,
    quote: Quote | None,
    terms: Terms,
    tag: str,
    times: Times,
) -> Slip:
    """Return the order that opens a position; raise `BadRequest` where there is none.

    The reply's levels are those of the exits that the order carries.
    """
    side = Action.BUY if alert.verb is Verb.LONG else Action.SELL
    price = live(quote)
    if price is None:
        raise BadRequest(
            f"FYERS has no last traded price for {contract.ticker}", "ltp_unavailable"
        )
    found = exits(side, price, contract.tick, terms.percents, alert.sl, alert.tp)
    attached = _attached(alert.product, terms, found)
    order = Order(
        ticker=contract.ticker,
        action=side,
        qty=entry_qty(alert, contract, terms),
        product=named_product(alert.product) or terms.default_product,
        tag=tag,
        stop_loss=attached.stop.distance if attached.stop else None,
        take_profit=attached.target.distance if attached.target else None,
    )
    return _slip(order, price, attached, times)


def build_close(
    alert: Alert,
    contract: Contract,
    quote: Quote | None,
    terms: Terms,
    size: Size,
    tag: str,
    times: Times,
) -> Slip:
    """Return the order of a close; it carries no exits and no quote may stop it.

    A BUY's levels are still told, as of the quote, if there is one.
    """
    order = Order(
        ticker=contract.ticker,
        action=size.side,
        qty=size.qty,
        product=size.product,
        tag=tag,
    )
    price, levels = live(quote), NO_EXITS
    if price is not None and alert.verb is Verb.BUY:
        levels = exits(
            Action.BUY,
            price,
            contract.tick,
            terms.percents,
            alert.sl,
            alert.tp,
            entry=False,
        )
    return _slip(order, price, levels, times, closes=True, note=size.note)


def live(quote: Quote | None) -> Decimal | None:
    """Return the price that is alive now, rupees, None without a quote."""
    return live_price(quote) if quote else None


def _slip(
    order: Order,
    price: Decimal | None,
    levels: Exits,
    times: Times,
    *,
    closes: bool = False,
    note: str = "",
) -> Slip:
    return Slip(
        order=order,
        ltp=price,
        stop_loss=levels.stop.level if levels.stop else None,
        take_profit=levels.target.level if levels.target else None,
        sent_at=times.now,
        send_by=times.send_by,
        day=times.now.astimezone(IST).date(),
        closes=closes,
        note=note,
    )


def entry_qty(alert: Alert, contract: Contract, terms: Terms) -> int:
    """Return an entry's contracts; raise `BadRequest` for no whole lots or too many."""
    qty = alert.contracts(contract.lot) or contract.lot
    if qty % contract.lot:
        raise BadRequest(
            f"qty {qty} is not a multiple of the lot size {contract.lot} "
            f"of {contract.ticker}",
            "bad_quantity",
        )
    if qty > terms.max_lots * contract.lot:
        raise BadRequest(
            f"qty {qty} is more than {terms.max_lots} lot(s) of {contract.lot}, "
            "the most WEBHOOK_MAX_QTY allows",
            "bad_quantity",
        )
    return qty


def reduces(
    alert: Alert, contract: Contract, positions: tuple[Position, ...], terms: Terms
) -> bool:
    """Return whether a SELL of this product reduces a long of the contract."""
    product = named_product(alert.product) or terms.default_product
    return any(
        row.ticker == contract.ticker and row.product == product and row.net_qty > 0
        for row in positions
    )


def _attached(wanted: Wanted | None, terms: Terms, levels: Exits) -> Exits:
    """Return the exits an entry carries; BO and CO insist on theirs."""
    if wanted is Wanted.BO:
        if levels.stop is None or levels.target is None:
            raise BadRequest(
                "a BO needs a stop and a target; the target is below a tick"
            )
        return levels
    if wanted is Wanted.CO:
        return Exits(levels.stop, None)  # a cover order has no target
    return levels if terms.attach_exits else NO_EXITS


def named_product(wanted: Wanted | None) -> Product | None:
    """Return the product a word means since FYERS withdrew BO and CO."""
    if wanted is None:
        return None
    return Product.MARGIN if wanted is Wanted.MARGIN else Product.INTRADAY
