"""From an alert and what FYERS says of the market to the one order it means.

A SELL opens a short, or reduces a long of its product. A BUY only closes a short, and
nothing that fits entries only may stop it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.broker import working_buys
from shared.errors import BadRequest
from shared.idempotency import Sending
from shared.models import (
    IST,
    Action,
    Alert,
    BookedOrder,
    Contract,
    Order,
    Position,
    Product,
    Wanted,
)
from shared.pricing import Exits, Percents, exits


@dataclass(frozen=True, slots=True)
class Terms:
    """The owner's settings that shape an order."""

    default_product: Product
    attach_exits: bool
    percents: Percents
    max_lots: int
    """Most lots in one order that opens a position."""


@dataclass(frozen=True, slots=True)
class Market:
    """What FYERS said of the contract and the account just now."""

    ltp: Decimal | None
    positions: tuple[Position, ...]
    book: tuple[BookedOrder, ...] = ()
    """The order book; read for a BUY only."""


@dataclass(frozen=True, slots=True)
class Times:
    """When the order goes out and when its call is certainly over."""

    now: datetime
    send_by: datetime


@dataclass(frozen=True, slots=True)
class _Size:
    qty: int
    product: Product
    attached: Exits
    covers: int = 0
    note: str = ""


def build(
    alert: Alert,
    contract: Contract,
    market: Market,
    terms: Terms,
    tag: str,
    times: Times,
) -> Sending:
    """Return the order an alert means; raise `BadRequest` where it means none."""
    levels = _levels(alert, contract, market.ltp, terms)
    if alert.action is Action.SELL and alert.product is Wanted.CO:
        levels = Exits(levels.stop, None)  # a cover order has no target to report
    if alert.action is Action.SELL:
        size = _sell(alert, contract, market, terms, levels)
    else:
        size = _buy(alert, contract, market)
    order = Order(
        ticker=contract.ticker,
        action=alert.action,
        qty=size.qty,
        product=size.product,
        tag=tag,
        stop_loss=size.attached.stop.distance if size.attached.stop else None,
        take_profit=size.attached.target.distance if size.attached.target else None,
    )
    return Sending(
        order=order,
        lot=contract.lot,
        ltp=market.ltp,
        stop_loss=levels.stop.level if levels.stop else None,
        take_profit=levels.target.level if levels.target else None,
        sent_at=times.now,
        send_by=times.send_by,
        day=times.now.astimezone(IST).date(),
        covers=size.covers,
        note=size.note,
    )


_NONE = Exits(None, None)


def _levels(
    alert: Alert, contract: Contract, ltp: Decimal | None, terms: Terms
) -> Exits:
    if ltp is not None:
        return exits(
            alert.action, ltp, contract.tick, terms.percents, alert.sl, alert.tp
        )
    if alert.action is Action.BUY:
        return _NONE  # a cover needs no price: no quote may keep a short open
    raise BadRequest(
        f"FYERS has no last traded price for {contract.ticker}", "ltp_unavailable"
    )


def _whole_lots(qty: int, contract: Contract) -> None:
    if qty % contract.lot:
        raise BadRequest(
            f"qty {qty} is not a multiple of the lot size {contract.lot} "
            f"of {contract.ticker}",
            "bad_quantity",
        )


def _sell(
    alert: Alert, contract: Contract, market: Market, terms: Terms, levels: Exits
) -> _Size:
    product = _product(alert.product) or terms.default_product
    qty = alert.qty or contract.lot
    _whole_lots(qty, contract)
    long = reduces(alert, contract, market, terms)
    if long:
        if qty > long:
            raise BadRequest(
                f"qty {qty} is more than the {product} long of {long} it would reduce",
                "bad_quantity",
            )
        return _Size(qty, product, _NONE)
    if qty > terms.max_lots * contract.lot:
        raise BadRequest(
            f"qty {qty} is more than {terms.max_lots} lot(s) of {contract.lot}, "
            "the most WEBHOOK_MAX_QTY allows",
            "bad_quantity",
        )
    return _Size(qty, product, _attached(alert.product, terms, levels))


def reduces(alert: Alert, contract: Contract, market: Market, terms: Terms) -> int:
    """Return the long, in contracts, that a SELL of this product would reduce."""
    product = _product(alert.product) or terms.default_product
    return sum(
        row.net_qty
        for row in market.positions
        if row.ticker == contract.ticker and row.product == product and row.net_qty > 0
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
        return levels
    return levels if terms.attach_exits else _NONE


def _product(wanted: Wanted | None) -> Product | None:
    """Return the product a word means since FYERS withdrew BO and CO."""
    if wanted is None:
        return None
    return Product.MARGIN if wanted is Wanted.MARGIN else Product.INTRADAY


def _buy(alert: Alert, contract: Contract, market: Market) -> _Size:
    product, short = _short(alert, contract, market.positions)
    working = working_buys(market.book, contract.ticker, product)
    open_short = short - sum(row.remaining for row in working)
    if open_short <= 0:
        raise BadRequest(
            f"the {product} short of {short} is already being covered by order "
            f"{working[0].order_id}",
            "already_covered",
        )
    if alert.qty is None or alert.qty > open_short:
        note = (
            f"quantity cut from {alert.qty} to the short of {open_short}"
            if alert.qty
            else ""
        )
        return _Size(open_short, product, _NONE, open_short, note)
    _whole_lots(alert.qty, contract)
    return _Size(alert.qty, product, _NONE, open_short)


def _short(
    alert: Alert, contract: Contract, positions: tuple[Position, ...]
) -> tuple[Product, int]:
    """Return the product and size, in contracts, of the short a BUY closes."""
    shorts = {
        Product(row.product): -row.net_qty
        for row in positions
        if row.ticker == contract.ticker
        and row.net_qty < 0
        and row.product in tuple(Product)
    }
    if not shorts:
        raise BadRequest(
            f"there is no short of {contract.ticker} to close", "no_short_position"
        )
    named = _product(alert.product)
    if named in shorts:
        return named, shorts[named]
    if len(shorts) > 1:
        raise BadRequest(
            f"{contract.ticker} is short in {' and '.join(sorted(shorts))}; "
            "name one in productType",
            "ambiguous_position",
        )
    return next(iter(shorts.items()))
