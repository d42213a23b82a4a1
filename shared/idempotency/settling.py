"""How an unknown outcome is settled by the order book, and by nothing else.

Found means: a row carries the tag. Absent means all of: the book was read cleanly, on
the order's own IST day, 30 s or more after the call was certainly over, no row carries
the tag, and no untagged row could be the order. Anything less stays UNKNOWN.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from shared.errors import OrderRejected
from shared.idempotency import wording
from shared.idempotency.claim import Claim, Reply, Slip
from shared.models import (
    IST,
    BookedOrder,
    Notice,
    OrderStatus,
    OurOrder,
    Placed,
    Severity,
)
from shared.models.book import SETTLE_AFTER

ENDED = (OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.EXPIRED)


class Settlement(NamedTuple):
    """What a found order makes of its claim."""

    reply: Reply
    notice: Notice
    order_ids: tuple[str, ...]
    """Empty where nothing traded and nothing will."""


def find(our: OurOrder, rows: tuple[BookedOrder, ...]) -> tuple[BookedOrder, ...]:
    """Return the rows that are the order; any of them disproves absence."""
    return tuple(row for row in rows if our.is_row(row))


def is_complete(our: OurOrder, rows: tuple[BookedOrder, ...], now: datetime) -> bool:
    """Return whether the rows found are all of the order.

    FYERS may show the slices of one order one after another.
    """
    late = now >= our.send_by + SETTLE_AFTER
    return late or sum(row.qty for row in rows) >= our.order.qty


def absent(our: OurOrder, rows: tuple[BookedOrder, ...], now: datetime) -> bool:
    """Return whether a cleanly read book proves that FYERS never took the order."""
    if now < our.send_by + SETTLE_AFTER:
        return False
    if now.astimezone(IST).date() != our.day or find(our, rows):
        return False
    return not any(our.may_be_row(row) for row in rows)


def settle(
    claim: Claim,
    slip: Slip,
    rows: tuple[BookedOrder, ...],
    now: datetime,
    corrects: bool,
) -> Settlement:
    """Return what the rows found of a slip mean: 200 if any works or traded, else 424.

    `corrects` is true when the owner was told otherwise before.
    """
    begins = "Correction: " if corrects else ""
    first = rows[0]
    if all(row.status in ENDED and not row.filled for row in rows):
        problem = OrderRejected(_ended(first))
        return Settlement(
            wording.failure(problem, claim.request_id),
            wording.about_claim(
                problem.code,
                f"{begins}FYERS has order {first.order_id}: {problem.message}. "
                "Nothing was traded by it.",
                claim,
                now,
            ),
            (),
        )
    filled, qty = sum(row.filled for row in rows), sum(row.qty for row in rows)
    note = f"{filled} of {qty} filled" if 0 < filled < qty else ""
    ids = tuple(row.order_id for row in rows)
    placed = Placed(first.order_id, first.message, ids if len(ids) > 1 else ())
    return Settlement(
        wording.success(claim, slip, placed, note),
        wording.about_claim(
            "order_found",
            f"{begins}the order is at FYERS as {first.order_id} "
            f"({note or first.status}). Nothing needs to be sent again.",
            claim,
            now,
            Severity.WARNING,
        ),
        ids,
    )


def _ended(row: BookedOrder) -> str:
    if row.status is OrderStatus.REJECTED:
        return f"refused: {row.message or 'no reason given'}"
    return f"{row.status} without a fill"
