"""One read of the account for a whole run: order book first, then positions.

The order matters: an entry that trades between the two shows as a position without
exits, never as exits without a position, so that no exit is cut by mistake.
"""

from __future__ import annotations

import logging

from shared.broker import Broker, LoginEnded, NotTaken, Unreadable
from shared.models import BookedOrder, Deadline, Listing, Position

_LOG = logging.getLogger(__name__)

READ_WITHIN = 10.0
"""Seconds one read may take."""


class Account:
    """What a run reads of FYERS, each list at most once unless read anew."""

    def __init__(self, broker: Broker, deadline: Deadline) -> None:
        self._broker = broker
        self._deadline = deadline
        self._rows: Listing[BookedOrder] | None = None
        self._positions: Listing[Position] | None = None
        self.asked = False
        self.failed = False
        self.why = ""
        """Why the last read failed, for people."""

    def rows(self) -> Listing[BookedOrder] | None:
        """Return the order book, None when it cannot be read in this run."""
        if self._rows is None and not self.failed:
            self.asked = True
            try:
                turn = self._broker.turn(1, self._deadline.within(READ_WITHIN))
                self._rows = self._broker.order_book(turn)
            except (Unreadable, NotTaken) as error:
                self._fail("order book", error)
        return self._rows

    def positions(self) -> Listing[Position] | None:
        """Return the positions, read after the book; None if either cannot be read."""
        if self.rows() is None:
            return None
        if self._positions is None and not self.failed:
            try:
                turn = self._broker.turn(1, self._deadline.within(READ_WITHIN))
                self._positions = self._broker.positions(turn)
            except (Unreadable, NotTaken) as error:
                self._fail("positions", error)
        return self._positions

    def again(self) -> Account:
        """Return a fresh read of the same account."""
        return Account(self._broker, self._deadline)

    def _fail(self, what: str, error: Unreadable | NotTaken) -> None:
        self.failed = True
        login = isinstance(error, LoginEnded)
        self.why = "nobody is logged in" if login else f"the {what} gives no answer"
        _LOG.warning("the %s cannot be read: %s", what, error)
