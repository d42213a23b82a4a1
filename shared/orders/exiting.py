"""An EXIT of several positions: of a symbol, or of everything of ours.

Ours is a contract and product that one of our orders opened and that was not flat
since. The list is stored in the alert's claim before the first close goes out; each
position is then closed under a claim of its own. A resend repeats what is not done and
never adds a position.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from shared.broker import read_book
from shared.errors import BadRequest, Problem, Unavailable
from shared.idempotency import Child, Reply, Stored, wording
from shared.models import (
    ALL,
    IST,
    PAPER,
    Alert,
    Contract,
    Deadline,
    OrderBook,
    OurOrder,
    Product,
    Wanted,
)
from shared.orders.building import named_product
from shared.orders.ports import SETTLE, Answer, Parts

CloseOne = Callable[[Alert, Contract], Answer]
"""Close one position as an alert of its own."""


def is_several(alert: Alert) -> bool:
    """Return whether an EXIT names no single contract."""
    return alert.strike is None


def list_positions(parts: Parts, alert: Alert, deadline: Deadline) -> tuple[Child, ...]:
    """Return what an EXIT closes, by one read of the account.

    An entry that may still be on its way to FYERS is listed too: its close waits for
    it, with 503 and a resend. Raises `BadRequest` `nothing_open`.
    """
    ours = _ours(parts, alert, deadline)
    turn = parts.broker.turn(2, deadline.minus(SETTLE))
    book = parts.fork(lambda: parts.broker.order_book(turn))
    try:
        positions = parts.broker.positions(turn)
    finally:
        book.exception()
    today = parts.clock().astimezone(IST).date()
    found: list[Child] = []
    for contract, orders in ours.items():
        one = read_book(contract.ticker, today, orders, book.result(), positions)
        coming = one.in_flight(parts.clock(), closes=False)
        products = _products(one, coming, alert)
        found += [Child(contract, product) for product in products]
    if found:
        return tuple(found)
    raise BadRequest(f"nothing of ours is open: {alert.words}", "nothing_open")


def _ours(
    parts: Parts, alert: Alert, deadline: Deadline
) -> dict[Contract, tuple[OurOrder, ...]]:
    """Return our orders by contract, narrowed to what the alert names."""
    expiry = _expiry(parts, alert, deadline)
    found: dict[Contract, tuple[OurOrder, ...]] = {}
    for stored in parts.claims.ledger(None, deadline.minus(SETTLE)):
        contract, our = stored.claim.contract, stored.claim.our_order
        if contract is None or our is None or is_paper(stored) is not parts.paper:
            continue
        if alert.symbol not in (ALL, contract.underlying):
            continue
        if alert.option_type not in (None, contract.option_type):
            continue
        if isinstance(alert.strike, Decimal) and alert.strike != contract.strike:
            continue
        if expiry not in (None, contract.expiry):
            continue
        found[contract] = (*found.get(contract, ()), our)
    return found


def is_paper(stored: Stored) -> bool:
    """Return whether a claim of the ledger is of the paper account."""
    return stored.claim.ledger.startswith(PAPER)


def _expiry(parts: Parts, alert: Alert, deadline: Deadline) -> date | None:
    if alert.expiry is None or isinstance(alert.expiry, date):
        return alert.expiry
    if alert.symbol == ALL:
        raise BadRequest(f"{alert.expiry} needs a symbol; name one, or a date")
    return parts.expiry(alert, deadline).day


def _products(
    book: OrderBook, coming: Iterable[OurOrder], alert: Alert
) -> Iterable[Product]:
    """Return the products to close: those our entries opened, or what became of them.

    A contract that is flat with an entry of ours still working is listed too: closing
    it cancels the entry. A BUY closes shorts only.
    """
    named = named_product(alert.product)
    opened = {our.order.product for our in book.ours if not our.closes}
    open_now = {
        product
        for product in Product
        if product in book.nets
        and (alert.side is None or book.open(alert.side, product))
    }
    working = {product for product in Product if _works(book, product)}
    working |= {our.order.product for our in coming}
    products = (opened & open_now) | working or open_now
    return sorted(product for product in products if named in (None, product))


def _works(book: OrderBook, product: Product) -> bool:
    return any(row.product == product for row in book.entries)


def child_alert(alert: Alert, parent: Stored, child: Child) -> Alert:
    """Return the alert that closes one of the positions.

    Its key holds the parent's mark: an equal EXIT an hour later closes anew.
    """
    text = f"{parent.key}:{parent.claim.mark}:{child.contract.ticker}:{child.product}"
    return replace(
        alert,
        symbol=child.contract.underlying,
        strike=child.contract.strike,
        option_type=child.contract.option_type,
        expiry=child.contract.expiry,
        product=Wanted(child.product),
        qty=None,
        lots=None,
        key=text,
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
    )


def close_all(
    parts: Parts, alert: Alert, stored: Stored, close_one: CloseOne
) -> list[Answer]:
    """Close every position of a stored list side by side; return their answers."""
    running = [
        parts.branch(
            lambda child=child: close_one(  # type: ignore[misc]  # bound per position
                child_alert(alert, stored, child), child.contract
            )
        )
        for child in stored.claim.children
    ]
    return [one.result() for one in running]


def together(answers: list[Answer], request_id: str) -> Reply:
    """Return the one reply: resendable first, then unknown, then placed, then refused.

    A 503 says that at least one close was not sent; those sent stay under their claims.
    """
    bodies = [json.loads(answer.reply.body) for answer in answers]
    statuses = [answer.reply.status for answer in answers]
    if any(status >= 500 for status in statuses):
        status, code = 503, Unavailable.code
        words = "not every position could be closed yet"
    elif any(status in (202, 409) for status in statuses):
        status, code = 202, "outcome_unknown"
        words = "FYERS may hold some of these orders; they are being settled"
    elif 200 in statuses:
        placed = sum(status == 200 for status in statuses)
        return wording.several(
            f"{placed} positions are being closed", bodies, request_id
        )
    else:
        first = next(body for body in bodies if not body["success"])
        status, code = statuses[0], str(first["code"])
        words = str(first["error"])
    problem = Problem(words)
    problem.status, problem.code = status, code
    return wording.failure(problem, request_id, bodies)
