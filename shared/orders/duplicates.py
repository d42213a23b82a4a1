"""What a delivery answers whose alert another delivery holds or has settled."""

from __future__ import annotations

import logging

from shared.errors import (
    Conflict,
    Doubtful,
    InProgress,
    NeverExecuted,
    OutcomeUnknown,
    Problem,
    Unavailable,
)
from shared.idempotency import (
    Claimed,
    Done,
    NotSent,
    Released,
    Sending,
    Stored,
    StoredAt,
    Unknown,
    stands_at,
    wording,
)
from shared.models import Deadline
from shared.orders.ports import WAIT, Answer, Delivery, Parts
from shared.orders.reporting import deliver, tell

_LOG = logging.getLogger(__name__)

_STEP = 0.1
"""Seconds between two looks at a claim another delivery is working on."""


def answer_held(parts: Parts, stored: Stored, delivery: Delivery) -> Answer:
    """Return the answer that another delivery's claim gives this one."""
    stored = _wait(parts, stored, delivery.deadline)
    if stands_at(stored, Sending) and _overdue(parts, stored):
        return unknown(parts, stored, "the instance sending it died", delivery)
    match stored.claim.at:
        case Done(reply=reply):
            return Answer(reply, replayed=True)
        case Sending():
            problem: Problem = InProgress("the same alert is at FYERS right now")
        case Unknown():
            _tell_blocked(parts, stored, delivery)
            problem = OutcomeUnknown(
                "FYERS may hold the order of this alert; it is being looked up"
            )
        case NotSent():
            problem = NeverExecuted(
                "this alert was settled as never executed; send it under a new key"
            )
        case Claimed() | Released():
            problem = Unavailable("another delivery of this alert has not sent it yet")
    return Answer(wording.failure(problem, delivery.request_id))


def _wait(parts: Parts, stored: Stored, deadline: Deadline) -> Stored:
    """Give a delivery at work half a second to finish, then take what is there."""
    patience = deadline.within(WAIT)
    while (
        isinstance(stored.claim.at, Claimed | Sending)
        and not _overdue(parts, stored)
        and patience.left() > _STEP
    ):
        parts.pause(_STEP)
        stored = look(parts, stored, deadline) or stored
    return stored


def look(parts: Parts, stored: Stored, deadline: Deadline) -> Stored | None:
    """Return the claim as it stands, None where that cannot be read.

    Raises nothing: after an order call a silent store must not become a 5xx.
    """
    try:
        return parts.claims.look(stored.key, deadline)
    except Unavailable:
        return None


def _overdue(parts: Parts, stored: Stored) -> bool:
    """Return whether a SENDING's order call is certainly over."""
    at = stored.claim.at
    return isinstance(at, Sending) and parts.clock() > at.slip.send_by


def unknown(
    parts: Parts,
    stored: StoredAt[Sending],
    reason: str,
    delivery: Delivery,
    order_ids: tuple[str, ...] = (),
) -> Answer:
    """Turn SENDING into UNKNOWN, tell the owner, answer 202.

    `order_ids` is what FYERS named all the same; the order is looked up by it too.
    """
    notice = wording.about_unknown(stored.claim, reason, parts.clock())
    try:
        claim = parts.claims.unknown(stored.claim, reason, notice, order_ids)
        written = parts.claims.write(stored, claim, delivery.deadline)
        deliver(parts, written, delivery.deadline)
    except Conflict:
        found = look(parts, stored, delivery.deadline)
        if found and stands_at(found, Done):
            return Answer(found.claim.at.reply, replayed=True)
    except Doubtful:
        _LOG.warning("UNKNOWN may not be stored; reconcile finds SENDING past its time")
        tell(parts, notice, delivery.deadline)
    problem = OutcomeUnknown(f"FYERS may hold the order: {reason}; it is being settled")
    return Answer(wording.failure(problem, delivery.request_id))


def _tell_blocked(parts: Parts, stored: Stored, delivery: Delivery) -> None:
    """Tell of an alert, not a resend, that an equal alert's unknown outcome stops."""
    if parts.claims.resend(stored.claim):
        return
    notice = wording.about_claim(
        "outcome_unknown",
        "an equal alert came and was not sent, because the outcome of this one is "
        "still unknown. Look at FYERS's order book.",
        stored.claim,
        parts.clock(),
    )
    tell(parts, notice, delivery.deadline)
