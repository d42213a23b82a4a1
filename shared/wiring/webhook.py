"""The webhook, made of concrete parts: one delivery of an alert, and warming."""

from __future__ import annotations

from collections.abc import Mapping

from shared import logs
from shared.orders import Answer, Delivery
from shared.orders.journal import log_decision
from shared.wiring.counting import counted, old_secret_used
from shared.wiring.ordering import orders
from shared.wiring.process import alert_deadline, first_request, now, settings


@first_request()
def deliver(body: bytes, header_key: str | None, arrived: float) -> Answer:
    """Return what became of one delivery of an alert."""
    limit = alert_deadline(arrived)
    key = header_key.strip() if header_key else None
    with counted("webhook"):
        use_case = orders(settings("webhook"))
        answer = use_case.handle(Delivery(body, key or None, logs.request_id(), limit))
    log_decision(answer, answer.what, now() - arrived)
    if answer.old_secret:
        old_secret_used("webhook", limit)
    return answer


def warm() -> tuple[int, Mapping[str, object]]:
    """Make the instance ready; see `warming`, which no alert imports."""
    from shared.wiring.warming import warm as made_ready

    return made_ready()
