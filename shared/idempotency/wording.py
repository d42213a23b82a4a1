"""What callers and the owner read: reply bodies and notices.

Words a trader uses, what happened first, what to do second.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from shared.errors import Problem
from shared.idempotency.claim import Claim, Followed, Reply, Sending
from shared.models import Alert, Notice, Placed, Severity

Json = str | int | float | bool | None | Mapping[str, "Json"]


def success(sending: Sending, placed: Placed, request_id: str, note: str = "") -> Reply:
    """Return the reply for an accepted order, prices as JSON numbers."""
    order = sending.order
    notes = "; ".join(text for text in (sending.note, note) if text)
    return _reply(
        200,
        {
            "success": True,
            "message": f"order placed; {notes}" if notes else "order placed",
            "order_id": placed.order_id,
            "symbol": order.ticker,
            "action": order.action,
            "qty": order.qty,
            "product_type": order.product,
            "ltp": _number(sending.ltp),
            "stop_loss": _number(sending.stop_loss),
            "take_profit": _number(sending.take_profit),
            "order_response": {
                "s": "ok",
                "code": 1101,
                "message": placed.message,
                "id": placed.order_id,
            },
            "request_id": request_id,
        },
    )


def failure(problem: Problem, request_id: str) -> Reply:
    """Return the reply for a problem."""
    return _reply(
        problem.status,
        {
            "success": False,
            "error": problem.message,
            "code": problem.code,
            "request_id": request_id,
        },
    )


def _reply(status: int, body: Mapping[str, Json]) -> Reply:
    return Reply(status, json.dumps(body))


def _number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)


def about_alert(
    event: str,
    message: str,
    alert: Alert,
    at: datetime,
    request_id: str,
    severity: Severity = Severity.ERROR,
) -> Notice:
    """Return a notice on an alert that has no claim to hang it on."""
    return Notice(
        message=f"{alert.words}: {message}",
        severity=severity,
        event=event,
        at=at,
        request_id=request_id,
        contract=f"{alert.symbol} {alert.strike.normalize():f} {alert.option_type}",
        side=alert.action,
        quantity=alert.qty,
    )


def about_claim(
    event: str,
    message: str,
    claim: Claim,
    at: datetime,
    severity: Severity = Severity.ERROR,
) -> Notice:
    """Return a notice on a claim, naming its order where it has one."""
    order = claim.sending.order if claim.sending else None
    return Notice(
        message=f"{describe(claim)}: {message}",
        severity=severity,
        event=event,
        at=at,
        request_id=claim.request_id,
        contract=order.ticker if order else claim.what.partition(" ")[2],
        side=order.action if order else claim.what.partition(" ")[0],
        quantity=order.qty if order else None,
    )


def about_order(
    event: str,
    message: str,
    followed: Followed,
    at: datetime,
    severity: Severity = Severity.WARNING,
) -> Notice:
    """Return a notice on an order that was accepted, or may have been."""
    order = followed.order
    return Notice(
        message=f"{order.action} {order.qty} {order.ticker} {order.product}: {message}",
        severity=severity,
        event=event,
        at=at,
        request_id=followed.request_id,
        contract=order.ticker,
        side=order.action,
        quantity=order.qty,
    )


def describe(claim: Claim) -> str:
    """Return the claim's order in words: `SELL 65 NSE:NIFTY… INTRADAY`."""
    if claim.sending is None:
        return claim.what
    order = claim.sending.order
    return f"{order.action} {order.qty} {order.ticker} {order.product}"
