"""Reconcile, made of concrete parts: settling, and a guard over each account."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace

from shared import logs
from shared.config import Settings
from shared.errors import Problem, Unavailable
from shared.guard import Guard, GuardParts, GuardState, Hands
from shared.models import Contract, Deadline, Product
from shared.orders import Delivery
from shared.reconciliation import Reconciliation
from shared.wiring import parts
from shared.wiring.ordering import orders
from shared.wiring.process import clock, deadline, pause, settings
from shared.wiring.watching import beat

_LOG = logging.getLogger(__name__)

WITHIN = 45.0
"""Seconds a run may take; the Scheduler waits a minute."""


def settle_and_guard() -> Mapping[str, object]:
    """Settle what is open and look at every contract; return what was done."""
    ours = settings("reconcile")
    guard, paper_guard = _guards(ours)
    run = Reconciliation(
        parts.claim_store(ours),
        parts.claims(ours),
        parts.broker(ours),
        parts.notifier(ours),
        guard,
        clock,
        (parts.paper_broker(ours), paper_guard),
    )
    summary = run.run(deadline(WITHIN))
    beat(ours)
    return {"success": True, **asdict(summary), "request_id": logs.request_id()}


def _guards(ours: Settings) -> tuple[Guard, Guard]:
    """Return the guards over the real and the paper account."""

    def pause_entries(reason: str, deadline: Deadline) -> bool:
        try:
            parts.entries(ours).pause(reason, deadline)
        except Unavailable:
            _LOG.error("entries could not be paused: %s", reason)
            return False
        return True

    def close(contract: Contract, product: str, key: str, deadline: Deadline) -> str:
        delivery = Delivery(b"", None, logs.request_id(), deadline)
        try:
            answer = orders(ours).exit(contract, Product(product), key, delivery)
        except Problem as problem:
            return problem.message
        reply = json.loads(answer.reply.body)
        return str(reply.get("message") or reply.get("error"))

    real = GuardParts(
        store=parts.claim_store(ours),
        claims=parts.claims(ours),
        broker=parts.broker(ours),
        notifier=parts.notifier(ours),
        state=parts.kept(ours, "guard", "state", GuardState),
        hands=Hands(pause_entries, close, parts.entries(ours).confirm),
        clock=clock,
        pause=pause,
        channels=parts.notifier(ours).names,
        tells_orders=ours.notify_orders,
        sums_up=ours.summary,
        expect_alert_by=ours.expect_alert_by,
        closes_missing=ours.on_missing_stop == "close",
        square_off_at=ours.square_off_at,
    )
    return Guard(real), Guard(
        replace(
            real,
            broker=parts.paper_broker(ours),
            state=parts.kept(ours, "guard", "paper", GuardState),
            paper=True,
            sums_up=False,
            expect_alert_by=None,
        )
    )
