"""How an unknown outcome is settled by the order book, and by nothing else.

Found means: a row carries the tag. Absent means all of: the book was read cleanly, on
the order's own IST day, 30 s or more after the call was certainly over, no row carries
the tag, and no untagged row could be the order. Anything less stays UNKNOWN.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import OrderRejected
from shared.idempotency import wording
from shared.idempotency.claim import Claim, Followed, Reply, Sending
from shared.models import (
    IST,
    Action,
    BookedOrder,
    Notice,
    OrderStatus,
    Placed,
    Severity,
)

SETTLE_AFTER = timedelta(seconds=30)
"""How long FYERS may take to show an order it holds."""

ENDED = (OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.EXPIRED)

_CLOCK_SLACK = timedelta(seconds=5)
"""FYERS's order times are whole seconds of another clock."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a found order makes of its claim."""

    reply: Reply
    notice: Notice
    follow: Followed | None


def find(claim: Claim, book: tuple[BookedOrder, ...]) -> BookedOrder | None:
    """Return the book's row with the claim's tag; exit legs may repeat it."""
    tag = claim.sending.order.tag if claim.sending else ""
    return tagged(tag, book)


def tagged(tag: str, book: tuple[BookedOrder, ...]) -> BookedOrder | None:
    """Return the row, no exit leg, that carries `tag`."""
    return next(
        (row for row in book if tag and row.tag == tag and row.parent_id is None), None
    )


def absent(claim: Claim, book: tuple[BookedOrder, ...], now: datetime) -> bool:
    """Return whether a cleanly read book proves that FYERS never took the order."""
    sending = claim.sending
    if sending is None or now < sending.send_by + SETTLE_AFTER:
        return False
    if now.astimezone(IST).date() != sending.day or find(claim, book):
        return False
    return not any(_may_be(row, sending) for row in book)


def _may_be(row: BookedOrder, sending: Sending) -> bool:
    """Return whether an untagged row could be the order: FYERS drops tags at times."""
    order = sending.order
    return (
        not row.tag
        and row.parent_id is None
        and (row.ticker, row.action, row.qty) == (order.ticker, order.action, order.qty)
        and row.product == order.product
        and (row.placed_at is None or row.placed_at >= sending.sent_at - _CLOCK_SLACK)
    )


def settle(claim: Claim, row: BookedOrder, now: datetime, corrects: bool) -> Settlement:
    """Return what the found row means: 200 if it works or traded, else 424.

    `corrects` is true when the owner was told otherwise before.
    """
    sending = claim.sending
    if sending is None:
        raise ValueError("only a claim that was SENDING has an order to find")
    begins = "Correction: " if corrects else ""
    if row.status in ENDED and not row.filled:
        problem = OrderRejected(_ended(row))
        return Settlement(
            wording.failure(problem, claim.request_id),
            wording.about_claim(
                problem.code,
                f"{begins}FYERS has order {row.order_id}: {problem.message}. "
                "Nothing was traded by it.",
                claim,
                now,
            ),
            None,
        )
    part = 0 < row.filled < row.qty
    note = f"{row.filled} of {row.qty} filled" if part else ""
    placed = Placed(row.order_id, row.message)
    return Settlement(
        wording.success(sending, placed, claim.request_id, note),
        wording.about_claim(
            "order_found",
            f"{begins}the order is at FYERS as {row.order_id} "
            f"({note or row.status}). Nothing needs to be sent again.",
            claim,
            now,
            Severity.WARNING,
        ),
        followed(claim, row.order_id, now),
    )


def followed(claim: Claim, order_id: str, now: datetime) -> Followed:
    """Return the watch an order gets from `now` on.

    An empty `order_id` watches for an order believed never taken, by its tag.
    """
    sending = claim.sending
    if sending is None:
        raise ValueError("only a claim that was SENDING has an order to follow")
    order = sending.order
    exits = sum(leg is not None for leg in (order.stop_loss, order.take_profit))
    return Followed(
        order=order,
        order_id=order_id,
        sent_at=now,
        day=sending.day,
        request_id=claim.request_id,
        exits=exits,
        trim=order.action is Action.BUY,
    )


def _ended(row: BookedOrder) -> str:
    if row.status is OrderStatus.REJECTED:
        return f"refused: {row.message or 'no reason given'}"
    return f"{row.status} without a fill"
