"""A notice as every channel sends it."""

from __future__ import annotations

from datetime import datetime

from shared.models import IST, Notice


def document(notice: Notice, link: str = "") -> dict[str, str | int | None]:
    """Return the JSON object of a notice; times are ISO 8601 in IST.

    `at` is when it happened, `alert_at` when the alert came, `link` where to look.
    """
    return {
        "message": notice.message,
        "severity": notice.severity.value,
        "event": notice.event,
        "request_id": notice.request_id,
        "contract": notice.contract,
        "side": notice.side,
        "quantity": notice.quantity,
        "at": _iso(notice.at),
        "alert_at": _iso(notice.alert_at),
        "link": link or None,
    }


def text(notice: Notice, link: str = "") -> str:
    """Return a notice as a person reads it in a chat or a mail."""
    words = (notice.side, str(notice.quantity or ""), notice.contract)
    order = " ".join(word for word in words if word)
    if order in notice.message:
        order = ""  # the sentence names it
    when = f"{notice.at.astimezone(IST):%d %b %H:%M:%S} IST"
    if notice.alert_at is not None:
        when += f", alert of {notice.alert_at.astimezone(IST):%d %b %H:%M:%S}"
    request = f"request {notice.request_id}" if notice.request_id else ""
    lines = (notice.message, order, when, request, link)
    return "\n".join(line for line in lines if line)


def _iso(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    return instant.astimezone(IST).isoformat(timespec="seconds")
