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
from shared.orders import Answer, Delivery
from shared.orders.journal import log_decision
from shared.wiring import parts
from shared.wiring.counting import counted
from shared.wiring.ordering import orders
from shared.wiring.process import (
    alert_deadline,
    clock,
    deadline,
    first_request,
    forget,
    now,
    settings,
)

if TYPE_CHECKING:
    from shared.wiring.desk_page import after_login, desk_failure, desk_reply
    from shared.wiring.signing_in import (
        desk_link,
        failure_page,
        login_flow,
        posted_code,
        readiness,
        renewal,
    )
    from shared.wiring.warming import refresh_symbols, warm

__all__ = [
    "after_login",
    "deliver",
    "desk_failure",
    "desk_link",
    "desk_reply",
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
    "after_login": "desk_page",
    "desk_failure": "desk_page",
    "desk_link": "signing_in",
    "desk_reply": "desk_page",
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
    with counted("webhook"):
        use_case = orders(settings("webhook"))
        answer = use_case.handle(Delivery(body, key or None, logs.request_id(), limit))
    log_decision(answer, answer.what, now() - arrived)
    return answer


def reconcile() -> Mapping[str, object]:
    """Settle what is open and look at every contract; return what was done."""
    from shared.reconciliation import Reconciliation
    from shared.wiring.guarding import guards
    from shared.wiring.watching import beat

    ours = settings("reconcile")
    guard, paper_guard = guards(ours)
    run = Reconciliation(
        parts.claim_store(ours),
        parts.claims(ours),
        parts.broker(ours),
        parts.notifier(ours),
        guard,
        clock,
        (parts.paper_broker(ours), paper_guard),
    )
    summary = run.run(deadline(RECONCILE_WITHIN))
    beat(ours)
    return {"success": True, **asdict(summary), "request_id": logs.request_id()}
