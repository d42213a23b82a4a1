"""What callers and the owner read: reply bodies and notices.

Words a trader uses, what happened first, what to do second.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from shared.errors import Problem, failure_body
from shared.idempotency.claim import Claim, Reply, Slip
from shared.models import IST, PAPER, Alert, Notice, Placed, Severity

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


def success(claim: Claim, slip: Slip, placed: Placed, note: str = "") -> Reply:
    """Return the reply for an accepted order, prices as JSON numbers."""
    order, contract = slip.order, claim.contract
    ticker = order.ticker.removeprefix(PAPER)
    paper = ticker != order.ticker
    placed_words = "PAPER order placed" if paper else "order placed"
    refused = "; ".join(f"a part was refused: {words}" for words in placed.refused)
    notes = "; ".join(text for text in (slip.note, note, refused) if text)
    return _reply(
        200,
        {
            "success": True,
            "message": f"{placed_words}; {notes}" if notes else placed_words,
            "order_id": placed.order_id,
            "symbol": ticker,
            **({"expiry": contract.expiry.isoformat()} if contract else {}),
            "action": order.action,
            "qty": order.qty,
            "product_type": order.product,
            "ltp": _number(slip.ltp),
            "stop_loss": _number(slip.stop_loss),
            "take_profit": _number(slip.take_profit),
            "order_response": {
                "s": "ok",
                "code": 1101,
                "message": placed.message,
                "id": placed.order_id,
                **({"ids": list(placed.slices)} if placed.slices else {}),
            },
            **({"note": notes} if notes else {}),
            **({"paper": True} if paper else {}),
            "request_id": claim.request_id,
        },
    )


def failure(
    problem: Problem, request_id: str, orders: Sequence[Json] | None = None
) -> Reply:
    """Return the reply for a problem, with the replies of each of several orders."""
    more: dict[str, Json] = {} if orders is None else {"orders": orders}
    body = failure_body(problem.message, problem.code, request_id, **more)
    return _reply(problem.status, body)


def several(message: str, orders: Sequence[Json], request_id: str) -> Reply:
    """Return the reply for several orders, each with its own."""
    return _reply(
        200,
        {
            "success": True,
            "message": message,
            "orders": orders,
            "request_id": request_id,
        },
    )


def said(message: str, request_id: str) -> Reply:
    """Return the reply for what was done without an order."""
    return _reply(200, {"success": True, "message": message, "request_id": request_id})


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
        contract=alert.named,
        side=alert.side or "",
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
    order = claim.slip.order if claim.slip else None
    return Notice(
        message=f"{describe(claim)}{_past(claim, at)}: {message}",
        severity=severity,
        event=event,
        at=at,
        alert_at=claim.created_at,
        request_id=claim.request_id,
        contract=order.ticker if order else claim.what.partition(" ")[2],
        side=order.action if order else claim.what.partition(" ")[0],
        quantity=order.qty if order else None,
    )


def without_login(reason: str, *, closes: bool) -> tuple[str, Severity]:
    """Return what the owner reads of an alert that found no login, and how urgent.

    It was answered 424, which nobody resends.
    """
    todo = "place it by hand if you still want it"
    if closes:
        todo = "send EXIT, or close the position in the FYERS app"
    return (
        f"no order was sent: {reason}. TradingView does not send it again: log in, "
        f"then {todo}.",
        Severity.CRITICAL if closes else Severity.ERROR,
    )


def about_unknown(claim: Claim, reason: str, at: datetime) -> Notice:
    """Return the notice of an order that FYERS may hold; of a close it is urgent."""
    still = " Until that is clear the position may be open." if claim.closes else ""
    return about_claim(
        "outcome_unknown",
        f"FYERS may or may not hold this order: {reason}.{still} It is being looked "
        "up, and you hear within two minutes how it ended: do not send it by hand "
        "before.",
        claim,
        at,
        Severity.CRITICAL if claim.closes else Severity.ERROR,
    )


def about_absent(claim: Claim, reason: str, at: datetime) -> Notice:
    """Return the notice of an order that FYERS never took."""
    if claim.closes:
        return about_claim(
            "not_sent",
            f"this close did not reach FYERS: {reason}. The position may still be "
            "open: send EXIT, or close it in the FYERS app.",
            claim,
            at,
            Severity.CRITICAL,
        )
    return about_claim(
        "not_sent",
        f"this order did not reach FYERS: {reason}. Place it by hand if you still "
        "want it.",
        claim,
        at,
    )


def _past(claim: Claim, at: datetime) -> str:
    """Return when the alert came, if that was on another day than the notice."""
    came = claim.created_at.astimezone(IST)
    if came.date() == at.astimezone(IST).date():
        return ""
    return f" (alert of {came:%a %d %b %H:%M} IST, which is past)"


def describe(claim: Claim) -> str:
    """Return the claim's order in words: `SELL 65 NSE:NIFTY… INTRADAY`."""
    if claim.slip is None:
        return claim.what
    order = claim.slip.order
    return f"{order.action} {order.qty} {order.ticker} {order.product}"
