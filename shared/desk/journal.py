"""A day's claims as CSV, one row an alert."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime

from shared.desk.stories import is_paper
from shared.idempotency import Claim, Stored
from shared.models import IST, PAPER

COLUMNS = (
    "received",
    "alert",
    "strategy",
    "state",
    "reason",
    "contract",
    "side",
    "quantity",
    "product",
    "price",
    "stop",
    "target",
    "sent",
    "order_ids",
    "filled",
    "fill_price",
    "ended",
    "rupees",
    "paper",
    "request_id",
)


def as_csv(claims: Iterable[Stored]) -> str:
    """Return the rows; times are IST, prices and amounts rupees."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for stored in claims:
        writer.writerow([_cell(value) for value in _row(stored.claim)])
    return text.getvalue()


def _row(claim: Claim) -> tuple[object, ...]:
    slip, story = claim.slip, claim.story
    order = slip.order if slip else None
    return (
        claim.created_at,
        claim.what,
        claim.strategy,
        claim.state,
        claim.reason,
        order.ticker.removeprefix(PAPER) if order else None,
        order.action if order else None,
        order.qty if order else None,
        order.product if order else None,
        slip.ltp if slip else None,
        slip.stop_loss if slip else None,
        slip.take_profit if slip else None,
        slip.sent_at if slip else None,
        " ".join(claim.order_ids),
        story.filled if story else None,
        story.price if story else None,
        story.ended_at if story else None,
        story.rupees if story else None,
        "yes" if is_paper(claim) else "",
        claim.request_id,
    )


def _cell(value: object) -> str:
    """Return a cell; a text that a spreadsheet would run as a formula is quoted."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(IST).isoformat(timespec="seconds")
    text = str(value)
    if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{text}"
    return text
