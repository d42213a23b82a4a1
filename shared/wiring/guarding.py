"""The guard, made of concrete parts."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

from shared import logs
from shared.config import Settings
from shared.errors import Problem, Unavailable
from shared.guard import Guard, GuardParts, GuardState, Hands
from shared.models import Contract, Deadline, Product
from shared.orders import Delivery
from shared.wiring import parts
from shared.wiring.ordering import orders
from shared.wiring.process import clock, pause

_LOG = logging.getLogger(__name__)


def guards(settings: Settings) -> tuple[Guard, Guard]:
    """Return the guards over the real and the paper account."""

    def pause_entries(reason: str, deadline: Deadline) -> bool:
        try:
            parts.entries(settings).pause(reason, deadline)
        except Unavailable:
            _LOG.error("entries could not be paused: %s", reason)
            return False
        return True

    def close(contract: Contract, product: str, key: str, deadline: Deadline) -> str:
        delivery = Delivery(b"", None, logs.request_id(), deadline)
        try:
            answer = orders(settings).exit(contract, Product(product), key, delivery)
        except Problem as problem:
            return problem.message
        reply = json.loads(answer.reply.body)
        return str(reply.get("message") or reply.get("error"))

    real = GuardParts(
        store=parts.claim_store(settings),
        claims=parts.claims(settings),
        broker=parts.broker(settings),
        notifier=parts.notifier(settings),
        state=parts.kept(settings, "guard", "state", GuardState),
        hands=Hands(pause_entries, close, parts.entries(settings).confirm),
        clock=clock,
        pause=pause,
        channels=parts.notifier(settings).names,
        tells_orders=settings.notify_orders,
        sums_up=settings.summary,
        expect_alert_by=settings.expect_alert_by,
        closes_missing=settings.on_missing_stop == "close",
        square_off_at=settings.square_off_at,
    )
    return Guard(real), Guard(
        replace(
            real,
            broker=parts.paper_broker(settings),
            state=parts.kept(settings, "guard", "paper", GuardState),
            paper=True,
            sums_up=False,
            expect_alert_by=None,
        )
    )
