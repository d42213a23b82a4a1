"""A notice as every channel sends it."""

from __future__ import annotations

from shared.models import Notice


def document(notice: Notice) -> dict[str, str | int | None]:
    """Return the JSON object of a notice."""
    return {
        "message": notice.message,
        "severity": notice.severity.value,
        "event": notice.event,
        "request_id": notice.request_id,
        "contract": notice.contract,
        "side": notice.side,
        "quantity": notice.quantity,
    }
