"""The composition root: what each function does, made of concrete parts.

The only code that reads the environment and the clock and knows concrete adapters.
Nothing happens on import; what a function needs is built by its first request.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from shared import logs
from shared.models import Alert, Contract, Deadline
from shared.orders import Answer, Delivery, Orders, Parts, Terms
from shared.pricing import Percents
from shared.wiring import parts
from shared.wiring.process import (
    alert_deadline,
    clock,
    deadline,
    first_request,
    forget,
    fork,
    once,
    pause,
    settings,
)

if TYPE_CHECKING:
    from shared.wiring.signing_in import (
        failure_page,
        login_flow,
        posted_code,
        readiness,
        renewal,
    )
    from shared.wiring.warming import refresh_symbols, warm

__all__ = [
    "deliver",
    "failure_page",
    "forget",
    "login_flow",
    "posted_code",
    "readiness",
    "reconcile",
    "refresh_symbols",
    "renewal",
    "warm",
]

_ELSEWHERE = {
    "failure_page": "signing_in",
    "login_flow": "signing_in",
    "posted_code": "signing_in",
    "readiness": "signing_in",
    "renewal": "signing_in",
    "refresh_symbols": "warming",
    "warm": "warming",
}

RECONCILE_WITHIN = 45.0
"""Seconds a run may take; the Scheduler waits a minute."""


def __getattr__(name: str) -> object:
    """Import what an alert does not need when it is first asked for."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_ELSEWHERE[name]}")
    return getattr(module, name)


@first_request()
def deliver(body: bytes, header_key: str | None, arrived: float) -> Answer:
    """Return what became of one delivery of an alert."""
    limit = alert_deadline(arrived)
    key = header_key.strip() if header_key else None
    return _orders().handle(Delivery(body, key or None, logs.request_id(), limit))


def reconcile() -> Mapping[str, object]:
    """Settle and follow what is open; return what was done, in numbers."""
    from shared.reconciliation import Reconciliation

    ours = settings("reconcile")
    run = Reconciliation(
        parts.claim_store(ours),
        parts.claims(ours),
        parts.broker(ours),
        parts.notifier(ours),
        clock,
    )
    summary = run.run(deadline(RECONCILE_WITHIN))
    return {"success": True, **asdict(summary), "request_id": logs.request_id()}


@once
def _orders() -> Orders:
    ours = settings("webhook")
    symbols, tokens = parts.symbols(ours), parts.tokens(ours)

    def find(alert: Alert, limit: Deadline) -> Contract:
        return symbols.find(
            alert.symbol, alert.expiry, alert.strike, alert.option_type, limit
        )

    return Orders(
        Parts(
            claims=parts.claims(ours),
            broker=parts.broker(ours),
            notifier=parts.notifier(ours),
            find=find,
            token=tokens.current,
            fork=fork,
            clock=clock,
            pause=pause,
            secret=ours.webhook_secret_token,
            terms=Terms(
                default_product=ours.default_product_type,
                attach_exits=ours.attach_exits,
                percents=Percents(ours.stop_loss_percent, ours.take_profit_percent),
                max_lots=ours.webhook_max_qty,
            ),
            max_age=ours.max_alert_age_seconds,
        )
    )
