"""An accepted close, looked at while time is left.

Its exits go when it trades, never before: a cover that rests or is refused a moment
later leaves the stop standing. What there is no time for the guard does.
"""

from __future__ import annotations

import logging

from shared.broker import NotTaken, Unreadable
from shared.errors import Unavailable
from shared.idempotency import HeldLane
from shared.models import Deadline, OrderBook, OurOrder
from shared.orders.closing import Close
from shared.orders.market import read_close
from shared.orders.ports import SETTLE, Parts

_LOG = logging.getLogger(__name__)

LOOKS = (0.05, 0.4)
"""Seconds to wait before each look."""

ENOUGH_TO_LOOK = 0.7
"""Left of the deadline for reading, cutting and the reply."""


class AfterClose:
    """What is still to do for a close that FYERS accepted."""

    def __init__(
        self,
        parts: Parts,
        close: Close,
        our: OurOrder,
        held: HeldLane,
        deadline: Deadline,
    ) -> None:
        self._parts = parts
        self._close = close
        self._our = our
        self._held = held
        self._deadline = deadline

    def look(self) -> None:
        """Cut the exits of what has traded; give the lane back once it has ended."""
        for wait in LOOKS:
            if self._deadline.left() < wait + ENOUGH_TO_LOOK:
                return
            self._parts.pause(wait)
            try:
                if self._seen_ended():
                    return
            except (NotTaken, Unreadable, Unavailable):
                _LOG.info("the close is left to the guard")
                return

    def _seen_ended(self) -> bool:
        book = self._read()
        rows = book.rows_of(self._our)
        if any(row.filled for row in rows):
            self._cut(book)
        flies = self._our in book.in_flight(self._parts.clock(), closes=True)
        ended = bool(rows) and not flies and not any(row.remaining for row in rows)
        if ended:
            self._parts.lanes.give_back(self._held, self._deadline)
        return ended

    def _read(self) -> OrderBook:
        ours = (*self._close.book.ours, self._our)
        contract = self._close.contract
        book, _ = read_close(self._parts, contract, ours, self._deadline, quoted=False)
        return book

    def _cut(self, book: OrderBook) -> None:
        changes = book.trims(self._close.side)
        gone = [change.row.order_id for change in changes if not change.qty]
        less = [change for change in changes if change.qty]
        if not changes:
            return
        calls = bool(gone) + len(less)
        turn = self._parts.broker.turn(calls, self._deadline.minus(SETTLE / 2))
        if gone:
            self._parts.broker.cancel(gone, turn)
        for change in less:
            self._parts.broker.resize(change.row, change.qty, turn)
