"""What one run reads of FYERS: the order book once, the positions only if needed."""

from __future__ import annotations

import logging

from shared.broker import (
    Broker,
    NotTaken,
    Trim,
    Unreadable,
    trims,
    working_sells,
)
from shared.models import Action, BookedOrder, Deadline, Position

_LOG = logging.getLogger(__name__)


class Market:
    """One order-book read and at most one positions read, in that order.

    The order matters: an entry that trades between the two shows as a short without
    exits, never as exits without a short, so that no exit is cut by mistake.
    """

    def __init__(self, broker: Broker, deadline: Deadline) -> None:
        self._broker = broker
        self._deadline = deadline
        self._book: tuple[BookedOrder, ...] | None = None
        self._rows: dict[str, BookedOrder] = {}
        self._legs: dict[str, list[BookedOrder]] = {}
        self._positions: tuple[Position, ...] | None = None
        self.asked = False
        self.failed = False

    def book(self) -> tuple[BookedOrder, ...] | None:
        """Return the whole order book, or None when it cannot be read this run."""
        if not self.asked:
            self.asked = True
            try:
                turn = self._broker.turn(1, self._deadline.within(10))
                self._index(self._broker.order_book(turn))
            except (Unreadable, NotTaken):
                _LOG.warning("the order book cannot be read; open claims stay open")
                self.failed = True
        return self._book

    def _index(self, book: tuple[BookedOrder, ...]) -> None:
        self._book = book
        self._rows = {row.order_id: row for row in book}
        for row in book:
            if row.parent_id is not None:
                self._legs.setdefault(row.parent_id, []).append(row)

    def row(self, order_id: str) -> BookedOrder | None:
        """Return the order with that id."""
        return self._rows.get(order_id)

    def legs(self, order_id: str) -> list[BookedOrder]:
        """Return the exit legs of an entry."""
        return self._legs.get(order_id, [])

    def short(self, ticker: str, product: str) -> int | None:
        """Return the contracts short that no working BUY covers; None if unreadable.

        What working SELLs may still open counts: their exits may be booked already.
        """
        book = self.book()
        if book is None or self.failed:
            return None
        if self._positions is None:
            try:
                turn = self._broker.turn(1, self._deadline.within(10))
                self._positions = self._broker.positions(turn)
            except (Unreadable, NotTaken):
                _LOG.warning("the positions cannot be read; exits are checked later")
                self.failed = True
                return None
        net = sum(
            row.net_qty
            for row in self._positions
            if row.ticker == ticker and row.product == product
        )
        covering = sum(
            row.remaining
            for row in book
            if (row.ticker, row.product) == (ticker, product)
            and row.action is Action.BUY
            and row.parent_id is None
        )
        return -net - covering + working_sells(book, ticker, product)

    def excess(self, ticker: str, product: str) -> tuple[Trim, ...] | None:
        """Return the exits beyond the short left; None if that cannot be read."""
        short = self.short(ticker, product)
        if short is None or self._book is None:
            return None
        return trims(self._book, ticker, product, short)

    def cut(self, changes: tuple[Trim, ...]) -> bool:
        """Cancel or resize exits; return whether FYERS confirmed every one."""
        try:
            turn = self._broker.turn(len(changes), self._deadline.within(15))
            confirmed = [
                self._broker.resize(change.leg, change.qty, turn)
                if change.qty
                else self._broker.cancel(change.leg.order_id, turn)
                for change in changes
            ]
        except (Unreadable, NotTaken):
            return False
        return all(confirmed)
