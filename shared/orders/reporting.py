"""How the owner is told within the time left, on a claim or without one."""

from __future__ import annotations

import hashlib
from datetime import datetime

from shared.errors import BadRequest, Problem, StoreError, Unavailable
from shared.idempotency import RESENDS, Stored, wording
from shared.models import Alert, Deadline, Notice, Severity
from shared.orders.ports import NOTIFY, Delivery, Parts

_LEAST_TO_TELL = 0.05


class Reported:
    """What this instance told without a claim to mark it on; resends repeat it."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], datetime] = {}

    def first(self, fingerprint: str, event: str, now: datetime) -> bool:
        """Return whether this was not told of the alert while it is being resent."""
        recent = {k: at for k, at in self._told.items() if now - at < RESENDS}
        self._told = {
            **recent,
            (fingerprint, event): recent.get((fingerprint, event), now),
        }
        return (fingerprint, event) not in recent


def about_unclaimed(
    parts: Parts, problem: Problem, alert: Alert, delivery: Delivery
) -> Notice:
    """Return what the owner hears of a delivery that got no claim.

    Only this delivery is known to have sent nothing: with the store silent, another
    one's order may exist.
    """
    event, message = problem.code, f"no order was sent: {problem.message}"
    if isinstance(problem, Unavailable):
        event = "delivery_failed"
        message = (
            f"a delivery could not be handled: {problem.message}. TradingView sends it "
            "again; look at FYERS in a minute, and if it has no order, place it by hand"
        )
    return wording.about_alert(
        event, message, alert, parts.clock(), delivery.request_id, Severity.WARNING
    )


def about_refused(
    parts: Parts, problem: BadRequest, what: str, delivery: Delivery
) -> Notice:
    """Return what the owner hears of an alert that never got as far as a claim."""
    return Notice(
        message=f"{what} was refused and no order was sent: {problem.message}. "
        "Correct the alert in TradingView.",
        severity=Severity.ERROR,
        event=problem.code,
        at=parts.clock(),
        request_id=delivery.request_id,
    )


def refuse(
    parts: Parts, notice: Notice, problem: BadRequest, what: str, delivery: Delivery
) -> None:
    """Leave the row of a refused alert, which carries its notice, and send that.

    A store that is silent costs the row, never the notice.
    """
    limit = delivery.deadline.within(NOTIFY)
    try:
        stored = parts.claims.refused(
            hashlib.sha256(delivery.body).hexdigest(),
            what,
            problem.message,
            notice,
            delivery.request_id,
            limit,
        )
    except StoreError:
        tell(parts, notice, delivery.deadline)
    else:
        deliver(parts, stored, delivery.deadline)


def tell(parts: Parts, notice: Notice, deadline: Deadline) -> None:
    """Send a notice no claim carries, in what time is left."""
    if deadline.left() > _LEAST_TO_TELL:
        parts.notifier.send(notice, deadline.within(NOTIFY))


def deliver(parts: Parts, stored: Stored, deadline: Deadline) -> None:
    """Send a claim's notices in what time is left; reconcile sends the rest."""
    if not stored.claim.outbox or deadline.left() <= _LEAST_TO_TELL:
        return
    limit = deadline.within(NOTIFY)
    parts.claims.deliver(
        stored, lambda notice, only: parts.notifier.send(notice, limit, only), deadline
    )
